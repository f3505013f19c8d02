package provisioning

import (
	"context"
	"errors"
	"sync"
	"time"

	"github.com/gatehouse-portal/gatehouse/accounts"
	"github.com/gatehouse-portal/gatehouse/events"
	"github.com/gatehouse-portal/gatehouse/journal"
	"github.com/gatehouse-portal/gatehouse/portal"
)

// begin takes the account's lease. If the process remembers the account, the lease may come with the
// state of the account, which is then not read.
func (c *Converger) begin(ctx context.Context, id portal.AccountID, msg events.Event) (*convergence, error) {
	if r, err := c.beginFromMemory(ctx, id, msg); r != nil || err != nil {
		return r, err
	}
	lease, ok, err := c.AccountLeases.AccountLease(ctx, id, msg.ID, accountLease)
	switch {
	case err != nil:
		return nil, portal.Postpone("the lease store does not answer", err)
	case !ok:
		return nil, &portal.Postponed{After: time.Second, Reason: "another worker converges this account"}
	}
	return newConvergence(c, id, msg, lease), nil
}

// beginFromMemory takes the lease in a transaction, on condition that the account has no lease and that
// its stream ends as the process remembers it. It returns nil if that is unlikely or wrong.
func (c *Converger) beginFromMemory(ctx context.Context, id portal.AccountID, msg events.Event) (*convergence, error) {
	history, likely := c.remembered(id, msg)
	if !likely || !c.wakeUps.first(msg.ID) {
		return nil, nil
	}
	lease, item, ok := c.AccountLeases.NewAccountLease(ctx, id, msg.ID, accountLease)
	if !ok {
		return nil, nil
	}
	rows := append(journal.MustEndWith(history.Facts[len(history.Facts)-1]), journal.PutNew(lease.Key, item))
	switch err := c.Journal.Write(ctx, rows...); {
	case errors.Is(err, journal.ErrTaken):
		return nil, nil
	case err != nil:
		return nil, err
	}
	r := newConvergence(c, id, msg, lease)
	r.take(history)
	return r, nil
}

// seen remembers the wake-ups that this process has begun from memory. A wake-up that comes again has
// probably left a lease.
type seen struct {
	mu  sync.Mutex
	ids map[string]bool
}

const maxSeen = 1 << 14

func (s *seen) first(id string) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.ids[id] {
		return false
	}
	if s.ids == nil || len(s.ids) >= maxSeen {
		s.ids = map[string]bool{}
	}
	s.ids[id] = true
	return true
}

// remembered returns the account as the process remembers it. likely means that the last facts are those
// of the decision which woke the converger, so that probably no others follow.
func (c *Converger) remembered(id portal.AccountID, msg events.Event) (history accounts.History, likely bool) {
	history, ok := c.Accounts.Remembered(id)
	if !ok || history.Account.NotUnderstood != "" || msg.Causation == "" {
		return history, false
	}
	last := history.Facts[len(history.Facts)-1]
	for _, fact := range history.Facts {
		if fact.ID == msg.Causation {
			return history, fact.Causation == last.Causation
		}
	}
	return history, false
}
