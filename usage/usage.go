// Package usage collects how many calls API Gateway counted for each key and plan, keeps the
// counts for ever, and tells when a key has used much of its quota. API Gateway counts for each
// day (UTC) and forgets after some time, so the counts here are primary data: no fold and no
// rebuild brings them back.
//
//	job usage, every 15 minutes ──▶ GetUsage, a page of a plan ──┐
//	a key leaves a plan ──────────▶ GetUsage, that key ──────────┴▶ facts, then rows that changed
//
// A counter only grows within its day, but for what the quota has left, so collecting twice, late
// or at once does no harm.
package usage

import (
	"time"

	"github.com/gatehouse-portal/gatehouse/portal"
)

// Counter is what API Gateway counted for a key in a plan on one day.
type Counter struct {
	Plan       portal.PlanID       `dynamodbav:"plan"`
	Key        portal.KeyID        `dynamodbav:"key"`
	GatewayKey portal.GatewayKeyID `dynamodbav:"gateway_key"`
	Day        time.Time           `dynamodbav:"day"`
	Used       int64               `dynamodbav:"used"`
	// Limit is the plan's quota on that day, Remaining what it had left after the day's last call,
	// and Period its length. All are nil or "" without a quota, and while it is not known.
	Limit     *int64 `dynamodbav:"limit"`
	Remaining *int64 `dynamodbav:"remaining"`
	Period    Period `dynamodbav:"period"`
	// AsOf is when API Gateway was asked, in whole seconds.
	AsOf time.Time `dynamodbav:"as_of"`
}

// consumed is how much of the quota is gone, not the sum of the days: API Gateway may have been
// told to grant more, or to count what another key used.
func (c Counter) consumed() (used int64, ok bool) {
	if c.Limit == nil || c.Remaining == nil || *c.Limit <= 0 {
		return 0, false
	}
	return max(*c.Limit-*c.Remaining, 0), true
}

var thresholds = []int{100, 90, 80, 50}

// level is the highest threshold that the counter has passed, or 0. A day without calls passes
// none: AWS does not document what it says of its quota.
func (c Counter) level() int {
	used, ok := c.consumed()
	if !ok || c.Used == 0 {
		return 0
	}
	for _, percent := range thresholds {
		if used*100 >= int64(percent)*(*c.Limit) {
			return percent
		}
	}
	return 0
}

// updates reports whether c says more than the stored counter of the same key, plan and day. The
// quota of a past day stays.
func (c Counter) updates(stored Counter, today time.Time) bool {
	switch {
	case c.Used != stored.Used:
		return c.Used > stored.Used
	case !same(c.Remaining, stored.Remaining):
		return !c.AsOf.Before(stored.AsOf)
	case c.Day.Equal(today):
		return !c.AsOf.Before(stored.AsOf) && (!same(c.Limit, stored.Limit) || c.Period != stored.Period)
	}
	return false
}

func same(a, b *int64) bool { return a == b || a != nil && b != nil && *a == *b }

func day(t time.Time) time.Time { return t.UTC().Truncate(24 * time.Hour) }
