package gateway

import (
	"context"
	"crypto/rand"
	"errors"
	"sync"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"github.com/gatehouse-portal/gatehouse/clock"
	"github.com/gatehouse-portal/gatehouse/leases"
	"github.com/gatehouse-portal/gatehouse/portal"
	"github.com/gatehouse-portal/gatehouse/schema"
)

// attachLease is the lease for changing the keys of usage plans. AWS changes them one at a time
// and answers a second call with 409, which would waste its token.
type attachLease struct {
	leases *leases.Leases
	key    schema.Key
	now    func() time.Time

	releasing sync.WaitGroup

	mu       sync.Mutex
	lines    map[Urgency]*turnQueue
	markedAt time.Time
}

// attachWait is several times what an attachment takes.
const attachWait = 10 * time.Second

// A call without the lease looks again after up to firstLook, and then less often: an import may
// hold it for long.
const (
	firstLook = 100 * time.Millisecond
	lastLook  = 400 * time.Millisecond
)

// eagerFor is how long an interactive call without the lease keeps others off it.
const eagerFor = 2 * time.Second

// take waits for the lease: for attachWait once the call has its turn in the process, for
// portal.LastWait in a process that stops. Interactive calls go first, in every process. A dead
// holder's lease runs out after d; a late holder gets a 409 and is retried. While affordable
// returns a wait or an error the lease is not taken, so that no call holds it only to wait for a
// token. release returns before the lease is free for other processes. Any error is a
// *portal.Postponed.
func (l *attachLease) take(ctx context.Context, d time.Duration, u Urgency, affordable func(context.Context) (wait time.Duration, err error)) (release func(), err error) {
	waiting, end := portal.UnlessStopping(ctx)
	defer end()
	line := l.line(u)
	if err := line.enter(waiting); err != nil {
		return nil, err
	}
	held := false
	defer func() {
		if !held { // after a panic, too
			line.leave()
		}
	}()
	if err := l.afford(waiting, u, affordable); err != nil {
		return nil, err
	}
	waiting, cancel := context.WithTimeoutCause(waiting, attachWait, errNoTurn)
	defer cancel()
	for wait := firstLook; ; wait = min(2*wait, lastLook) {
		giveUp, ok, err := l.try(ctx, d, u)
		if ok {
			held = true
			return func() { l.releaseAlongside(line, giveUp) }, nil
		}
		if err == nil && sleep(waiting, jitter(wait/4, wait)) != nil {
			err = waitError(waiting)
		}
		if err != nil {
			return nil, err
		}
	}
}

func (l *attachLease) releaseAlongside(line *turnQueue, giveUp func()) {
	l.releasing.Go(func() {
		defer line.leave()
		_ = portal.Guard(func() error { giveUp(); return nil })() // if it fails, the lease runs out
	})
}

func (l *attachLease) afford(ctx context.Context, u Urgency, affordable func(context.Context) (time.Duration, error)) error {
	length := frontWait
	if u == Interactive {
		length = frontTime
	}
	for until := l.now().Add(length); ; {
		wait, err := affordable(ctx)
		switch {
		case err != nil:
			return portal.Postpone("budget store", err)
		case wait <= 0:
			return nil
		case !l.now().Add(wait).Before(until):
			return noToken()
		}
		if sleep(ctx, min(wait+jitter(0, wait/8+time.Millisecond), tokenWait)) != nil {
			return waitError(ctx)
		}
	}
}

func (l *attachLease) line(u Urgency) *turnQueue {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.lines == nil {
		l.lines = map[Urgency]*turnQueue{}
	}
	if l.lines[u] == nil {
		l.lines[u] = &turnQueue{newestFirst: u == Interactive, now: l.now}
	}
	return l.lines[u]
}

var errNoTurn = errors.New("other calls held the attach lease all the time")

func waitError(waiting context.Context) error {
	if errors.Is(context.Cause(waiting), errNoTurn) {
		return postponed("attach lease")
	}
	return portal.Stopped(waiting)
}

// try takes the lease if it is free and no interactive call has marked it, or marks it for an
// interactive call.
func (l *attachLease) try(ctx context.Context, d time.Duration, u Urgency) (release func(), ok bool, err error) {
	within, cancel := context.WithTimeout(ctx, tableTimeout)
	defer cancel()
	holder, now := rand.Text(), l.now()
	condition, values := leases.Free, map[string]types.AttributeValue{
		":holder": schema.Text(holder), ":until": schema.Number(now.Add(d).UnixMilli()),
		":now": schema.Number(now.UnixMilli()), ":latest": schema.Number(clock.Latest(now, d).UnixMilli()),
	}
	if u != Interactive {
		condition += " AND (attribute_not_exists(eager) OR eager <= :now OR eager > :eagerLatest)"
		values[":eagerLatest"] = schema.Number(clock.Latest(now, eagerFor).UnixMilli())
	}
	_, ok, err = l.leases.Update(within, l.key, "SET holder = :holder, #until = :until", condition, values)
	if err == nil && !ok && u == Interactive && l.mark(now) {
		_, _, err = l.leases.Update(within, l.key, "SET eager = :eager", "", map[string]types.AttributeValue{
			":eager": schema.Number(now.Add(eagerFor).UnixMilli()),
		})
	}
	if !ok || err != nil {
		return func() {}, false, err
	}
	return func() {
		l.leases.GiveUp(ctx, l.key, "REMOVE holder, #until", map[string]types.AttributeValue{":holder": schema.Text(holder)})
	}, true, nil
}

func (l *attachLease) mark(now time.Time) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	if now.Sub(l.markedAt).Abs() < eagerFor/2 {
		return false
	}
	l.markedAt = now
	return true
}
