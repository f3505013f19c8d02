package web

import (
	"context"
	"net/http"
	"sync"

	"github.com/gatehouse-portal/gatehouse/portal"
	"github.com/gatehouse-portal/gatehouse/projections"
)

// accountRead keeps the account that a request has read, so that the request reads it once and all
// parts of its page agree.
type accountRead struct {
	mu      sync.Mutex
	done    bool
	id      portal.AccountID
	account projections.Account
	err     error
}

type accountReadKey struct{}

func keepingAccount(r *http.Request) *http.Request {
	read := &accountRead{}
	if _, ok := viewing(r.Context()); ok {
		read.done, read.id, read.account = true, nobody, nobodysAccount()
	}
	return r.WithContext(context.WithValue(r.Context(), accountReadKey{}, read))
}

// account returns the account as this request has read it. Requests that change it must read it from
// the views.
func (s *Web) account(ctx context.Context, id portal.AccountID) (projections.Account, error) {
	kept, ok := ctx.Value(accountReadKey{}).(*accountRead)
	if !ok {
		return s.views.Account(ctx, id)
	}
	kept.mu.Lock()
	defer kept.mu.Unlock()
	if !kept.done || kept.id != id {
		kept.account, kept.err = s.views.Account(ctx, id)
		kept.done, kept.id = true, id
	}
	return kept.account, kept.err
}
