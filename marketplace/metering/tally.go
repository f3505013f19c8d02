package metering

import (
	"maps"
	"slices"
	"time"

	"github.com/gatehouse-portal/gatehouse/portal"
)

// Tally says in sums what was metered for a licence. Each change raises Version by one. Other rows say what
// was taken from the counters of each key; see takenKey.
type Tally struct {
	Licence portal.Stream `dynamodbav:"licence"`
	Version int64         `dynamodbav:"version"`
	// Began is the first day whose usage is metered.
	Began time.Time `dynamodbav:"began"`
	// From is the first day whose counters may still grow. All usage of earlier days was taken.
	From time.Time `dynamodbav:"from"`
	// Accounts are those that have or had the licence.
	Accounts []portal.AccountID `dynamodbav:"accounts"`
	// Dimensions has the dimension in which each plan was metered last.
	Dimensions map[portal.PlanID]string `dynamodbav:"dimensions"`
	// Hours has the hour of the newest record of each dimension.
	Hours map[string]time.Time `dynamodbav:"hours"`
	// Pending is usage, by dimension, that was taken from counters and is in no record yet, because one
	// transaction cannot change the rows of so many keys. The next record includes it.
	Pending map[string]int64 `dynamodbav:"pending,omitempty"`
	// Returned has the quantities, by dimension, of records that AWS did not bill and no longer takes. They
	// are metered again.
	Returned map[string]int64 `dynamodbav:"returned"`
	// Sums has the quantities of all records by status, except those in Returned.
	Sums map[RecordStatus]int64 `dynamodbav:"sums"`
	// Unbilled is the usage, by cause, that is in no record and never will be.
	Unbilled map[Cause]int64 `dynamodbav:"unbilled,omitempty"`
	// Last is the time of the newest accepted record.
	Last time.Time `dynamodbav:"last"`
	// Closed is when the portal stopped metering the licence, because AWS no longer takes usage of it. It
	// is zero while AWS may still take usage.
	Closed time.Time `dynamodbav:"closed"`

	earlierTally
}

// Total is all usage that was taken from counters.
func (t Tally) Total() int64 {
	return sum(t.Sums) + sum(t.Unbilled) + t.Waiting() + sum(t.Pending)
}

// Waiting is the usage that will be metered again because AWS did not bill it.
func (t Tally) Waiting() int64 { return sum(t.Returned) }

func sum[K comparable](quantities map[K]int64) (total int64) {
	for _, n := range quantities {
		total += n
	}
	return total
}

// clone copies the maps and lists, too, so that a change to the copy leaves t as it is.
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

// free reports whether neither this hour nor a later one has a record of the dimension.
func (t Tally) free(dimension string, hour time.Time) bool { return t.Hours[dimension].Before(hour) }

func day(t time.Time) time.Time { return t.UTC().Truncate(24 * time.Hour) }
