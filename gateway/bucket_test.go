package gateway

import (
	"testing"
	"time"

	"pgregory.net/rapid"
)

var classes = []class{createKey, deleteKey, updatePlan, other}

func fullAt(now time.Time) balance { return balance{At: now.UnixMilli()} }

func TestNoSequenceOfDrawsTakesMoreThanRateAndBurst(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		l := quotas.scaled(rapid.Float64Range(0.01, 1).Draw(t, "share"))
		start := time.UnixMilli(1_700_000_000_000)
		now, b := start, fullAt(start)
		taken := map[class]int{}
		for range rapid.IntRange(1, 60).Draw(t, "draws") {
			now = now.Add(time.Duration(rapid.IntRange(-500, 5000).Draw(t, "ms")) * time.Millisecond)
			c := rapid.SampledFrom(classes).Draw(t, "class")
			u := Urgency(rapid.IntRange(0, 2).Draw(t, "urgency"))
			var got int
			var wait time.Duration
			b, got, wait = b.refilled(now, l).draw(c, u, rapid.IntRange(1, 30).Draw(t, "want"), l)
			if got < 0 || got > 0 == (wait > 0) {
				t.Fatalf("%d tokens and a wait of %v", got, wait)
			}
			taken[c] += got
			taken[total] += got
			passed := float64(b.At-start.UnixMilli()) / 1000
			for _, bucket := range []class{c, total} {
				size, limited := l[bucket]
				if limited && float64(taken[bucket]) > size.burst+size.rate*passed+0.01 {
					t.Fatalf("%d %s tokens in %v s, of %+v", taken[bucket], bucket, passed, size)
				}
			}
			for bucket, held := range b.Tokens {
				if held < -0.01 || held > l[bucket].burst {
					t.Fatalf("bucket %s holds %v of %v", bucket, held, l[bucket].burst)
				}
			}
		}
	})
}

func TestAFullBucketGivesATokenToEveryUrgencyWhateverTheShare(t *testing.T) {
	t.Parallel()
	now := time.UnixMilli(1_700_000_000_000)
	for _, share := range []float64{0.001, 0.1, 0.5, 1} {
		l := quotas.scaled(share).cautious()
		for _, c := range classes {
			for _, u := range []Urgency{Interactive, Backlog, Background} {
				if _, got, _ := fullAt(now).refilled(now, l).draw(c, u, 1, l); got != 1 {
					t.Errorf("share %v, class %s, urgency %d: %d tokens of a full bucket", share, c, u, got)
				}
			}
		}
	}
}

func TestLessUrgentCallsLeaveTokensForMoreUrgentOnes(t *testing.T) {
	t.Parallel()
	now := time.UnixMilli(1_700_000_000_000)
	for urgency, want := range map[Urgency]int{Interactive: 40, Backlog: 30, Background: 20} {
		b, taken := fullAt(now).refilled(now, quotas), 0
		for {
			next, got, _ := b.draw(other, urgency, 100, quotas)
			if got == 0 {
				break
			}
			b, taken = next, taken+got
		}
		if taken != want {
			t.Errorf("urgency %d took %d of 40 tokens, want %d", urgency, taken, want)
		}
		if _, got, _ := b.draw(other, Interactive, 1, quotas); got != 1 && urgency != Interactive {
			t.Errorf("urgency %d left nothing for an interactive call", urgency)
		}
	}
}

func TestAMinuteOfThrottlingRefillsAtHalfTheRate(t *testing.T) {
	t.Parallel()
	now := time.UnixMilli(1_700_000_000_000)
	empty := balance{At: now.UnixMilli(), Tokens: map[class]float64{total: 0, createKey: 0, deleteKey: 0, updatePlan: 0}}
	slow := empty.throttled().throttled()
	for name, c := range map[string]struct {
		from  balance
		after time.Duration
		want  float64
	}{
		"at full rate":                  {empty, 2 * time.Second, 20},
		"while slow":                    {slow, 2 * time.Second, 10},
		"a second into full rate again": {balance{At: now.Add(59 * time.Second).UnixMilli(), SlowUntil: slow.SlowUntil, Tokens: empty.Tokens}, 61 * time.Second, 15},
		"with a clock that lies behind": {empty, -time.Second, 0},
	} {
		if got := c.from.refilled(now.Add(c.after), quotas).Tokens[total]; got != c.want {
			t.Errorf("%s: %v tokens, want %v", name, got, c.want)
		}
	}
}

func TestCallsThatReachAWSLateByLessThanSlackStayWithinTheShare(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		share := quotas.scaled(rapid.Float64Range(0.01, 1).Draw(t, "share"))
		l := share.cautious()
		now := time.UnixMilli(1_700_000_000_000)
		b := fullAt(now)
		arrivals := map[class][]time.Time{}
		for range rapid.IntRange(1, 60).Draw(t, "draws") {
			now = now.Add(time.Duration(rapid.IntRange(0, 3000).Draw(t, "ms")) * time.Millisecond)
			c := rapid.SampledFrom(classes).Draw(t, "class")
			var got int
			b, got, _ = b.refilled(now, l).draw(c, Interactive, rapid.IntRange(1, 30).Draw(t, "want"), l)
			late := time.Duration(rapid.IntRange(0, int(slack/time.Millisecond)).Draw(t, "late")) * time.Millisecond
			for range got {
				for _, bucket := range []class{c, total} {
					arrivals[bucket] = append(arrivals[bucket], now.Add(late))
				}
			}
		}
		for bucket, size := range share {
			if over := (&ledger{taken: arrivals}).excess(bucket, size); over > 1e-3 {
				t.Fatalf("%s calls went over %+v by %v", bucket, size, over)
			}
		}
	})
}

func TestTheMarginCostsLittle(t *testing.T) {
	t.Parallel()
	for _, share := range []float64{0.1, 0.25, 0.5, 1} {
		whole := quotas.scaled(share)
		for c, size := range whole.cautious() {
			if size.burst < 1 || size.burst < 0.9*whole[c].burst && c == total || size.rate < 0.85*whole[c].rate {
				t.Errorf("share %v, %s: %+v of %+v", share, c, size, whole[c])
			}
		}
	}
}

func TestOneThrottledCallChangesNothingAndTheSecondInAMinuteHalvesTheRate(t *testing.T) {
	t.Parallel()
	now := time.UnixMilli(1_700_000_000_000)
	for name, c := range map[string]struct {
		at   []time.Duration // when calls are throttled
		slow time.Duration   // for how long from the last on
	}{
		"one":                                 {[]time.Duration{0}, 0},
		"two in a minute":                     {[]time.Duration{0, 59 * time.Second}, slowFor},
		"two in more than a minute":           {[]time.Duration{0, 61 * time.Second}, 0},
		"a third soon after":                  {[]time.Duration{0, time.Second, 11 * time.Second}, slowFor - 10*time.Second},
		"a third when half of it has passed":  {[]time.Duration{0, time.Second, 31 * time.Second}, slowFor},
		"a third a good while after the slow": {[]time.Duration{0, time.Second, 5 * time.Minute}, 0},
	} {
		b := fullAt(now)
		for _, at := range c.at {
			b = b.refilled(now.Add(at), quotas).throttled()
		}
		if slow := max(0, time.Duration(b.SlowUntil-b.At)*time.Millisecond); slow != c.slow {
			t.Errorf("%s: slow for %v, want %v", name, slow, c.slow)
		}
	}
}
