package identity

import (
	"context"

	"github.com/gatehouse-portal/gatehouse/portal"
)

// Person returns the e-mail address and name on record; code NotFound if there are none.
func (s *Service) Person(ctx context.Context, account portal.AccountID) (Person, error) {
	return s.people.find(ctx, account)
}
