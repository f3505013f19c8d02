package gateway

import (
	"maps"
	"math"
	"time"
)

// Urgency says how much of the budget a call may use up.
type Urgency int

// The urgencies. Somebody waits for an interactive call, so it may take the last
// token; bulk is a backlog and leaves a quarter of every bucket; background can
// wait and leaves half.
const (
	Interactive Urgency = iota
	Bulk
	Background
)

func (u Urgency) leaves() float64 {
	switch u {
	case Interactive:
		return 0
	case Bulk:
		return 0.25
	default:
		return 0.5
	}
}

// class is a kind of call with a bucket. Every call takes from the total bucket,
// and from that of its class if it has one.
type class string

const (
	total      class = "total"
	createKey  class = "create"
	deleteKey  class = "delete"
	updatePlan class = "plan"
	other      class = "other" // no bucket but the total
)

// limit is a bucket's size: tokens a second, and the most it holds.
type limit struct{ rate, burst float64 }

type limits map[class]limit

// quotas are AWS's, per account, none of them raisable. No burst is published for
// the classes; theirs is a second's worth.
var quotas = limits{
	total:      {rate: 10, burst: 40},
	createKey:  {rate: 5, burst: 5},
	deleteKey:  {rate: 5, burst: 5},
	updatePlan: {rate: 1.0 / 20, burst: 1},
}

// slowFor is how long a throttled call halves the rate.
const slowFor = time.Minute

// scaled is a share of the limits. Every bucket holds at least one token, or
// nothing could ever be taken from it.
func (l limits) scaled(share float64) limits {
	scaled := limits{}
	for c, whole := range l {
		scaled[c] = limit{rate: whole.rate * share, burst: max(1, whole.burst*share)}
	}
	return scaled
}

// balance is what all processes share: how many tokens each bucket held at a time.
type balance struct {
	// At and SlowUntil are epoch milliseconds.
	At        int64             `dynamodbav:"at"`
	SlowUntil int64             `dynamodbav:"slow_until"`
	Tokens    map[class]float64 `dynamodbav:"tokens"`
}

// refilled is the balance at now: what flowed in since At, at half the rate while
// slow. A clock that lies behind adds nothing and takes nothing back.
func (b balance) refilled(now time.Time, l limits) balance {
	at := max(now.UnixMilli(), b.At)
	slow := max(0, min(at, b.SlowUntil)-b.At)
	seconds := (float64(at-b.At) - float64(slow)/2) / 1000
	next := balance{At: at, SlowUntil: b.SlowUntil, Tokens: map[class]float64{}}
	for c, size := range l {
		held, known := b.Tokens[c]
		if !known {
			held = size.burst
		}
		next.Tokens[c] = min(size.burst, held+size.rate*seconds)
	}
	return next
}

// slowed is the balance with half the rate from now on for slowFor.
func (b balance) slowed(now time.Time) balance {
	b.SlowUntil = now.Add(slowFor).UnixMilli()
	return b
}

// draw takes up to want tokens for calls of a class, from all its buckets alike,
// and never more than a second's worth. If it takes none, wait is how long until
// there can be one.
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
		// What is left for more urgent calls never includes a full bucket's only token.
		free := b.Tokens[bucket] - min(u.leaves()*size.burst, size.burst-1)
		second := max(1, size.rate*pace)
		got = min(got, wholeTokens(free), wholeTokens(second))
		if missing := 1 - free; missing > 0 {
			wait = max(wait, time.Duration(missing/(size.rate*pace)*float64(time.Second)))
		}
	}
	if got <= 0 {
		return b, 0, wait
	}
	next = b
	next.Tokens = maps.Clone(b.Tokens)
	for _, bucket := range buckets {
		next.Tokens[bucket] -= float64(got)
	}
	return next, got, 0
}

// wholeTokens rounds down, but not what is whole except for the rounding of
// fractions.
func wholeTokens(tokens float64) int { return int(math.Floor(tokens + 1e-6)) }
