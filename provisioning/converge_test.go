package provisioning_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/google/go-cmp/cmp"

	"github.com/gatehouse-portal/gatehouse/app"
	"github.com/gatehouse-portal/gatehouse/events"
	"github.com/gatehouse-portal/gatehouse/gateway"
	"github.com/gatehouse-portal/gatehouse/journal"
	"github.com/gatehouse-portal/gatehouse/localaws"
	"github.com/gatehouse-portal/gatehouse/portal"
	"github.com/gatehouse-portal/gatehouse/provisioning"
	"github.com/gatehouse-portal/gatehouse/state"
)

const account = portal.AccountID("acct1")

var stream = portal.AccountStream(account)

// plane is a control plane that does what the test says, and keeps what it was asked.
type plane struct {
	calls []string
	// answers are the errors of the next calls, by "verb what"; what has none succeeds.
	answers map[string][]error
	created int
	suffix  string
	// holds are the plans that every key is in, as far as lists tell.
	holds []portal.PlanID
	// there is the key that a search finds.
	there portal.GatewayKeyID
}

func (p *plane) call(what string) error {
	p.calls = append(p.calls, what)
	queue := p.answers[what]
	if len(queue) == 0 {
		return nil
	}
	p.answers[what] = queue[1:]
	return queue[0]
}

func (p *plane) CreateKey(_ context.Context, key gateway.Key) (portal.GatewayKeyID, error) {
	if err := p.call("create " + key.Name); err != nil {
		return "", err
	}
	p.created++
	return portal.GatewayKeyID(fmt.Sprintf("gw%d%s", p.created, p.suffix)), nil
}

func (p *plane) FindKey(_ context.Context, name string) (portal.GatewayKeyID, bool, error) {
	err := p.call("find " + name)
	return p.there, err == nil && p.there != "", err
}

func (p *plane) Attach(_ context.Context, plan portal.PlanID, key portal.GatewayKeyID) error {
	return p.call(fmt.Sprintf("attach %s %s", plan, key))
}

func (p *plane) Detach(_ context.Context, plan portal.PlanID, key portal.GatewayKeyID) error {
	return p.call(fmt.Sprintf("detach %s %s", plan, key))
}

func (p *plane) Present(_ context.Context, key portal.GatewayKeyID) error {
	return p.call(fmt.Sprintf("look %s", key))
}

func (p *plane) PlansOf(_ context.Context, key portal.GatewayKeyID) (plans []gateway.UsagePlan, err error) {
	for _, id := range p.holds {
		plans = append(plans, gateway.UsagePlan{ID: id})
	}
	return plans, p.call(fmt.Sprintf("plans %s", key))
}

type sent struct{ sent, repeated []events.Event }

func (s *sent) Send(_ context.Context, m ...events.Event) error {
	s.sent = append(s.sent, m...)
	return nil
}

func (s *sent) Repeat(_ context.Context, m ...events.Event) error {
	s.repeated = append(s.repeated, m...)
	return nil
}

type values struct{ err error }

func (v values) Value(context.Context, string, string, portal.AccountID, portal.KeyID) (string, error) {
	return "value", v.err
}

type leases struct {
	lease gateway.AccountLease
	taken bool
}

func (l leases) AccountLease(context.Context, portal.AccountID, string, time.Duration) (gateway.AccountLease, bool, error) {
	return l.lease, !l.taken, nil
}

// bench is a converger with its stand-ins, on a real journal.
type bench struct {
	*provisioning.Converger
	t       *testing.T
	tables  *dynamodb.Client
	names   app.Names
	journal *journal.Journal
	plane   *plane
	sent    *sent
	now     time.Time
	urgency []gateway.Urgency
}

func newBench(t *testing.T, given ...events.Fact) *bench {
	t.Helper()
	server := localaws.Start(t)
	cfg, err := app.LoadConfig(nil)
	if err != nil {
		t.Fatal(err)
	}
	if err := app.Setup(t.Context(), server.AWSConfig(), cfg); err != nil {
		t.Fatal(err)
	}
	names := app.NamesFor(cfg.Prefix)
	tables := dynamodb.NewFromConfig(server.AWSConfig())
	b := &bench{t: t, tables: tables, names: names, plane: &plane{answers: map[string][]error{}}, sent: &sent{}, now: time.Date(2026, 11, 22, 9, 0, 0, 0, time.UTC)}
	b.journal = journal.New(tables, names.Journal, names.Records)
	b.Converger = &provisioning.Converger{
		Journal: b.journal, Sender: b.sent, Values: values{}, Leases: leases{},
		Session: func(u gateway.Urgency, _ func() time.Time) provisioning.ControlPlane {
			b.urgency = append(b.urgency, u)
			return b.plane
		},
		Lease:   func(context.Context) time.Time { return b.now.Add(time.Hour) },
		KeyName: func(_ portal.AccountID, k portal.KeyID) string { return string(k) },
		Now:     func() time.Time { return b.now },
	}
	b.say("op", given...)
	return b
}

