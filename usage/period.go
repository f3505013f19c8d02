package usage

import "time"

// Period is the length of a quota's period, as API Gateway names it; "" is none.
type Period string

// The periods.
const (
	Daily   Period = "DAY"
	Weekly  Period = "WEEK"
	Monthly Period = "MONTH"
)

// Start is the first day of the day's period. AWS does not document when periods begin. Here they
// begin at midnight UTC, weeks on Sunday and months on the first.
func (p Period) Start(of time.Time) time.Time {
	of = day(of)
	switch p {
	case Weekly:
		return of.AddDate(0, 0, -int(of.Weekday()))
	case Monthly:
		return of.AddDate(0, 0, 1-of.Day())
	}
	return of
}

// Next is the first day of the next period.
func (p Period) Next(of time.Time) time.Time {
	start := p.Start(of)
	switch p {
	case Weekly:
		return start.AddDate(0, 0, 7)
	case Monthly:
		return start.AddDate(0, 1, 0)
	}
	return start.AddDate(0, 0, 1)
}

// Quota limits a key's requests in a period. In its first period in the plan the limit is less by
// Offset (API Gateway API Reference, QuotaSettings).
type Quota struct {
	Limit  int64  `dynamodbav:"limit" json:"limit"`
	Offset int64  `dynamodbav:"offset" json:"offset,omitempty"`
	Period Period `dynamodbav:"period" json:"period"`
}

// on is the limit in the period of a day for a key that is in the plan since that time, zero for
// long ago.
func (q Quota) on(of, since time.Time) int64 {
	if !since.IsZero() && !since.Before(q.Period.Start(of)) {
		return q.Limit - q.Offset
	}
	return q.Limit
}
