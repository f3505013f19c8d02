package handlers

import (
	"context"
	"errors"
	"time"

	"github.com/gatehouse-portal/gatehouse/events"
	"github.com/gatehouse-portal/gatehouse/journal"
	"github.com/gatehouse-portal/gatehouse/portal"
)

// Fail tells whoever waits for a message that it was given up, and writes the rows that
// say so. If it is a request that is still unhandled, the transaction of the rows
// appends RequestFailed; that does not count as handled, so a replay is carried out. Of
// one that was handled and not acknowledged, what follows is sent again. A message that
// nobody waits for is its rows and nothing more. A second time writes the rows and tells
// again.
func (d *Decider) Fail(ctx context.Context, msg events.Event, class string, rows ...journal.Row) error {
	if !opensOperation(msg) {
		return d.journal.Write(ctx, rows...)
	}
	for range maxRaces {
		history, err := d.latest(ctx, msg)
		if err != nil {
			return err
		}
		// Handled already, if not to the end: what follows from it is sent once more.
		known := ledToBy(history.facts, msg.ID)
		if len(known) == 0 {
			known = failuresOf(history.facts, msg.ID)
		}
		if len(known) > 0 || history.handled {
			if err := d.journal.Write(ctx, rows...); err != nil {
				return err
			}
			return follow(ctx, known, d.sender.Repeat)
		}
		failed := journal.Stamp(msg, "/gatehouse/deadletters", d.now(), history.head, []events.Fact{events.RequestFailed{Class: class}})
		err = d.journal.Append(ctx, msg.Subject, history.head, failed, append(rows[:len(rows):len(rows)], operationDone(msg)...)...)
		if errors.Is(err, journal.ErrTaken) {
			continue
		}
		if err != nil {
			return err
		}
		return follow(ctx, failed, d.sender.Send)
	}
	return &portal.Postponed{After: time.Second, Reason: "the stream is busy"}
}

// latest reads what the message's stream says of late.
func (d *Decider) latest(ctx context.Context, msg events.Event) (past, error) {
	if id, ok := msg.Subject.Account(); ok {
		history, err := d.accounts.Account(ctx, id)
		return past{head: history.Account.Sequence, facts: history.Facts, handled: history.Handled(msg.ID)}, err
	}
	facts, err := d.journal.Read(ctx, msg.Subject, 0)
	return past{head: int64(len(facts)), facts: facts}, err
}

// opensOperation tells a request that somebody waits for from a wake-up, a tick or a fact,
// and from one about no stream of ours.
func opensOperation(msg events.Event) bool {
	_, request := msg.Data.(events.Request)
	return request && !events.WakesUp(msg.Data) && msg.Subject.Kind() != portal.KindUnknown
}

func failuresOf(history []events.Event, request string) []events.Event {
	var found []events.Event
	for _, fact := range history {
		if _, failed := fact.Data.(events.RequestFailed); failed && fact.Causation == request {
			found = append(found, fact)
		}
	}
	return found
}
