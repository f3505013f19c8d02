package provisioning_test

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/gatehouse-portal/gatehouse/events"
	"github.com/gatehouse-portal/gatehouse/gateway"
	"github.com/gatehouse-portal/gatehouse/journal"
	"github.com/gatehouse-portal/gatehouse/portal"
)

// finalReads records in the plane's calls when usage is read.
type finalReads struct {
	plane *plane
	// meanwhile happens during the next read.
	meanwhile func()
	// quota is what a read tells, unless the plan's quota is not known.
	quota   gateway.KeyQuota
	unknown bool
}

func (f *finalReads) Final(_ context.Context, _ gateway.Urgency, _ func() time.Time, _ portal.AccountID, pair portal.Pair, key portal.GatewayKeyID) (gateway.KeyQuota, bool, error) {
	if happens := f.meanwhile; happens != nil {
		f.meanwhile = nil
		happens()
	}
	return f.quota, !f.unknown, f.plane.call(fmt.Sprintf("usage %s %s", pair.Plan, key))
}

func newUsageBench(t *testing.T, given ...events.Fact) (*bench, *finalReads) {
	t.Helper()
	b := newBench(t, given...)
	reads := &finalReads{plane: b.plane}
	b.Usage = reads
	return b, reads
}

var leaving = []events.Fact{events.UserRegistered{}, keyWanted, keyCreated, freeWanted, freeEnding}

func TestUsageIsReadBeforeAKeyLeavesAPlan(t *testing.T) {
	t.Parallel()
	b, _ := newUsageBench(t, leaving...)
	if err := b.wake("w1"); err != nil {
		t.Fatal(err)
	}
	b.wantCalls("usage free gw1", "detach free gw1")
	b.wantOutcomes(detached("free", 5))
}

func TestAKeyLeavesItsPlanEvenIfItsUsageCannotBeRead(t *testing.T) {
	t.Parallel()
	noToken := &portal.Postponed{After: time.Second, Reason: "no token"}
	for name, c := range map[string]struct {
		err   error
		after time.Duration
		waits bool
	}{
		"API Gateway does not answer":   {&gateway.Unavailable{Err: errors.New("500")}, 0, false},
		"API Gateway throttles":         {throttle, 0, false},
		"API Gateway refuses":           {&gateway.Refused{Reason: gateway.Invalid}, 0, false},
		"there is no token":             {noToken, time.Minute, true},
		"there is no token for minutes": {noToken, 2 * time.Minute, false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b, _ := newUsageBench(t, leaving...)
			b.now = b.now.Add(c.after)
			b.plane.answers["usage free gw1"] = []error{c.err}
			err := b.wake("w1")
			var postponed *portal.Postponed
			if errors.As(err, &postponed) != c.waits || !c.waits && err != nil {
				t.Fatalf("%v; waits: %v", err, c.waits)
			}
			if c.waits {
				b.wantCalls("usage free gw1")
				return
			}
			b.wantCalls("usage free gw1", "detach free gw1")
			b.wantOutcomes(detached("free", 5))
		})
	}
}

// Reading may append a fact about the quota to the account's own stream.
func TestAThresholdThatIsFoundWhileAKeyLeavesDoesNotDisturbTheOutcome(t *testing.T) {
	t.Parallel()
	b, reads := newUsageBench(t, leaving...)
	told := events.QuotaThresholdReached{Plan: "free", Key: "key1", Period: "MONTH", PeriodStart: "2026-11-01", Limit: 10, Used: 10, Percent: 100}
	reads.meanwhile = func() {
		facts := journal.Stamp(events.Event{ID: "threshold", Subject: stream}, "/test", b.now, 5, []events.Fact{told})
		if err := b.journal.Append(t.Context(), stream, 5, facts); err != nil {
			t.Error(err)
		}
	}
	if err := b.wake("w1"); err != nil {
		t.Fatal(err)
	}
	b.wantCalls("usage free gw1", "detach free gw1")
	b.wantOutcomes(told, detached("free", 5))
}

func TestUsageOfAKeyThatIsInNoPlanIsNotReadAgainWhenItIsDeleted(t *testing.T) {
	t.Parallel()
	b, _ := newUsageBench(t, append(leaving[:5:5],
		events.KeyDetached{Link: wish(5), Key: "key1", Plan: "free"}, events.SubscriptionEnded{Link: wish(5), Plan: "free"}, events.KeyReleasing{Key: "key1"})...)
	if err := b.wake("w1"); err != nil {
		t.Fatal(err)
	}
	b.wantCalls("delete gw1")
}

// A key that has ended stays in its plans in API Gateway, where calls count until it is disabled.
func TestUsageOfAnEndedKeyIsReadInEveryPlanItMayBeInBeforeItIsDeleted(t *testing.T) {
	t.Parallel()
	left := append(attached("free", 3), freeEnding, events.KeyDetached{Link: wish(7), Key: "key1", Plan: "free"}, events.SubscriptionEnded{Link: wish(7), Plan: "free"})
	inNext := append([]events.Fact{events.UserRegistered{}, keyWanted, freeWanted, keyCreated}, append(left, nextWanted,
		events.KeyAttached{Link: wish(10), Key: "key1", Plan: "next"}, events.SubscriptionActivated{Link: wish(10), Plan: "next"})...)
	ended := []events.Fact{events.KeyEnding{Key: "key1", Reason: events.EndRevoked}, events.KeyEnded{Link: wish(7), Key: "key1"}, events.KeyReleasing{Key: "key1"}}
	deleted := []events.Fact{events.AccountDeleting{}}
	for name, c := range map[string]struct {
		given, later []events.Fact
		calls        []string
	}{
		"a key that was revoked":                 {active(), ended, []string{"usage free gw1", "delete gw1"}},
		"a key of a deleted account":             {active(), deleted, []string{"disable gw1", "usage free gw1", "delete gw1"}},
		"a revoked key of a deleted account":     {append(active(), ended[:2]...), deleted, []string{"usage free gw1", "delete gw1"}},
		"a key that had left a plan before that": {inNext, deleted, []string{"disable gw1", "usage next gw1", "delete gw1"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b, _ := newUsageBench(t, c.given...)
			b.now = b.now.Add(time.Hour)
			b.say("op-end", c.later...)
			if err := b.wake("w1"); err != nil {
				t.Fatal(err)
			}
			b.wantCalls(c.calls...)
		})
	}
}
