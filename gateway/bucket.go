package gateway

import (
	"maps"
	"math"
	"time"

	"github.com/gatehouse-portal/gatehouse/clock"
)

// Urgency decides how much of every bucket a call must leave.
type Urgency int

// A person waits for an interactive call, which may take the last token. Backlog leaves a
// quarter. Background leaves half, but gets a trickle of tokens.
const (
	Interactive Urgency = iota
	Backlog
	Background
)

// String names the urgency.
func (u Urgency) String() string {
	return [...]string{"interactive", "backlog", "background"}[u]
}

func (u Urgency) reserve() float64 {
	switch u {
	case Interactive:
		return 0
	case Backlog:
		return 0.25
	default:
		return 0.5
	}
}

// Each call takes a token from the total bucket and from its class's, if there is one.
type class string

const (
	total      class = "total"
	createKey  class = "create"
	deleteKey  class = "delete"
	updatePlan class = "plan"
	other      class = "other" // no bucket but the total
)

type limit struct{ rate, burst float64 }

type limits map[class]limit

// quotas are AWS's, per AWS account; none can be raised. AWS publishes no burst for the classes, so
// theirs is a second's worth.
var quotas = limits{
	total:      {rate: 10, burst: 40},
	createKey:  {rate: 5, burst: 5},
	deleteKey:  {rate: 5, burst: 5},
	updatePlan: {rate: 1.0 / 20, burst: 1},
}

const (
	// slowFor is how long the rate is halved after two throttles.
	slowFor = time.Minute
	// throttleWindow is how soon a second throttle must follow to halve the rate. The account's
	// own deployments may cause a single one.
	throttleWindow = time.Minute
	// slack is how much later than another a call may reach AWS after its token was drawn.
	slack = 300 * time.Millisecond
	// margin keeps the rate below the share, so that a surplus at AWS, as from a clock that was
	// ahead, does not last.
	margin = 0.98
	// One token in trickle is saved for background calls.
	trickle    = 5
	starvedFor = 10 * time.Second
	markPause  = time.Second
)

// scaled: a bucket of less than one token could never give one.
func (l limits) scaled(share float64) limits {
	scaled := limits{}
	for c, whole := range l {
		scaled[c] = limit{rate: whole.rate * share, burst: max(1, whole.burst*share)}
	}
	return scaled
}

// cautious limits keep AWS within l although calls may arrive up to slack late. Where the burst
// leaves no room for that, tokens come further apart.
func (l limits) cautious() limits {
	cautious := limits{}
	for c, size := range l {
		late := size.rate * slack.Seconds()
		if size.burst-late >= 1 {
			cautious[c] = limit{rate: size.rate * margin, burst: size.burst - late}
			continue
		}
		cautious[c] = limit{rate: size.rate / (2 - size.burst + late), burst: 1}
	}
	return cautious
}

// balance is how many tokens the buckets held at a time, in epoch milliseconds. All processes
// share it.
type balance struct {
	At          int64             `dynamodbav:"at"`
	SlowUntil   int64             `dynamodbav:"slow_until"`
	Tokens      map[class]float64 `dynamodbav:"tokens"`
	ThrottledAt int64             `dynamodbav:"throttled_at"`
	// StarvedAt is when a background call last found no token. Tokens are saved since
	// StarvedSince.
	StarvedAt    int64 `dynamodbav:"starved_at"`
	StarvedSince int64 `dynamodbav:"starved_since"`
}

// refilled: a clock that is behind changes nothing.
func (b balance) refilled(now time.Time, l limits) balance {
	b = b.believed(now)
	at := max(now.UnixMilli(), b.At)
	slow := max(0, min(at, b.SlowUntil)-b.At)
	seconds := (float64(at-b.At) - float64(slow)/2) / 1000
	next := b
	next.At, next.Tokens = at, map[class]float64{}
	for c, size := range l {
		held, known := b.Tokens[c]
		if !known {
			held = size.burst
		}
		next.Tokens[c] = min(size.burst, held+size.rate*seconds)
	}
	return next
}

func (b balance) believed(now time.Time) balance {
	b.At = clock.BelievedMillis(b.At, now, 0)
	b.SlowUntil = clock.BelievedMillis(b.SlowUntil, now, slowFor)
	b.ThrottledAt = clock.BelievedMillis(b.ThrottledAt, now, 0)
	b.StarvedAt = clock.BelievedMillis(b.StarvedAt, now, 0)
	b.StarvedSince = clock.BelievedMillis(b.StarvedSince, now, 0)
	return b
}

// throttled is the balance after a throttle. The second within throttleWindow halves the rate for
// slowFor; later ones renew that once half of it is over.
func (b balance) throttled() balance {
	again := b.At-b.ThrottledAt < throttleWindow.Milliseconds()
	b.ThrottledAt = b.At
	if again && b.SlowUntil <= b.At+slowFor.Milliseconds()/2 {
		b.SlowUntil = b.At + slowFor.Milliseconds()
	}
	return b
}

// draw takes up to want tokens from all buckets of a class, at most a second's worth, or returns
// how long to wait. A want of 0 only asks for wait.
func (b balance) draw(c class, u Urgency, want int, l limits) (next balance, got int, wait time.Duration) {
	pace := 1.0
	if b.SlowUntil > b.At {
		pace = 0.5
	}
	buckets := []class{total}
	if _, ok := l[c]; ok {
		buckets = append(buckets, c)
	}
	got = want
	for _, bucket := range buckets {
		size := l[bucket]
		size.rate *= pace
		free, soonest := b.free(bucket, u, l)
		got = min(got, wholeTokens(free), wholeTokens(max(1, size.rate)))
		if wholeTokens(free) < 1 {
			wait = max(wait, time.Duration(soonest/size.rate*float64(time.Second)))
		}
	}
	if got <= 0 {
		if u == Background && wait > 0 {
			b = b.markStarved()
		}
		return b, 0, wait
	}
	next = b
	next.Tokens = maps.Clone(b.Tokens)
	for _, bucket := range buckets {
		next.Tokens[bucket] -= float64(got)
	}
	if u == Background {
		next.StarvedSince = b.At
	}
	return next, got, 0
}

// free is how many tokens of a bucket the call may take, and how many are missing until there is
// one.
func (b balance) free(bucket class, u Urgency, l limits) (free, missing float64) {
	size, held, saved := l[bucket], b.Tokens[bucket], b.saved(l[total])
	// The reserve never includes the only token of a full bucket.
	free = held - min(u.reserve()*size.burst, size.burst-1)
	switch {
	case u != Background && bucket == total:
		free -= saved
		return free, 1 - free
	case u != Background:
		return free, 1 - free
	case bucket == total:
		return max(free, min(held, saved)), min(1-free, max(1-held, (1-saved)*trickle))
	case saved >= 1:
		return held, 1 - held
	}
	return free, min(1-free, max(1-held, (1-saved)*trickle))
}

func (b balance) saved(all limit) float64 {
	if b.At-b.StarvedAt > starvedFor.Milliseconds() {
		return 0
	}
	return max(0, min(1, float64(b.At-b.StarvedSince)/1000*all.rate/trickle))
}

func (b balance) markStarved() balance {
	since := b.At - b.StarvedAt
	if since > starvedFor.Milliseconds() {
		b.StarvedSince = b.At
	}
	if since > markPause.Milliseconds() {
		b.StarvedAt = b.At
	}
	return b
}

// wholeTokens rounds down, but tolerates rounding errors.
func wholeTokens(tokens float64) int { return int(math.Floor(tokens + 1e-6)) }
