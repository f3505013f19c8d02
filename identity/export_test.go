package identity

import (
	"context"

	"github.com/gatehouse-portal/gatehouse/portal"
)

// Person returns the e-mail address and name on record; code NotFound if there are none.
func (s *Service) Person(ctx context.Context, account portal.AccountID) (Person, error) {
	return s.people.find(ctx, account)
}

// Subject returns the subject in the claims that verify returns for a bearer token.
func (s *Service) Subject(ctx context.Context, token string) (string, error) {
	c, err := s.verifier.verify(ctx, token, idAndAccessTokens)
	return c.Subject, err
}
