package provisioning_test

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/gatehouse-portal/gatehouse/events"
	"github.com/gatehouse-portal/gatehouse/gateway"
	"github.com/gatehouse-portal/gatehouse/gateway/keyimport"
	"github.com/gatehouse-portal/gatehouse/journal"
	"github.com/gatehouse-portal/gatehouse/leases"
	"github.com/gatehouse-portal/gatehouse/portal"
	"github.com/gatehouse-portal/gatehouse/state"
	"github.com/gatehouse-portal/gatehouse/state/statetest"
)

// crowd creates keys as if other accounts were waiting, too.
type crowd struct {
	*plane
	asked []keyimport.Creation
	// attached are the plans that a created key is seen in.
	attached  []portal.PlanID
	err       error
	meanwhile func()
}

func (c *crowd) Create(_ context.Context, creation keyimport.Creation) (keyimport.Created, error) {
	c.asked = append(c.asked, creation)
	c.calls = append(c.calls, fmt.Sprintf("import %s %v", creation.Key.Name, creation.Plans))
	if c.meanwhile != nil {
		c.meanwhile()
	}
	if c.err != nil {
		return keyimport.Created{}, c.err
	}
	return keyimport.Created{ID: "gw1", Plans: c.attached}, nil
}

func newCrowd(t *testing.T, given ...events.Fact) (*bench, *crowd) {
	t.Helper()
	b := newBench(t, given...)
	c := &crowd{plane: b.plane}
	b.Bulk = c
	return b, c
}

func TestAKeyIsImportedWithAllItsPlansAtOnce(t *testing.T) {
	t.Parallel()
	b, c := newCrowd(t, events.UserRegistered{}, keyWanted, freeWanted, nextWanted)
	c.attached = []portal.PlanID{"free", "next"}
	if err := b.wake("w1"); err != nil {
		t.Fatal(err)
	}
	b.wantCalls("import key1 [free next]")
	b.wantOutcomes(keyCreated, attached("free", 3), attached("next", 4))
	if got := c.asked[0]; got.Key.Value != "value" || got.Urgency != gateway.Interactive || !got.Lease().After(b.now) {
		t.Errorf("asked for %+v", got)
	}
}

func TestAPlanThatTheKeyIsNotSeenInIsAttachedSingly(t *testing.T) {
	t.Parallel()
	b, c := newCrowd(t, events.UserRegistered{}, keyWanted, freeWanted, nextWanted)
	c.attached = []portal.PlanID{"next"}
	if err := b.wake("w1"); err != nil {
		t.Fatal(err)
	}
	b.wantCalls("import key1 [free next]", "attach free gw1")
	b.wantOutcomes(keyCreated, attached("next", 4), attached("free", 3))
}

func TestAKeyThatWasRecordedOnceIsNeverImported(t *testing.T) {
	t.Parallel()
	b, _ := newCrowd(t, events.UserRegistered{}, keyWanted, events.KeyCreated{Key: "key1", GatewayID: "lost"}, freeWanted)
	b.plane.answers["attach free lost"] = []error{&gateway.Refused{Reason: gateway.KeyGone}}
	b.now = b.now.Add(time.Hour)
	if err := b.wake("w1"); err != nil {
		t.Fatal(err)
	}
	b.wantCalls("attach free lost", "create key1", "attach free gw1")
}

func TestAnImportThatFailsLeavesTheWishOpen(t *testing.T) {
	t.Parallel()
	b, c := newCrowd(t, events.UserRegistered{}, keyWanted, freeWanted)
	c.err = throttle
	var later *portal.Postponed
	if err := b.wake("w1"); !errors.As(err, &later) {
		t.Errorf("a throttled wake-up returns %v", err)
	}
	b.wantOutcomes(parked(3, events.WaitingForAWS))
}

func TestAnImportWithoutATokenRecordsNothing(t *testing.T) {
	t.Parallel()
	b, c := newCrowd(t, events.UserRegistered{}, keyWanted, freeWanted)
	c.err = &portal.Postponed{Reason: "budget"}
	var later *portal.Postponed
	if err := b.wake("w1"); !errors.As(err, &later) {
		t.Errorf("the wake-up returns %v", err)
	}
	b.wantOutcomes()
}

