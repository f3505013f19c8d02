package administration

import (
	"context"

	"github.com/gatehouse-portal/gatehouse/portal"
	"github.com/gatehouse-portal/gatehouse/projections"
)

// AccountSearch finds accounts for admins and operators.
type AccountSearch struct {
	Views interface {
		Account(ctx context.Context, id portal.AccountID) (projections.Account, error)
	}
	Keys interface {
		OwnerOf(ctx context.Context, key portal.KeyID) (portal.AccountID, error)
	}
	People interface {
		FindPeople(ctx context.Context, begins string, limit int32) (found []portal.AccountID, more bool, err error)
	}
}

// Find returns the account that has the query as its id, or else the one of the key with that id, or else at
// most limit accounts whose owner's e-mail address, or a word of whose name, begins with it. more: there are others.
func (s AccountSearch) Find(ctx context.Context, query string, limit int32) (found []portal.AccountID, more bool, err error) {
	account, err := s.Views.Account(ctx, portal.AccountID(query))
	if err != nil || account.Profile.Status != projections.StatusNone {
		return []portal.AccountID{portal.AccountID(query)}, false, err
	}
	owner, err := s.Keys.OwnerOf(ctx, portal.KeyID(query))
	if err != nil || owner != "" {
		return []portal.AccountID{owner}, false, err
	}
	return s.People.FindPeople(ctx, query, limit)
}
