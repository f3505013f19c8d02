package metering

import (
	"context"
	"slices"
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

// Reason is a part of a difference, with its reason in words.
type Reason struct {
	Status   Status
	Quantity int64
	Words    string
}

// Next is the status of usage that waits for the record of the next hour.
const Next Status = "next"

// reasons are in the order in which they are listed.
var reasons = []Reason{
	{Status: Next, Words: "counted since the last record; the next hour has it"},
	{Status: Written, Words: "in a record that AWS has not answered; it is sent every 15 minutes"},
	{Status: Returned, Words: "AWS took no more usage of the hour; a later hour has it"},
	{Status: Refused, Words: "AWS refused the record; its code says why"},
	{Status: Duplicate, Words: "AWS has another quantity for the hour"},
	{Status: NotSubscribed, Words: "AWS took no more usage of the licence"},
	{Status: TooLate, Words: "AWS took no more usage of the hour, and may have billed it before"},
	{Status: Closed, Words: "counted after AWS had stopped taking usage"},
	{Status: Elsewhere, Words: "counted while the listing was not metered by the portal"},
}

// Words explains a status of a record, or a reason for which usage is not billed.
func (s Status) Words() string {
	for _, r := range reasons {
		if r.Status == s {
			return r.Words
		}
	}
	return "billed"
}

// BalanceOf counts all calls with the licence's keys again, and compares them with the ledger.
// head names the licence, its accounts and its keys.
func BalanceOf(ctx context.Context, head Head, counted interface {
	Between(ctx context.Context, account portal.AccountID, first, last time.Time) ([]usage.Counter, error)
}, now time.Time,
) (Balance, error) {
	b := Balance{Licence: head.Licence, Accepted: head.Sums[Accepted]}
	for _, account := range head.Accounts {
		all, err := counted.Between(ctx, account, head.Began, day(now).AddDate(0, 0, 1))
		if err != nil {
			return b, err
		}
		for _, c := range all {
			if slices.Contains(head.Keys, c.Key) {
				b.Collected += c.Used
			}
		}
	}
	quantities := copied(head.Sums)
	left := Next
	if !head.Closed.IsZero() {
		left = Closed
	}
	quantities[Returned] = head.Waiting()
	quantities[left] += b.Collected - head.Total()
	b.Metered = head.Total() - head.Waiting() - head.Sums[Elsewhere] - head.Sums[Closed]
	for _, r := range reasons {
		if r.Quantity = quantities[r.Status]; r.Quantity != 0 {
			b.Reasons = append(b.Reasons, r)
		}
	}
	return b, nil
}
