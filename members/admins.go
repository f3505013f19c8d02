package members

import (
	"context"
	"errors"
	"sync"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"github.com/gatehouse-portal/gatehouse/portal"
	"github.com/gatehouse-portal/gatehouse/schema"
)

// adminsMaxAge is how long a process may use the list of admins that it has read, so how long a
// demotion may take to have effect.
const adminsMaxAge = 5 * time.Second

type adminCache struct {
	mu   sync.Mutex
	read time.Time
	all  map[portal.AccountID]bool
}

type adminRow struct {
	By portal.AccountID `dynamodbav:"by"`
	At time.Time        `dynamodbav:"at"`
}

// Promote makes an account an admin, beside those of the identity provider's admin group.
func (s *Store) Promote(ctx context.Context, admin, account portal.AccountID) error {
	s.forgetAdmins()
	return gone(s.transact(ctx, "promoting an admin", ofAPerson(account), write{key: schema.Admin(account), value: adminRow{admin, s.now().UTC()}}))
}

// Demote ends what Promote began. The error is NotFound if the account was not promoted.
func (s *Store) Demote(ctx context.Context, account portal.AccountID) error {
	s.forgetAdmins()
	err := s.transact(ctx, "demoting an admin", write{key: schema.Admin(account), condition: "attribute_exists(pk)"})
	if errors.Is(err, errRefused) {
		return portal.Fail(portal.NotFound, "The account was not promoted here. Members of the identity provider's admin group are admins until they leave the group there.")
	}
	return err
}

// Promoted reports whether the account was promoted. The answer may be five seconds old.
func (s *Store) Promoted(ctx context.Context, account portal.AccountID) (bool, error) {
	s.admins.mu.Lock()
	all, read := s.admins.all, s.admins.read
	s.admins.mu.Unlock()
	now := s.now()
	if all != nil && now.Sub(read).Abs() < adminsMaxAge {
		return all[account], nil
	}
	all = map[portal.AccountID]bool{}
	err := s.rows(ctx, schema.Admins(), "", 0, func(key schema.Key, _ map[string]types.AttributeValue) (bool, error) {
		all[portal.AccountID(key.SK)] = true
		return true, nil
	})
	if err != nil {
		return false, err
	}
	s.admins.mu.Lock()
	defer s.admins.mu.Unlock()
	s.admins.all, s.admins.read = all, now
	return all[account], nil
}

func (s *Store) forgetAdmins() {
	s.admins.mu.Lock()
	defer s.admins.mu.Unlock()
	s.admins.all = nil
}
