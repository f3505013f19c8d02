package provisioning_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/google/go-cmp/cmp"
	"github.com/rs/zerolog"

	"github.com/gatehouse-portal/gatehouse/accounts"
	"github.com/gatehouse-portal/gatehouse/app"
	"github.com/gatehouse-portal/gatehouse/due"
	"github.com/gatehouse-portal/gatehouse/events"
	"github.com/gatehouse-portal/gatehouse/gateway"
	"github.com/gatehouse-portal/gatehouse/journal"
	"github.com/gatehouse-portal/gatehouse/leases"
	"github.com/gatehouse-portal/gatehouse/localaws/localawstest"
	"github.com/gatehouse-portal/gatehouse/portal"
	"github.com/gatehouse-portal/gatehouse/provisioning"
	"github.com/gatehouse-portal/gatehouse/state"
	"github.com/gatehouse-portal/gatehouse/state/statetest"
)

const account = portal.AccountID("acct1")

var stream = portal.AccountStream(account)

// plane is a control plane with given answers that records its calls.
type plane struct {
	calls []string
	// answers are the errors of the next calls, by "verb what"; other calls succeed.
	answers map[string][]error
	created int
	suffix  string
	// gone are plans that do not exist.
	gone map[portal.PlanID]bool
	// holds are the plans that lists show every key in.
	holds []portal.PlanID
	// there is the key that FindKey finds.
	there portal.GatewayKeyID
	// limited plans have a quota of 100 a month, of which keys have used that. Nothing is counted for other
	// keys.
	limited bool
	used    map[portal.GatewayKeyID]int64
	// name, disabled and customer are the key's present state, if changed.
	name     string
	disabled bool
	customer string
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

func (p *plane) DeriveAndCreateKey(ctx context.Context, derive func(context.Context) (gateway.Key, error)) (portal.GatewayKeyID, error) {
	key, err := derive(ctx)
	if err != nil {
		return "", err
	}
	if err := p.call(strings.TrimSpace("create " + key.Name + " " + key.Customer)); err != nil {
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

func (p *plane) Move(_ context.Context, from, to portal.PlanID, key portal.GatewayKeyID) error {
	return p.call(fmt.Sprintf("move %s %s %s", from, to, key))
}

func (p *plane) HasPlan(_ context.Context, plan portal.PlanID) (bool, error) {
	err := p.call(fmt.Sprintf("plan %s", plan))
	return !p.gone[plan], err
}

func (p *plane) DeleteKey(_ context.Context, key portal.GatewayKeyID) error {
	return p.call(fmt.Sprintf("delete %s", key))
}

func (p *plane) Inspect(_ context.Context, key portal.GatewayKeyID) (gateway.KeyState, error) {
	name := p.name
	if name == "" {
		name = "key1"
	}
	return gateway.KeyState{Name: name, Enabled: !p.disabled, Customer: p.customer}, p.call(fmt.Sprintf("look %s", key))
}

func (p *plane) Rename(_ context.Context, key portal.GatewayKeyID, name string) error {
	return p.call(fmt.Sprintf("rename %s %s", key, name))
}

func (p *plane) SetEnabled(_ context.Context, key portal.GatewayKeyID, enabled bool) error {
	verb := "disable"
	if enabled {
		verb = "enable"
	}
	return p.call(fmt.Sprintf("%s %s", verb, key))
}

func (p *plane) SetCustomer(_ context.Context, key portal.GatewayKeyID, customer string) error {
	err := p.call(fmt.Sprintf("customer %s %q", key, customer))
	if err == nil {
		p.customer = customer
	}
	return err
}

// QuotaOf tells that each key has used what used says of a quota of 100, or nothing was counted.
func (p *plane) QuotaOf(_ context.Context, plan portal.PlanID, key portal.GatewayKeyID) (gateway.KeyQuota, error) {
	quota := gateway.KeyQuota{}
	if p.limited {
		used, counted := p.used[key]
		quota = gateway.KeyQuota{Period: "MONTH", Start: time.Date(2026, 11, 1, 0, 0, 0, 0, time.UTC), Limit: 100, Remaining: 100 - used, Counted: counted}
	}
	return quota, p.call(fmt.Sprintf("quota %s %s", plan, key))
}

func (p *plane) SetRemaining(_ context.Context, plan portal.PlanID, key portal.GatewayKeyID, remaining int64) error {
	return p.call(fmt.Sprintf("set remaining %s %s %d", plan, key, remaining))
}

func (p *plane) PlansOf(_ context.Context, key portal.GatewayKeyID) ([]gateway.UsagePlan, error) {
	var plans []gateway.UsagePlan
	for _, plan := range p.holds {
		plans = append(plans, gateway.UsagePlan{ID: plan})
	}
	return plans, p.call(fmt.Sprintf("plans %s", key))
}

type sent struct{ sent, repeated []events.Event }

func (s *sent) Send(_ context.Context, m ...events.Event) error {
	s.sent = append(s.sent, m...)
	return nil
}

func (s *sent) SendAgain(_ context.Context, m ...events.Event) error {
	s.repeated = append(s.repeated, m...)
	return nil
}

type values struct{ err error }

func (v values) Value(context.Context, string, string, portal.AccountID, portal.KeyID) (string, error) {
	return "value", v.err
}

type fixedLease struct {
	lease leases.AccountLease
	taken bool
}

func (l fixedLease) AccountLease(context.Context, portal.AccountID, string, time.Duration) (leases.AccountLease, bool, error) {
	return l.lease, !l.taken, nil
}

func (l fixedLease) NewAccountLease(context.Context, portal.AccountID, string, time.Duration) (leases.AccountLease, leases.LeaseItem, bool) {
	return leases.AccountLease{}, leases.LeaseItem{}, false
}

// bench is a converger with stand-ins, on a real journal.
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
	server := localawstest.Start(t)
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
		Journal: b.journal, Accounts: b.reader(b.journal), Sender: b.sent, Values: values{}, AccountLeases: fixedLease{},
		Session: func(u gateway.Urgency, _ func() time.Time) provisioning.ControlPlane {
			b.urgency = append(b.urgency, u)
			return b.plane
		},
		MessageLease: func(context.Context) time.Time { return b.now.Add(time.Hour) },
		KeyName:      func(_ portal.AccountID, k portal.KeyID) string { return string(k) },
		Now:          func() time.Time { return b.now },
	}
	b.say("op", given...)
	return b
}

// reader reads accounts from that journal.
func (b *bench) reader(from streams) *accounts.Reader {
	return accounts.NewReader(from, b.tables, b.names.Records, func() time.Time { return b.now })
}

type streams interface {
	Read(ctx context.Context, stream portal.Stream, after int64) ([]events.Event, error)
	ReadUpTo(ctx context.Context, stream portal.Stream, after int64, most int) (facts []events.Event, more bool, err error)
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

// outcomes are the facts that wake-ups appended.
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

func (b *bench) wantOutcomes(want ...any) {
	b.t.Helper()
	if diff := cmp.Diff(all(want...), b.outcomes()); diff != "" {
		b.t.Errorf("outcomes (-want +got):\n%s", diff)
	}
}

var (
	v1         = []portal.Stage{{API: "a", Stage: "v1"}}
	v2         = []portal.Stage{{API: "a", Stage: "v2"}}
	keyWanted  = events.KeyWanted{Key: "key1", Ring: portal.AccountRing, Name: "Default key", Scheme: "v1", KMSKey: "k"}
	keyCreated = events.KeyCreated{Key: "key1", GatewayID: "gw1"}
	freeWanted = events.SubscriptionWanted{Plan: "free", Name: "Free", Ring: portal.AccountRing, Stages: v1}
	nextWanted = events.SubscriptionWanted{Plan: "next", Name: "Next", Ring: portal.AccountRing, Stages: v2}
	plusWanted = events.SubscriptionWanted{Plan: "plus", Name: "Plus", Ring: portal.AccountRing, Stages: v1}
	freeEnding = events.SubscriptionEnding{Plan: "free"}
	throttle   = &gateway.Unavailable{Throttled: true, Err: errors.New("429")}
)

func wish(opened int64) events.Link { return events.Link{Wish: opened} }

// attached is the outcome of the wish opened at that sequence.
func attached(plan portal.PlanID, opened int64) []events.Fact {
	return []events.Fact{
		events.KeyAttached{Link: wish(opened), Key: "key1", Plan: plan}, events.SubscriptionActivated{Link: wish(opened), Plan: plan},
	}
}

func detached(plan portal.PlanID, opened int64) []events.Fact {
	return []events.Fact{
		events.KeyDetached{Link: wish(opened), Key: "key1", Plan: plan}, events.SubscriptionEnded{Link: wish(opened), Plan: plan},
	}
}

func parked(opened int64, reason events.Reason) events.Fact {
	return events.WishParked{Link: wish(opened), Reason: reason}
}

func all(parts ...any) []events.Fact {
	var facts []events.Fact
	for _, part := range parts {
		if list, ok := part.([]events.Fact); ok {
			facts = append(facts, list...)
			continue
		}
		facts = append(facts, part.(events.Fact))
	}
	return facts
}

func TestAFirstSubscriptionCreatesTheKeyAndAttachesIt(t *testing.T) {
	t.Parallel()
	b := newBench(t, events.UserRegistered{}, keyWanted, freeWanted)
	if err := b.wake("w1"); err != nil {
		t.Fatal(err)
	}
	b.wantCalls("create key1", "attach free gw1")
	b.wantOutcomes(keyCreated, attached("free", 3))
	if len(b.sent.sent) != 3 || b.sent.sent[1].Correlation != "corr-op" || b.sent.sent[1].Causation != "w1" {
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
	if len(b.sent.repeated) != 3 {
		t.Errorf("the second delivery published %d facts again, want 3", len(b.sent.repeated))
	}
}

func TestAnOldWishIsBacklog(t *testing.T) {
	t.Parallel()
	b := newBench(t, events.UserRegistered{}, keyWanted, keyCreated, freeWanted)
	b.now = b.now.Add(31 * time.Second)
	if err := b.wake("w1"); err != nil {
		t.Fatal(err)
	}
	if !slices.Equal(b.urgency, []gateway.Urgency{gateway.Backlog}) {
		t.Errorf("the urgency is %v", b.urgency)
	}
}

func TestDetachingComesFirstAndIsAlwaysCalled(t *testing.T) {
	t.Parallel()
	b := newBench(t, events.UserRegistered{}, keyWanted, keyCreated, freeWanted, freeEnding, nextWanted)
	if err := b.wake("w1"); err != nil {
		t.Fatal(err)
	}
	b.wantCalls("detach free gw1", "attach next gw1")
	b.wantOutcomes(detached("free", 5), attached("next", 6))
}

func TestLeavingAPlanWithoutAKeyCallsNothing(t *testing.T) {
	t.Parallel()
	b := newBench(t, events.UserRegistered{}, keyWanted, freeWanted, freeEnding)
	if err := b.wake("w1"); err != nil {
		t.Fatal(err)
	}
	b.wantCalls()
	b.wantOutcomes(detached("free", 4))
}

func TestAThrottledPlanWaitsAndHoldsUpNoOther(t *testing.T) {
	t.Parallel()
	b := newBench(t, events.UserRegistered{}, keyWanted, keyCreated, freeWanted, nextWanted)
	b.plane.answers["attach free gw1"] = []error{throttle, throttle}
	for range 2 {
		var later *portal.Postponed
		if err := b.wake("w1"); !errors.As(err, &later) {
			t.Fatalf("a throttled wake-up returns %v", err)
		}
	}
	b.wantOutcomes(parked(4, events.WaitingForAWS), attached("next", 5))
	if err := b.wake("w1"); err != nil {
		t.Fatal(err)
	}
	if got := b.outcomes()[3:]; !cmp.Equal(got, attached("free", 4)) {
		t.Errorf("in the end the subscription is %+v", got)
	}
}

func TestAnErrorOfAWSIsAFailureAndThePlanStaysWanted(t *testing.T) {
	t.Parallel()
	b := newBench(t, events.UserRegistered{}, keyWanted, keyCreated, freeWanted)
	b.plane.answers["attach free gw1"] = []error{&gateway.Unavailable{Forbidden: true, Err: errors.New("403")}}
	var later *portal.Postponed
	if err := b.wake("w1"); err == nil || errors.As(err, &later) {
		t.Errorf("the wake-up returns %v, want a failure", err)
	}
	b.wantOutcomes(parked(4, events.WaitingForAWS))
}

func TestAFullAccountParksTheWishUntilItsDueRow(t *testing.T) {
	t.Parallel()
	b := newBench(t, events.UserRegistered{}, keyWanted, freeWanted)
	b.plane.answers["create key1"] = []error{&gateway.LimitReached{Limit: gateway.Keys}}
	if err := b.wake("w1"); err != nil {
		t.Errorf("the wake-up returns %v", err)
	}
	b.wantOutcomes(parked(3, events.WaitingForCapacity))
}

func TestAPlanThatIsGoneIsWithdrawnForAllOperationsThatWait(t *testing.T) {
	t.Parallel()
	b := newBench(t, events.UserRegistered{}, keyWanted, keyCreated, freeWanted)
	b.say("op2", events.RequestJoined{Link: wish(4), Plan: "free"})
	b.plane.answers["attach free gw1"] = []error{&gateway.Refused{Reason: gateway.PlanGone}}
	if err := b.wake("w1"); err != nil {
		t.Fatal(err)
	}
	b.wantOutcomes(events.RequestRejected{Link: wish(4), Code: portal.NotFound, Message: "Free is no longer offered."})
	if s := statetest.FoldAccount(account, b.facts()).Subscriptions["free"]; s.Phase != state.Ended {
		t.Errorf("the subscription is %s", s.Phase)
	}
}

func TestLeavingAPlanThatIsGoneSucceeds(t *testing.T) {
	t.Parallel()
	b := newBench(t, events.UserRegistered{}, keyWanted, keyCreated, freeWanted, freeEnding)
	b.plane.answers["detach free gw1"] = []error{&gateway.Refused{Reason: gateway.PlanGone}}
	if err := b.wake("w1"); err != nil {
		t.Fatal(err)
	}
	b.wantOutcomes(detached("free", 5))
}

func TestAKeyThatAPIGatewayLostIsCreatedAgain(t *testing.T) {
	t.Parallel()
	b := newBench(t, events.UserRegistered{}, keyWanted, events.KeyCreated{Key: "key1", GatewayID: "lost"}, freeWanted)
	b.plane.answers["attach free lost"] = []error{&gateway.Refused{Reason: gateway.KeyGone}}
	b.now = b.now.Add(time.Hour)
	if err := b.wake("w1"); err != nil {
		t.Fatal(err)
	}
	b.wantCalls("attach free lost", "create key1", "attach free gw1")
	b.wantOutcomes(keyCreated, attached("free", 4))
}

func TestAKeyThatIsLostAgainAndAgainIsAFailure(t *testing.T) {
	t.Parallel()
	b := newBench(t, events.UserRegistered{}, keyWanted, events.KeyCreated{Key: "key1", GatewayID: "lost"}, freeWanted)
	gone := &gateway.Refused{Reason: gateway.KeyGone}
	b.plane.answers["attach free lost"], b.plane.answers["attach free gw1"] = []error{gone}, []error{gone}
	b.now = b.now.Add(time.Hour)
	var later *portal.Postponed
	if err := b.wake("w1"); err == nil || errors.As(err, &later) {
		t.Errorf("the wake-up returns %v, want a failure", err)
	}
}

func TestAStageHeldByAnEndedPlanIsFreedFirst(t *testing.T) {
	t.Parallel()
	b := newBench(t, events.UserRegistered{}, keyWanted, keyCreated, freeWanted, freeEnding,
		detached("free", 5)[0], detached("free", 5)[1], plusWanted)
	b.plane.answers["attach plus gw1"] = []error{&gateway.Refused{Reason: gateway.StageTaken, Rival: "free"}}
	if err := b.wake("w1"); err != nil {
		t.Fatal(err)
	}
	b.wantCalls("attach plus gw1", "detach free gw1", "attach plus gw1")
	b.wantOutcomes(attached("plus", 8))
}

func TestAStageHeldByAPlanThatWasAttachedByHandIsFreedFirst(t *testing.T) {
	t.Parallel()
	b := newBench(t, events.UserRegistered{}, keyWanted, keyCreated, plusWanted)
	b.plane.answers["attach plus gw1"] = []error{&gateway.Refused{Reason: gateway.StageTaken, Rival: "stray"}}
	if err := b.wake("w1"); err != nil {
		t.Fatal(err)
	}
	b.wantCalls("attach plus gw1", "detach stray gw1", "attach plus gw1")
	b.wantOutcomes(attached("plus", 4))
}

func TestAStageThatStaysTakenPostponesTheMessage(t *testing.T) {
	t.Parallel()
	taken := &gateway.Refused{Reason: gateway.StageTaken, Rival: "stray"}
	for name, answers := range map[string][]error{
		"by a plan that the key was detached from": {taken, taken},
		"and no plan is seen to hold it":           {&gateway.Refused{Reason: gateway.StageTaken}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := newBench(t, events.UserRegistered{}, keyWanted, keyCreated, plusWanted)
			b.plane.answers["attach plus gw1"] = answers
			var later *portal.Postponed
			if err := b.wake("w1"); !errors.As(err, &later) {
				t.Errorf("the wake-up returns %v, want Postponed", err)
			}
			b.wantOutcomes()
		})
	}
}

func TestAStageHeldByAnotherPlanOfTheAccountIsRefused(t *testing.T) {
	t.Parallel()
	b := newBench(t, all(events.UserRegistered{}, keyWanted, keyCreated, freeWanted, attached("free", 4), plusWanted)...)
	b.plane.answers["attach plus gw1"] = []error{&gateway.Refused{Reason: gateway.StageTaken, Rival: "free"}}
	if err := b.wake("w1"); err != nil {
		t.Fatal(err)
	}
	b.wantOutcomes(events.RequestRejected{Link: wish(7), Code: portal.Conflict,
		Message: "Plus and Free are plans of the same API, and a key can hold only one of them. Change from Free to Plus, or leave Free first."})
}

func TestMorePlansThanAKeyCanBeInAreRefusedWithAdvice(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		given   []events.Fact
		wish    int64
		message string
	}{
		"beside another": {
			all(events.UserRegistered{}, keyWanted, keyCreated, nextWanted, attached("next", 4), freeWanted), 7,
			"A key can be in at most 1 plan. Leave it first, then subscribe to Free, or ask the operator of this portal to have the quota raised.",
		},
		"beside none that the fold knows": {
			all(events.UserRegistered{}, keyWanted, keyCreated, freeWanted), 4,
			"Your key is in as many plans as API Gateway allows. Leave one of them first, then subscribe to Free, or ask the operator of this portal to have the quota raised.",
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := newBench(t, c.given...)
			b.plane.answers["attach free gw1"] = []error{&gateway.LimitReached{Limit: gateway.PlansPerKey}}
			if err := b.wake("w1"); err != nil {
				t.Fatal(err)
			}
			b.wantCalls("attach free gw1")
			b.wantOutcomes(events.RequestRejected{Link: wish(c.wish), Code: portal.LimitReached, Message: c.message})
		})
	}
}