// say appends facts as if decided for that operation.
func (b *bench) say(op portal.OperationID, facts ...events.Fact) {
	b.t.Helper()
	for _, fact := range facts {
		after := int64(len(b.facts()))
		stamped := journal.Stamp(events.Event{ID: "cause", Subject: stream, Operation: op, Correlation: "corr-" + string(op)}, "/test", b.now, after, []events.Fact{fact})
		if err := b.journal.Append(b.t.Context(), stream, after, stamped); err != nil {
			b.t.Fatal(err)
		}
	}
}

func (b *bench) facts() []events.Event {
	b.t.Helper()
	facts, err := b.journal.Read(b.t.Context(), stream, 0)
	if err != nil {
		b.t.Fatal(err)
	}
	return facts
}

func (b *bench) wake(id string) error {
	return b.Handle(b.t.Context(), events.Event{ID: id, Subject: stream, Data: events.ProvisionRequested{}})
}

// outcomes are the facts that wake-ups led to.
func (b *bench) outcomes() []events.Fact {
	var out []events.Fact
	for _, e := range b.facts() {
		if e.Causation != "cause" {
			fact, _ := e.Fact()
			out = append(out, fact)
		}
	}
	return out
}

func (b *bench) wantCalls(want ...string) {
	b.t.Helper()
	if diff := cmp.Diff(want, b.plane.calls); diff != "" {
		b.t.Errorf("calls (-want +got):\n%s", diff)
	}
}

func (b *bench) wantOutcomes(want ...events.Fact) {
	b.t.Helper()
	if diff := cmp.Diff(want, b.outcomes()); diff != "" {
		b.t.Errorf("outcomes (-want +got):\n%s", diff)
	}
}

var (
	v1         = []portal.Stage{{API: "a", Stage: "v1"}}
	v2         = []portal.Stage{{API: "a", Stage: "v2"}}
	keyWanted  = events.KeyWanted{Key: "key1", Slot: portal.DefaultSlot, Name: "Default key", Scheme: "v1", KMSKey: "k"}
	keyCreated = events.KeyCreated{Key: "key1", GatewayID: "gw1"}
	freeWanted = events.SubscriptionWanted{Plan: "free", Name: "Free", Key: "key1", Stages: v1}
	nextWanted = events.SubscriptionWanted{Plan: "next", Name: "Next", Key: "key1", Stages: v2}
	plusWanted = events.SubscriptionWanted{Plan: "plus", Name: "Plus", Key: "key1", Stages: v1}
	freeEnding = events.SubscriptionEnding{Plan: "free", Key: "key1"}
	throttle   = &gateway.Unavailable{Throttled: true, Err: errors.New("429")}
	ends       = events.Ends{Operations: []portal.OperationID{"op"}}
)

func activated(plan portal.PlanID, ends events.Ends) events.Fact {
	return events.SubscriptionActivated{Ends: ends, Plan: plan, Key: "key1"}
}

func TestAFirstSubscriptionCreatesTheKeyAndAttachesIt(t *testing.T) {
	t.Parallel()
	b := newBench(t, events.UserRegistered{}, keyWanted, freeWanted)
	if err := b.wake("w1"); err != nil {
		t.Fatal(err)
	}
	b.wantCalls("create key1", "attach free gw1")
	b.wantOutcomes(keyCreated, activated("free", ends))
	if len(b.sent.sent) != 2 || b.sent.sent[1].Correlation != "corr-op" || b.sent.sent[1].Causation != "w1" {
		t.Errorf("published %+v", b.sent.sent)
	}
	if !slices.Equal(b.urgency, []gateway.Urgency{gateway.Interactive, gateway.Interactive}) {
		t.Errorf("a fresh wish has urgency %v", b.urgency)
	}
}

func TestASecondDeliveryPublishesAgainAndCallsNothing(t *testing.T) {
	t.Parallel()
	b := newBench(t, events.UserRegistered{}, keyWanted, freeWanted)
	for range 2 {
		if err := b.wake("w1"); err != nil {
			t.Fatal(err)
		}
	}
	b.wantCalls("create key1", "attach free gw1")
	if len(b.sent.repeated) != 2 {
		t.Errorf("the second delivery published %d facts again, want 2", len(b.sent.repeated))
	}
}

