package state

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/gatehouse-portal/gatehouse/events"
	"github.com/gatehouse-portal/gatehouse/portal"
)

var start = time.Date(2026, 11, 22, 9, 0, 0, 0, time.UTC)

func at(seq int64) time.Time { return start.Add(time.Duration(seq) * time.Minute) }

// said is a fact, the operation and the intent it was decided for.
type said struct {
	fact   events.Payload
	op     portal.OperationID
	intent portal.Intent
}

func told(all ...said) []events.Event {
	var facts []events.Event
	for i, s := range all {
		seq := int64(i) + 1
		facts = append(facts, events.Event{Sequence: seq, Time: at(seq), Operation: s.op, Intent: s.intent, Data: s.fact})
	}
	return facts
}

func fold(all ...said) Account { return FoldAccount("ann", told(all...)) }

func wanted(plan portal.PlanID, key portal.KeyID, stages ...portal.Stage) events.SubscriptionWanted {
	return events.SubscriptionWanted{Plan: plan, Name: "Plan " + string(plan), Key: key, Stages: stages}
}

// fromTomorrow is a fact that this program does not know, whatever it says.
var fromTomorrow = events.Unknown{Type: "gatehouse.FromTomorrow.v1", Data: []byte(`{"plan":"free","scopes":["account"],"ends":["op"]}`)}

func TestAFactThatIsUnknownChangesNothingButTheSequence(t *testing.T) {
	t.Parallel()
	history := []said{{fact: events.UserRegistered{}}, {wanted("free", "k"), "op", 2}}
	want := fold(history...)
	got := fold(append(history, said{fromTomorrow, "op-new", 9})...)
	if got.Sequence != 3 {
		t.Errorf("the sequence is %d, want 3: the next append would be refused for ever", got.Sequence)
	}
	got.Sequence = want.Sequence
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("the account (-want +got):\n%s", diff)
	}
	c := FoldCatalog(told(said{fact: events.CatalogPublished{Hash: "h"}}, said{fact: fromTomorrow}))
	if c.Hash != "h" || c.Sequence != 2 || c.PublishedBy != 1 {
		t.Errorf("the catalog is %+v", c)
	}
}

func TestFactsAboutWhatIsNotThereChangeNothing(t *testing.T) {
	t.Parallel()
	got := fold(
		said{fact: events.KeyCreated{Key: "k", GatewayID: "gw"}}, said{fact: events.KeyRevealed{Key: "k"}},
		said{fact: events.SubscriptionActivated{Plan: "free"}}, said{fact: events.SubscriptionEnded{Plan: "free"}},
		said{fact: events.SubscriptionParked{Plan: "free", Reason: events.WaitingForAWS}},
		said{fact: events.RequestJoined{Plan: "free"}, op: "op"}, said{fact: events.RequestRejected{Withdraws: "free"}},
	)
	want := NewAccount("ann")
	want.Sequence = 7
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("the account (-want +got):\n%s", diff)
	}
}

