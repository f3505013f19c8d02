package provisioning_test

import (
	"errors"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/gatehouse-portal/gatehouse/events"
	"github.com/gatehouse-portal/gatehouse/gateway"
	"github.com/gatehouse-portal/gatehouse/portal"
	"github.com/gatehouse-portal/gatehouse/state"
	"github.com/gatehouse-portal/gatehouse/state/statetest"
)

var (
	toPlus = events.PlanChangeWanted{From: "free", Plan: "plus", Name: "Plus", Ring: portal.AccountRing, Stages: v1}
	toNext = events.PlanChangeWanted{From: "free", Plan: "next", Name: "Next", Ring: portal.AccountRing, Stages: v2}
	second = events.KeyWanted{Key: "key2", Ring: portal.AccountRing, Name: "Second", Scheme: "v1", KMSKey: "k"}
)

// inFree are the facts of an account with the plan Free; the next fact is number 7.
func inFree() []events.Fact {
	return all(events.UserRegistered{}, keyWanted, keyCreated, freeWanted, attached("free", 4))
}

// twoInFree are those of one with two keys; the next fact is number 10.
func twoInFree() []events.Fact {
	return all(inFree(), second, events.KeyCreated{Key: "key2", GatewayID: "gw2"}, events.KeyAttached{Link: wish(7), Key: "key2", Plan: "free"})
}

func moved(key portal.KeyID, opened int64) events.Fact {
	return events.KeyMoved{Link: wish(opened), Key: key, From: "free", Plan: "plus"}
}

func (b *bench) wantSubscriptions(want map[portal.PlanID]state.Phase) {
	b.t.Helper()
	got := map[portal.PlanID]state.Phase{}
	for _, s := range statetest.FoldAccount(account, b.facts()).Subscriptions {
		got[s.Plan] = s.Phase
	}
	if diff := cmp.Diff(want, got); diff != "" {
		b.t.Errorf("subscriptions (-want +got):\n%s", diff)
	}
}

func (b *bench) wakeWell() {
	b.t.Helper()
	if err := b.wake("w1"); err != nil {
		b.t.Fatal(err)
	}
}

func TestAChangeMovesEveryKeyAndEndsWithTheLast(t *testing.T) {
	t.Parallel()
	b := newBench(t, all(twoInFree(), toPlus)...)
	b.now = b.now.Add(time.Hour)
	b.wakeWell()
	b.wantCalls("move free plus gw1", "move free plus gw2")
	b.wantOutcomes(moved("key1", 10), moved("key2", 10), events.PlanChanged{Link: wish(10), From: "free", Plan: "plus"})
	b.wantSubscriptions(map[portal.PlanID]state.Phase{"free": state.Ended, "plus": state.Active})
	if diff := cmp.Diff([]gateway.Urgency{gateway.Interactive, gateway.Interactive}, b.urgency); diff != "" {
		t.Errorf("a key between two plans waits behind others:\n%s", diff)
	}
}

func TestBetweenPlansWithoutACommonStageAKeyEntersTheNewOneFirst(t *testing.T) {
	t.Parallel()
	b := newBench(t, all(inFree(), toNext)...)
	b.wakeWell()
	b.wantCalls("attach next gw1", "detach free gw1")
	b.wantOutcomes(events.KeyMoved{Link: wish(7), Key: "key1", From: "free", Plan: "next"}, events.PlanChanged{Link: wish(7), From: "free", Plan: "next"})
}

func TestAKeyThatIsInTheWayOfItsNewPlanLeavesTheOldOneFirst(t *testing.T) {
	t.Parallel()
	for name, no := range map[string]error{
		"the plans share a stage by now":    &gateway.Refused{Reason: gateway.StageTaken, Rival: "free"},
		"the key is in too many plans":      &gateway.LimitReached{Limit: gateway.PlansPerKey},
		"a repeat finds that it was so too": &gateway.Refused{Reason: gateway.StageTaken, Rival: "free"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := newBench(t, all(inFree(), toNext)...)
			b.plane.answers["attach next gw1"] = []error{no}
			b.wakeWell()
			b.wantCalls("attach next gw1", "move free next gw1")
			b.wantSubscriptions(map[portal.PlanID]state.Phase{"free": state.Ended, "next": state.Active})
		})
	}
}

func TestAKeyThatIsNotCreatedYetGoesToTheNewPlanOnly(t *testing.T) {
	t.Parallel()
	b := newBench(t, all(inFree(), toPlus, second)...)
	b.plane.created = 1
	b.wakeWell()
	b.wantCalls("move free plus gw1", "create key2", "attach plus gw2")
	b.wantOutcomes(moved("key1", 7), events.PlanChanged{Link: wish(7), From: "free", Plan: "plus"},
		events.KeyCreated{Key: "key2", GatewayID: "gw2"}, events.KeyAttached{Link: wish(8), Key: "key2", Plan: "plus"})
}