func TestAnOldWishIsBulk(t *testing.T) {
	t.Parallel()
	b := newBench(t, events.UserRegistered{}, keyWanted, keyCreated, freeWanted)
	b.now = b.now.Add(31 * time.Second)
	if err := b.wake("w1"); err != nil {
		t.Fatal(err)
	}
	if !slices.Equal(b.urgency, []gateway.Urgency{gateway.Bulk}) {
		t.Errorf("the urgency is %v", b.urgency)
	}
}

func TestEndingsComeFirstAndAlwaysCall(t *testing.T) {
	t.Parallel()
	b := newBench(t, events.UserRegistered{}, keyWanted, keyCreated, freeWanted, freeEnding, nextWanted)
	if err := b.wake("w1"); err != nil {
		t.Fatal(err)
	}
	b.wantCalls("detach free gw1", "attach next gw1")
	b.wantOutcomes(events.SubscriptionEnded{Ends: ends, Plan: "free", Key: "key1"}, activated("next", ends))
}

func TestAnEndingWithoutAKeyCallsNothing(t *testing.T) {
	t.Parallel()
	b := newBench(t, events.UserRegistered{}, keyWanted, freeWanted, freeEnding)
	if err := b.wake("w1"); err != nil {
		t.Fatal(err)
	}
	b.wantCalls()
	b.wantOutcomes(events.SubscriptionEnded{Ends: ends, Plan: "free", Key: "key1"})
}

func TestAThrottledPlanWaitsAndStopsNoOther(t *testing.T) {
	t.Parallel()
	b := newBench(t, events.UserRegistered{}, keyWanted, keyCreated, freeWanted, nextWanted)
	b.plane.answers["attach free gw1"] = []error{throttle, throttle}
	for range 2 {
		var later *portal.Postponed
		if err := b.wake("w1"); !errors.As(err, &later) {
			t.Fatalf("a throttled wake-up returns %v", err)
		}
	}
	b.wantOutcomes(events.SubscriptionParked{Plan: "free", Reason: events.WaitingForAWS}, activated("next", ends))
	if err := b.wake("w1"); err != nil {
		t.Fatal(err)
	}
	if got := b.outcomes()[2]; !cmp.Equal(got, activated("free", ends)) {
		t.Errorf("in the end it is %+v", got)
	}
}

func TestWhatAWSCannotDoNowIsAFailureAndStaysWanted(t *testing.T) {
	t.Parallel()
	b := newBench(t, events.UserRegistered{}, keyWanted, keyCreated, freeWanted)
	b.plane.answers["attach free gw1"] = []error{&gateway.Unavailable{Forbidden: true, Err: errors.New("403")}}
	var later *portal.Postponed
	if err := b.wake("w1"); err == nil || errors.As(err, &later) {
		t.Errorf("the wake-up returns %v, want a failure", err)
	}
	b.wantOutcomes(events.SubscriptionParked{Plan: "free", Reason: events.WaitingForAWS})
}

func TestAFullAccountParksAndIsLeftToTheDueRow(t *testing.T) {
	t.Parallel()
	b := newBench(t, events.UserRegistered{}, keyWanted, freeWanted)
	b.plane.answers["create key1"] = []error{&gateway.LimitReached{Limit: gateway.Keys}}
	if err := b.wake("w1"); err != nil {
		t.Errorf("the wake-up returns %v", err)
	}
	b.wantOutcomes(events.SubscriptionParked{Plan: "free", Reason: events.WaitingForCapacity})
}

func TestAPlanThatIsGoneIsWithdrawnForEverybodyWhoWaits(t *testing.T) {
	t.Parallel()
	b := newBench(t, events.UserRegistered{}, keyWanted, keyCreated, freeWanted)
	b.say("op2", events.RequestJoined{Plan: "free"})
	b.plane.answers["attach free gw1"] = []error{&gateway.Refused{Reason: gateway.PlanGone}}
	if err := b.wake("w1"); err != nil {
		t.Fatal(err)
	}
	b.wantOutcomes(events.RequestRejected{
		Ends: events.Ends{Operations: []portal.OperationID{"op", "op2"}},
		Code: portal.NotFound, Message: "Free is no longer offered.", Withdraws: "free",
	})
	if s := state.FoldAccount(account, b.facts()).Subscriptions["free"]; s.Phase != state.Ended {
		t.Errorf("the subscription is %s", s.Phase)
	}
}