func TestAPlanWaitsForAnotherThatIsBeingLeft(t *testing.T) {
	t.Parallel()
	b := newBench(t, all(events.UserRegistered{}, keyWanted, keyCreated, nextWanted, attached("next", 4), events.SubscriptionEnding{Plan: "next"}, freeWanted)...)
	b.plane.answers["detach next gw1"] = []error{throttle}
	b.plane.answers["attach free gw1"] = []error{&gateway.LimitReached{Limit: gateway.PlansPerKey}}
	var later *portal.Postponed
	if err := b.wake("w1"); !errors.As(err, &later) {
		t.Errorf("the wake-up returns %v, want Postponed", err)
	}
	b.wantCalls("detach next gw1", "attach free gw1")
	b.wantOutcomes(parked(7, events.WaitingForAWS), parked(8, events.WaitingForAWS))
	if err := b.wake("w2"); err != nil {
		t.Fatal(err)
	}
	for plan, want := range map[portal.PlanID]state.Phase{"free": state.Active, "next": state.Ended} {
		if s := statetest.FoldAccount(account, b.facts()).Subscription(plan); s.Phase != want {
			t.Errorf("%s is %s, want %s", plan, s.Phase, want)
		}
	}
}

// The owner leaves a plan while the key is attached to another.
func TestAPlanThatIsLeftMeanwhileMakesRoomForAnother(t *testing.T) {
	t.Parallel()
	b := newBench(t, all(events.UserRegistered{}, keyWanted, keyCreated, nextWanted, attached("next", 4), freeWanted)...)
	b.plane.answers["attach free gw1"] = []error{&gateway.LimitReached{Limit: gateway.PlansPerKey}}
	b.Session = func(gateway.Urgency, func() time.Time) provisioning.ControlPlane {
		return attaching{b.plane, func() {
			if len(b.facts()) == 7 {
				b.say("op2", events.SubscriptionEnding{Plan: "next"})
			}
		}}
	}
	if err := b.wake("w1"); err != nil {
		t.Fatal(err)
	}
	b.wantCalls("attach free gw1", "detach next gw1", "attach free gw1")
	for plan, want := range map[portal.PlanID]state.Phase{"free": state.Active, "next": state.Ended} {
		if s := statetest.FoldAccount(account, b.facts()).Subscription(plan); s.Phase != want {
			t.Errorf("%s is %s, want %s", plan, s.Phase, want)
		}
	}
}