// The key was created and attached, both answers were lost, and then its owner left the plan. It must
// be looked for, whether keys are imported now or created singly.
func TestLeavingAPlanLooksForAKeyThatWasNotRecorded(t *testing.T) {
	t.Parallel()
	for name, bulk := range map[string]bool{"in bulk": true, "singly": false} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b, c := newCrowd(t, events.UserRegistered{}, keyWanted, freeWanted, freeEnding)
			b.AccountLeases = fixedLease{lease: leases.AccountLease{LastUnrecorded: b.now}}
			if !bulk {
				b.Bulk = nil
			}
			c.there = "gw1"
			if err := b.wake("w1"); err != nil {
				t.Fatal(err)
			}
			b.wantCalls("find key1", "detach free gw1")
			b.wantOutcomes(keyCreated, detached("free", 4))
		})
	}
}

func TestLeavingAPlanEndsIfTheKeyIsNotFound(t *testing.T) {
	t.Parallel()
	b, _ := newCrowd(t, events.UserRegistered{}, keyWanted, freeWanted, freeEnding)
	b.AccountLeases = fixedLease{lease: leases.AccountLease{LastUnrecorded: b.now}}
	if err := b.wake("w1"); err != nil {
		t.Fatal(err)
	}
	b.wantCalls("find key1")
	b.wantOutcomes(detached("free", 4))
}

func TestLeavingAPlanLooksForNoKeyThatNobodyTriedToCreate(t *testing.T) {
	t.Parallel()
	b, _ := newCrowd(t, events.UserRegistered{}, keyWanted, freeWanted, freeEnding)
	if err := b.wake("w1"); err != nil {
		t.Fatal(err)
	}
	b.wantCalls()
	b.wantOutcomes(detached("free", 4))
}

// A taken value shows that the key exists, listed or not, however long ago the first attempt was.
func TestATakenValueIsNeverARefusal(t *testing.T) {
	t.Parallel()
	for name, ago := range map[string]time.Duration{"a minute ago": time.Minute, "an hour ago": time.Hour} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := newBench(t, events.UserRegistered{}, keyWanted, freeWanted)
			b.AccountLeases = fixedLease{lease: leases.AccountLease{LastUnrecorded: b.now.Add(-ago)}}
			b.plane.answers["create key1"] = []error{&gateway.Unavailable{ValueTaken: true}}
			var later *portal.Postponed
			if err := b.wake("w1"); !errors.As(err, &later) {
				t.Errorf("the wake-up returns %v", err)
			}
			b.wantOutcomes(parked(3, events.WaitingForAWS))
		})
	}
}

// During the import its owner leaves one plan. The import may have come later, so the key is taken out
// of that plan again.
func TestAPlanThatIsLeftDuringAnImportIsComparedAgain(t *testing.T) {
	t.Parallel()
	for name, since := range map[string][]events.Fact{
		"left":                  {freeEnding},
		"left and ended":        all(freeEnding, detached("free", 5)),
		"withdrawn":             {events.RequestRejected{Link: wish(3), Code: portal.NotFound, Message: "no"}},
		"recorded as a key too": {keyCreated, freeEnding},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b, c := newCrowd(t, events.UserRegistered{}, keyWanted, freeWanted, nextWanted)
			c.attached = []portal.PlanID{"free", "next"}
			c.meanwhile = func() { b.say("op2", since...) }
			if err := b.wake("w1"); err != nil {
				t.Fatal(err)
			}
			b.wantCalls("import key1 [free next]", "detach free gw1")
			folded := statetest.FoldAccount(account, b.facts())
			got := map[portal.PlanID]state.Phase{}
			for _, s := range folded.Subscriptions {
				got[s.Plan] = s.Phase
			}
			if diff := cmp.Diff(map[portal.PlanID]state.Phase{"free": state.Ended, "next": state.Active}, got); diff != "" {
				t.Errorf("subscriptions (-want +got):\n%s", diff)
			}
			if folded.Keys["key1"].GatewayID != "gw1" {
				t.Errorf("the key is %+v", folded.Keys["key1"])
			}
		})
	}
}

// The creation took effect after its plan had ended. The sweep finds the key in the plan, and the
// recheck finds the key.
func TestARecheckFindsAKeyThatWasNotRecorded(t *testing.T) {
	t.Parallel()
	for name, bulk := range map[string]bool{"in bulk": true, "singly": false} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b, c := newCrowd(t, all(events.UserRegistered{}, keyWanted, freeWanted, freeEnding, detached("free", 4))...)
			if !bulk {
				b.Bulk = nil
			}
			c.there, c.holds = "gw1", []portal.PlanID{"free"}
			err := b.Handle(t.Context(), events.Event{ID: "sweep", Subject: stream, Data: events.ProvisionRequested{Recheck: true}})
			if err != nil {
				t.Fatal(err)
			}
			b.wantCalls("find key1", "look gw1", "plans gw1", "detach free gw1")
			b.wantOutcomes(keyCreated)
		})
	}
}

