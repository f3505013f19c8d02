package provisioning_test

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/gatehouse-portal/gatehouse/accounts"
	"github.com/gatehouse-portal/gatehouse/events"
	"github.com/gatehouse-portal/gatehouse/gateway"
	"github.com/gatehouse-portal/gatehouse/journal"
	"github.com/gatehouse-portal/gatehouse/leases"
	"github.com/gatehouse-portal/gatehouse/portal"
	"github.com/gatehouse-portal/gatehouse/provisioning"
	"github.com/gatehouse-portal/gatehouse/state"
	"github.com/gatehouse-portal/gatehouse/state/statetest"
)

// by appends facts as if that message had caused them.
func (b *bench) by(message string, facts ...events.Fact) {
	b.t.Helper()
	after := int64(len(b.facts()))
	cause := events.Event{ID: message, Subject: stream}
	if err := b.journal.Append(b.t.Context(), stream, after, journal.Stamp(cause, "/test", b.now.Add(time.Second), after, facts)); err != nil {
		b.t.Fatal(err)
	}
}

// Two workers may handle the same message. The other one's facts must not count as this one's.
func TestFactsOfAnotherDeliveryDoNotCountAsOnesOwn(t *testing.T) {
	t.Parallel()
	b := newBench(t, all(events.UserRegistered{}, keyWanted, keyCreated, freeWanted, attached("free", 4), freeEnding)...)
	inner, once := b.plane, true
	b.Session = func(gateway.Urgency, func() time.Time) provisioning.ControlPlane {
		return detaching{inner, func() {
			if once {
				once = false
				b.say("op2", freeWanted)
				b.by("w1", attached("free", 8)...)
			}
		}}
	}
	if err := b.wake("w1"); err != nil {
		t.Fatal(err)
	}
	b.wantCalls("detach free gw1", "attach free gw1")
}

func TestAKeyThatIsGivenBackAfterItWasAttachedAgainIsCreatedAgain(t *testing.T) {
	t.Parallel()
	b := newBench(t, all(events.UserRegistered{}, keyWanted, keyCreated, freeWanted, attached("free", 4), freeEnding, detached("free", 7), events.KeyReleasing{Key: "key1"})...)
	b.now = b.now.Add(time.Hour)
	b.plane.suffix = "-again"
	inner := b.plane
	inner.answers["attach free gw1"] = []error{&gateway.Refused{Reason: gateway.KeyGone}}
	b.Session = func(gateway.Urgency, func() time.Time) provisioning.ControlPlane {
		return deleting{inner, func() {
			b.say("op2", freeWanted)
			b.by("another worker's", attached("free", 11)...)
		}}
	}
	if err := b.wake("w1"); err != nil {
		t.Fatal(err)
	}
	b.wantCalls("delete gw1", "attach free gw1", "create key1", "attach free gw1-again")
}

// A ring may get a key while a plan is active. The plan is then active for the other keys.
func TestALaterKeyThatIsRefusedDoesNotKeepTheMessageComing(t *testing.T) {
	t.Parallel()
	for name, cause := range map[string]error{
		"the key is not accepted":      &gateway.Refused{Reason: gateway.Invalid},
		"the key is in too many plans": &gateway.LimitReached{Limit: gateway.PlansPerKey},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			second := events.KeyWanted{Key: "key2", Ring: portal.AccountRing, Name: "Second key", Scheme: "v1", KMSKey: "k"}
			b := newBench(t, all(events.UserRegistered{}, keyWanted, keyCreated, freeWanted, attached("free", 4), second, events.KeyCreated{Key: "key2", GatewayID: "gw2"})...)
			for range 100 {
				b.plane.answers["attach free gw2"] = append(b.plane.answers["attach free gw2"], cause)
			}
			_ = b.wake("w1")
			b.wantCalls("attach free gw2")
			if s := statetest.FoldAccount(account, b.facts()).Subscriptions["free"]; s.Phase != state.Active {
				t.Errorf("the subscription is %s", s.Phase)
			}
		})
	}
}

// anything is a world where API Gateway may give any answer, and other workers may record anything at
// any time.
type anything struct {
	t      *rapid.T
	facts  []events.Event
	begun  int
	others int
	plane
}

