package events

import "github.com/gatehouse-portal/gatehouse/portal"

// QuotaThresholdReached: a key has used at least Percent of its quota of the plan: 50, 80, 90 or
// 100. It is recorded once for each key, plan, period and percentage, and only for the highest
// that a key passes at once.
type QuotaThresholdReached struct {
	Plan portal.PlanID `json:"plan"`
	Key  portal.KeyID  `json:"key"`
	// PeriodStart is the period's first day (YYYY-MM-DD, UTC), Period its length: DAY, WEEK or
	// MONTH.
	PeriodStart string `json:"period_start"`
	Period      string `json:"period"`
	// Limit is what the quota allows in the period. Used may be more: API Gateway lets some calls
	// through beyond the limit, and an operator may grant more.
	Limit   int64 `json:"limit"`
	Used    int64 `json:"used"`
	Percent int   `json:"percent"`
}

// EventType is the type on the wire.
func (QuotaThresholdReached) EventType() string { return "gatehouse.QuotaThresholdReached.v1" }

func (QuotaThresholdReached) isFact() {}

// AboutPlan is the plan that the fact is about.
func (f QuotaThresholdReached) AboutPlan() portal.PlanID { return f.Plan }
