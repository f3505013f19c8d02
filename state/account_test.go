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

func factsOf(all ...said) []events.Event {
	var facts []events.Event
	for i, s := range all {
		seq := int64(i) + 1
		facts = append(facts, events.Event{Sequence: seq, Time: at(seq), Operation: s.op, Intent: s.intent, Data: s.fact})
	}
	return facts
}

func fold(all ...said) Account {
	account := NewAccount("ann")
	for _, fact := range factsOf(all...) {
		account.Apply(fact)
	}
	return account
}

func wanted(plan portal.PlanID) events.SubscriptionWanted {
	return events.SubscriptionWanted{Plan: plan, Name: "Plan " + string(plan), Ring: portal.AccountRing}
}

func key(id portal.KeyID) events.KeyWanted {
	return events.KeyWanted{Key: id, Ring: portal.AccountRing, Name: "Key " + string(id), Scheme: "v1", KMSKey: "mrk-1"}
}

func link(wish int64) events.Link { return events.Link{Wish: wish} }

// fromTomorrow is a fact of a type that this program does not know.
var fromTomorrow = events.Unknown{Type: "gatehouse.FromTomorrow.v1", Data: []byte(`{"plan":"free","scopes":["account"]}`)}

func TestAFactThatIsUnknownChangesNothingButTheSequence(t *testing.T) {
	t.Parallel()
	history := []said{{fact: events.UserRegistered{}}, {wanted("free"), "op", 2}}
	want := fold(history...)
	got := fold(append(history, said{fromTomorrow, "op-new", 9})...)
	if got.Sequence != 3 {
		t.Errorf("the sequence is %d, want 3: the next append would be refused for ever", got.Sequence)
	}
	got.Sequence = want.Sequence
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("the account (-want +got):\n%s", diff)
	}
	c := FoldCatalog(factsOf(said{fact: events.CatalogPublished{Hash: "h"}}, said{fact: fromTomorrow}))
	if c.Hash != "h" || c.Sequence != 2 || c.PublishedBy != 1 {
		t.Errorf("the catalog is %+v", c)
	}
}

func TestAFactThatMustBeUnderstoodIsRemembered(t *testing.T) {
	t.Parallel()
	strange := events.Unknown{Type: "gatehouse.AccountMerged.v1", Data: []byte("{}"), Must: true}
	if got := fold(said{fact: events.UserRegistered{}}, said{fact: strange}, said{wanted("free"), "op", 1}); got.NotUnderstood != strange.Type {
		t.Errorf("not understood is %q", got.NotUnderstood)
	}
	if got := FoldCatalog(factsOf(said{fact: strange})); got.NotUnderstood != strange.Type {
		t.Errorf("of the catalog it is %q", got.NotUnderstood)
	}
}

func TestFactsAboutWhatIsNotThereChangeNothing(t *testing.T) {
	t.Parallel()
	got := fold(
		said{fact: events.KeyCreated{Key: "k", GatewayID: "gw"}}, said{fact: events.KeyObserved{Key: "k"}},
		said{fact: events.KeyReleasing{Key: "k"}}, said{fact: events.KeyReleased{Key: "k", Link: link(3)}},
		said{fact: events.KeyAttached{Key: "k", Plan: "free", Link: link(1)}}, said{fact: events.KeyDetached{Key: "k", Plan: "free", Link: link(1)}},
		said{fact: events.SubscriptionActivated{Plan: "free"}}, said{fact: events.SubscriptionEnded{Plan: "free"}},
		said{fact: events.SubscriptionLost{Plan: "free", Reason: events.LostPlanGone}},
		said{fact: events.WishParked{Link: link(1), Reason: events.WaitingForAWS}},
		said{fact: events.RequestJoined{Plan: "free", Link: link(1)}, op: "op"}, said{fact: events.RequestRejected{Link: link(1)}},
	)
	want := NewAccount("ann")
	want.Sequence = 12
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("the account (-want +got):\n%s", diff)
	}
}

