package metering

import (
	"cmp"
	"maps"
	"math"
	"slices"
	"time"

	"github.com/gatehouse-portal/gatehouse/gateway"
	"github.com/gatehouse-portal/gatehouse/portal"
	"github.com/gatehouse-portal/gatehouse/usage"
)

// Reasons for which usage is never billed, beside the statuses of records. They are keys of
// Head.Sums.
const (
	// Elsewhere: the usage was counted while the plan's listing said that the portal does not meter it.
	Elsewhere Status = "elsewhere"
	// Closed: the usage was counted after AWS had stopped taking usage of the licence.
	Closed Status = "closed"
)

// Head is what was metered for a licence. Each change raises Version by one.
type Head struct {
	Licence portal.Stream `dynamodbav:"licence"`
	Version int64         `dynamodbav:"version"`
	// Began is the first day whose counters count.
	Began time.Time `dynamodbav:"began"`
	// From is the first day whose counters may still grow. All usage of earlier days was taken.
	From time.Time `dynamodbav:"from"`
	// Taken is how many calls of each counter since From were taken, into a record or into Sums.
	Taken map[string]int64 `dynamodbav:"taken"`
	// Accounts have or had the licence, and Keys are or were in its ring.
	Accounts []portal.AccountID `dynamodbav:"accounts"`
	Keys     []portal.KeyID     `dynamodbav:"keys"`
	// Dimensions are those in which the plans were metered last.
	Dimensions map[portal.PlanID]string `dynamodbav:"dimensions"`
	// Hours have the hour of the newest record of each dimension.
	Hours map[string]time.Time `dynamodbav:"hours"`
	// Returned are the quantities of records that AWS took too late, by dimension. They are metered
	// again.
	Returned map[string]int64 `dynamodbav:"returned"`
	// Sums are the quantities of all records by status, and what is never billed by reason. Quantities
	// in Returned count there only.
	Sums map[Status]int64 `dynamodbav:"sums"`
	// Last is the time of the newest accepted record.
	Last time.Time `dynamodbav:"last"`
	// Closed is when the portal stopped metering the licence, because AWS takes no more usage of it. It
	// is zero while AWS may.
	Closed time.Time `dynamodbav:"closed"`
}

// Total is all usage that was taken from counters.
func (h Head) Total() int64 {
	total := int64(0)
	for _, n := range h.Sums {
		total += n
	}
	return total + h.Waiting()
}

// Waiting is what is metered again because AWS took it too late.
func (h Head) Waiting() int64 {
	waiting := int64(0)
	for _, n := range h.Returned {
		waiting += n
	}
	return waiting
}

// clone copies what a change may change.
func (h Head) clone() Head {
	h.Taken, h.Dimensions, h.Hours, h.Returned, h.Sums = copied(h.Taken), copied(h.Dimensions), copied(h.Hours), copied(h.Returned), copied(h.Sums)
	h.Accounts, h.Keys = slices.Clone(h.Accounts), slices.Clone(h.Keys)
	return h
}

func copied[K comparable, V any](m map[K]V) map[K]V {
	c := make(map[K]V, len(m))
	maps.Copy(c, m)
	return c
}

// Reading is a counter of an account.
type Reading struct {
	Account portal.AccountID
	usage.Counter
}

func (r Reading) name() string {
	return string(r.Account) + "#" + r.Day.UTC().Format(time.DateOnly) + "#" + string(r.Plan) + "#" + string(r.Key) + "#" + string(r.GatewayKey)
}

// Sold says how the portal meters a plan. Known is false for a plan that the catalog does not sell
// on AWS Marketplace. Dimension is "" if the portal does not meter the plan. Idle means that hours
// without usage are metered, too.
type Sold struct {
	Known     bool
	Dimension string
	Idle      bool
}

// take is one look at a licence's counters.
type take struct {
	now      time.Time
	readings []Reading
	sold     func(portal.PlanID) Sold
	// record has what every record of the licence has.
	record Record
	// plan is that of the present claim; it is metered when idle if its listing wants that.
	plan portal.PlanID
	// active means that AWS said last that the licence is active, idle that this hour is metered even
	// without usage, if the listing wants that.
	active, idle bool
	// collected is when each plan was last collected.
	collected map[portal.PlanID]time.Time
}

// lag keeps the time of a record behind the clock, since AWS refuses times in its future.
const lag = time.Minute

