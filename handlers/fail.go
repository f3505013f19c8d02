package handlers

import (
	"context"
	"errors"
	"time"

	"github.com/gatehouse-portal/gatehouse/events"
	"github.com/gatehouse-portal/gatehouse/journal"
	"github.com/gatehouse-portal/gatehouse/portal"
)

// Fail records that a worker gave a message up, and writes the caller's rows. For a request that
// is not handled yet, the same transaction appends RequestFailed, which does not count as
// handling it, so a replay is carried out. For a handled request that was not acknowledged, Fail
// sends again what follows from it. For a ProvisionRequested, it parks the account's wishes that
// wait for no other reason, so that their operations say why nothing happens. A second call does
// the same again.
func (d *Decider) Fail(ctx context.Context, msg events.Event, class string, rows ...journal.Row) error {
	if _, converges := msg.Data.(events.ProvisionRequested); converges {
		return d.failConverging(ctx, msg, rows)
	}
	if !opensOperation(msg) {
		return d.journal.Write(ctx, rows...)
	}
	for range maxRaces {
		history, err := d.latest(ctx, msg)
		if err != nil {
			return err
		}
		// The request was handled, perhaps not to the end.
		known := factsOf(history.facts, msg.ID)
		if len(known) == 0 {
			known = failuresOf(history.facts, msg.ID)
		}
		if len(known) > 0 || history.handled {
			if err := d.journal.Write(ctx, rows...); err != nil {
				return err
			}
			return follow(ctx, known, d.sender.SendAgain)
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

// failConverging parks wishes once: a parked wish has a reason.
func (d *Decider) failConverging(ctx context.Context, msg events.Event, rows []journal.Row) error {
	id, ok := msg.Subject.Account()
	if !ok {
		return d.journal.Write(ctx, rows...)
	}
	for range maxRaces {
		history, err := d.accounts.Account(ctx, id)
		if err != nil {
			return err
		}
		var facts []events.Fact
		for _, wish := range history.Account.Unparked() {
			if len(facts) < journal.MaxFacts {
				facts = append(facts, events.WishParked{Link: events.Link{Wish: wish}, Reason: events.WaitingForRepair})
			}
		}
		if len(facts) == 0 {
			return d.journal.Write(ctx, rows...)
		}
		head := history.Account.Sequence
		parked := journal.Stamp(msg, "/gatehouse/deadletters", d.now(), head, facts)
		err = d.journal.Append(ctx, msg.Subject, head, parked, rows...)
		if errors.Is(err, journal.ErrTaken) {
			continue
		}
		if err != nil {
			return err
		}
		return follow(ctx, parked, d.sender.Send)
	}
	return &portal.Postponed{After: time.Second, Reason: "the stream is busy"}
}

func (d *Decider) latest(ctx context.Context, msg events.Event) (past, error) {
	if id, ok := msg.Subject.Account(); ok {
		history, err := d.accounts.Account(ctx, id)
		return past{head: history.Account.Sequence, facts: history.Facts, handled: history.Handled(msg.ID)}, err
	}
	facts, err := d.journal.Read(ctx, msg.Subject, 0)
	return past{head: int64(len(facts)), facts: facts}, err
}

// opensOperation: wake-ups, ticks and facts have no operation, nor have messages about unknown
// streams.
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
