package operations

import (
	"context"

	"golang.org/x/sync/errgroup"

	"github.com/gatehouse-portal/gatehouse/portal"
)

// Recent lists the account's newest operations of any status, newest first.
func (o *Operations) Recent(ctx context.Context, account portal.AccountID, limit int) ([]Operation, error) {
	ids, err := o.rows.latest(ctx, portal.AccountActor(account), int32(min(limit, 100)))
	if err != nil {
		return nil, unavailable("The operations could not be read right now. Try again in a moment.", err)
	}
	found := make([]Operation, len(ids))
	group, ctx := errgroup.WithContext(ctx)
	for i, id := range ids {
		group.Go(portal.Guard(func() (err error) {
			found[i], err = o.Find(ctx, account, id)
			return err
		}))
	}
	return found, group.Wait()
}

// EachOperation visits the account's operations that have not expired from its list, newest first.
func (o *Operations) EachOperation(ctx context.Context, account portal.AccountID, visit func(Operation) error) error {
	return o.rows.each(ctx, portal.AccountActor(account), func(id portal.OperationID) error {
		operation, err := o.find(ctx, id, func(operationRow) bool { return true })
		if portal.CodeOf(err) == portal.NotFound {
			return nil
		}
		if err != nil {
			return err
		}
		return visit(operation)
	})
}
