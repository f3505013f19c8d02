package provisioning_test

import (
	"errors"
	"slices"
	"testing"
	"time"

	"github.com/gatehouse-portal/gatehouse/events"
	"github.com/gatehouse-portal/gatehouse/gateway"
	"github.com/gatehouse-portal/gatehouse/portal"
)

const november = "2026-11-01"

func took(from portal.KeyID, used, passed, remaining int64) events.UsageCarried {
	return events.UsageCarried{Key: "key2", From: from, Plan: "free", Remaining: remaining, PeriodStart: november, Period: "MONTH", Used: used, Passed: passed}
}

func usedUp(key portal.KeyID, n int64) events.QuotaUsed {
	return events.QuotaUsed{Key: key, Plan: "free", PeriodStart: november, Period: "MONTH", Used: n}
}

func TestARotationPassesTheRestOfAQuotaOn(t *testing.T) {
	t.Parallel()
	whole := []events.Fact{events.QuotaNotCarried{Key: "key2", Plan: "free"}}
	refused := &gateway.Refused{Reason: gateway.Invalid, Err: errors.New("400")}
	for name, c := range map[string]struct {
		used    int64
		open    bool
		has     map[portal.GatewayKeyID]int64
		answers map[string][]error
		calls   []string
		carried []events.Fact
	}{
		"once":                           {used: 60, calls: []string{"quota free gw1", "set remaining free gw1b 40"}, carried: []events.Fact{took("key1", 60, 60, 40)}},
		"all of it":                      {used: 100, calls: []string{"quota free gw1", "set remaining free gw1b 0"}, carried: []events.Fact{took("key1", 100, 100, 0)}},
		"what an operator granted, too":  {used: -20, calls: []string{"quota free gw1", "set remaining free gw1b 120"}},
		"not without a quota":            {open: true},
		"not more than the new key has":  {used: 60, has: map[portal.GatewayKeyID]int64{"gw1b": 75}, calls: []string{"quota free gw1"}, carried: []events.Fact{took("key1", 60, 60, 40)}},
		"not if API Gateway cannot tell": {used: 60, answers: map[string][]error{"quota free gw1": {&gateway.Refused{Reason: gateway.PlanGone, Err: errors.New("404")}}}, calls: []string{"quota free gw1"}, carried: whole},
		"not if API Gateway refuses it":  {used: 60, answers: map[string][]error{"set remaining free gw1b 40": {refused}}, calls: []string{"quota free gw1", "set remaining free gw1b 40"}, carried: whole},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := newBench(t, append(active(), secondKey("key1"))...)
			b.CarryUsage, b.plane.suffix, b.plane.limited, b.plane.used = true, "b", !c.open, map[portal.GatewayKeyID]int64{"gw1": c.used}
			for key, used := range c.has {
				b.plane.used[key] = used
			}
			if c.answers != nil {
				b.plane.answers = c.answers
			}
			if err := b.wake("w1"); err != nil {
				t.Fatal(err)
			}
			b.wantCalls(append([]string{"create key2", "attach free gw1b", "quota free gw1b"}, c.calls...)...)
			b.wantOutcomes(events.KeyCreated{Key: "key2", GatewayID: "gw1b"}, events.KeyAttached{Link: wish(7), Key: "key2", Plan: "free"}, c.carried, events.KeyReady{Link: wish(7), Key: "key2"})
		})
	}
}

func TestAKeyWaitsForWhatWasUsedOfTheQuota(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		given []events.Fact
		wish  int64
		after time.Duration
		waits bool
	}{
		"for a while, if no other key works":            {slices.Concat(active(), ended, []events.Fact{secondKey("key1")}), 9, 29 * time.Minute, true},
		"no longer than half an hour, if none does":     {slices.Concat(active(), ended, []events.Fact{secondKey("key1")}), 9, 31 * time.Minute, false},
		"as long as it takes, if the old one works":     {append(active(), secondKey("key1")), 7, 48 * time.Hour, true},
		"for a while, if it takes over from ended ones": {slices.Concat(active(), ended, []events.Fact{secondKey("")}), 9, 29 * time.Minute, true},
		"no longer, if it takes over from ended ones":   {slices.Concat(active(), ended, []events.Fact{secondKey("")}), 9, 31 * time.Minute, false},
	} {
		for fault, no := range map[string]error{"throttled": throttle, "not answered": &gateway.Unavailable{Err: errors.New("500")}} {
			t.Run(name+", "+fault, func(t *testing.T) {
				t.Parallel()
				b := newBench(t, c.given...)
				b.CarryUsage, b.plane.suffix, b.plane.limited = true, "b", true
				b.plane.used = map[portal.GatewayKeyID]int64{"gw1": 60}
				b.plane.answers["quota free gw1b"] = []error{no, no}
				if err := b.wake("w1"); err == nil {
					t.Fatal("the call counts as done")
				}
				b.now = b.now.Add(c.after)
				if err := b.wake("w2"); (err != nil) != c.waits {
					t.Fatalf("after %s: %v, want it to wait: %t", c.after, err, c.waits)
				}
				if !c.waits {
					b.wantOutcomes(events.KeyCreated{Key: "key2", GatewayID: "gw1b"}, events.WishParked{Link: wish(c.wish), Reason: events.WaitingForAWS},
						events.KeyAttached{Link: wish(c.wish), Key: "key2", Plan: "free"}, events.QuotaNotCarried{Key: "key2", Plan: "free"}, events.KeyReady{Link: wish(c.wish), Key: "key2"})
				}
			})
		}
	}
}