// attaching runs a function before a key is attached.
type attaching struct {
	*plane
	before func()
}

func (a attaching) Attach(ctx context.Context, plan portal.PlanID, key portal.GatewayKeyID) error {
	a.before()
	return a.plane.Attach(ctx, plan, key)
}

func TestTwoThrottledPlansAreNoFailure(t *testing.T) {
	t.Parallel()
	b := newBench(t, events.UserRegistered{}, keyWanted, keyCreated, freeWanted, nextWanted)
	b.plane.answers["attach free gw1"], b.plane.answers["attach next gw1"] = []error{throttle}, []error{throttle}
	var later *portal.Postponed
	if err := b.wake("w1"); !errors.As(err, &later) {
		t.Errorf("two throttles count as a failure: %v", err)
	}
}

func TestAKeyThatWasCreatedAMomentAgoIsNotCreatedAgain(t *testing.T) {
	t.Parallel()
	b := newBench(t, events.UserRegistered{}, keyWanted, keyCreated, freeWanted)
	b.plane.answers["attach free gw1"] = []error{&gateway.Refused{Reason: gateway.KeyGone}}
	var later *portal.Postponed
	if err := b.wake("w1"); !errors.As(err, &later) {
		t.Errorf("the wake-up returns %v, want Postponed", err)
	}
	b.wantCalls("attach free gw1")
	b.wantOutcomes()
}