func TestAKeyThatWasOnItsWayIntoTheOldPlanMoves(t *testing.T) {
	t.Parallel()
	b := newBench(t, all(inFree(), second, toPlus)...)
	b.plane.created = 1
	b.wakeWell()
	b.wantCalls("move free plus gw1", "create key2", "move free plus gw2")
	b.wantOutcomes(moved("key1", 8), events.KeyCreated{Key: "key2", GatewayID: "gw2"}, moved("key2", 8), events.PlanChanged{Link: wish(8), From: "free", Plan: "plus"})
}

func TestAMoveThatFailsComesAgainSoon(t *testing.T) {
	t.Parallel()
	for name, cause := range map[string]error{
		"API Gateway throttles":                   throttle,
		"API Gateway does not answer":             &gateway.Unavailable{Err: errors.New("timeout")},
		"API Gateway still shows the old plan":    &gateway.Refused{Reason: gateway.StageTaken, Rival: "free"},
		"the credentials are not permitted to do": &gateway.Unavailable{Forbidden: true, Err: errors.New("403")},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := newBench(t, all(inFree(), nextWanted, toPlus)...)
			b.plane.answers["move free plus gw1"] = []error{cause, cause}
			for range 2 {
				var later *portal.Postponed
				if err := b.wake("w1"); !errors.As(err, &later) || later.After > 2*time.Second {
					t.Fatalf("the wake-up returns %v", err)
				}
			}
			b.wakeWell()
			b.wantCalls("move free plus gw1", "move free plus gw1", "move free plus gw1", "attach next gw1")
			b.wantOutcomes(parked(8, events.WaitingForAWS), moved("key1", 8), events.PlanChanged{Link: wish(8), From: "free", Plan: "plus"}, attached("next", 7))
		})
	}
}

func TestAMoveThatKeepsFailingComesAgainEveryFifteenSecondsAtLeast(t *testing.T) {
	t.Parallel()
	b := newBench(t, all(inFree(), toPlus)...)
	b.now = b.now.Add(24 * time.Hour)
	b.plane.answers["move free plus gw1"] = []error{throttle}
	var later *portal.Postponed
	if err := b.wake("w1"); !errors.As(err, &later) || later.After != 15*time.Second {
		t.Errorf("the wake-up returns %v", err)
	}
}

// refuse makes the bench's control plane refuse the new plan to the second of two keys.
func refuse(b *bench, no error) { b.plane.answers["move free plus gw2"] = []error{no} }

func TestAPlanThatIsRefusedForGoodBringsEveryKeyBack(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		no   error
		code portal.Code
		text string
	}{
		"the plan is gone": {&gateway.Refused{Reason: gateway.PlanGone}, portal.NotFound, "Plus is no longer offered."},
		"the key is not accepted": {&gateway.Refused{Reason: gateway.Invalid}, portal.Conflict,
			"API Gateway does not accept the key for Plus. The operator of this portal has to look into it."},
		"the key is in too many plans": {&gateway.LimitReached{Limit: gateway.PlansPerKey}, portal.LimitReached,
			portal.PlanLimit(0, "Plus").Message},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := newBench(t, all(twoInFree(), toPlus)...)
			refuse(b, c.no)
			b.wakeWell()
			b.wantCalls("move free plus gw1", "move free plus gw2", "move plus free gw1", "move plus free gw2")
			b.wantOutcomes(
				moved("key1", 10), events.PlanChangeRefused{Link: wish(10), Plan: "plus", Code: c.code, Message: c.text},
				events.KeyDetached{Link: wish(10), Key: "key1", Plan: "plus"}, events.KeyAttached{Link: wish(10), Key: "key1", Plan: "free"},
				events.KeyDetached{Link: wish(10), Key: "key2", Plan: "plus"}, events.KeyAttached{Link: wish(10), Key: "key2", Plan: "free"},
				events.RequestRejected{Link: wish(10), Code: c.code, Message: c.text},
			)
			b.wantSubscriptions(map[portal.PlanID]state.Phase{"free": state.Active, "plus": state.Ended})
		})
	}
}

func TestAnotherPlanOnTheStageThatTheAccountHoldsEndsTheChange(t *testing.T) {
	t.Parallel()
	b := newBench(t, all(inFree(), nextWanted, attached("next", 7), toPlus)...)
	b.plane.answers["move free plus gw1"] = []error{&gateway.Refused{Reason: gateway.StageTaken, Rival: "next"}}
	b.wakeWell()
	b.wantCalls("move free plus gw1", "move plus free gw1")
	b.wantSubscriptions(map[portal.PlanID]state.Phase{"free": state.Active, "next": state.Active, "plus": state.Ended})
}

