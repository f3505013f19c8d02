package metering

import (
	"context"
	"time"

	"github.com/gatehouse-portal/gatehouse/portal"
	"github.com/gatehouse-portal/gatehouse/usage"
)

// Balance compares what API Gateway counted for a licence with what AWS bills.
type Balance struct {
	Licence portal.Stream
	// Collected are all calls that were counted with the licence's keys. Metered are those in records,
	// without Returned ones; Accepted those that AWS bills.
	Collected, Metered, Accepted int64
	// Reasons explain all of Difference.
	Reasons []Reason
}

// Difference is what was counted and is not billed, or not yet.
func (b Balance) Difference() int64 { return b.Collected - b.Accepted }

// Reason is a part of a difference, with its cause in words.
type Reason struct {
	Cause    Cause
	Quantity int64
	Words    string
}

// Cause says why usage is not billed, or not yet. It is the status of the record that has the usage, or one
// of the causes below for usage that is in no record.
type Cause string

// The causes of usage that no record has.
const (
	// Next: the next record has it.
	Next Cause = "next"
	// Elsewhere: the usage was counted while the plan's listing said that the portal does not meter it.
	Elsewhere Cause = "elsewhere"
	// AfterEnd: the usage was counted after AWS had stopped taking usage of the licence.
	AfterEnd Cause = "closed"
)

// reasons are in the order in which they are listed.
var reasons = []Reason{
	{Cause: Next, Words: "counted since the last record; the next hour has it"},
	{Cause: Cause(Written), Words: "in a record that AWS has not answered; it is sent every 15 minutes"},
	{Cause: Cause(Returned), Words: "AWS did not take it for its hour; a later hour has it"},
	{Cause: Cause(Refused), Words: "AWS refused the record; see `gatehouse marketplace resend`"},
	{Cause: Cause(Duplicate), Words: "AWS has another quantity for the hour"},
	{Cause: Cause(NotSubscribed), Words: "AWS took no more usage of the licence"},
	{Cause: Cause(TooLate), Words: "AWS took no more usage of the hour, and may have billed it before"},
	{Cause: AfterEnd, Words: "counted after AWS had stopped taking usage"},
	{Cause: Elsewhere, Words: "counted while the listing was not metered by the portal"},
}

// Words explains the cause.
func (c Cause) Words() string {
	for _, r := range reasons {
		if r.Cause == c {
			return r.Words
		}
	}
	return "billed"
}

// Balance counts all calls with the licence's keys again, and compares them with the ledger.
func (l *Ledger) Balance(ctx context.Context, licence portal.Stream, counted interface {
	Between(ctx context.Context, account portal.AccountID, first, last time.Time) ([]usage.Counter, error)
}, now time.Time,
) (Balance, error) {
	b := Balance{Licence: licence}
	tally, err := l.Tally(ctx, licence)
	if err != nil {
		return b, err
	}
	keys, err := l.takenKeys(ctx, tally)
	if err != nil {
		return b, err
	}
	all, err := readingsOf(ctx, counted, metered{tally, keys}, tally.Began, now)
	if err != nil {
		return b, err
	}
	for _, r := range all {
		b.Collected += r.Used
	}
	quantities := copied(tally.Unbilled)
	for status, quantity := range tally.Sums {
		quantities[Cause(status)] += quantity
	}
	delete(quantities, Cause(Accepted))
	left := Next
	if !tally.Closed.IsZero() {
		left = AfterEnd
	}
	quantities[Cause(Returned)] = tally.Waiting()
	quantities[left] += b.Collected - tally.Total()
	quantities[Next] += sum(tally.Pending)
	b.Accepted, b.Metered = tally.Sums[Accepted], sum(tally.Sums)
	for _, r := range reasons {
		if r.Quantity = quantities[r.Cause]; r.Quantity != 0 {
			b.Reasons = append(b.Reasons, r)
		}
	}
	return b, nil
}
