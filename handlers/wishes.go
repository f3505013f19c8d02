package handlers

import (
	"github.com/gatehouse-portal/gatehouse/events"
	"github.com/gatehouse-portal/gatehouse/jobs"
	"github.com/gatehouse-portal/gatehouse/journal"
)

// opensWish says whether converging has work to do because of this fact.
func opensWish(fact events.Event) bool {
	switch fact.Data.(type) {
	case events.SubscriptionWanted, events.SubscriptionEnding:
		return true
	}
	return false
}

// wakeUp is the message that sets converging to work. Its id follows from the fact.
func wakeUp(fact events.Event) events.Event {
	return events.Event{
		ID:          jobs.WakeUpID(fact.ID, 0),
		Source:      "/gatehouse/handlers",
		Subject:     fact.Subject,
		Time:        fact.Time,
		Causation:   fact.ID,
		Correlation: fact.Correlation,
		TraceParent: fact.TraceParent,
		Data:        events.ProvisionRequested{},
	}
}

// dueRows are the rows by which the wake-ups are repeated until the wishes are
// fulfilled, should every message about them be lost.
func dueRows(facts []events.Event) []journal.Row {
	var rows []journal.Row
	for _, fact := range facts {
		if opensWish(fact) {
			rows = append(rows, jobs.NewWish(fact).Row())
		}
	}
	return rows
}