// A subscription through its life; what each fact makes of it.
func TestASubscriptionRunsItsCourse(t *testing.T) {
	t.Parallel()
	stage := portal.Stage{API: "a", Stage: "v1"}
	history := []said{
		{wanted("free", "k", stage), "op1", 1},
		{events.RequestJoined{Plan: "free"}, "op2", 2},
		{events.RequestJoined{Plan: "free"}, "op2", 2},
		{events.RequestJoined{Plan: "free"}, "", 0},
		{fact: events.SubscriptionParked{Plan: "free", Reason: events.WaitingForCapacity}},
		{fact: events.SubscriptionActivated{Plan: "free", Key: "k"}},
		{events.SubscriptionEnding{Plan: "free", Key: "k"}, "op3", 3},
		{fact: events.SubscriptionParked{Plan: "free", Reason: events.WaitingForAWS}},
		{wanted("free", "k2"), "op4", 4},
		{fact: events.SubscriptionParked{Plan: "free", Reason: events.WaitingForAWS}},
		{events.SubscriptionEnding{Plan: "free", Key: "k2"}, "op5", 5},
		{fact: events.SubscriptionEnded{Plan: "free", Key: "k2"}},
		{wanted("free", "k2"), "op6", 6},
		{fact: events.RequestRejected{Withdraws: "free"}},
	}
	type brief struct {
		Phase    Phase
		Key      portal.KeyID
		Waiting  []portal.OperationID
		Parked   events.Reason
		OpenedBy int64
		Since    int64
	}
	ops := func(all ...portal.OperationID) []portal.OperationID { return all }
	want := []brief{
		{Wanted, "k", ops("op1"), "", 1, 1},
		{Wanted, "k", ops("op1", "op2"), "", 1, 1},
		{Wanted, "k", ops("op1", "op2"), "", 1, 1}, // it joins once
		{Wanted, "k", ops("op1", "op2"), "", 1, 1}, // nobody joins
		{Wanted, "k", ops("op1", "op2"), events.WaitingForCapacity, 1, 1},
		{Active, "k", nil, "", 1, 6},
		{Ending, "k", ops("op3"), "", 7, 7},
		{Ending, "k", ops("op3"), events.WaitingForAWS, 7, 7},
		{Wanted, "k2", ops("op4"), "", 9, 9}, // opened anew, from the start
		{Wanted, "k2", ops("op4"), events.WaitingForAWS, 9, 9},
		{Ending, "k2", ops("op5"), "", 11, 11}, // what kept the wanting does not keep the ending
		{Ended, "k2", nil, "", 11, 12},
		{Wanted, "k2", ops("op6"), "", 13, 13},
		{Ended, "k2", nil, "", 13, 14},
	}
	for i := range history {
		s := fold(history[:i+1]...).Subscriptions["free"]
		got := brief{s.Phase, s.Key, s.Waiting, s.Parked, s.OpenedBy, int64(s.Since.Sub(start) / time.Minute)}
		if diff := cmp.Diff(want[i], got); diff != "" {
			t.Errorf("after fact %d (-want +got):\n%s", i+1, diff)
		}
		if !s.OpenedAt.Equal(at(s.OpenedBy)) || s.Name != "Plan free" {
			t.Errorf("after fact %d it is %q, opened at %v", i+1, s.Name, s.OpenedAt)
		}
		if s.Open() != (s.Phase == Wanted || s.Phase == Ending) || s.Holds() != (s.Phase == Wanted || s.Phase == Active) {
			t.Errorf("%s: open %v, holds %v", s.Phase, s.Open(), s.Holds())
		}
	}
}

func TestAKeyIsWhatItsFactsSay(t *testing.T) {
	t.Parallel()
	account := fold(
		said{fact: events.KeyWanted{Key: "k1", Slot: "default", Name: "One", Scheme: "v1", KMSKey: "arn"}},
		said{fact: events.KeyWanted{Key: "k2", Slot: "second", Name: "Two", Scheme: "v2", KMSKey: "arn2"}},
		said{fact: events.KeyCreated{Key: "k1", GatewayID: "gw"}},
		said{fact: events.KeyRevealed{Key: "k1"}},
	)
	want := Key{ID: "k1", Slot: "default", Name: "One", Scheme: "v1", KMSKey: "arn", GatewayID: "gw", WantedAt: at(1), CreatedAt: at(3), RevealedAt: at(4)}
	got, ok := account.KeyIn("default")
	if diff := cmp.Diff(want, got); diff != "" || !ok || !got.Created() {
		t.Errorf("found %v, created %v (-want +got):\n%s", ok, got.Created(), diff)
	}
	if second, ok := account.KeyIn("second"); !ok || second.ID != "k2" || second.Created() {
		t.Errorf("the second slot holds %+v, %v", second, ok)
	}
	if _, ok := account.KeyIn("third"); ok {
		t.Error("a key was found in an empty slot")
	}
}