// noMaterial is the error of deriving a value.
type noMaterial struct {
	error
	passes bool
}

func (noMaterial) KeyMaterial()   {}
func (n noMaterial) Passes() bool { return n.passes }

func TestAnUnusableKMSKeyIsAReasonOfItsOwn(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		cause  noMaterial
		reason events.Reason
		level  string
	}{
		"KMS does not answer": {noMaterial{errors.New("KMS does not answer"), true}, events.WaitingForKMS, "warn"},
		"the key is disabled": {noMaterial{errors.New("KMS key k is disabled. Enable it: aws kms enable-key --key-id k"), false}, events.WaitingForKMSKey, "error"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := newBench(t, events.UserRegistered{}, keyWanted, freeWanted)
			b.Values = values{c.cause}
			var waits []events.Reason
			b.Waits = func(reason events.Reason) { waits = append(waits, reason) }
			var logged bytes.Buffer
			ctx := zerolog.New(&logged).WithContext(t.Context())
			if err := b.Handle(ctx, events.Event{ID: "w1", Subject: stream, Data: events.ProvisionRequested{}}); err != nil {
				t.Errorf("the wake-up returns %v, want nil: the due row asks again", err)
			}
			b.wantCalls()
			b.wantOutcomes(parked(3, c.reason))
			if !slices.Equal(waits, []events.Reason{c.reason}) {
				t.Errorf("the waits %v are counted, want one for %s", waits, c.reason)
			}
			var line struct{ Level, Reason, Error string }
			if err := json.Unmarshal(logged.Bytes(), &line); err != nil {
				t.Fatalf("the log is %s: %v", logged.Bytes(), err)
			}
			if line.Level != c.level || line.Reason != string(c.reason) || !strings.Contains(line.Error, c.cause.Error()) {
				t.Errorf("the log says %+v; want level %s and advice for the operator: %s", line, c.level, c.cause)
			}
		})
	}
}

