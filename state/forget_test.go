package state

import (
	"fmt"
	"testing"
	"time"

	"github.com/gatehouse-portal/gatehouse/events"
	"github.com/gatehouse-portal/gatehouse/portal"
)

// A person rotates a key twice a day. Each old key is deleted 30 hours after its end.
func TestTheStateDoesNotGrowWithEveryRotation(t *testing.T) {
	t.Parallel()
	account := NewAccount("ann")
	at := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	happens := func(intent portal.Intent, facts ...events.Fact) {
		for _, fact := range facts {
			account.Apply(events.Event{Sequence: account.Sequence + 1, Time: at, Intent: intent, Data: fact})
		}
	}
	key := func(n int) portal.KeyID { return portal.KeyID(fmt.Sprint("k", n)) }
	happens(1, events.UserRegistered{}, events.KeyWanted{Key: key(0), Ring: portal.AccountRing, Name: "CI"}, wanted("free"),
		events.KeyCreated{Key: key(0), GatewayID: "gw0"}, events.KeyAttached{Key: key(0), Plan: "free"}, events.SubscriptionActivated{Plan: "free"})
	const rotations = 1000
	for n := 1; n <= rotations; n++ {
		at = at.Add(12 * time.Hour)
		happens(portal.Intent(n+1), events.KeyWanted{Key: key(n), Ring: portal.AccountRing, Name: "CI", Requested: true, Replaces: key(n - 1)},
			events.KeyCreated{Key: key(n), GatewayID: portal.GatewayKeyID(fmt.Sprint("gw", n))}, events.KeyAttached{Key: key(n), Plan: "free"},
			events.UsageCarried{Key: key(n), From: key(n - 1), Plan: "free", PeriodStart: at.Format("2006-01-02"), Period: "DAY", Used: 3, Passed: 3},
			events.QuotaThresholdReached{Plan: "free", Key: key(n), PeriodStart: at.Format("2006-01-02"), Period: "DAY", Percent: 50},
			events.KeyReady{Key: key(n)}, events.KeyEnding{Key: key(n - 1), Reason: events.EndRotated}, events.KeyEnded{Key: key(n - 1)})
		if n > 3 {
			happens(0, events.KeyReleasing{Key: key(n - 4)}, events.KeyReleased{Key: key(n - 4)})
		}
	}
	if n := len(account.Keys); n > 10 {
		t.Errorf("after %d rotations the state holds %d keys", rotations, n)
	}
	if pairs, told, spent := len(account.Attachments), len(account.Thresholds), len(account.Spent); pairs > 10 || told > 10 || spent > 10 {
		t.Errorf("after %d rotations the state holds %d attachments, the thresholds of %d and the usage of %d", rotations, pairs, told, spent)
	}
	if live := account.LiveKeys(portal.AccountRing); len(live) != 1 || live[0].ID != key(rotations) {
		t.Errorf("the live keys are %+v", live)
	}
	if account.Forgotten == 0 || account.Forgotten > rotations {
		t.Errorf("keys of requests up to %d are forgotten", account.Forgotten)
	}
}

func TestAnEndedKeyIsKnownAsLongAsSomethingNeedsIt(t *testing.T) {
	t.Parallel()
	at := time.Date(2026, 11, 22, 9, 0, 0, 0, time.UTC)
	ended := []events.Fact{events.KeyWanted{Key: "k1", Ring: portal.AccountRing}, events.KeyCreated{Key: "k1", GatewayID: "gw1"}, events.KeyEnding{Key: "k1"}, events.KeyEnded{Key: "k1"}}
	for name, c := range map[string]struct {
		facts []events.Fact
		later time.Duration
		known bool
	}{
		"while it waits for its deletion":          {ended, 1000 * time.Hour, true},
		"while it is being deleted":                {append(ended, events.KeyReleasing{Key: "k1"}), 1000 * time.Hour, true},
		"while a late call may make it again":      {append(ended, events.KeyReleasing{Key: "k1"}, events.KeyReleased{Key: "k1"}), 23 * time.Hour, true},
		"not for ever":                             {append(ended, events.KeyReleasing{Key: "k1"}, events.KeyReleased{Key: "k1"}), 24 * time.Hour, false},
		"a live key that was released is not over": {[]events.Fact{ended[0], ended[1], events.KeyReleasing{Key: "k1"}, events.KeyReleased{Key: "k1"}}, 10_000 * time.Hour, true},
	} {
		account := NewAccount("ann")
		for _, fact := range c.facts {
			account.Apply(events.Event{Sequence: account.Sequence + 1, Time: at, Intent: 7, Data: fact})
		}
		account.Apply(events.Event{Sequence: account.Sequence + 1, Time: at.Add(c.later), Intent: 8, Data: events.KeyWanted{Key: "k2", Ring: portal.AccountRing}})
		if _, known := account.Keys["k1"]; known != c.known {
			t.Errorf("%s: known is %v", name, known)
		}
	}
}
