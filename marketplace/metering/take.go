package metering

import (
	"cmp"
	"maps"
	"math"
	"slices"
	"strings"
	"time"

	"github.com/gatehouse-portal/gatehouse/gateway"
	"github.com/gatehouse-portal/gatehouse/portal"
)

// Sold says how the portal meters a plan. Known is false for a plan that the catalog does not sell
// on AWS Marketplace. Dimension is "" if the portal does not meter the plan. Idle means that hours
// without usage are metered, too.
type Sold struct {
	Known     bool
	Dimension string
	Idle      bool
}

// metered is a licence's tally and keys, as they are stored or are to be stored.
type metered struct {
	Tally
	keys takenKeys
}

func (m metered) clone() metered { return metered{Tally: m.Tally.clone(), keys: m.keys.clone()} }

// written is what is stored after the changes were written.
func (m metered) written() metered {
	m.Version++
	m.keys = m.keys.written()
	return m
}

// take is one look at a licence's counters.
type take struct {
	now      time.Time
	readings []Reading
	sold     func(portal.PlanID) Sold
	// like has what every record of the licence has.
	like Record
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

// mostRecords is how many records one transaction writes, each with the row that lists it. Usage in further dimensions
// waits for the next call.
const mostRecords = (100 - 1 - keyRows) / 2

// portion is what one transaction writes.
type portion struct {
	after   metered
	records []Record
	// changed is false if there is nothing to write.
	changed bool
	// more means that the transaction has no room for all keys. Then it has no records: apply goes on from
	// after, and the records follow in the last transaction.
	more bool
}

// apply takes the usage of the counters. A dimension whose record of this hour exists already waits for the
// next hour.
func (t take) apply(before metered) (part portion) {
	after := before.clone()
	if !after.Closed.IsZero() && t.active {
		after.Closed, part.changed = time.Time{}, true
	}
	if !after.Closed.IsZero() {
		return portion{after: before}
	}
	hour := hourOf(t.now)
	quantities := t.begun(after.Tally, hour)
	earlier := copied(quantities)
	for _, r := range byDay(t.readings) {
		if r.Day.Before(after.From) { // an earlier portion has moved From, so the keys forget that day
			continue
		}
		grown := r.Used - after.keys.taken(r)
		if grown <= 0 {
			continue
		}
		sold := t.sold(r.Plan)
		dimension := sold.Dimension
		if !sold.Known {
			dimension = after.Dimensions[r.Plan]
		}
		here := dimension != "" && after.free(dimension, hour)
		if here {
			grown = min(grown, math.MaxInt32-quantities[dimension])
		}
		if grown == 0 || !here && (dimension != "" || !sold.Known) {
			continue
		}
		if !after.keys.touch(r.name(), after.From) {
			part.more = true
			break
		}
		after.keys.take(r, grown)
		part.changed = true
		if here {
			quantities[dimension] += grown
			after.Dimensions[r.Plan] = dimension
		} else {
			after.Unbilled[Elsewhere] += grown
		}
	}
	if idle := t.sold(t.plan); t.idle && t.active && idle.Idle && idle.Dimension != "" && after.free(idle.Dimension, hour) {
		quantities[idle.Dimension] += 0
	}
	part.changed = t.advance(&after) || part.changed || len(quantities) > 0
	if part.changed && !part.more {
		part.more = !after.keys.touchNew(after.From)
	}
	for _, dimension := range slices.Sorted(maps.Keys(quantities)) {
		if part.more || len(part.records) == mostRecords {
			after.Pending[dimension] += quantities[dimension] - earlier[dimension]
			continue
		}
		part.records = append(part.records, t.recordOf(&after.Tally, dimension, quantities[dimension], earlier[dimension]))
	}
	if part.changed && !part.more {
		after.earlierTally = earlierTally{}
	}
	part.after = after
	return part
}

// begun are the quantities that are in no record, of the dimensions that may have one now.
func (t take) begun(tally Tally, hour time.Time) map[string]int64 {
	quantities := map[string]int64{}
	for _, waiting := range []map[string]int64{tally.Pending, tally.Returned} {
		for dimension, n := range waiting {
			if n > 0 && tally.free(dimension, hour) {
				quantities[dimension] = min(quantities[dimension]+n, math.MaxInt32)
			}
		}
	}
	return quantities
}

// recordOf counts a new record of the hour in the tally. So much of its quantity is from Pending and Returned.
func (t take) recordOf(tally *Tally, dimension string, quantity, earlier int64) Record {
	hour := hourOf(t.now)
	record := t.like
	record.Dimension, record.Quantity, record.Status = dimension, quantity, Written
	record.At = t.now.UTC().Truncate(time.Second).Add(-lag)
	if record.At.Before(hour) {
		record.At = hour
	}
	tally.Hours[dimension] = hour
	tally.Sums[Written] += quantity
	pending := min(earlier, tally.Pending[dimension])
	lower(tally.Pending, dimension, pending)
	lower(tally.Returned, dimension, earlier-pending)
	return record
}

func lower(quantities map[string]int64, dimension string, by int64) {
	if quantities[dimension] -= by; quantities[dimension] == 0 {
		delete(quantities, dimension)
	}
}

func byDay(readings []Reading) []Reading {
	slices.SortStableFunc(readings, func(a, b Reading) int {
		return cmp.Or(a.Day.Compare(b.Day), strings.Compare(string(a.Account), string(b.Account)), strings.Compare(string(a.Key), string(b.Key)), strings.Compare(a.counter(), b.counter()))
	})
	return readings
}

const (
	// A counter of a day may grow until its plan was collected so long after the day. The job usage reads
	// today and yesterday, and the days that it missed.
	growing = 2 * 24 * time.Hour
	// worthwhile is by how much From must advance to be written without another change.
	worthwhile = 7 * 24 * time.Hour
)

// advance moves From to the first day whose counters may still grow. It reports whether that is worth a
// write.
func (t take) advance(m *metered) bool {
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
		if r.Used > m.keys.taken(r) && r.Day.Before(from) {
			from = r.Day
		}
	}
	if !from.After(m.From) {
		return false
	}
	far := from.Sub(m.From) >= worthwhile
	m.From = from
	return far
}

// close takes all usage that was not taken, without a record: AWS takes no more of it. more means that the
// transaction has no room for all keys: close goes on from after.
func (m metered) close(readings []Reading, at time.Time) (after metered, more bool) {
	after = m.clone()
	for _, r := range byDay(readings) {
		grown := r.Used - after.keys.taken(r)
		if grown <= 0 {
			continue
		}
		if !after.keys.touch(r.name(), after.From) {
			return after, true
		}
		after.keys.take(r, grown)
		after.Unbilled[AfterEnd] += grown
	}
	if !after.keys.touchNew(after.From) {
		return after, true
	}
	after.earlierTally = earlierTally{}
	after.Unbilled[AfterEnd] += after.Waiting() + sum(after.Pending)
	after.Returned, after.Pending = map[string]int64{}, map[string]int64{}
	after.Closed = at.UTC()
	return after, false
}