// held are real leases.
func (b *bench) held() *leases.Leases {
	return leases.New(b.tables, leases.Config{Table: b.names.Records, Now: b.Now})
}

// forgetful fails every append.
type forgetful struct {
	*journal.Journal
}

func (forgetful) Append(context.Context, portal.Stream, int64, []events.Event, ...journal.Row) error {
	return &portal.Postponed{Reason: "the journal does not answer"}
}

func TestAKeyThatAnotherWorkerMayHaveCreatedIsLookedForBeforeItIsImported(t *testing.T) {
	t.Parallel()
	for name, tried := range map[string]func(b *bench, c *crowd) error{
		"an import that failed": func(b *bench, c *crowd) error {
			c.err = throttle
			return b.wake("w1")
		},
		"an import that was not recorded": func(b *bench, c *crowd) error {
			b.Journal = forgetful{b.journal}
			return b.wake("w1")
		},
		"a single creation that was not recorded": func(b *bench, c *crowd) error {
			b.Journal, b.Bulk = forgetful{b.journal}, nil
			return b.wake("w1")
		},
		"one that was not recorded, and then one that read nothing": func(b *bench, c *crowd) error {
			b.Journal = forgetful{b.journal}
			err := b.wake("w1")
			b.Accounts = b.reader(unreadable{b.journal})
			return errors.Join(err, b.wake("w2"))
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b, c := newCrowd(t, events.UserRegistered{}, keyWanted, freeWanted)
			b.AccountLeases = b.held()
			if err := tried(b, c); err == nil {
				t.Fatal("nothing failed")
			}
			if len(c.asked) > 0 && !c.asked[0].UntriedUntil.After(b.now) {
				t.Errorf("the first import looks, untried until %v", c.asked[0].UntriedUntil)
			}
			b.Journal, b.Accounts, b.Bulk, c.err, c.asked = b.journal, b.reader(b.journal), c, nil, nil
			if err := b.wake("later"); err != nil {
				t.Fatal(err)
			}
			if !c.asked[0].UntriedUntil.IsZero() {
				t.Errorf("the next import does not look until %v", c.asked[0].UntriedUntil)
			}
			lease, ok, err := b.held().AccountLease(t.Context(), account, "w", time.Minute)
			if err != nil || !ok || !lease.LastUnrecorded.IsZero() {
				t.Errorf("in the end the lease is taken: %v, last unrecorded at %v, %v", ok, lease.LastUnrecorded, err)
			}
		})
	}
}

type unreadable struct{ *journal.Journal }

func (unreadable) Read(context.Context, portal.Stream, int64) ([]events.Event, error) {
	return nil, &portal.Postponed{Reason: "the journal does not answer"}
}

func TestAKeyAndItsPlansAreRecordedInOneAppend(t *testing.T) {
	t.Parallel()
	b, c := newCrowd(t, events.UserRegistered{}, keyWanted, freeWanted, nextWanted)
	c.attached = []portal.PlanID{"free", "next"}
	counting := &appends{Journal: b.journal}
	b.Journal = counting
	if err := b.wake("w1"); err != nil {
		t.Fatal(err)
	}
	b.wantOutcomes(keyCreated, attached("free", 3), attached("next", 4))
	if counting.n != 1 || counting.rows != 2 {
		t.Errorf("%d appends with %d due rows, want both wishes' in one", counting.n, counting.rows)
	}
}

type appends struct {
	*journal.Journal
	n, rows int
	written []journal.Row
}

func (a *appends) Append(ctx context.Context, stream portal.Stream, after int64, facts []events.Event, rows ...journal.Row) error {
	a.n, a.rows, a.written = a.n+1, a.rows+len(rows), append(a.written, rows...)
	return a.Journal.Append(ctx, stream, after, facts, rows...)
}

func TestMorePlansThanOneAppendHoldsAreRecordedOneByOne(t *testing.T) {
	t.Parallel()
	given := []events.Fact{events.UserRegistered{}, keyWanted}
	var plans []portal.PlanID
	for n := range journal.MaxFacts {
		plan := portal.PlanID(fmt.Sprintf("plan%02d", n))
		plans = append(plans, plan)
		given = append(given, events.SubscriptionWanted{Plan: plan, Name: "Plan", Ring: portal.AccountRing})
	}
	b, c := newCrowd(t, given...)
	c.attached = plans
	if err := b.wake("w1"); err != nil {
		t.Fatal(err)
	}
	if got := len(b.outcomes()); got != 1+2*len(plans) {
		t.Errorf("%d outcomes of %d plans", got, len(plans))
	}
}
