package app

import (
	"context"
	"fmt"
	"time"

	"github.com/gatehouse-portal/gatehouse/due"
	"github.com/gatehouse-portal/gatehouse/operations"
	"github.com/gatehouse-portal/gatehouse/portal"
	"github.com/gatehouse-portal/gatehouse/projections"
)

// FoundOperation is what operators see of an operation.
type FoundOperation struct {
	ID        portal.OperationID
	Account   portal.AccountID
	Type      string
	CreatedAt time.Time
	Plan      portal.PlanID
	// HandedInAgain is when the request is next due to be sent to the workers again. It is zero
	// once a worker has handled it.
	HandedInAgain time.Time
	projections.Progress
}

const dueJobTime = time.Minute

// Operation returns an operation of any account, NotFound for an unknown id.
func (d *Desk) Operation(ctx context.Context, id portal.OperationID) (FoundOperation, error) {
	op, err := d.ops.FindAny(ctx, id)
	if portal.CodeOf(err) == portal.NotFound {
		err = portal.Fail(portal.NotFound, fmt.Sprintf("There is no operation %s. Find an operation's id in the address of its page, or in the API's answer.", id))
	}
	if err != nil {
		return FoundOperation{}, err
	}
	found := foundOperation(op)
	if op.Status == projections.Accepted {
		row, passed := due.OfOperation(op.Subject, op.ID, op.CreatedAt), d.now().Add(-dueJobTime)
		if !row.At().After(passed) {
			row = row.Next(passed)
		}
		found.HandedInAgain = row.At()
	}
	return found, nil
}

func foundOperation(op operations.Operation) FoundOperation {
	account, _ := op.Subject.Account()
	return FoundOperation{ID: op.ID, Account: account, Type: op.Type, CreatedAt: op.CreatedAt, Plan: op.Plan, Progress: op.Progress}
}

func (d *Desk) recent(ctx context.Context, id portal.AccountID) ([]FoundOperation, error) {
	newest, err := d.ops.Recent(ctx, id, recentOperations)
	var all []FoundOperation
	for _, op := range newest {
		all = append(all, foundOperation(op))
	}
	return all, err
}