func (a *anything) fact() events.Fact {
	key := rapid.SampledFrom([]portal.KeyID{"key1", "key2"}).Draw(a.t, "key")
	plan := rapid.SampledFrom([]portal.PlanID{"free", "next", "plus"}).Draw(a.t, "plan")
	link := wish(rapid.Int64Range(0, int64(len(a.facts))+1).Draw(a.t, "wish"))
	return rapid.SampledFrom([]events.Fact{
		events.UserRegistered{},
		events.KeyWanted{Key: key, Ring: portal.AccountRing, Name: "A key"},
		events.KeyWanted{Key: key, Ring: legacyRing, Name: "A buyer's key"},
		events.SubscriptionWanted{Plan: plan, Name: string(plan), Ring: legacyRing},
		events.KeyCreated{Key: key, GatewayID: "gw" + portal.GatewayKeyID(key)},
		events.SubscriptionWanted{Plan: plan, Name: string(plan), Ring: portal.AccountRing},
		events.SubscriptionWanted{Plan: plan, Name: string(plan), Ring: portal.AccountRing},
		events.SubscriptionEnding{Plan: plan},
		events.KeyAttached{Link: link, Key: key, Plan: plan},
		events.KeyDetached{Link: link, Key: key, Plan: plan},
		events.SubscriptionActivated{Link: link, Plan: plan},
		events.SubscriptionEnded{Link: link, Plan: plan},
		events.SubscriptionLost{Plan: plan, Reason: events.LostPlanGone},
		events.RequestRejected{Link: link, Code: portal.Conflict},
		events.RequestSuperseded{Link: link},
		events.WishParked{Link: link, Reason: events.WaitingForAWS},
		events.KeyObserved{Key: key, Enabled: rapid.Bool().Draw(a.t, "enabled")},
		events.KeyReleasing{Key: key},
		events.KeyReleased{Link: link, Key: key},
	}).Draw(a.t, "fact")
}

func (a *anything) happens(by string) {
	a.facts = append(a.facts, journal.Stamp(events.Event{ID: by, Subject: stream}, "/test", time.Now(), int64(len(a.facts)), []events.Fact{a.fact()})...)
}

func (a *anything) Write(context.Context, ...journal.Row) error { return nil }

// Remembered says that the process remembers nothing.
func (a *anything) Remembered(portal.AccountID) (accounts.History, bool) {
	return accounts.History{}, false
}

// step counts what converging begins. Others act a bounded number of times, so converging must, too.
func (a *anything) step(what string) error {
	if a.begun++; a.begun > 1000 {
		a.t.Fatalf("converging does not end: %v", a.calls[len(a.calls)-20:])
	}
	a.calls = append(a.calls, what)
	if a.others > 0 && rapid.IntRange(0, 9).Draw(a.t, "others") == 0 {
		a.others--
		a.happens(rapid.SampledFrom([]string{"other", "w1"}).Draw(a.t, "by"))
	}
	return nil
}

func (a *anything) answer(what string) error {
	if err := a.step(what); err != nil {
		return err
	}
	return rapid.SampledFrom([]error{
		nil, nil, nil, nil,
		&gateway.Refused{Reason: gateway.PlanGone}, &gateway.Refused{Reason: gateway.KeyGone}, &gateway.Refused{Reason: gateway.Invalid},
		&gateway.Refused{Reason: gateway.StageTaken}, &gateway.Refused{Reason: gateway.StageTaken, Rival: "plus"},
		&gateway.Refused{Reason: gateway.StageTaken, Rival: "strange"},
		&gateway.LimitReached{Limit: gateway.Keys}, &gateway.LimitReached{Limit: gateway.PlansPerKey},
		throttle, &gateway.Unavailable{ValueTaken: true, Err: errors.New("taken")}, errors.New("broken"), context.DeadlineExceeded,
	}).Draw(a.t, "answer")
}

func (a *anything) DeriveAndCreateKey(ctx context.Context, derive func(context.Context) (gateway.Key, error)) (portal.GatewayKeyID, error) {
	key, err := derive(ctx)
	if err != nil {
		return "", err
	}
	return portal.GatewayKeyID(fmt.Sprint("gw", rapid.IntRange(1, 3).Draw(a.t, "made"))), a.answer("create " + key.Name)
}

func (a *anything) FindKey(_ context.Context, name string) (portal.GatewayKeyID, bool, error) {
	return "gw1", rapid.Bool().Draw(a.t, "found"), a.answer("find " + name)
}

func (a *anything) Attach(_ context.Context, plan portal.PlanID, key portal.GatewayKeyID) error {
	return a.answer(fmt.Sprint("attach ", plan, " ", key))
}

func (a *anything) Detach(_ context.Context, plan portal.PlanID, key portal.GatewayKeyID) error {
	return a.answer(fmt.Sprint("detach ", plan, " ", key))
}

func (a *anything) DeleteKey(_ context.Context, key portal.GatewayKeyID) error {
	return a.answer(fmt.Sprint("delete ", key))
}

