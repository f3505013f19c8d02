package operations_test

import (
	"testing"

	"github.com/gatehouse-portal/gatehouse/events"
	"github.com/gatehouse-portal/gatehouse/members"
	"github.com/gatehouse-portal/gatehouse/operations"
	"github.com/gatehouse-portal/gatehouse/portal"
)

func askAbout(actor portal.Actor, subject portal.Stream, key string, request events.Request) operations.Submission {
	return operations.Submission{Actor: actor, Subject: subject, IdempotencyKey: key, Request: request, Correlation: "corr"}
}

func TestIntentsBelongToTheSubjectAndLimitsToTheActor(t *testing.T) {
	t.Parallel()
	annStream := portal.AccountStream(ann)
	for name, actor := range map[string]portal.Actor{"an operator": portal.Operator, "another account": portal.AccountActor(bob)} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			d := newFixture(t)
			d.accepts(ask(ann, "", leaveFree))
			for range operations.MaxChanges {
				d.accepts(askAbout(actor, annStream, "", leaveFree))
			}
			_, err := d.Accept(t.Context(), askAbout(actor, annStream, "", leaveFree))
			refuses(t, err, portal.TooManyRequests)
			_, err = d.Accept(t.Context(), askAbout(actor, portal.AccountStream("carl"), "", leaveFree))
			refuses(t, err, portal.TooManyRequests)
			d.accepts(ask(ann, "", leaveFree))
			sent, _ := d.outbox.empty()
			for i, msg := range sent {
				want := actor
				if i == 0 || i == len(sent)-1 {
					want = portal.AccountActor(ann)
				}
				if msg.Intent != portal.Intent(i+1) || msg.Subject != annStream || msg.Actor != want {
					t.Errorf("request %d about %s, asked for by %q, has intent %d", i+1, msg.Subject, msg.Actor, msg.Intent)
				}
			}
			for name, n := range d.counters(ann) {
				if name != "intent" && n != 2 {
					t.Errorf("of the subject's own requests %s counts %d", name, n)
				}
			}
		})
	}
}

func TestAStreamThatIsNoAccountHasItsOwnIntent(t *testing.T) {
	t.Parallel()
	d := newFixture(t)
	for range 2 {
		d.accepts(askAbout(portal.AccountActor(ann), portal.CatalogStream, "", events.CatalogSyncRequested{}))
	}
	d.accepts(askAbout(portal.Operator, portal.CatalogStream, "", events.CatalogSyncRequested{}))
	d.accepts(askAbout(portal.Operator, "licence/l1", "", events.CatalogSyncRequested{}))
	d.accepts(ask(ann, "", register))
	sent, _ := d.outbox.empty()
	var got []portal.Intent
	for _, msg := range sent {
		got = append(got, msg.Intent)
	}
	same(t, "intents", []portal.Intent{1, 2, 3, 1, 1}, got)
}

func TestAnOperationIsFoundByItsActorAndShownToOperators(t *testing.T) {
	t.Parallel()
	d := newFixture(t)
	op := d.accepts(askAbout(portal.AccountActor(bob), portal.AccountStream(ann), "", leaveFree))
	found, err := d.Find(t.Context(), bob, op.ID)
	if err != nil {
		t.Fatal(err)
	}
	same(t, "what the actor finds", op.ID, found.ID)
	_, err = d.Find(t.Context(), ann, op.ID)
	refuses(t, err, portal.NotFound)
	shown, err := d.FindAny(t.Context(), op.ID)
	if err != nil {
		t.Fatal(err)
	}
	same(t, "what operators are shown", found, shown)
	_, err = d.FindAny(t.Context(), "unknown")
	refuses(t, err, portal.NotFound)

	byOperator := d.accepts(askAbout(portal.Operator, portal.AccountStream(ann), "", leaveFree))
	_, err = d.Find(t.Context(), ann, byOperator.ID)
	refuses(t, err, portal.NotFound)
	if _, err := d.FindAny(t.Context(), byOperator.ID); err != nil {
		t.Error(err)
	}
}

func TestAnIdempotencyKeyBelongsToItsActor(t *testing.T) {
	t.Parallel()
	d := newFixture(t)
	subject := portal.AccountStream(ann)
	own, bobs, operators := d.accepts(ask(ann, "k", leaveFree)),
		d.accepts(askAbout(portal.AccountActor(bob), subject, "k", leaveFree)), d.accepts(askAbout(portal.Operator, subject, "k", leaveFree))
	if own.ID == bobs.ID || own.ID == operators.ID || bobs.ID == operators.ID {
		t.Errorf("three actors' requests are %s, %s and %s", own.ID, bobs.ID, operators.ID)
	}
	if again := d.accepts(askAbout(portal.Operator, subject, "k", leaveFree)); again.ID != operators.ID {
		t.Errorf("sent again it is %s", again.ID)
	}
	_, err := d.Accept(t.Context(), askAbout(portal.Operator, portal.AccountStream(bob), "k", leaveFree))
	refuses(t, err, portal.KeyReused)
}

func TestAnAdminsRequestToReadTheCatalogIsInTheAuditOnce(t *testing.T) {
	t.Parallel()
	d := newFixture(t)
	admin := operations.Caller{Account: ann, IdempotencyKey: "click"}
	var first operations.Operation
	for range 2 { // a double click
		operation, err := d.SyncCatalog(t.Context(), admin)
		if err != nil || first.ID != "" && operation.ID != first.ID {
			t.Fatalf("the operation is %+v, %v", operation, err)
		}
		first = operation
	}
	if found, err := d.Find(t.Context(), ann, first.ID); err != nil || found.Subject != portal.CatalogStream {
		t.Errorf("found is %+v, %v", found, err)
	}
	entries, _, err := members.NewStore(d.tables.Client, d.tables.Records, d.clock).Audit(t.Context(), members.AuditFilter{}, "", 5)
	if err != nil || len(entries) != 1 || entries[0].What != "CatalogSyncRequested" || entries[0].Admin != ann || entries[0].Subject != "" || entries[0].Operation != first.ID {
		t.Errorf("the audit is %+v, %v", entries, err)
	}
}
