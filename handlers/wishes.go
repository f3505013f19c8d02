package handlers

import (
	"github.com/gatehouse-portal/gatehouse/due"
	"github.com/gatehouse-portal/gatehouse/events"
	"github.com/gatehouse-portal/gatehouse/journal"
	"github.com/gatehouse-portal/gatehouse/portal"
)

// opensWish reports whether the fact gives the converger work to do.
func opensWish(fact events.Event) bool {
	switch fact.Data.(type) {
	case events.SubscriptionWanted, events.SubscriptionEnding, events.KeyReleasing:
		return true
	}
	return false
}

// wakeUp is the message that starts converging. Its id derives from the fact.
func wakeUp(fact events.Event) events.Event {
	return events.Event{
		ID:          portal.DeriveID("provision", fact.ID, "0"),
		Source:      "/gatehouse/handlers",
		Subject:     fact.Subject,
		Time:        fact.Time,
		Causation:   fact.ID,
		Correlation: fact.Correlation,
		TraceParent: fact.TraceParent,
		Data:        events.ProvisionRequested{},
	}
}

// dueRows are the due rows written in the transaction of a decision. They repeat the wake-ups
// until the wishes are fulfilled, and end the row that would have handed the request in again.
func dueRows(msg events.Event, facts []events.Event) []journal.Row {
	rows := operationDone(msg)
	for _, fact := range facts {
		var wish due.Row
		switch f := fact.Data.(type) {
		case events.SubscriptionWanted:
			wish = due.OfWish(fact.Subject, fact.Sequence, fact.Time, "", f.Plan, fact.Correlation)
		case events.SubscriptionEnding:
			wish = due.OfWish(fact.Subject, fact.Sequence, fact.Time, "", f.Plan, fact.Correlation)
		case events.KeyReleasing:
			wish = due.OfWish(fact.Subject, fact.Sequence, fact.Time, f.Key, "", fact.Correlation)
		default:
			continue
		}
		rows = append(rows, journal.PutDue(wish))
	}
	return rows
}

// operationDone deletes the row that hands an accepted request in again.
func operationDone(msg events.Event) []journal.Row {
	if msg.Operation == "" || string(msg.Operation) != msg.ID {
		return nil
	}
	return []journal.Row{journal.DropDue(due.OfOperation(msg.Subject, msg.Operation, msg.Time))}
}
