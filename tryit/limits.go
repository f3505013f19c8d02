package tryit

import (
	"fmt"
	"sync"
	"time"

	"github.com/gatehouse-portal/gatehouse/portal"
)

// The limits of one process. MaxAtOnce and MaxPerMinute are for each account or, of people who are
// not signed in, each network. maxInFlight is for all requests; people who are not signed in get at
// most half.
const (
	MaxAtOnce    = 3
	MaxPerMinute = 60
	maxInFlight  = 32
	maxCallers   = 10_000
)

type limits struct {
	now func() time.Time

	mu       sync.Mutex
	callers  map[caller]*use
	inFlight int
	signedIn int // of those in flight
}

type caller struct {
	name     string
	signedIn bool
}

type use struct {
	inFlight int
	last     []time.Time
}

func newLimits(now func() time.Time) *limits {
	return &limits{now: now, callers: map[caller]*use{}}
}

// begin counts a request or refuses it with TooManyRequests. Call end once.
func (l *limits) begin(c caller) (end func(), err error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	now := l.now()
	u, ok := l.callers[c]
	if !ok {
		l.makeRoom(now)
		u = &use{}
	}
	u.forget(now)
	switch {
	case u.inFlight >= MaxAtOnce:
		return nil, portal.Fail(portal.TooManyRequests, fmt.Sprintf("%d requests are under way already. Wait until one of them has ended.", MaxAtOnce))
	case len(u.last) >= MaxPerMinute:
		return nil, portal.Fail(portal.TooManyRequests, fmt.Sprintf("More than %d requests in a minute. Wait a minute, or copy the code and run it yourself.", MaxPerMinute))
	case l.inFlight >= maxInFlight || !c.signedIn && l.inFlight-l.signedIn >= maxInFlight/2:
		return nil, portal.Fail(portal.TooManyRequests, "The portal is sending as many requests for people as it can. Try again in a moment, or copy the code and run it yourself.")
	}
	l.callers[c] = u
	u.last = append(u.last, now)
	l.count(u, c, 1)
	return sync.OnceFunc(func() {
		l.mu.Lock()
		defer l.mu.Unlock()
		l.count(u, c, -1)
	}), nil
}

func (l *limits) count(u *use, c caller, n int) {
	u.inFlight += n
	l.inFlight += n
	if c.signedIn {
		l.signedIn += n
	}
}

func (u *use) forget(now time.Time) {
	for len(u.last) > 0 && now.Sub(u.last[0]) >= time.Minute {
		u.last = u.last[1:]
	}
}

func (l *limits) makeRoom(now time.Time) {
	if len(l.callers) < maxCallers {
		return
	}
	l.drop(func(u *use) bool { u.forget(now); return len(u.last) == 0 })
	if len(l.callers) >= maxCallers {
		l.drop(func(*use) bool { return true })
	}
}

func (l *limits) drop(idle func(*use) bool) {
	for c, u := range l.callers {
		if u.inFlight == 0 && idle(u) {
			delete(l.callers, c)
		}
	}
}