func TestAnotherReasonToWaitIsRecordedToo(t *testing.T) {
	t.Parallel()
	b := newBench(t, events.UserRegistered{}, keyWanted, freeWanted)
	for i, cause := range []noMaterial{{errors.New("no answer"), true}, {errors.New("disabled"), false}, {errors.New("disabled"), false}} {
		b.Values = values{cause}
		if err := b.wake(fmt.Sprint("w", i)); err != nil {
			t.Fatal(err)
		}
	}
	b.wantOutcomes(parked(3, events.WaitingForKMS), parked(3, events.WaitingForKMSKey))
}

// lostAnswer is a conditional put whose first answer was lost: the SDK repeats it, and the condition
// does not hold any more.
type lostAnswer struct {
	*journal.Journal
	times int
}

func (l *lostAnswer) Append(ctx context.Context, s portal.Stream, after int64, facts []events.Event, rows ...journal.Row) error {
	err := l.Journal.Append(ctx, s, after, facts, rows...)
	if err == nil && l.times > 0 {
		l.times--
		return fmt.Errorf("appending: %w", journal.ErrTaken)
	}
	return err
}

func TestAnOutcomeWhoseAppendLostItsAnswerIsPublished(t *testing.T) {
	t.Parallel()
	b := newBench(t, events.UserRegistered{}, keyWanted, freeWanted)
	b.Journal = &lostAnswer{Journal: b.journal, times: 2}
	if err := b.wake("w1"); err != nil {
		t.Fatal(err)
	}
	b.wantCalls("create key1", "attach free gw1")
	b.wantOutcomes(keyCreated, attached("free", 3))
	published := append(b.sent.repeated, b.sent.sent...)
	if diff := cmp.Diff(b.facts()[3:], published); diff != "" {
		t.Errorf("published (-recorded +published):\n%s", diff)
	}
}

func TestAnOutcomeThatManyOperationsWaitForCanBeRecorded(t *testing.T) {
	t.Parallel()
	b := newBench(t, events.UserRegistered{}, keyWanted, keyCreated, freeWanted)
	for batch := range 96 {
		head := int64(len(b.facts()))
		var joined []events.Event
		for n := range 25 {
			op := portal.OperationID(portal.DeriveID("op", fmt.Sprint(batch, n)))
			joined = append(joined, journal.Stamp(events.Event{ID: "cause", Subject: stream, Operation: op}, "/test", b.now, head+int64(n),
				[]events.Fact{events.RequestJoined{Link: wish(4), Plan: "free"}})...)
		}
		if err := b.journal.Append(t.Context(), stream, head, joined); err != nil {
			t.Fatal(err)
		}
	}
	if err := b.wake("w1"); err != nil {
		t.Fatal(err)
	}
	b.wantOutcomes(attached("free", 4))
}

