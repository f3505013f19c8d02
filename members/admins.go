package members

import (
	"context"
	"slices"
	"sync"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"github.com/gatehouse-portal/gatehouse/portal"
	"github.com/gatehouse-portal/gatehouse/records"
	"github.com/gatehouse-portal/gatehouse/schema"
)

// adminsMaxAge is how long a process may use a list of admins. A demotion may take this long to
// have effect.
const adminsMaxAge = 5 * time.Second

type adminCache struct {
	mu   sync.Mutex
	read time.Time
	all  map[portal.AccountID]bool
}

// Promoted reports whether the account was promoted, perhaps five seconds ago.
func (s *Store) Promoted(ctx context.Context, account portal.AccountID) (bool, error) {
	s.admins.mu.Lock()
	all, read := s.admins.all, s.admins.read
	s.admins.mu.Unlock()
	now := s.now()
	if all != nil && now.Sub(read).Abs() < adminsMaxAge {
		return all[account], nil
	}
	promoted, err := s.accountsIn(ctx, schema.Admins())
	if err != nil {
		return false, err
	}
	all = map[portal.AccountID]bool{}
	for _, one := range promoted {
		all[one] = true
	}
	s.admins.mu.Lock()
	defer s.admins.mu.Unlock()
	s.admins.all, s.admins.read = all, now
	return all[account], nil
}

// PromotedNow is Promoted with a fresh answer. Decisions about admins use it.
func (s *Store) PromotedNow(ctx context.Context, account portal.AccountID) (bool, error) {
	return s.rows.Get(ctx, schema.Admin(account), &struct{}{})
}

// Admins lists the accounts that were promoted, and those whose last ID token named the identity
// provider's admin group, each once.
func (s *Store) Admins(ctx context.Context) ([]portal.AccountID, error) {
	promoted, err := s.accountsIn(ctx, schema.Admins())
	if err != nil {
		return nil, err
	}
	grouped, err := s.accountsIn(ctx, schema.GroupAdmins())
	all := append(promoted, grouped...)
	slices.Sort(all)
	return slices.Compact(all), err
}

func (s *Store) accountsIn(ctx context.Context, of schema.Range) ([]portal.AccountID, error) {
	var all []portal.AccountID
	err := s.rows.Each(ctx, of, records.Select{}, func(key schema.Key, _ map[string]types.AttributeValue) (bool, error) {
		all = append(all, portal.AccountID(key.SK))
		return true, nil
	})
	return all, err
}
