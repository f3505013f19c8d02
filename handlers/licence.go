package handlers

import (
	"cmp"
	"context"
	"fmt"

	"github.com/gatehouse-portal/gatehouse/due"
	"github.com/gatehouse-portal/gatehouse/events"
	"github.com/gatehouse-portal/gatehouse/journal"
	"github.com/gatehouse-portal/gatehouse/portal"
	"github.com/gatehouse-portal/gatehouse/state"
)

// DecideLicence is Decide for licences.
type DecideLicence[R events.Request] func(licence state.Licence, request R) []events.Fact

// forLicence makes a message handler of a decision. A second delivery only sends the facts of the
// first again.
func forLicence[R events.Request](d *Decider, decide DecideLicence[R]) func(context.Context, events.Event) error {
	return func(ctx context.Context, msg events.Event) error {
		request, typed := msg.Data.(R)
		if !msg.Subject.IsLicence() || !typed {
			return portal.Fail(portal.Invalid, fmt.Sprintf("A %s is about a licence, not about %q.", events.Name(msg.Type()), msg.Subject))
		}
		return d.handle(ctx, msg, func(ctx context.Context) (past, error) {
			return d.pastOf(ctx, msg, func(licence state.Licence) []events.Fact { return decide(licence, request) })
		})
	}
}

// pastOf reads a licence's stream for a decision about the licence.
func (d *Decider) pastOf(ctx context.Context, msg events.Event, decide func(state.Licence) []events.Fact) (past, error) {
	facts, err := d.journal.Read(ctx, msg.Subject, 0)
	if err != nil {
		return past{}, err
	}
	licence := state.FoldLicence(msg.Subject, facts)
	return past{
		licence: licence, head: licence.Sequence, facts: facts, notUnderstood: licence.NotUnderstood,
		rows:   func(appended []events.Event) []journal.Row { return licenceRows(msg, licence, appended) },
		decide: func() []events.Fact { return decide(licence) },
	}, nil
}

// licenceRows tell the account again until it has recorded what it should have, and meter the last
// usage of a claimed licence that ends.
func licenceRows(msg events.Event, before state.Licence, facts []events.Event) []journal.Row {
	rows := operationDone(msg)
	after := before
	for _, fact := range facts {
		after.Apply(fact)
		if closes(fact) && (before.Claimed() || after.Claimed()) {
			rows = append(rows, journal.PutDue(due.OfMetering(msg.Subject, fact.Sequence, fact.Time)))
		}
	}
	if after.AccessSequence != before.AccessSequence {
		rows = append(rows, journal.PutDue(due.OfLicence(msg.Subject, after.AccessSequence, after.AccessAt, cmp.Or(after.Claim.Account, before.Claim.Account))))
	}
	return rows
}

// closes reports whether the fact says that AWS takes usage for a short time only: the licence is ending,
// has ended or has lapsed, or its account has given it up.
func closes(fact events.Event) bool {
	switch f := fact.Data.(type) {
	case events.LicenceNoticed:
		return f.Status == events.LicenceEnding || f.Status == events.LicenceEnded
	case events.LicenceEntitled:
		return f.Lapsed
	case events.LicenceReleased:
		return true
	}
	return false
}