func TestEachKeyOfARingIsAttached(t *testing.T) {
	t.Parallel()
	second := events.KeyWanted{Key: "key2", Ring: portal.AccountRing, Name: "Second key", Scheme: "v1", KMSKey: "k"}
	b := newBench(t, events.UserRegistered{}, keyWanted, keyCreated, second, events.KeyCreated{Key: "key2", GatewayID: "gw2"}, freeWanted)
	if err := b.wake("w1"); err != nil {
		t.Fatal(err)
	}
	b.wantCalls("attach free gw1", "attach free gw2")
	b.wantOutcomes(events.KeyAttached{Link: wish(6), Key: "key1", Plan: "free"}, events.KeyAttached{Link: wish(6), Key: "key2", Plan: "free"},
		events.SubscriptionActivated{Link: wish(6), Plan: "free"})
}

func TestAFlappingPlanIsBacklog(t *testing.T) {
	t.Parallel()
	b := newBench(t, events.UserRegistered{}, keyWanted, keyCreated, freeWanted, freeEnding, freeWanted, freeEnding, freeWanted)
	if err := b.wake("w1"); err != nil {
		t.Fatal(err)
	}
	if !slices.Equal(b.urgency, []gateway.Urgency{gateway.Backlog}) {
		t.Errorf("the urgency is %v", b.urgency)
	}
}

func TestConvergingWaitsForAWorkerThatUnderstandsTheStream(t *testing.T) {
	t.Parallel()
	strange := events.Unknown{Type: "gatehouse.AccountMerged.v1", Data: []byte(`{}`), Must: true}
	b := newBench(t, events.UserRegistered{}, keyWanted, freeWanted, strange)
	for _, recheck := range []bool{false, true} {
		var later *portal.Postponed
		err := b.Handle(t.Context(), events.Event{ID: "w", Subject: stream, Data: events.ProvisionRequested{Recheck: recheck}})
		if !errors.As(err, &later) {
			t.Errorf("the wake-up returns %v, want Postponed", err)
		}
	}
	b.wantCalls()
	b.wantOutcomes()
}

func TestWhileAnotherWorkerHasTheLeaseTheMessageGoesBack(t *testing.T) {
	t.Parallel()
	b := newBench(t, events.UserRegistered{}, keyWanted, freeWanted)
	b.AccountLeases = fixedLease{taken: true}
	var later *portal.Postponed
	if err := b.wake("w1"); !errors.As(err, &later) || later.After != time.Second {
		t.Errorf("the error is %v", err)
	}
	b.wantCalls()
}

func TestOnlyAccountsAreProvisioned(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	err := b.Handle(t.Context(), events.Event{ID: "w", Subject: portal.CatalogStream, Data: events.ProvisionRequested{}})
	if portal.CodeOf(err) != portal.Invalid {
		t.Errorf("the error is %v", err)
	}
}

// Another worker records a fact during the call. The call may have taken effect later than that
// worker's, so it is compared again.
func TestACallThatWasOvertakenIsComparedAgain(t *testing.T) {
	t.Parallel()
	b := newBench(t, events.UserRegistered{}, keyWanted, keyCreated, freeWanted)
	inner := b.plane
	b.Session = func(gateway.Urgency, func() time.Time) provisioning.ControlPlane {
		return overtaken{inner, func() {
			b.say("op2", all(freeEnding, detached("free", 5))...)
		}}
	}
	if err := b.wake("w1"); err != nil {
		t.Fatal(err)
	}
	b.wantCalls("attach free gw1", "detach free gw1")
	if s := statetest.FoldAccount(account, b.facts()).Subscriptions["free"]; s.Phase != state.Ended {
		t.Errorf("the subscription is %s", s.Phase)
	}
}

// overtaken runs a function while a key is attached.
type overtaken struct {
	*plane
	meanwhile func()
}

func (o overtaken) Attach(ctx context.Context, plan portal.PlanID, key portal.GatewayKeyID) error {
	o.meanwhile()
	return o.plane.Attach(ctx, plan, key)
}

func TestARequestThatJoinsDuringTheCallEndsWithTheWish(t *testing.T) {
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
	b.wantOutcomes(attached("free", 4))
}