// A subscription through its life; what each fact makes of it and of the key in the plan.
func TestASubscriptionRunsItsCourse(t *testing.T) {
	t.Parallel()
	attached := func(wish int64) said { return said{fact: events.KeyAttached{Key: "k", Plan: "free", Link: link(wish)}} }
	detached := func(wish int64) said { return said{fact: events.KeyDetached{Key: "k", Plan: "free", Link: link(wish)}} }
	history := []said{
		{fact: key("k")},
		{wanted("free"), "op1", 1},
		{events.RequestJoined{Plan: "free", Link: link(2)}, "op2", 2},
		{fact: events.WishParked{Link: link(2), Reason: events.WaitingForCapacity}},
		attached(2),
		{fact: events.SubscriptionActivated{Plan: "free", Link: link(2)}},
		{events.SubscriptionEnding{Plan: "free"}, "op3", 3},
		{fact: events.WishParked{Link: link(2), Reason: events.WaitingForCapacity}}, // of a wish that is over
		{fact: events.WishParked{Link: link(7), Reason: events.WaitingForAWS}},
		{wanted("free"), "op4", 4},
		{events.SubscriptionEnding{Plan: "free"}, "op5", 5},
		detached(11),
		{fact: events.SubscriptionEnded{Plan: "free", Link: link(11)}},
		{wanted("free"), "op6", 6},
		{fact: events.RequestRejected{Link: link(10)}}, // of a wish that is over
		{fact: events.RequestRejected{Link: link(14)}},
		{wanted("free"), "op7", 7},
		attached(17),
		{fact: events.SubscriptionActivated{Plan: "free", Link: link(17)}},
		{fact: events.SubscriptionLost{Plan: "free", Reason: events.LostPlanGone}},
		{wanted("free"), "op8", 8},
	}
	type brief struct {
		Phase     Phase
		Key       Phase
		Parked    events.Reason
		Lost      events.LossReason
		OpenedBy  int64
		Since     int64
		Operation portal.OperationID
	}
	want := []brief{
		{},
		{Wanted, Wanted, "", "", 2, 2, "op1"},
		{Wanted, Wanted, "", "", 2, 2, "op1"}, // who joins changes nothing
		{Wanted, Wanted, events.WaitingForCapacity, "", 2, 2, "op1"},
		{Wanted, Active, events.WaitingForCapacity, "", 2, 2, "op1"},
		{Active, Active, "", "", 2, 6, "op1"},
		{Ending, Ending, "", "", 7, 7, "op3"},
		{Ending, Ending, "", "", 7, 7, "op3"},
		{Ending, Ending, events.WaitingForAWS, "", 7, 7, "op3"},
		{Wanted, Wanted, "", "", 10, 10, "op4"}, // opened again, from the start
		{Ending, Ending, "", "", 11, 11, "op5"},
		{Ending, Ended, "", "", 11, 11, "op5"},
		{Ended, Ended, "", "", 11, 13, "op5"},
		{Wanted, Wanted, "", "", 14, 14, "op6"},
		{Wanted, Wanted, "", "", 14, 14, "op6"},
		{Ended, Ended, "", "", 14, 16, "op6"},
		{Wanted, Wanted, "", "", 17, 17, "op7"},
		{Wanted, Active, "", "", 17, 17, "op7"},
		{Active, Active, "", "", 17, 19, "op7"},
		{Ended, Ended, "", events.LostPlanGone, 17, 20, "op7"},
		{Wanted, Wanted, "", "", 21, 21, "op8"}, // that it was lost once is forgotten
	}
	pair := portal.Pair{Key: "k", Plan: "free"}
	for i := range history {
		account := fold(history[:i+1]...)
		s, attachment := account.Subscriptions["free"], account.Attachments[pair]
		got := brief{s.Phase, attachment.Phase, s.Parked, s.Lost, s.OpenedBy, int64(s.Since.Sub(start) / time.Minute), s.Operation}
		if i == 0 {
			got.Since = 0
		}
		if diff := cmp.Diff(want[i], got); diff != "" {
			t.Errorf("after fact %d (-want +got):\n%s", i+1, diff)
		}
		if i > 0 && (!s.OpenedAt.Equal(at(s.OpenedBy)) || s.Name != "Plan free" || s.Ring != portal.AccountRing) {
			t.Errorf("after fact %d it is %q of ring %s, opened at %v", i+1, s.Name, s.Ring, s.OpenedAt)
		}
		if s.HasOpenWish() != (s.Phase == Wanted || s.Phase == Ending) || s.Desired() != (s.Phase == Wanted || s.Phase == Active) {
			t.Errorf("%s: open %v, holds %v", s.Phase, s.HasOpenWish(), s.Desired())
		}
		if open := s.HasOpenWish() || attachment.HasOpenWish(); account.HasOpenWishes() != open || account.WishOpen(s.OpenedBy) != open {
			t.Errorf("after fact %d wishes are open: %v", i+1, account.HasOpenWishes())
		}
	}
}