// apply returns the head after the usage was taken, and the records to write with it. A dimension
// whose record of this hour exists already waits for the next hour. changed is false if there is
// nothing to write.
func (t take) apply(before Head) (after Head, records []Record, changed bool) {
	after = before.clone()
	if !after.Closed.IsZero() && t.active {
		after.Closed, changed = time.Time{}, true
	}
	if !after.Closed.IsZero() {
		return before, nil, false
	}
	hour := hourOf(t.now)
	quantities := map[string]int64{}
	for dimension, n := range after.Returned {
		if n > 0 && after.free(dimension, hour) {
			quantities[dimension] = min(n, math.MaxInt32)
		}
	}
	again := copied(quantities)
	slices.SortStableFunc(t.readings, func(a, b Reading) int { return cmp.Or(a.Day.Compare(b.Day), cmp.Compare(a.name(), b.name())) })
	for _, r := range t.readings {
		name := r.name()
		grown := r.Used - after.Taken[name]
		if grown <= 0 {
			continue
		}
		sold := t.sold(r.Plan)
		dimension := sold.Dimension
		if !sold.Known {
			dimension = after.Dimensions[r.Plan]
		}
		switch {
		case dimension != "" && after.free(dimension, hour):
			grown = min(grown, math.MaxInt32-quantities[dimension])
			quantities[dimension] += grown
			after.Dimensions[r.Plan] = dimension
		case dimension == "" && sold.Known:
			after.Sums[Elsewhere] += grown
		default:
			continue
		}
		if grown > 0 {
			after.Taken[name] += grown
			changed = true
		}
	}
	if idle := t.sold(t.plan); t.idle && t.active && idle.Idle && idle.Dimension != "" && after.free(idle.Dimension, hour) {
		quantities[idle.Dimension] += 0
	}
	for _, dimension := range slices.Sorted(maps.Keys(quantities)) {
		record := t.record
		record.Dimension, record.Quantity, record.Status = dimension, quantities[dimension], Written
		record.At = t.now.UTC().Truncate(time.Second).Add(-lag)
		if record.At.Before(hour) {
			record.At = hour
		}
		after.Hours[dimension] = hour
		after.Sums[Written] += record.Quantity
		if after.Returned[dimension] -= again[dimension]; after.Returned[dimension] == 0 {
			delete(after.Returned, dimension)
		}
		records = append(records, record)
	}
	return after, records, t.advance(&after) || changed || len(records) > 0
}

// free reports whether the hour has no record of the dimension, and none can be later.
func (h Head) free(dimension string, hour time.Time) bool { return h.Hours[dimension].Before(hour) }

const (
	// A counter of a day may grow until its plan was collected so long after the day. The job usage reads
	// today and yesterday, and the days that it missed.
	growing = 2 * 24 * time.Hour
	// worthwhile is by how much From must advance to be written without another change.
	worthwhile = 7 * 24 * time.Hour
)

// advance moves From to the first day whose counters may still grow, and forgets the counters before
// it. It reports whether that is worth a write.
func (t take) advance(h *Head) bool {
	from := day(t.now)
	oldest := from.AddDate(0, 0, -gateway.MaxUsageDays)
	for _, read := range t.collected {
		if first := day(read.Add(-growing)); first.Before(from) {
			from = first
		}
	}
	if from.Before(oldest) || len(t.collected) == 0 {
		from = oldest
	}
	for _, r := range t.readings {
		if r.Used > h.Taken[r.name()] && r.Day.Before(from) {
			from = r.Day
		}
	}
	if !from.After(h.From) {
		return false
	}
	far := from.Sub(h.From) >= worthwhile
	h.From = from
	for _, r := range t.readings {
		if r.Day.Before(from) {
			delete(h.Taken, r.name())
		}
	}
	return far
}

// close takes all usage that was not taken, without a record: AWS takes no more of it.
func (h Head) close(readings []Reading, at time.Time) Head {
	after := h.clone()
	after.Closed = at.UTC()
	for _, r := range readings {
		if grown := r.Used - after.Taken[r.name()]; grown > 0 {
			after.Taken[r.name()] += grown
			after.Sums[Closed] += grown
		}
	}
	after.Sums[Closed] += after.Waiting()
	after.Returned = map[string]int64{}
	return after
}

func day(t time.Time) time.Time { return t.UTC().Truncate(24 * time.Hour) }
