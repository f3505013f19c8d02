package operations_test

import (
	"errors"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/feature/dynamodb/attributevalue"

	"github.com/gatehouse-portal/gatehouse/due"
	"github.com/gatehouse-portal/gatehouse/events"
	"github.com/gatehouse-portal/gatehouse/operations"
	"github.com/gatehouse-portal/gatehouse/portal"
	"github.com/gatehouse-portal/gatehouse/projections"
)

func isPostponed(err error) bool {
	var postponed *portal.Postponed
	return errors.As(err, &postponed)
}

func TestTheNewestOperationsOfAnAccountAreListedWhateverTheirOutcome(t *testing.T) {
	t.Parallel()
	d := newFixture(t)
	var want []portal.OperationID
	asked := func(fact events.Fact) {
		op := d.accepts(ask(ann, "", register))
		if fact != nil {
			d.happen(portal.AccountStream(ann), op.ID, fact)
		}
		want = append([]portal.OperationID{op.ID}, want...)
		d.pass(time.Second)
	}
	asked(events.UserRegistered{})
	asked(events.RequestRejected{Code: portal.Conflict, Message: "No."})
	asked(events.RequestFailed{})
	asked(nil)
	d.accepts(ask(bob, "", register))
	for limit, n := range map[int]int{1: 1, 3: 3, 100: 4, 1000: 4} {
		found, err := d.Recent(t.Context(), ann, limit)
		if err != nil {
			t.Fatal(err)
		}
		var ids []portal.OperationID
		var statuses []projections.Status
		for _, op := range found {
			ids, statuses = append(ids, op.ID), append(statuses, op.Status)
		}
		same(t, "operations", want[:n], ids)
		all := []projections.Status{projections.Accepted, projections.Failed, projections.Rejected, projections.Succeeded}
		same(t, "statuses", all[:n], statuses)
	}
	if found, err := d.Recent(t.Context(), "carl", 10); err != nil || len(found) > 0 {
		t.Errorf("of somebody who asked for nothing: %v, %v", found, err)
	}
	cfg := d.config()
	cfg.Records = "not-there"
	_, err := operations.New(cfg).Recent(t.Context(), ann, 10)
	refuses(t, err, portal.Unavailable)
}

// An operation's due row and its entry in the actor's list exist exactly if the operation does.
func TestWhatBelongsToAnOperationIsWrittenWithIt(t *testing.T) {
	t.Parallel()
	d := newFixture(t)
	rowsOf := func(op portal.OperationID) (rows int) {
		again := due.OfOperation(portal.AccountStream(ann), op, d.now).Place()
		for _, partition := range []string{again.PK, "account#ann", "operation#" + string(op)} {
			for _, item := range d.tables.Rows(t, d.tables.Records, partition) {
				var row struct {
					SK        string             `dynamodbav:"sk"`
					ID        portal.OperationID `dynamodbav:"id"`
					Kind      due.Kind           `dynamodbav:"kind"`
					Operation portal.OperationID `dynamodbav:"operation"`
				}
				if err := attributevalue.UnmarshalMap(item, &row); err != nil {
					t.Fatal(err)
				}
				if row.ID == op || row.SK == again.SK && row.Kind == due.Operation && row.Operation == op {
					rows++
				}
			}
		}
		return rows
	}
	op := d.accepts(ask(ann, "k", register))
	if got := rowsOf(op.ID); got != 3 {
		t.Errorf("%d rows are there, want the operation, its due row and its place in the list", got)
	}
	cfg := d.config()
	cfg.Tables = &colliding{d.tables.Client, 1, "ThrottlingError"}
	_, err := operations.New(cfg).Accept(t.Context(), ask(ann, "refused", register))
	refuses(t, err, portal.Unavailable)
	id := portal.OperationID(portal.DeriveID("operation", string(portal.AccountActor(ann)), "refused"))
	if got := rowsOf(id); got != 0 {
		t.Errorf("of one that was not accepted %d rows are there", got)
	}
}
