package alarms

import (
	"context"
	"time"
)

// Name names an alarm. Rows, messages and metrics hold names.
type Name string

// The alarms.
const (
	DeadLetters Name = "dead_letters"
	Drift       Name = "drift"
	Budget      Name = "budget"
	Keys        Name = "keys"
	Metering    Name = "metering"
	Catalog     Name = "catalog"
	Projections Name = "projections"
	// Test is the message that an operator sends to try the channels. It has no row.
	Test Name = "test"
)

// Finding is what a look at a condition saw.
type Finding struct {
	// Fires: the condition holds now.
	Fires bool
	// Since is when it began, if the look can tell. Zero means that it began with the first look
	// that saw it.
	Since time.Time
	// Count is how many things the alarm is about, and AtLeast means that there are more.
	Count   int
	AtLeast bool
	// Text says in whole sentences what was seen.
	Text string
}

// Alarm is a condition and how operators are told of it.
type Alarm struct {
	Name Name
	// Title is what a message about it begins with.
	Title string
	// Advice is what operators can do.
	Advice string
	// Page is the path of the admin page about it, and Runbook the section of docs/runbook.md.
	Page, Runbook string
	// The condition must hold for After before the alarm is raised, and must not hold for Clear
	// before it is over.
	After, Clear time.Duration
	// Look looks at the condition. raised says whether the alarm is raised now, so that a limit can
	// be a little lower for the end than for the beginning.
	Look func(ctx context.Context, raised bool) (Finding, error)
}

// Operators are reminded of an alarm that is still raised every remindEvery, and at most every growsEvery
// if it is about twice as many things by then.
const (
	remindEvery = 24 * time.Hour
	growsEvery  = time.Hour
)
