package metering

import (
	"maps"
	"slices"
	"time"

	"github.com/gatehouse-portal/gatehouse/portal"
)

// Tally is what was metered for a licence. Each change raises Version by one. What was taken from the
// counters of each key is in rows of their own; see takenKey.
type Tally struct {
	Licence portal.Stream `dynamodbav:"licence"`
	Version int64         `dynamodbav:"version"`
	// Began is the first day whose counters count.
	Began time.Time `dynamodbav:"began"`
	// From is the first day whose counters may still grow. All usage of earlier days was taken.
	From time.Time `dynamodbav:"from"`
	// Accounts have or had the licence.
	Accounts []portal.AccountID `dynamodbav:"accounts"`
	// Dimensions are those in which the plans were metered last.
	Dimensions map[portal.PlanID]string `dynamodbav:"dimensions"`
	// Hours have the hour of the newest record of each dimension.
	Hours map[string]time.Time `dynamodbav:"hours"`
	// Pending is usage that was taken and is in no record yet, by dimension, because one transaction cannot
	// change the rows of so many keys. The next record has it.
	Pending map[string]int64 `dynamodbav:"pending,omitempty"`
	// Returned are the quantities of records that AWS did not bill and takes no more, by dimension. They are
	// metered again.
	Returned map[string]int64 `dynamodbav:"returned"`
	// Sums are the quantities of all records by status. Quantities in Returned count there only.
	Sums map[RecordStatus]int64 `dynamodbav:"sums"`
	// Unbilled is the usage that no record has or ever will have, by cause.
	Unbilled map[Cause]int64 `dynamodbav:"unbilled,omitempty"`
	// Last is the time of the newest accepted record.
	Last time.Time `dynamodbav:"last"`
	// Closed is when the portal stopped metering the licence, because AWS takes no more usage of it. It
	// is zero while AWS may.
	Closed time.Time `dynamodbav:"closed"`

	earlierTally
}

// Total is all usage that was taken from counters.
func (t Tally) Total() int64 {
	return sum(t.Sums) + sum(t.Unbilled) + t.Waiting() + sum(t.Pending)
}

// Waiting is what is metered again because AWS did not bill it.
func (t Tally) Waiting() int64 { return sum(t.Returned) }

func sum[K comparable](quantities map[K]int64) (total int64) {
	for _, n := range quantities {
		total += n
	}
	return total
}

// clone copies what a change may change.
func (t Tally) clone() Tally {
	t.Dimensions, t.Hours, t.Sums, t.Unbilled = copied(t.Dimensions), copied(t.Hours), copied(t.Sums), copied(t.Unbilled)
	t.Pending, t.Returned = copied(t.Pending), copied(t.Returned)
	t.Accounts = slices.Clone(t.Accounts)
	return t
}

func copied[K comparable, V any](m map[K]V) map[K]V {
	c := make(map[K]V, len(m))
	maps.Copy(c, m)
	return c
}

// free reports whether the hour has no record of the dimension, and none can be later.
func (t Tally) free(dimension string, hour time.Time) bool { return t.Hours[dimension].Before(hour) }

func day(t time.Time) time.Time { return t.UTC().Truncate(24 * time.Hour) }
