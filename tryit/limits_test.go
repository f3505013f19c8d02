package tryit

import (
	"context"
	"fmt"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/gatehouse-portal/gatehouse/portal"
)

// watch is a clock that a test moves.
type watch struct{ now time.Time }

func (w *watch) Now() time.Time { return w.now }

func newWatch() *watch { return &watch{time.Date(2026, 11, 22, 9, 0, 0, 0, time.UTC)} }

func begins(t *testing.T, l *limits, c caller) (end func()) {
	t.Helper()
	end, err := l.begin(c)
	if err != nil {
		t.Fatal(err)
	}
	return end
}

func isRefused(t *testing.T, l *limits, c caller, says string) {
	t.Helper()
	_, err := l.begin(c)
	if portal.CodeOf(err) != portal.TooManyRequests || !strings.Contains(portal.MessageOf(err), says) {
		t.Fatalf("the error is %v, want …%s…", err, says)
	}
}

func TestACallerHasThreeRequestsAtOnceAndSixtyAMinute(t *testing.T) {
	t.Parallel()
	ada, bob := caller{"ada", true}, caller{"bob", true}
	w := newWatch()
	l := newLimits(w.Now)
	var ends []func()
	for range MaxAtOnce {
		ends = append(ends, begins(t, l, ada))
	}
	isRefused(t, l, ada, "3 requests are under way")
	begins(t, l, bob)()
	ends[0]()
	ends[0]() // ending twice counts once
	end := begins(t, l, ada)
	isRefused(t, l, ada, "3 requests are under way")
	end()
	ends[1]()
	ends[2]()
	for range MaxPerMinute - MaxAtOnce - 1 {
		w.now = w.now.Add(time.Second)
		begins(t, l, ada)()
	}
	isRefused(t, l, ada, "More than 60 requests in a minute")
	begins(t, l, bob)()
	w.now = w.now.Add(time.Minute - 56*time.Second) // the first four are a minute old
	for range 4 {
		begins(t, l, ada)()
	}
	isRefused(t, l, ada, "More than 60 requests in a minute")
	if l.inFlight != 0 || l.signedIn != 0 {
		t.Errorf("%d, %d are in flight", l.inFlight, l.signedIn)
	}
}

func TestPeopleWhoAreNotSignedInLeaveRoomForOthers(t *testing.T) {
	t.Parallel()
	l := newLimits(newWatch().Now)
	var ends []func()
	for i := range maxInFlight / 2 {
		ends = append(ends, begins(t, l, caller{fmt.Sprint(i), false}))
	}
	isRefused(t, l, caller{"another", false}, "as many requests")
	for i := range maxInFlight / 2 {
		ends = append(ends, begins(t, l, caller{fmt.Sprint(i), true}))
	}
	isRefused(t, l, caller{"another", true}, "as many requests")
	for _, end := range ends {
		end()
	}
	begins(t, l, caller{"another", false})()
}

func TestTheLimitsMemoryIsBounded(t *testing.T) {
	t.Parallel()
	w := newWatch()
	l := newLimits(w.Now)
	busy := caller{"busy", true}
	end := begins(t, l, busy)
	for i := range 3 * maxCallers {
		begins(t, l, caller{fmt.Sprint(i), false})()
	}
	if len(l.callers) > maxCallers {
		t.Errorf("%d callers are remembered", len(l.callers))
	}
	if l.callers[busy] == nil || l.callers[busy].inFlight != 1 {
		t.Error("a caller with a request in flight is forgotten")
	}
	end()
	w.now = w.now.Add(2 * time.Minute)
	l.makeRoom(w.now)
	begins(t, l, busy)()
	if u := l.callers[busy]; len(u.last) != 1 {
		t.Errorf("requests of long ago are remembered: %v", u.last)
	}
}

func TestANetworkIsAnIPv4AddressOrAnIPv6Slash64(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"203.0.113.7": "203.0.113.7/32", "2001:db8:1:2:3:4:5:6": "2001:db8:1:2::/64", "2001:db8:1:2::9": "2001:db8:1:2::/64",
	} {
		if got := network(WithAddress(t.Context(), netip.MustParseAddr(text))); got != want {
			t.Errorf("%s is %s, want %s", text, got, want)
		}
	}
	for _, ctx := range []context.Context{t.Context(), WithAddress(t.Context(), netip.Addr{})} {
		if got := network(ctx); got != "unknown" {
			t.Errorf("no address is %s", got)
		}
	}
}