func TestASubscriptionIsForEveryKeyOfItsRing(t *testing.T) {
	t.Parallel()
	other := events.KeyWanted{Key: "theirs", Ring: "licence/l-1", Name: "Another ring's"}
	account := fold(said{fact: key("k1")}, said{fact: key("k2")}, said{fact: other}, said{wanted("free"), "op", 1}, said{fact: key("k3")})
	want := []portal.Pair{{Key: "k1", Plan: "free"}, {Key: "k2", Plan: "free"}, {Key: "k3", Plan: "free"}}
	if diff := cmp.Diff(want, account.Pairs()); diff != "" {
		t.Errorf("keys in plans (-want +got):\n%s", diff)
	}
	for pair, wish := range map[portal.Pair]int64{want[0]: 4, want[1]: 4, want[2]: 5} {
		if got := account.Attachments[pair]; got.Phase != Wanted || got.OpenedBy != wish {
			t.Errorf("%v is %+v, want it wanted by the wish %d", pair, got, wish)
		}
	}
	if diff := cmp.Diff([]int64{4}, account.WishesOn("k1")); diff != "" {
		t.Errorf("waiting on k1 (-want +got):\n%s", diff)
	}
	if first, ok := account.KeyOf(portal.AccountRing); !ok || first.ID != "k1" {
		t.Errorf("the ring's key is %+v, %v", first, ok)
	}
	if _, ok := account.KeyOf("plan/free"); ok {
		t.Error("a key was found in an empty ring")
	}
	if diff := cmp.Diff([]portal.PlanID{"free"}, account.Held(portal.AccountRing)); diff != "" || account.Held("licence/l-1") != nil {
		t.Errorf("held (-want +got):\n%s", diff)
	}
}

func TestAKeyIsWhatItsFactsSay(t *testing.T) {
	t.Parallel()
	history := []said{
		{fact: key("k")}, {fact: events.KeyCreated{Key: "k", GatewayID: "gw"}}, {fact: events.KeyObserved{Key: "k"}},
		{fact: events.KeyObserved{Key: "k", Enabled: true}}, {fact: events.KeyReleasing{Key: "k"}}, {wanted("free"), "op", 1},
		{fact: events.KeyReleasing{Key: "k"}}, {fact: events.KeyReleased{Key: "k", Link: link(7)}}, {wanted("plus"), "op", 2},
		{fact: events.KeyCreated{Key: "k", GatewayID: "gw2"}},
	}
	base := Key{ID: "k", Ring: portal.AccountRing, Name: "Key k", Scheme: "v1", KMSKey: "mrk-1", WantedAt: at(1)}
	with := func(change func(*Key)) Key {
		k := base
		change(&k)
		return k
	}
	created := func(k *Key) { k.GatewayID, k.CreatedAt = "gw", at(2) }
	released := func(k *Key) { k.ReleasedAt, k.Formerly = at(8), []portal.GatewayKeyID{"gw"} }
	want := []Key{
		base, with(created),
		with(func(k *Key) { created(k); k.Disabled = true }),
		with(created),
		with(func(k *Key) { created(k); k.Releasing, k.ReleasingAt = 5, at(5) }),
		with(created), // wanted again before it was released
		with(func(k *Key) { created(k); k.Releasing, k.ReleasingAt = 7, at(7) }),
		with(func(k *Key) { released(k); k.CreatedAt, k.Released = at(2), true }),
		with(func(k *Key) { released(k); k.CreatedAt = at(2) }),
		with(func(k *Key) { released(k); k.GatewayID, k.CreatedAt = "gw2", at(10) }),
	}
	for i := range history {
		got := fold(history[:i+1]...).Keys["k"]
		if diff := cmp.Diff(want[i], got); diff != "" {
			t.Errorf("after fact %d (-want +got):\n%s", i+1, diff)
		}
		if got.Created() != (got.GatewayID != "") {
			t.Errorf("after fact %d created is %v", i+1, got.Created())
		}
	}
}

