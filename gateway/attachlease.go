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

// attachLease is the lease that CreateUsagePlanKey and DeleteUsagePlanKey are called under.
// AWS changes the keys of its usage plans one at a time and answers a second call meanwhile
// with 409 "concurrent modification"; taking turns spends no tokens on those.
type attachLease struct {
	leases *leases.Leases
	key    schema.Key
	now    func() time.Time

	mu sync.Mutex
	// lanes are the queues for it, one for each urgency.
	lanes map[Urgency]*lane
}

// attachPatience is how long a call waits for its turn to attach: several times what AWS
// takes for an attachment, since that is what those ahead take.
const attachPatience = 10 * time.Second

// eagerFor is how long an interactive call keeps others off the lease after having asked for
// it in vain; if it asks again in time, they stay off.
const eagerFor = 2 * time.Second

// take waits for the lease, at most for attachPatience once it is this call's turn in the
// process, and for portal.LastWait when the process is stopping. Interactive calls go before
// all others, in every process. A holder that died costs d; one that acts late draws the 409,
// which is tried again. While affordable returns a wait or an error, the lease is not taken, so
// that no call holds it only to wait for a token. Any error is a *portal.Postponed.
func (l *attachLease) take(ctx context.Context, d time.Duration, u Urgency, affordable func(context.Context) (wait time.Duration, err error)) (release func(), err error) {
	waiting, end := portal.UnlessStopping(ctx)
	defer end()
	lane := l.lane(u)
	if err := lane.enter(waiting); err != nil {
		return nil, err
	}
	defer func() {
		if err != nil {
			lane.leave()
		}
	}()
	if err := l.afford(waiting, u, affordable); err != nil {
		return nil, err
	}
	waiting, cancel := context.WithTimeoutCause(waiting, attachPatience, errNoTurn)
	defer cancel()
	for {
		giveUp, ok, err := l.try(ctx, d, u)
		if ok {
			return func() { giveUp(); lane.leave() }, nil
		}
		if err == nil && sleep(waiting, jitter(20*time.Millisecond, 100*time.Millisecond)) != nil {
			err = notHad(waiting)
		}
		if err != nil {
			return nil, err
		}
	}
}

// afford waits until there is a token, as long as a call at the front of a queue does.
func (l *attachLease) afford(ctx context.Context, u Urgency, affordable func(context.Context) (time.Duration, error)) error {
	length := frontPatience
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
		if sleep(ctx, min(wait+jitter(0, wait/8+time.Millisecond), patience)) != nil {
			return notHad(ctx)
		}
	}
}

func (l *attachLease) lane(u Urgency) *lane {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.lanes == nil {
		l.lanes = map[Urgency]*lane{}
	}
	if l.lanes[u] == nil {
		l.lanes[u] = &lane{newestFirst: u == Interactive, now: l.now}
	}
	return l.lanes[u]
}

// errNoTurn ends a wait that has lasted for attachPatience.
var errNoTurn = errors.New("others were attaching all the time")

// notHad is the error of a wait for the lease that is over.
func notHad(waiting context.Context) error {
	if errors.Is(context.Cause(waiting), errNoTurn) {
		return postponed("attach lease")
	}
	return portal.Stopped(waiting)
}

// try takes the lease if it is free or has run out and nobody more urgent
// wants it. Somebody urgent who does not get it says so in the item.
func (l *attachLease) try(ctx context.Context, d time.Duration, u Urgency) (release func(), ok bool, err error) {
	within, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	holder, now := rand.Text(), l.now()
	condition, values := leases.Free, map[string]types.AttributeValue{
		":holder": text(holder), ":until": number(now.Add(d).UnixMilli()),
		":now": number(now.UnixMilli()), ":latest": number(clock.Latest(now, d).UnixMilli()),
	}
	if u != Interactive {
		condition += " AND (attribute_not_exists(eager) OR eager <= :now OR eager > :eagerLatest)"
		values[":eagerLatest"] = number(clock.Latest(now, eagerFor).UnixMilli())
	}
	_, ok, err = l.leases.Update(within, l.key, "SET holder = :holder, #until = :until", condition, values)
	if err == nil && !ok && u == Interactive {
		_, _, err = l.leases.Update(within, l.key, "SET eager = :eager", "", map[string]types.AttributeValue{
			":eager": number(now.Add(eagerFor).UnixMilli()),
		})
	}
	if !ok || err != nil {
		return func() {}, false, err
	}
	return func() {
		l.leases.GiveUp(ctx, l.key, "REMOVE holder, #until", map[string]types.AttributeValue{":holder": text(holder)})
	}, true, nil
}