func TestAnEndingOfAPlanThatIsGoneIsDone(t *testing.T) {
	t.Parallel()
	b := newBench(t, events.UserRegistered{}, keyWanted, keyCreated, freeWanted, freeEnding)
	b.plane.answers["detach free gw1"] = []error{&gateway.Refused{Reason: gateway.PlanGone}}
	if err := b.wake("w1"); err != nil {
		t.Fatal(err)
	}
	b.wantOutcomes(events.SubscriptionEnded{Ends: ends, Plan: "free", Key: "key1"})
}

func TestAKeyThatAPIGatewayLostIsMadeAgain(t *testing.T) {
	t.Parallel()
	b := newBench(t, events.UserRegistered{}, keyWanted, events.KeyCreated{Key: "key1", GatewayID: "lost"}, freeWanted)
	b.plane.answers["attach free lost"] = []error{&gateway.Refused{Reason: gateway.KeyGone}}
	if err := b.wake("w1"); err != nil {
		t.Fatal(err)
	}
	b.wantCalls("attach free lost", "create key1", "attach free gw1")
	b.wantOutcomes(keyCreated, activated("free", ends))
}

func TestAKeyThatIsLostAgainAndAgainIsAFailure(t *testing.T) {
	t.Parallel()
	b := newBench(t, events.UserRegistered{}, keyWanted, events.KeyCreated{Key: "key1", GatewayID: "lost"}, freeWanted)
	gone := &gateway.Refused{Reason: gateway.KeyGone}
	b.plane.answers["attach free lost"], b.plane.answers["attach free gw1"] = []error{gone}, []error{gone}
	if err := b.wake("w1"); err == nil {
		t.Error("the wake-up succeeds")
	}
}

func TestAStageHeldByAPlanThatIsOverIsFreedFirst(t *testing.T) {
	t.Parallel()
	b := newBench(t, events.UserRegistered{}, keyWanted, keyCreated, freeWanted, freeEnding,
		events.SubscriptionEnded{Plan: "free", Key: "key1"}, plusWanted)
	b.plane.answers["attach plus gw1"] = []error{&gateway.Refused{Reason: gateway.StageTaken}}
	if err := b.wake("w1"); err != nil {
		t.Fatal(err)
	}
	b.wantCalls("attach plus gw1", "detach free gw1", "attach plus gw1")
	b.wantOutcomes(activated("plus", ends))
}

func TestAStageHeldBySomethingElseIsRefused(t *testing.T) {
	t.Parallel()
	b := newBench(t, events.UserRegistered{}, keyWanted, keyCreated, plusWanted)
	b.plane.answers["attach plus gw1"] = []error{&gateway.Refused{Reason: gateway.StageTaken}}
	if err := b.wake("w1"); err != nil {
		t.Fatal(err)
	}
	b.wantOutcomes(events.RequestRejected{Ends: ends, Code: portal.Conflict, Withdraws: "plus",
		Message: "The key is already in another plan of the same API. Leave that plan first, then subscribe to Plus."})
}

func TestAnotherWorkersLeaseSendsTheMessageBack(t *testing.T) {
	t.Parallel()
	b := newBench(t, events.UserRegistered{}, keyWanted, freeWanted)
	b.Leases = leases{taken: true}
	var later *portal.Postponed
	if err := b.wake("w1"); !errors.As(err, &later) || later.After != time.Second {
		t.Errorf("got %v", err)
	}
	b.wantCalls()
}

func TestOnlyAccountsAreProvisioned(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	err := b.Handle(t.Context(), events.Event{ID: "w", Subject: portal.CatalogStream, Data: events.ProvisionRequested{}})
	if portal.CodeOf(err) != portal.Invalid {
		t.Errorf("got %v", err)
	}
}

// The fact that overtakes arrives while the call is made: what was done may have come
// after what another worker did, so it is compared once more, though the fold says done.
func TestWhatWasOvertakenIsComparedAgain(t *testing.T) {
	t.Parallel()
	b := newBench(t, events.UserRegistered{}, keyWanted, keyCreated, freeWanted)
	inner := b.plane
	b.Session = func(gateway.Urgency, func() time.Time) provisioning.ControlPlane {
		return overtaken{inner, func() {
			b.say("op2", freeEnding, events.SubscriptionEnded{Plan: "free", Key: "key1"})
		}}
	}
	if err := b.wake("w1"); err != nil {
		t.Fatal(err)
	}
	b.wantCalls("attach free gw1", "detach free gw1")
	if s := state.FoldAccount(account, b.facts()).Subscriptions["free"]; s.Phase != state.Ended {
		t.Errorf("the subscription is %s", s.Phase)
	}
}

