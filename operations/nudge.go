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
	// still is how long an operation must have had no new step before a nudge, and the shortest time
	// between two nudges.
	still     = 10 * time.Second
	maxNudges = 1 << 12
)

// nudge helps an open operation without a new step for a while when a client reads it. If facts
// of its stream are not shown, it wakes the projector. If the request has led to nothing and is no
// dead letter, it publishes it again. It only logs errors; the sweep and due rows do the same later.
func (o *Operations) nudge(ctx context.Context, operation Operation) {
	if o.sender == nil {
		return
	}
	now := o.now()
	if operation.Status.Over() || now.Sub(operation.UpdatedAt) < still || !o.nudges.turn(operation.ID) {
		return
	}
	if err := o.moveOn(ctx, operation, now); err != nil {
		zerolog.Ctx(ctx).Warn().Err(err).Str("operation_id", string(operation.ID)).Msg("nudging a stalled operation failed")
	}
}

func (o *Operations) moveOn(ctx context.Context, operation Operation, now time.Time) error {
	shown, err := o.views.Shown(ctx, operation.Subject)
	if err != nil {
		return err
	}
	head, err := o.heads.Head(ctx, operation.Subject)
	switch {
	case err != nil:
		return err
	case head > shown:
		return o.sender.SendAgain(ctx, events.Event{
			ID: portal.DeriveID("show", string(operation.Subject), now.String()), Source: o.source, Subject: operation.Subject, Time: now,
			Data: events.ShowRequested{},
		})
	case len(operation.Steps) > 0 || operation.Letter != "":
		return nil // a dead letter waits for an operator
	}
	row, found, err := o.rows.find(ctx, operation.ID)
	if err != nil || !found || now.Sub(row.PublishedAt).Abs() < republishEvery {
		return err
	}
	return o.republish(ctx, row)
}

type nudges struct {
	now func() time.Time
	mu  sync.Mutex
	at  map[portal.OperationID]time.Time
}

func newNudges(now func() time.Time) *nudges {
	return &nudges{now: now, at: map[portal.OperationID]time.Time{}}
}

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