func TestARecheckMendsChangesMadeByHand(t *testing.T) {
	t.Parallel()
	active := all(events.UserRegistered{}, keyWanted, keyCreated, freeWanted, attached("free", 4))
	for name, c := range map[string]struct {
		given []events.Fact
		holds []portal.PlanID
		gone  bool
		want  []string
	}{
		"nothing differs":                     {active, []portal.PlanID{"free"}, false, []string{"look gw1", "plans gw1"}},
		"the key was taken out of its plan":   {active, nil, false, []string{"look gw1", "plans gw1", "attach free gw1"}},
		"the key was put into another plan":   {active, []portal.PlanID{"free", "stray"}, false, []string{"look gw1", "plans gw1", "detach stray gw1"}},
		"the key was deleted":                 {active, nil, true, []string{"look gw1", "create key1", "plans gw1-again", "attach free gw1-again"}},
		"an ended subscription came back":     {all(active, freeEnding, detached("free", 7)), []portal.PlanID{"free"}, false, []string{"look gw1", "plans gw1", "detach free gw1"}},
		"an account without keys has no call": {[]events.Fact{events.UserRegistered{}}, nil, false, nil},
		"an open wish converges as intended":  {append(slices.Clone(active), freeEnding), []portal.PlanID{"free"}, false, []string{"look gw1", "plans gw1", "detach free gw1"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := newBench(t, c.given...)
			b.now = b.now.Add(time.Hour)
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

// During the recheck that detaches an ended plan, its owner subscribes again and another worker attaches
// the key. The recheck notices and attaches it again.
func TestARecheckThatIsOvertakenComparesAgain(t *testing.T) {
	t.Parallel()
	b := newBench(t, all(events.UserRegistered{}, keyWanted, keyCreated, freeWanted, freeEnding, detached("free", 5))...)
	b.plane.holds = []portal.PlanID{"free"}
	again := true
	inner := b.plane
	b.Session = func(gateway.Urgency, func() time.Time) provisioning.ControlPlane {
		return detaching{inner, func() {
			if again {
				again = false
				b.say("op2", all(freeWanted, attached("free", 8))...)
			}
		}}
	}
	if err := b.Handle(t.Context(), events.Event{ID: "sweep", Subject: stream, Data: events.ProvisionRequested{Recheck: true}}); err != nil {
		t.Fatal(err)
	}
	b.wantCalls("look gw1", "plans gw1", "detach free gw1", "attach free gw1")
}

// detaching runs a function while a key is detached.
type detaching struct {
	*plane
	meanwhile func()
}

func (d detaching) Detach(ctx context.Context, plan portal.PlanID, key portal.GatewayKeyID) error {
	d.meanwhile()
	return d.plane.Detach(ctx, plan, key)
}

func TestARecheckRecordsChangesItMustNotMend(t *testing.T) {
	t.Parallel()
	active := all(events.UserRegistered{}, keyWanted, keyCreated, freeWanted, attached("free", 4))
	planGone := &gateway.Refused{Reason: gateway.PlanGone}
	for name, c := range map[string]struct {
		given   []events.Fact
		prepare func(*plane)
		calls   []string
		want    []events.Fact
	}{
		"the plan was deleted": {active, func(p *plane) { p.answers["attach free gw1"] = []error{planGone} },
			[]string{"look gw1", "plans gw1", "attach free gw1"},
			[]events.Fact{events.SubscriptionLost{Plan: "free", Reason: events.LostPlanGone}}},
		"the plan moved to a stage of another plan of the account": {all(active, nextWanted, attached("next", 7)), func(p *plane) {
			p.holds = []portal.PlanID{"next"}
			p.answers["attach free gw1"] = []error{&gateway.Refused{Reason: gateway.StageTaken, Rival: "next"}}
		}, []string{"look gw1", "plans gw1", "attach free gw1"}, []events.Fact{events.SubscriptionLost{Plan: "free", Reason: events.LostStageTaken}}},
		"the key was disabled": {active, func(p *plane) { p.holds, p.disabled = []portal.PlanID{"free"}, true },
			[]string{"look gw1", "plans gw1"}, []events.Fact{events.KeyObserved{Key: "key1"}}},
		"the key is disabled, as the fold knows": {all(active, events.KeyObserved{Key: "key1"}), func(p *plane) { p.holds, p.disabled = []portal.PlanID{"free"}, true },
			[]string{"look gw1", "plans gw1"}, nil},
		"the key was enabled again": {all(active, events.KeyObserved{Key: "key1"}), func(p *plane) { p.holds = []portal.PlanID{"free"} },
			[]string{"look gw1", "plans gw1"}, []events.Fact{events.KeyObserved{Key: "key1", Enabled: true}}},
		"the key was renamed": {active, func(p *plane) { p.holds, p.name = []portal.PlanID{"free"}, "mine" },
			[]string{"look gw1", "rename gw1 key1", "plans gw1"}, nil},
		"a key that was released exists": {all(active, freeEnding, detached("free", 7), events.KeyReleasing{Key: "key1"}, events.KeyReleased{Link: wish(10), Key: "key1"}),
			func(p *plane) { p.there = "gw9" }, []string{"find key1", "delete gw9"}, nil},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := newBench(t, c.given...)
			b.now = b.now.Add(time.Hour)
			c.prepare(b.plane)
			for range 2 { // the second finds nothing to do
				err := b.Handle(t.Context(), events.Event{ID: "sweep", Subject: stream, Data: events.ProvisionRequested{Recheck: true}})
				if err != nil {
					t.Fatal(err)
				}
				b.plane.name, b.plane.there = "", ""
			}
			b.wantOutcomes(c.want)
			if diff := cmp.Diff(c.calls, b.plane.calls[:min(len(c.calls), len(b.plane.calls))]); diff != "" {
				t.Errorf("calls (-want +got):\n%s", diff)
			}
		})
	}
}

func TestAFailedRecheckHoldsUpNoOpenWish(t *testing.T) {
	t.Parallel()
	keyGone := &gateway.Refused{Reason: gateway.KeyGone}
	for name, c := range map[string]struct {
		answers  map[string][]error
		material error
		// waits says that the message is postponed, fails that it is a failure.
		waits, fails bool
	}{
		"looking at the key is throttled":         {map[string][]error{"look gw1": {throttle}}, nil, true, false},
		"listing its plans is throttled":          {map[string][]error{"plans gw1": {throttle}}, nil, true, false},
		"the key is gone and is not listed yet":   {map[string][]error{"look gw1": {keyGone}, "create key1": {&gateway.Unavailable{ValueTaken: true}}}, nil, true, false},
		"the key is gone and the account is full": {map[string][]error{"look gw1": {keyGone}, "create key1": {&gateway.LimitReached{Limit: gateway.Keys}}}, nil, false, false},
		"the key is gone and KMS cannot be used":  {map[string][]error{"look gw1": {keyGone}}, noMaterial{errors.New("disabled"), false}, false, false},
		"API Gateway does not answer":             {map[string][]error{"look gw1": {&gateway.Unavailable{Err: errors.New("500")}}}, nil, false, true},
		"there is no token":                       {map[string][]error{"look gw1": {&portal.Postponed{Reason: "budget"}}}, nil, true, false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := newBench(t, all(events.UserRegistered{}, keyWanted, keyCreated, freeWanted, attached("free", 4), nextWanted)...)
			b.now = b.now.Add(time.Hour)
			b.plane.holds, b.Values = []portal.PlanID{"free"}, values{c.material}
			maps.Copy(b.plane.answers, c.answers)
			err := b.Handle(t.Context(), events.Event{ID: "sweep", Subject: stream, Data: events.ProvisionRequested{Recheck: true}})
			var later *portal.Postponed
			if waits := errors.As(err, &later); waits != c.waits || (err != nil && !waits) != c.fails {
				t.Errorf("the recheck returns %v", err)
			}
			if waits := slices.Contains(b.plane.calls, "attach next gw1"); waits == (name == "there is no token") {
				t.Errorf("calls %v", b.plane.calls)
			}
		})
	}
}

func TestAKeyOfAnEmptyRingGetsADueRow(t *testing.T) {
	t.Parallel()
	for name, keep := range map[string]time.Duration{"after thirty days": 720 * time.Hour, "never": 0} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := newBench(t, all(events.UserRegistered{}, keyWanted, keyCreated, freeWanted, attached("free", 4), freeEnding)...)
			b.KeepIdleKeys = keep
			counting := &appends{Journal: b.journal}
			b.Journal = counting
			if err := b.wake("w1"); err != nil {
				t.Fatal(err)
			}
			at := due.OfIdleKey(stream, "key1", 9, b.now, keep).Place()
			found := slices.ContainsFunc(counting.written, func(row journal.Row) bool { return row.Key == at && row.Value != nil })
			if found != (keep > 0) {
				t.Errorf("rows %+v, want the key's at %v: %v", counting.written, at, keep > 0)
			}
		})
	}
}