func TestARingIsEmptySinceItsLastSubscriptionEnded(t *testing.T) {
	t.Parallel()
	history := []said{
		{fact: key("k")}, {wanted("free"), "op", 1}, {wanted("plus"), "op", 2},
		{fact: events.SubscriptionLost{Plan: "free", Reason: events.LostPlanGone}},
		{events.SubscriptionEnding{Plan: "plus"}, "op", 3}, {fact: events.SubscriptionEnded{Plan: "plus", Link: link(5)}},
		{wanted("free"), "op", 4}, {fact: events.RequestRejected{Link: link(7)}},
		// One that is still ending is not over.
		{wanted("free"), "op", 5}, {wanted("plus"), "op", 6}, {events.SubscriptionEnding{Plan: "plus"}, "op", 7},
		{fact: events.RequestRejected{Link: link(9)}}, {fact: events.SubscriptionEnded{Plan: "plus", Link: link(11)}},
	}
	for i, want := range []int64{0, 0, 0, 0, 0, 6, 0, 8, 0, 0, 0, 0, 13} {
		ring := fold(history[:i+1]...).Rings[portal.AccountRing]
		if ring.EmptiedBy != want || want != 0 && !ring.EmptiedAt.Equal(at(want)) {
			t.Errorf("after fact %d the ring is %+v, want it emptied by %d", i+1, ring, want)
		}
	}
}

func TestAPlanThatIsWantedAndLeftAgainAndAgainFlaps(t *testing.T) {
	t.Parallel()
	history := []said{{wanted("free"), "op", 1}, {events.SubscriptionEnding{Plan: "free"}, "op", 2}, {wanted("free"), "op", 3}}
	now := at(4)
	if fold(history...).Subscriptions["free"].Flapping(now, 10*time.Minute) {
		t.Error("three decisions count as flapping")
	}
	history = append(history, said{events.SubscriptionEnding{Plan: "free"}, "op", 4})
	s := fold(history...).Subscriptions["free"]
	if !s.Flapping(now, 10*time.Minute) || s.Flapping(now, 3*time.Minute) || s.Flapping(at(30), 10*time.Minute) {
		t.Errorf("decided at %v it flaps within ten minutes: %v", s.Flips, s.Flapping(now, 10*time.Minute))
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

// Converging keeps an account while the fold goes on.
func TestACloneIsNobodyElses(t *testing.T) {
	t.Parallel()
	account := fold(said{fact: key("k")}, said{wanted("free"), "op1", 1})
	before := account.Clone()
	want := fold(said{fact: key("k")}, said{wanted("free"), "op1", 1})
	for i, s := range []said{
		{fact: events.KeyCreated{Key: "k", GatewayID: "gw"}}, {fact: events.KeyAttached{Key: "k", Plan: "free", Link: link(2)}},
		{events.SubscriptionEnding{Plan: "free"}, "op2", 2}, {wanted("plus"), "op3", 3},
		{events.RequestUnchanged{Decides: events.Decides{Scopes: []portal.Scope{"plan/x"}}}, "op4", 4},
	} {
		account.Apply(events.Event{Sequence: int64(3 + i), Time: at(3), Operation: s.op, Intent: s.intent, Data: s.fact})
	}
	if diff := cmp.Diff(want, before); diff != "" {
		t.Errorf("what was kept changed afterwards (-want +got):\n%s", diff)
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
		if diff := cmp.Diff(want[i], FoldCatalog(factsOf(history[:i+1]...))); diff != "" {
			t.Errorf("after fact %d (-want +got):\n%s", i+1, diff)
		}
	}
}
