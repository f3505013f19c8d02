package operations

import (
	"context"
	"sync"
	"time"

	"github.com/rs/zerolog"

	"github.com/gatehouse-portal/gatehouse/events"
	"github.com/gatehouse-portal/gatehouse/portal"
)

const (
	// still is how long an open operation must have been without a step before it is nudged, and
	// the least time between two nudges.
	still = 10 * time.Second
	// maxNudges is how many operations nudges remembers.
	maxNudges = 1 << 12
)

// nudge is called when an operation is read. If the operation is open and has had no step for a
// while, a message may be lost: nudge wakes showing if the stream has facts that are not shown, and
// sends the request again if it has led to nothing. A failure is only logged; the sweep and due
// rows do the same later.
func (o *Operations) nudge(ctx context.Context, operation Operation) {
	now := o.now()
	if operation.Status.Over() || now.Sub(operation.UpdatedAt) < still || !o.nudges.turn(operation.ID) {
		return
	}
	if err := o.resume(ctx, operation, now); err != nil {
		zerolog.Ctx(ctx).Warn().Err(err).Str("operation", string(operation.ID)).Msg("a stuck operation could not be nudged")
	}
}

func (o *Operations) resume(ctx context.Context, operation Operation, now time.Time) error {
	shown, err := o.views.Shown(ctx, operation.Subject)
	if err != nil {
		return err
	}
	head, err := o.heads.Head(ctx, operation.Subject)
	switch {
	case err != nil:
		return err
	case head > shown:
		return o.sender.Repeat(ctx, events.Event{
			ID: portal.DeriveID("show", string(operation.Subject), now.String()), Source: o.source, Subject: operation.Subject, Time: now,
			Data: events.ShowRequested{},
		})
	case len(operation.Steps) > 0:
		return nil
	}
	row, found, err := o.rows.find(ctx, operation.ID)
	if err != nil || !found || now.Sub(row.HandedAt).Abs() < handAgain {
		return err
	}
	return o.handAgain(ctx, row)
}

// nudges remembers when each operation was last nudged.
type nudges struct {
	now func() time.Time
	mu  sync.Mutex
	at  map[portal.OperationID]time.Time
}

func newNudges(now func() time.Time) *nudges {
	return &nudges{now: now, at: map[portal.OperationID]time.Time{}}
}

// turn reports whether the operation may be nudged now, and remembers that it is.
func (n *nudges) turn(id portal.OperationID) bool {
	n.mu.Lock()
	defer n.mu.Unlock()
	now := n.now()
	if at, ok := n.at[id]; ok && now.Sub(at) < still {
		return false
	}
	if len(n.at) >= maxNudges {
		clear(n.at)
	}
	n.at[id] = now
	return true
}