func TestAKeyIsGivenBackAndReturnsWithTheNextSubscription(t *testing.T) {
	t.Parallel()
	b := newBench(t, all(events.UserRegistered{}, keyWanted, keyCreated, freeWanted, attached("free", 4), freeEnding, detached("free", 7), events.KeyReleasing{Key: "key1"})...)
	b.now = b.now.Add(time.Hour)
	b.plane.suffix = "-again"
	if err := b.wake("w1"); err != nil {
		t.Fatal(err)
	}
	b.wantCalls("delete gw1")
	b.wantOutcomes(events.KeyReleased{Link: wish(10), Key: "key1"})
	b.say("op2", freeWanted)
	if err := b.wake("w2"); err != nil {
		t.Fatal(err)
	}
	b.wantCalls("delete gw1", "create key1", "attach free gw1-again")
}

func TestAKeyThatIsWantedAgainWhileItIsGivenBackIsCreatedAgain(t *testing.T) {
	t.Parallel()
	b := newBench(t, all(events.UserRegistered{}, keyWanted, keyCreated, freeWanted, attached("free", 4), freeEnding, detached("free", 7), events.KeyReleasing{Key: "key1"})...)
	b.now = b.now.Add(time.Hour)
	b.plane.suffix = "-again"
	inner := b.plane
	inner.answers["attach free gw1"] = []error{&gateway.Refused{Reason: gateway.KeyGone}}
	b.Session = func(gateway.Urgency, func() time.Time) provisioning.ControlPlane {
		return deleting{inner, func() { b.say("op2", freeWanted) }}
	}
	if err := b.wake("w1"); err != nil {
		t.Fatal(err)
	}
	b.wantCalls("delete gw1", "attach free gw1", "create key1", "attach free gw1-again")
	b.wantOutcomes(events.KeyCreated{Key: "key1", GatewayID: "gw1-again"}, attached("free", 11))
}

// deleting runs a function while a key is deleted.
type deleting struct {
	*plane
	meanwhile func()
}

func (d deleting) DeleteKey(ctx context.Context, key portal.GatewayKeyID) error {
	d.meanwhile()
	return d.plane.DeleteKey(ctx, key)
}

// deaf is a topic that accepts nothing.
type deaf struct{ panics bool }

func (d deaf) Send(context.Context, ...events.Event) error {
	if d.panics {
		panic("sending")
	}
	return portal.Postpone("the topic does not answer", errors.New("no answer"))
}

func (deaf) SendAgain(context.Context, ...events.Event) error { return nil }

func TestFactsThatWereNotSentPostponeTheMessageWhateverElseFailed(t *testing.T) {
	t.Parallel()
	b := newBench(t, events.UserRegistered{}, keyWanted, keyCreated, freeWanted, nextWanted,
		events.WishParked{Link: wish(5), Reason: events.WaitingForAWS})
	b.Sender = deaf{}
	b.plane.answers["attach next gw1"] = []error{errors.New("strange")}
	var later *portal.Postponed
	if err := b.wake("w1"); !errors.As(err, &later) {
		t.Errorf("%v, want Postponed", err)
	}
}

func TestAPanicWhileFactsAreSentIsAnError(t *testing.T) {
	t.Parallel()
	b := newBench(t, events.UserRegistered{}, keyWanted, freeWanted)
	b.Sender = deaf{panics: true}
	if err := b.wake("w1"); err == nil {
		t.Error("the panic is no error")
	}
}