func TestIfBothPlansAreGoneTheOldOneIsLost(t *testing.T) {
	t.Parallel()
	b := newBench(t, all(twoInFree(), toPlus)...)
	gone := &gateway.Refused{Reason: gateway.PlanGone}
	refuse(b, gone)
	b.plane.answers["move plus free gw1"] = []error{gone}
	b.wakeWell()
	b.wantOutcomes(
		moved("key1", 10), events.PlanChangeRefused{Link: wish(10), Plan: "plus", Code: portal.NotFound, Message: "Plus is no longer offered."},
		events.SubscriptionLost{Plan: "free", Reason: events.LostPlanGone},
		events.KeyDetached{Link: wish(10), Key: "key1", Plan: "plus"}, events.KeyDetached{Link: wish(10), Key: "key2", Plan: "plus"},
		events.RequestRejected{Link: wish(10), Code: portal.NotFound, Message: "Plus is no longer offered."},
	)
	b.wantSubscriptions(map[portal.PlanID]state.Phase{"free": state.Ended, "plus": state.Ended})
}

func TestARecheckDuringAChangeDoesNotUndoIt(t *testing.T) {
	t.Parallel()
	b := newBench(t, all(inFree(), toPlus)...)
	b.plane.holds = []portal.PlanID{"plus"} // a worker has died before it recorded the move
	if err := b.Handle(t.Context(), events.Event{ID: "sweep", Subject: stream, Data: events.ProvisionRequested{Recheck: true}}); err != nil {
		t.Fatal(err)
	}
	b.wantCalls("look gw1", "plans gw1", "move free plus gw1")
	b.wantSubscriptions(map[portal.PlanID]state.Phase{"free": state.Ended, "plus": state.Active})
}

func TestLeavingDuringAChangeLeavesBothPlans(t *testing.T) {
	t.Parallel()
	b := newBench(t, all(inFree(), toPlus, events.RequestSuperseded{Link: wish(7)}, events.SubscriptionEnding{Plan: "free"}, events.SubscriptionEnding{Plan: "plus"})...)
	b.wakeWell()
	b.wantCalls("detach free gw1", "detach plus gw1")
	b.wantOutcomes(detached("free", 9), detached("plus", 10))
}

func TestAChangeWhoseKeysHaveAllEndedEndsWithoutACall(t *testing.T) {
	t.Parallel()
	b := newBench(t, all(inFree(), toPlus, events.KeyEnding{Key: "key1", Reason: events.EndRevoked}, events.KeyEnded{Link: wish(8), Key: "key1"})...)
	b.wakeWell()
	b.wantCalls()
	b.wantOutcomes(events.PlanChanged{Link: wish(7), From: "free", Plan: "plus"})
}

func TestARecheckEndsWhatWaitsForApprovalOfAPlanThatIsGone(t *testing.T) {
	t.Parallel()
	pending := events.SubscriptionApprovalPending{Plan: "plus", Name: "Plus", Ring: portal.AccountRing, Stages: v1, Replaces: "free"}
	for gone, want := range map[bool][]events.Fact{
		true:  {events.RequestRejected{Link: wish(7), Code: portal.NotFound, Message: "Plus is no longer offered."}},
		false: nil,
	} {
		b := newBench(t, all(inFree(), pending)...)
		b.plane.holds, b.plane.gone = []portal.PlanID{"free"}, map[portal.PlanID]bool{"plus": gone}
		if err := b.Handle(t.Context(), events.Event{ID: "sweep", Subject: stream, Data: events.ProvisionRequested{Recheck: true}}); err != nil {
			t.Fatal(err)
		}
		b.wantCalls("look gw1", "plans gw1", "plan plus")
		if diff := cmp.Diff(want, b.outcomes()); diff != "" {
			t.Errorf("outcomes (-want +got):\n%s", diff)
		}
	}
}

func TestARecheckEndsASubscriptionWithoutKeysWhosePlanIsGone(t *testing.T) {
	t.Parallel()
	b := newBench(t, all(inFree(), events.KeyEnding{Key: "key1"}, events.KeyEnded{Link: wish(7), Key: "key1"})...)
	b.plane.gone = map[portal.PlanID]bool{"free": true}
	if err := b.Handle(t.Context(), events.Event{ID: "sweep", Subject: stream, Data: events.ProvisionRequested{Recheck: true}}); err != nil {
		t.Fatal(err)
	}
	b.wantOutcomes(events.SubscriptionLost{Plan: "free", Reason: events.LostPlanGone})
}
