package jobs

import (
	"slices"
	"time"

	"github.com/gatehouse-portal/gatehouse/portal"
)

// runLease is how long a run counts as alive after its last heartbeat: more than a step and the
// redelivery delay of its message.
const runLease = 3 * time.Minute

// anewAfter is when a dead run starts over: its data and its position in API Gateway's lists may
// be out of date.
const anewAfter = time.Hour

// Run is a job's run under way, or its last one.
//
//	no run ──┐ start              last step
//	         ├───────▶ under way ───────────▶ over
//	over ────┘
//
// Another message takes over a run under way that has had no heartbeat for runLease. If a demand
// came during the run, its last step starts the next run at once.
type Run struct {
	// Carrier is the message that carries the run. While the run is alive, other messages leave
	// it alone.
	Carrier   string    `dynamodbav:"carrier,omitempty"`
	Slot      int64     `dynamodbav:"slot"`
	Cursor    string    `dynamodbav:"cursor,omitempty"`
	UnderWay  bool      `dynamodbav:"under_way"`
	Started   time.Time `dynamodbav:"started"`
	Heartbeat time.Time `dynamodbav:"heartbeat"`
	Ended     time.Time `dynamodbav:"ended"`
	// Asked is the last demand that a run started for. Again is a demand that came during a run;
	// the next run is for it.
	Asked string `dynamodbav:"asked,omitempty"`
	Again string `dynamodbav:"again,omitempty"`
	// AlsoAsked and AlsoAgain are earlier demands that the same run answers.
	AlsoAsked []string `dynamodbav:"also_asked,omitempty"`
	AlsoAgain []string `dynamodbav:"also_again,omitempty"`
	// Every write raises Version by one and is conditional on it.
	Version int64 `dynamodbav:"version"`
}

type arrival struct {
	id   string
	kind kind
	slot int64
}

type kind int

const (
	tick         kind = iota // the slot has begun
	demand                   // a run is needed that starts after now
	continuation             // the run goes on
)

type verdict int

const (
	drop   verdict = iota // nothing is to be done
	note                  // the row is written, and nothing is run
	goOn                  // the run goes on where it was
	anew                  // a run begins
	revive                // a dead run is taken over
)

// admit decides what to do with a message. The caller writes the row it returns unless the
// verdict is drop.
func (r Run) admit(a arrival, every time.Duration, now time.Time) (Run, verdict) {
	r.Version++
	alive := r.alive(now)
	switch {
	case r.UnderWay && a.id == r.Carrier:
		if !alive && now.Sub(r.Started) >= anewAfter {
			// The message is late, for example because its worker's machine was suspended.
			r.Started, r.Cursor = now, ""
		}
		r.Heartbeat = now
		return r, goOn
	case a.kind == continuation:
		return r, drop
	case a.kind == demand && (r.waits(a.id) || r.asked(a.id)):
		return r, drop
	case a.kind == demand && alive:
		r.AlsoAgain, r.Again = r.demands(), a.id
		return r, note
	case a.kind == tick && (alive || r.done(a.slot, every, now) || a.slot < slotOf(now, every)):
		return r, drop
	}
	dead := r.UnderWay
	r.UnderWay, r.Carrier, r.Heartbeat, r.Slot = true, a.id, now, slotOf(now, every)
	if a.kind == demand {
		r.Asked, r.AlsoAsked, r.Again, r.AlsoAgain = a.id, r.demands(), "", nil
	}
	if dead && now.Sub(r.Started) < anewAfter {
		// The dead run may have read things before the demand was made.
		if a.kind == demand {
			r.Again, r.AlsoAgain, r.AlsoAsked = againFor(a.id), r.AlsoAsked, nil
		}
		return r, revive
	}
	r.Started, r.Cursor = now, ""
	return r, anew
}

// mostDemands bounds the ids in a row. A command that waits for an older demand is not told of
// its end.
const mostDemands = 50

func (r Run) demands() []string {
	if r.Again == "" {
		return nil
	}
	all := append(slices.Clone(r.AlsoAgain), r.Again)
	return all[max(0, len(all)-mostDemands):]
}

func againFor(demand string) string { return portal.DeriveID("again", demand) }

func (r Run) waits(demand string) bool {
	return slices.ContainsFunc(r.demands(), func(id string) bool { return id == demand || id == againFor(demand) })
}

func (r Run) asked(demand string) bool {
	return slices.ContainsFunc(append(slices.Clone(r.AlsoAsked), r.Asked), func(id string) bool { return id == demand || id == againFor(demand) })
}

// Taken reports whether a worker has seen the demand.
func (r Run) Taken(demand string) bool { return r.waits(demand) || r.asked(demand) }

// Answers reports whether this run, which may be over, began after the demand and for it.
func (r Run) Answers(demand string) bool { return r.asked(demand) && !r.waits(demand) }

// alive ignores a heartbeat more than runLease in the future, which comes from a wrong clock.
func (r Run) alive(now time.Time) bool {
	age := now.Sub(r.Heartbeat)
	return r.UnderWay && age < runLease && age > -runLease
}

// done: the slot's run is over. A slot far in the future comes from a wrong clock and does not
// count; otherwise all ticks until then would be dropped.
func (r Run) done(slot int64, every time.Duration, now time.Time) bool {
	return !r.UnderWay && !r.Ended.IsZero() && slot <= r.Slot && r.Slot <= slotOf(now.Add(runLease), every)
}

// advance is the row after a step; next is "" when the run is over. If a demand came meanwhile,
// its run starts.
func (r Run) advance(next string, every time.Duration, now time.Time) Run {
	r.Version++
	r.Heartbeat, r.Cursor = now, next
	switch {
	case next != "":
	case r.Again != "":
		r.Asked, r.AlsoAsked, r.Again, r.AlsoAgain = r.Again, r.AlsoAgain, "", nil
		r.Started, r.Slot = now, slotOf(now, every)
	default:
		r.UnderWay, r.Carrier, r.Ended = false, "", now
	}
	return r
}

func slotOf(t time.Time, every time.Duration) int64 { return t.Truncate(every).UnixMilli() }
