// Package administration is what admins see and do of a whole installation on pages and by JSON: what needs
// them, and dead letters. An admin's order to replay or discard letters is a row and an entry of the
// audit; a job carries it out.
package administration

import (
	"time"

	"github.com/gatehouse-portal/gatehouse/deadletters"
)

// Overview is the state of an installation. A part that could not be read is nil, and Unread says why.
type Overview struct {
	At time.Time
	// Approvals are subscriptions that wait for an admin, Registrations accounts that do.
	Approvals, Registrations *Number
	Letters                  *deadletters.Listing
	// FailedOperations are people's operations that failed because their message became a dead letter that is still open.
	FailedOperations int
	// Licences are those of AWS Marketplace that need attention, by state.
	Licences map[string]int
	Queues   []Queue
	// Sweep is the last sweep, Catalog the last reading of the catalog, Budget the control plane's.
	Sweep   *Sweep
	Catalog *Catalog
	Budget  *Budget
	// Alarms are raised. They are not about letters or drift, which have numbers of their own.
	Alarms []Alarm
	// Worker is a worker's last sign of life, zero if there never was one.
	Worker time.Time
	Unread []Unread
}

// Alarm is a condition that operators are told of.
type Alarm struct {
	Title, Text string
	// Runbook is the URL of its entry in the runbook.
	Runbook string
	Since   time.Time
}

// Number is a count that stops at a limit.
type Number struct {
	N int
	// More: there are more than N.
	More bool
}

// Queue is the state of an SQS queue. The numbers are SQS's approximations.
type Queue struct {
	Name string
	// Waiting can be received now, InFlight is being handled, and Delayed comes later.
	Waiting, InFlight, Delayed int
	// GivenUp is in its dead-letter queue, which workers empty.
	GivenUp int
}

// Sweep is what the last sweep found.
type Sweep struct {
	Ended time.Time
	// Streams were compared. Drifted ones differ in API Gateway, Unshown ones were not shown to their end,
	// and Unreadable ones cannot be read.
	Streams, Drifted, Unshown, Unreadable int
	// Strays are keys with a name of Gatehouse's that the journal does not know.
	Strays int
}

// Catalog is what workers found when they last read the catalog.
type Catalog struct {
	Ended            time.Time
	Failed           bool
	Products, Plans  int
	Errors, Warnings int
	// First are the texts of the first problems.
	First []string
}

// Budget is the shared budget of control-plane calls.
type Budget struct {
	// Left are the tokens for calls of any kind at this moment, of at most Burst. PerSecond come back
	// in a second.
	Left, Burst, PerSecond float64
	// Throttled is when AWS last refused a call that had a token, zero for never. Until SlowUntil calls
	// are made at half the rate.
	Throttled, SlowUntil time.Time
}

// Unread is a part of an Overview that could not be read.
type Unread struct{ Part, Why string }