func TestPlansClashOnAStageOfTheSameKey(t *testing.T) {
	t.Parallel()
	v1, v2, other := portal.Stage{API: "a", Stage: "v1"}, portal.Stage{API: "a", Stage: "v2"}, portal.Stage{API: "b", Stage: "v1"}
	held := said{fact: wanted("free", "k", v1, other)}
	active := said{fact: events.SubscriptionActivated{Plan: "free"}}
	ending := said{fact: events.SubscriptionEnding{Plan: "free"}}
	for _, c := range []struct {
		name   string
		given  []said
		key    portal.KeyID
		plan   portal.PlanID
		stages []portal.Stage
		want   portal.PlanID
	}{
		{"a plan on its way holds its stages", []said{held}, "k", "plus", []portal.Stage{v1}, "free"},
		{"one that is active does", []said{held, active}, "k", "plus", []portal.Stage{v2, other}, "free"},
		{"one that is ending has let them go", []said{held, active, ending}, "k", "plus", []portal.Stage{v1}, ""},
		{"one that has ended has", []said{held, {fact: events.RequestRejected{Withdraws: "free"}}}, "k", "plus", []portal.Stage{v1}, ""},
		{"it does not clash with itself", []said{held, active}, "k", "free", []portal.Stage{v1}, ""},
		{"nor on another key", []said{held, active}, "k2", "plus", []portal.Stage{v1}, ""},
		{"nor on another stage of the same API", []said{held, active}, "k", "plus", []portal.Stage{v2}, ""},
		{"nor without stages", []said{held, active}, "k", "plus", nil, ""},
		{"of two the first by id is named", []said{{fact: wanted("z", "k", v1)}, {fact: wanted("y", "k", v2)}}, "k", "plus", []portal.Stage{v1, v2}, "y"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			rival, clash := fold(c.given...).Clash(c.key, c.plan, c.stages)
			if rival.Plan != c.want || clash != (c.want != "") {
				t.Errorf("clashes with %q (%v), want %q", rival.Plan, clash, c.want)
			}
		})
	}
}

func TestANewerDecisionSupersedesInItsScopeAndThoseWithin(t *testing.T) {
	t.Parallel()
	decided := func(intent portal.Intent, scopes ...portal.Scope) said {
		return said{events.RequestUnchanged{Decides: events.Decides{Scopes: scopes}}, "op", intent}
	}
	for _, c := range []struct {
		name   string
		given  []said
		intent portal.Intent
		scopes []portal.Scope
		want   bool
	}{
		{"a newer one in the same scope", []said{decided(5, "plan/free")}, 4, []portal.Scope{"plan/free"}, true},
		{"its own intent", []said{decided(5, "plan/free")}, 5, []portal.Scope{"plan/free"}, false},
		{"an older one", []said{decided(5, "plan/free")}, 6, []portal.Scope{"plan/free"}, false},
		{"another plan's", []said{decided(5, "plan/plus")}, 4, []portal.Scope{"plan/free"}, false},
		{"one over the account reaches plans", []said{decided(5, portal.AccountScope)}, 4, []portal.Scope{"plan/free"}, true},
		{"and keys", []said{decided(5, portal.AccountScope)}, 4, []portal.Scope{"key/k"}, true},
		{"and not the registration", []said{decided(5, portal.AccountScope)}, 4, []portal.Scope{portal.RegistrationScope}, false},
		{"one over a plan does not reach the account", []said{decided(5, "plan/free")}, 4, []portal.Scope{portal.AccountScope}, false},
		{"any of several scopes is enough", []said{decided(5, "plan/plus")}, 4, []portal.Scope{"plan/free", "plan/plus"}, true},
		{"a decision over several scopes counts in each", []said{decided(5, "plan/free", "plan/plus")}, 4, []portal.Scope{"plan/plus"}, true},
		{"the highest intent counts, not the last", []said{decided(9, "plan/free"), decided(2, "plan/free")}, 5, []portal.Scope{"plan/free"}, true},
		{"a worker's request is never superseded", []said{decided(5, "plan/free")}, 0, []portal.Scope{"plan/free"}, false},
		{"a worker's decision supersedes nothing", []said{decided(0, "plan/free")}, 1, []portal.Scope{"plan/free"}, false},
		{"a request without scopes is never superseded", []said{decided(5, portal.AccountScope)}, 4, nil, false},
		{"failing decides nothing", []said{{events.RequestFailed{}, "op", 9}, {events.RequestSuperseded{}, "op", 9}}, 4, []portal.Scope{"plan/free", portal.AccountScope}, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			if got := fold(c.given...).Supersedes(c.intent, c.scopes); got != c.want {
				t.Errorf("superseded: %v, want %v", got, c.want)
			}
		})
	}
}