var ended = []events.Fact{events.KeyEnding{Key: "key1", Reason: events.EndRevoked}, events.KeyEnded{Link: wish(7), Key: "key1"}}

func TestANewKeyTakesOverWhatEndedKeysHaveUsed(t *testing.T) {
	t.Parallel()
	ready := []any{events.KeyCreated{Key: "key2", GatewayID: "gw1b"}, events.KeyAttached{Link: wish(9), Key: "key2", Plan: "free"}}
	for name, c := range map[string]struct {
		given   []events.Fact
		off     bool
		used    int64
		at      time.Duration
		calls   []string
		carried []events.Fact
	}{
		"while API Gateway still has them":      {given: ended, used: 30, calls: []string{"quota free gw1b", "quota free gw1", "set remaining free gw1b 70"}, carried: []events.Fact{took("key1", 30, 30, 70)}},
		"and nothing if they have used nothing": {given: ended, calls: []string{"quota free gw1b", "quota free gw1"}},
		"unless that is switched off":           {given: ended, off: true, used: 30},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := newBench(t, slices.Concat(active(), c.given, []events.Fact{secondKey("")})...)
			b.CarryUsage, b.plane.suffix, b.plane.limited, b.plane.used = !c.off, "b", true, map[portal.GatewayKeyID]int64{"gw1": c.used}
			if err := b.wake("w1"); err != nil {
				t.Fatal(err)
			}
			b.wantCalls(append([]string{"create key2", "attach free gw1b"}, c.calls...)...)
			b.wantOutcomes(append(ready, c.carried, events.KeyReady{Link: wish(9), Key: "key2"})...)
		})
	}
}

// A key is deleted while its usage still counts. API Gateway is asked about it again then.
func TestWhatADeletedKeyHasUsedIsTakenOverInTheSamePeriodOnly(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		later time.Duration
		calls []string
	}{
		"in the same month": {time.Hour, []string{"quota free gw1b", "set remaining free gw1b 70"}},
		"in the next month": {20 * 24 * time.Hour, nil},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b, reads := newUsageBench(t, slices.Concat(active(), ended, []events.Fact{events.KeyReleasing{Key: "key1"}})...)
			b.CarryUsage, b.plane.suffix, b.plane.limited = true, "b", true
			reads.quota = gateway.KeyQuota{Period: "MONTH", Start: time.Date(2026, 11, 1, 0, 0, 0, 0, time.UTC), Limit: 100, Remaining: 70, Counted: true}
			if err := b.wake("w1"); err != nil {
				t.Fatal(err)
			}
			b.wantCalls("usage free gw1", "delete gw1")
			b.wantOutcomes(usedUp("key1", 30), events.KeyReleased{Link: wish(9), Key: "key1"})
			b.now = b.now.Add(c.later)
			b.say("op-new", secondKey(""))
			if err := b.wake("w2"); err != nil {
				t.Fatal(err)
			}
			b.wantCalls(append([]string{"usage free gw1", "delete gw1", "create key2", "attach free gw1b"}, c.calls...)...)
		})
	}
}

// API Gateway's own counter may outlive the detachment or not.
func TestAKeyThatReturnsToAPlanHasNoSecondQuota(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		now   map[portal.GatewayKeyID]int64
		calls []string
	}{
		"if API Gateway forgets":              {nil, []string{"quota free gw1", "set remaining free gw1 70"}},
		"if API Gateway begins to count anew": {map[portal.GatewayKeyID]int64{"gw1": 2}, []string{"quota free gw1", "set remaining free gw1 70"}},
		"if API Gateway remembers":            {map[portal.GatewayKeyID]int64{"gw1": 30}, []string{"quota free gw1"}},
		"if API Gateway counts late":          {map[portal.GatewayKeyID]int64{"gw1": 34}, []string{"quota free gw1"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b, reads := newUsageBench(t, append(active(), freeEnding)...)
			b.CarryUsage, b.plane.limited, b.plane.used = true, true, map[portal.GatewayKeyID]int64{"gw1": 30}
			reads.unknown = true
			if err := b.wake("w1"); err != nil {
				t.Fatal(err)
			}
			b.wantCalls("usage free gw1", "quota free gw1", "detach free gw1")
			b.wantOutcomes(usedUp("key1", 30), events.KeyDetached{Link: wish(7), Key: "key1", Plan: "free"}, events.SubscriptionEnded{Link: wish(7), Plan: "free"})
			b.plane.used, b.plane.calls = c.now, nil
			b.say("op-again", freeWanted)
			if err := b.wake("w2"); err != nil {
				t.Fatal(err)
			}
			b.wantCalls(append([]string{"attach free gw1"}, c.calls...)...)
		})
	}
}

// The worker stops between lowering the rest and recording it, and the new key is used meanwhile.
func TestARepetitionNeverRaisesTheRestOfAQuota(t *testing.T) {
	t.Parallel()
	b := newBench(t, slices.Concat(active(), ended, []events.Fact{secondKey("")})...)
	b.CarryUsage, b.plane.suffix, b.plane.limited, b.plane.used = true, "b", true, map[portal.GatewayKeyID]int64{"gw1": 30}
	b.plane.answers["set remaining free gw1b 70"] = []error{throttle} // and it has happened all the same
	if err := b.wake("w1"); err == nil {
		t.Fatal("the throttled call counts as done")
	}
	b.plane.used["gw1b"], b.plane.calls = 55, nil
	if err := b.wake("w2"); err != nil {
		t.Fatal(err)
	}
	b.wantCalls("attach free gw1b", "quota free gw1b", "quota free gw1")
}
