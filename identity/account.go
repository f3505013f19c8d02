package identity

import (
	"context"
	"crypto/rand"
	"fmt"
	"strings"
	"sync"
	"time"

	"github.com/oklog/ulid/v2"

	"github.com/gatehouse-portal/gatehouse/portal"
	"github.com/gatehouse-portal/gatehouse/schema"
)

const maxCachedAccounts = 10_000

// accounts maps identities to account ids. A mapping never changes, so it may be cached.
type accounts struct {
	table table
	now   func() time.Time

	mu    sync.Mutex
	known map[string]portal.AccountID
}

func newAccounts(t table, now func() time.Time) *accounts {
	return &accounts{table: t, now: now, known: map[string]portal.AccountID{}}
}

// of gives a new subject an id; concurrent calls, in other processes too, all return the same
// one.
func (a *accounts) of(ctx context.Context, issuer, subject string) (portal.AccountID, error) {
	name := portal.DeriveID("identity", issuer, subject)
	if account, ok := a.cached(name); ok {
		return account, nil
	}
	account, err := a.read(ctx, name)
	if err != nil {
		return "", err
	}
	if account == "" {
		account, err = a.open(ctx, name)
		if err != nil {
			return "", err
		}
	}
	a.remember(name, account)
	return account, nil
}

func (a *accounts) read(ctx context.Context, name string) (portal.AccountID, error) {
	it, err := a.table.find(ctx, schema.Identity(name))
	return portal.AccountID(it.text("account")), err
}

func (a *accounts) open(ctx context.Context, name string) (portal.AccountID, error) {
	id, err := ulid.New(ulid.Timestamp(a.now()), rand.Reader)
	if err != nil {
		return "", fmt.Errorf("generating an account id: %w", err)
	}
	account := portal.AccountID(strings.ToLower(id.String()))
	it := newItem(schema.Identity(name))
	it["account"] = text(string(account))
	added, err := a.table.add(ctx, it)
	if added || err != nil {
		return account, err
	}
	// Another writer was faster, perhaps this same put, which the SDK sent twice.
	account, err = a.read(ctx, name)
	if err == nil && account == "" {
		err = fmt.Errorf("reading the account of identity %s: the item exists but names no account", name)
	}
	return account, err
}

func (a *accounts) cached(name string) (portal.AccountID, bool) {
	a.mu.Lock()
	defer a.mu.Unlock()
	account, ok := a.known[name]
	return account, ok
}

func (a *accounts) remember(name string, account portal.AccountID) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if len(a.known) >= maxCachedAccounts {
		clear(a.known)
	}
	a.known[name] = account
}
