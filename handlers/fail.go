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
func (x *Execute) Fail(ctx context.Context, msg events.Event, class string, rows ...journal.Row) error {
	if !opensOperation(msg) {
		return x.journal.Write(ctx, rows...)
	}
	for range maxRaces {
		history, err := x.journal.Read(ctx, msg.Subject, 0)
		if err != nil {
			return err
		}
		// Handled already, if not to the end: what follows from it is sent once more.
		known := ledToBy(history, msg.ID)
		if len(known) == 0 {
			known = failuresOf(history, msg.ID)
		}
		if len(known) > 0 {
			if err := x.journal.Write(ctx, rows...); err != nil {
				return err
			}
			return follow(ctx, known, x.sender.Repeat)
		}
		failed := journal.Stamp(msg, "/gatehouse/deadletters", x.now(), int64(len(history)), []events.Fact{
			events.RequestFailed{Ends: ends(msg.Operation), Class: class},
		})
		err = x.journal.Append(ctx, msg.Subject, int64(len(history)), failed, rows...)
		if errors.Is(err, journal.ErrTaken) {
			continue
		}
		if err != nil {
			return err
		}
		return follow(ctx, failed, x.sender.Send)
	}
	return &portal.Postponed{After: time.Second, Reason: "the stream is busy"}
}

// opensOperation tells a request of somebody's from a wake-up, a tick or a fact, and from
// nonsense about no stream of ours.
func opensOperation(msg events.Event) bool {
	switch msg.Data.(type) {
	case events.ProvisionRequested, events.JobRequested:
		return false
	}
	_, request := msg.Data.(events.Request)
	_, account := msg.Subject.Account()
	return request && (account || msg.Subject == portal.CatalogStream)
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
