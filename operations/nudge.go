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
	// still is how long an open operation must not have moved for somebody who looks at it
	// to have showing looked after, and how often that is done at most.
	still = 10 * time.Second
	// maxNudges bounds the operations that are remembered.
	maxNudges = 1 << 12
)

// nudge wakes showing if somebody looks at an open operation that has not moved for a
// while, and its stream holds facts that are not shown: the wake-up about them was lost.
// Failing to is no fault of the reading; the sweep does the same later.
func (o *Operations) nudge(ctx context.Context, operation Operation) {
	now := o.now()
	if operation.Status.Over() || now.Sub(operation.UpdatedAt) < still || !o.nudges.turn(operation.ID) {
		return
	}
	err := func() error {
		shown, err := o.views.Shown(ctx, operation.Subject)
		if err != nil {
			return err
		}
		head, err := o.heads.Head(ctx, operation.Subject)
		if err != nil || head <= shown {
			return err
		}
		return o.sender.Repeat(ctx, events.Event{
			ID: portal.DeriveID("show", string(operation.Subject), now.String()), Source: o.source, Subject: operation.Subject, Time: now,
			Data: events.ShowRequested{},
		})
	}()
	if err != nil {
		zerolog.Ctx(ctx).Warn().Err(err).Str("operation", string(operation.ID)).Msg("showing could not be looked after")
	}
}

// nudges remembers when showing was last looked after for an operation.
type nudges struct {
	now func() time.Time
	mu  sync.Mutex
	at  map[portal.OperationID]time.Time
}

func newNudges(now func() time.Time) *nudges {
	return &nudges{now: now, at: map[portal.OperationID]time.Time{}}
}

// turn says whether the operation's turn has come again, and takes it.
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
