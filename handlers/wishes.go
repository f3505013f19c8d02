package handlers

import (
	"time"

	"github.com/gatehouse-portal/gatehouse/approvals"
	"github.com/gatehouse-portal/gatehouse/due"
	"github.com/gatehouse-portal/gatehouse/events"
	"github.com/gatehouse-portal/gatehouse/journal"
	"github.com/gatehouse-portal/gatehouse/portal"
	"github.com/gatehouse-portal/gatehouse/schema"
	"github.com/gatehouse-portal/gatehouse/state"
)

// wakeUp starts converging. Its id derives from the fact.
func wakeUp(fact events.Event) events.Event {
	return events.Event{
		ID:          portal.DeriveID("provision", fact.ID, "0"),
		Source:      "/gatehouse/handlers",
		Subject:     fact.Subject,
		Time:        fact.Time,
		Causation:   fact.ID,
		Correlation: fact.Correlation,
		TraceParent: fact.TraceParent,
		TraceState:  fact.TraceState,
		Data:        events.ProvisionRequested{},
	}
}

// maxDropped bounds the due rows that one decision deletes: a transaction of DynamoDB takes 100
// items. The job deletes the others when they fall due.
const maxDropped = 50

// dueRows repeat the wake-ups until the wishes are fulfilled, end keys at their time, end the row
// that would have handed the request in again, and list what waits for an admin.
func dueRows(msg events.Event, before state.Account, facts []events.Event) []journal.Row {
	after := before.Clone()
	for _, fact := range facts {
		after.Apply(fact)
	}
	rows := append(operationDone(msg), keyEndRows(msg.Subject, before, after, facts[0].Time)...)
	opened, ended := state.WishesBetween(before, after)
	for wish, about := range opened {
		rows = append(rows, journal.PutDue(due.OfWish(msg.Subject, wish, about.At, about.Key, about.Plan, msg.Correlation)))
	}
	dropped := 0
	for wish, about := range ended {
		if dropped++; dropped > maxDropped {
			break
		}
		rows = append(rows, journal.DropDue(due.OfWish(msg.Subject, wish, about.At, about.Key, about.Plan, "")))
	}
	rows = append(rows, licencesToFree(before, after, facts[0].Time)...)
	rows = append(append(rows, pendingRegistration(msg, before, after)...), approvals.Changes(before, after)...)
	rows = append(rows, adminRows(msg, before, facts)...)
	return append(rows, adoptionRows(msg, before, facts)...)
}

// maxFreed bounds the rows of a transaction. A licence beyond it is freed by its next notice.
const maxFreed = 20

// licencesToFree has the job free the licences of an account that is being deleted.
func licencesToFree(before, after state.Account, at time.Time) []journal.Row {
	var rows []journal.Row
	if before.Standing.Leaving() || !after.Standing.Leaving() {
		return nil
	}
	for _, licence := range before.Claims() {
		if len(rows) < maxFreed {
			rows = append(rows, journal.PutDue(due.OfLicence(licence, before.Licences[licence].Sequence, at, before.ID)))
		}
	}
	return rows
}

func pendingRegistration(msg events.Event, before, after state.Account) []journal.Row {
	if before.Standing.Asked == after.Standing.Asked {
		return nil
	}
	row := journal.Row{Key: schema.PendingRegistration(after.ID)}
	if after.Standing.Asked == 0 {
		return []journal.Row{row}
	}
	row.Value = struct {
		AskedAt time.Time `dynamodbav:"asked_at"`
		Wish    int64     `dynamodbav:"wish"`
	}{msg.Time.UTC(), after.Standing.Asked}
	forAdmins := due.OfAdminItem(msg.Subject, due.Registration, due.WaitingID(after.ID, after.Standing.Asked), msg.Time)
	return []journal.Row{row, journal.PutDue(forAdmins)}
}

// operationDone deletes the row that hands an accepted request in again.
func operationDone(msg events.Event) []journal.Row {
	if msg.Operation == "" || string(msg.Operation) != msg.ID {
		return nil
	}
	return []journal.Row{journal.DropDue(due.OfOperation(msg.Subject, msg.Operation, msg.Time))}
}