// overtaken is a plane during whose attaching something else happens.
type overtaken struct {
	*plane
	meanwhile func()
}

func (o overtaken) Attach(ctx context.Context, plan portal.PlanID, key portal.GatewayKeyID) error {
	o.meanwhile()
	return o.plane.Attach(ctx, plan, key)
}

// One more request that joins meanwhile does not make the call in vain, and ends with it.
func TestWhoJoinsMeanwhileEndsWithTheRest(t *testing.T) {
	t.Parallel()
	b := newBench(t, events.UserRegistered{}, keyWanted, keyCreated, freeWanted)
	inner := b.plane
	b.Session = func(gateway.Urgency, func() time.Time) provisioning.ControlPlane {
		return overtaken{inner, func() { b.say("op2", events.RequestJoined{Plan: "free"}) }}
	}
	if err := b.wake("w1"); err != nil {
		t.Fatal(err)
	}
	b.wantCalls("attach free gw1")
	b.wantOutcomes(activated("free", events.Ends{Operations: []portal.OperationID{"op", "op2"}}))
}

func TestARecheckMendsWhatWasChangedByHand(t *testing.T) {
	t.Parallel()
	active := []events.Fact{events.UserRegistered{}, keyWanted, keyCreated, freeWanted, activated("free", ends)}
	for name, c := range map[string]struct {
		given []events.Fact
		holds []portal.PlanID
		gone  bool
		want  []string
	}{
		"all is as it should be":               {active, []portal.PlanID{"free"}, false, []string{"look gw1", "plans gw1"}},
		"the key was taken out of its plan":    {active, nil, false, []string{"look gw1", "plans gw1", "attach free gw1"}},
		"the key was put into another plan":    {active, []portal.PlanID{"free", "stray"}, false, []string{"look gw1", "plans gw1", "detach stray gw1"}},
		"the key was deleted":                  {active, nil, true, []string{"look gw1", "create key1", "plans gw1-again", "attach free gw1-again"}},
		"an ended subscription came back":      {append(slices.Clone(active), freeEnding, events.SubscriptionEnded{Plan: "free", Key: "key1"}), []portal.PlanID{"free"}, false, []string{"look gw1", "plans gw1", "detach free gw1"}},
		"an account without keys needs none":   {[]events.Fact{events.UserRegistered{}}, nil, false, nil},
		"what is open converges by its intent": {append(slices.Clone(active), freeEnding), []portal.PlanID{"free"}, false, []string{"look gw1", "plans gw1", "detach free gw1"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := newBench(t, c.given...)
			b.plane.holds = c.holds
			if c.gone {
				b.plane.answers["look gw1"] = []error{&gateway.Refused{Reason: gateway.KeyGone}}
				b.plane.suffix = "-again"
			}
			err := b.Handle(t.Context(), events.Event{ID: "sweep", Subject: stream, Data: events.ProvisionRequested{Recheck: true}})
			if err != nil {
				t.Fatal(err)
			}
			b.wantCalls(c.want...)
		})
	}
}

// While the sweep's recheck takes the key out of a plan that is over, its owner subscribes
// to it again and another worker attaches it: the recheck notices and puts it back.
func TestARecheckThatIsOvertakenComparesAgain(t *testing.T) {
	t.Parallel()
	b := newBench(t, events.UserRegistered{}, keyWanted, keyCreated, freeWanted, freeEnding, events.SubscriptionEnded{Plan: "free", Key: "key1"})
	b.plane.holds = []portal.PlanID{"free"}
	again := true
	inner := b.plane
	b.Session = func(gateway.Urgency, func() time.Time) provisioning.ControlPlane {
		return detaching{inner, func() {
			if again {
				again = false
				b.say("op2", freeWanted, events.SubscriptionActivated{Plan: "free", Key: "key1"})
			}
		}}
	}
	if err := b.Handle(t.Context(), events.Event{ID: "sweep", Subject: stream, Data: events.ProvisionRequested{Recheck: true}}); err != nil {
		t.Fatal(err)
	}
	b.wantCalls("look gw1", "plans gw1", "detach free gw1", "attach free gw1")
}

// detaching is a plane during whose detaching something else happens.
type detaching struct {
	*plane
	meanwhile func()
}

func (d detaching) Detach(ctx context.Context, plan portal.PlanID, key portal.GatewayKeyID) error {
	d.meanwhile()
	return d.plane.Detach(ctx, plan, key)
}
