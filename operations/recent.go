package operations

import (
	"context"

	"github.com/gatehouse-portal/gatehouse/portal"
)

// Recent lists the newest operations of an account, newest first, at most limit of them.
// The rows are not kept by account yet, so the list is empty.
func (o *Operations) Recent(context.Context, portal.AccountID, int) ([]Operation, error) {
	return nil, nil
}