func TestAKeyIsWaitedForByThoseWhosePlansAreWantedOnIt(t *testing.T) {
	t.Parallel()
	account := fold(
		said{wanted("plus", "k"), "op-plus", 1}, said{wanted("free", "k"), "op-free", 2},
		said{events.RequestJoined{Plan: "free"}, "op-free2", 3},
		said{wanted("other", "k2"), "op-other", 4},
		said{wanted("active", "k"), "op-active", 5}, said{fact: events.SubscriptionActivated{Plan: "active"}},
		said{wanted("ending", "k"), "op-ending", 6}, said{events.SubscriptionEnding{Plan: "ending", Key: "k"}, "op-leave", 7},
	)
	want := []portal.OperationID{"op-free", "op-free2", "op-plus"}
	if diff := cmp.Diff(want, account.WaitingOn("k")); diff != "" {
		t.Errorf("waiting on k (-want +got):\n%s", diff)
	}
	if got := account.WaitingOn("k3"); got != nil {
		t.Errorf("on a key nobody wants wait %v", got)
	}
	if diff := cmp.Diff([]portal.PlanID{"active", "ending", "free", "other", "plus"}, account.Plans()); diff != "" {
		t.Errorf("plans (-want +got):\n%s", diff)
	}
}

// Converging keeps a subscription while the fold goes on.
func TestASubscriptionThatWasReadIsNobodyElses(t *testing.T) {
	t.Parallel()
	account := fold(said{wanted("free", "k"), "op1", 1})
	join := func(op portal.OperationID) {
		account.Apply(events.Event{Sequence: account.Sequence + 1, Operation: op, Data: events.RequestJoined{Plan: "free"}})
	}
	join("op2")
	join("op3")
	held := account.Subscriptions["free"]
	join("op4")
	if diff := cmp.Diff([]portal.OperationID{"op1", "op2", "op3"}, held.Waiting); diff != "" {
		t.Errorf("what was read changed afterwards (-want +got):\n%s", diff)
	}
	_ = append(held.Waiting, "mine")
	if diff := cmp.Diff([]portal.OperationID{"op1", "op2", "op3", "op4"}, account.Subscriptions["free"].Waiting); diff != "" {
		t.Errorf("what was read changes the account (-want +got):\n%s", diff)
	}
}

func TestACatalogIsWhatWasPublishedLast(t *testing.T) {
	t.Parallel()
	history := []said{
		{fact: events.CatalogSourceFailed{Source: "s"}}, {fact: events.CatalogPublished{Hash: "h1"}},
		{fact: events.CatalogSourceFailed{Source: "s"}}, {fact: events.CatalogPublished{Hash: "h2"}},
		{fact: events.RequestUnchanged{}},
	}
	want := []Catalog{
		{Sequence: 1, Failing: "s"},
		{Sequence: 2, Hash: "h1", PublishedAt: at(2), PublishedBy: 2},
		{Sequence: 3, Hash: "h1", PublishedAt: at(2), PublishedBy: 2, Failing: "s"},
		{Sequence: 4, Hash: "h2", PublishedAt: at(4), PublishedBy: 4},
		{Sequence: 5, Hash: "h2", PublishedAt: at(4), PublishedBy: 4},
	}
	for i := range history {
		if diff := cmp.Diff(want[i], FoldCatalog(told(history[:i+1]...))); diff != "" {
			t.Errorf("after fact %d (-want +got):\n%s", i+1, diff)
		}
	}
}