func (a *anything) Inspect(_ context.Context, key portal.GatewayKeyID) (gateway.KeyState, error) {
	return gateway.KeyState{
		Name: "key1", Enabled: rapid.Bool().Draw(a.t, "is enabled"), Customer: rapid.SampledFrom([]string{"", "cust"}).Draw(a.t, "has the customer"),
	}, a.answer(fmt.Sprint("look ", key))
}

func (a *anything) Rename(_ context.Context, key portal.GatewayKeyID, name string) error {
	return a.answer(fmt.Sprint("rename ", key, " ", name))
}

func (a *anything) SetEnabled(_ context.Context, key portal.GatewayKeyID, enabled bool) error {
	return a.answer(fmt.Sprint("enable ", key, " ", enabled))
}

func (a *anything) SetCustomer(_ context.Context, key portal.GatewayKeyID, customer string) error {
	return a.answer(fmt.Sprint("customer ", key, " ", customer))
}

func (a *anything) Remaining(_ context.Context, plan portal.PlanID, key portal.GatewayKeyID) (int64, bool, error) {
	return 7, rapid.Bool().Draw(a.t, "has a quota"), a.answer(fmt.Sprint("remaining ", plan, " ", key))
}

func (a *anything) SetRemaining(_ context.Context, plan portal.PlanID, key portal.GatewayKeyID, remaining int64) error {
	return a.answer(fmt.Sprint("set remaining ", plan, " ", key, " ", remaining))
}

func (a *anything) PlansOf(_ context.Context, key portal.GatewayKeyID) ([]gateway.UsagePlan, error) {
	var plans []gateway.UsagePlan
	for _, plan := range rapid.SliceOfDistinct(rapid.SampledFrom([]portal.PlanID{"free", "plus", "strange"}), rapid.ID).Draw(a.t, "plans") {
		plans = append(plans, gateway.UsagePlan{ID: plan})
	}
	return plans, a.answer(fmt.Sprint("plans ", key))
}

func (a *anything) Account(context.Context, portal.AccountID) (accounts.History, error) {
	return accounts.History{Account: statetest.FoldAccount(account, a.facts), Facts: a.facts, Base: state.NewAccount(account)}, nil
}

func (a *anything) Append(_ context.Context, _ portal.Stream, after int64, facts []events.Event, _ ...journal.Row) error {
	err := a.step(fmt.Sprint("append ", events.Name(facts[0].Type())))
	if err == nil && int64(len(a.facts)) != after {
		return journal.ErrTaken
	}
	a.facts = append(a.facts, facts...)
	if rapid.IntRange(0, 19).Draw(a.t, "the answer is lost") == 0 {
		return journal.ErrTaken
	}
	return err
}

func TestConvergingEndsWhateverTheFactsAndAPIGatewaySay(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(rt *rapid.T) {
		a := &anything{t: rt, others: rapid.IntRange(0, 10).Draw(rt, "what others do")}
		for range rapid.IntRange(0, 25).Draw(rt, "facts") {
			a.happens("cause")
		}
		now := time.Now().Add(rapid.SampledFrom([]time.Duration{0, time.Hour}).Draw(rt, "later"))
		c := &provisioning.Converger{
			Journal: a, Accounts: a, Sender: &sent{}, Values: values{},
			AccountLeases: fixedLease{lease: rapid.SampledFrom([]leases.AccountLease{{}, {LastUnrecorded: now}}).Draw(rt, "lease")},
			Session:       func(gateway.Urgency, func() time.Time) provisioning.ControlPlane { return a },
			MessageLease:  func(context.Context) time.Time { return now.Add(time.Hour) },
			KeyName:       func(_ portal.AccountID, k portal.KeyID) string { return string(k) },
			Now:           func() time.Time { return now },
		}
		_ = c.Handle(t.Context(), events.Event{ID: "w1", Subject: stream, Data: events.ProvisionRequested{Recheck: rapid.Bool().Draw(rt, "recheck")}})
	})
}

func TestGivingAKeyBackComesLast(t *testing.T) {
	t.Parallel()
	const other = portal.Ring("plan/other")
	b := newBench(t, all(events.UserRegistered{}, keyWanted, keyCreated,
		events.KeyWanted{Key: "key0", Ring: other, Name: "Old key", Scheme: "v1", KMSKey: "k"}, events.KeyCreated{Key: "key0", GatewayID: "gw0"},
		events.KeyReleasing{Key: "key0"}, freeWanted)...)
	if err := b.wake("w1"); err != nil {
		t.Fatal(err)
	}
	b.wantCalls("attach free gw1", "delete gw0")
}
