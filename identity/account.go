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

// mappingMaxAge is how long a process uses a mapping that it has read. Until then a bearer token
// may stand for a deleted account.
const mappingMaxAge = 15 * time.Second

type accounts struct {
	table   table
	records string
	now     func() time.Time

	mu    sync.Mutex
	known map[string]mapping
}

type mapping struct {
	account portal.AccountID
	read    time.Time
}

func newAccounts(t table, records string, now func() time.Time) *accounts {
	return &accounts{table: t, records: records, now: now, known: map[string]mapping{}}
}

func nameOf(issuer, subject string) string { return portal.DeriveID("identity", issuer, subject) }

func (a *accounts) of(ctx context.Context, issuer, subject string) (portal.AccountID, error) {
	name := nameOf(issuer, subject)
	if account, ok := a.cached(name); ok {
		return account, nil
	}
	return a.fresh(ctx, name)
}

func (a *accounts) fresh(ctx context.Context, name string) (portal.AccountID, error) {
	began := a.now()
	account, err := a.read(ctx, name)
	if err != nil {
		return "", err
	}
	if account == "" {
		account, err = a.create(ctx, name)
		if err != nil {
			return "", err
		}
	}
	a.remember(name, mapping{account, began})
	return account, nil
}

func (a *accounts) read(ctx context.Context, name string) (portal.AccountID, error) {
	it, err := a.table.find(ctx, schema.Identity(name))
	return portal.AccountID(it.text("account")), err
}

// create writes the mapping, and the person's row, by which Erase finds the mapping.
func (a *accounts) create(ctx context.Context, name string) (portal.AccountID, error) {
	id, err := ulid.New(ulid.Timestamp(a.now()), rand.Reader)
	if err != nil {
		return "", fmt.Errorf("generating an account id: %w", err)
	}
	account := portal.AccountID(strings.ToLower(id.String()))
	mapped, person := newItem(schema.Identity(name)), newItem(schema.Person(account))
	mapped["account"], person["identity"] = text(string(account)), text(name)
	added, err := a.table.transact(ctx, "adding", []write{
		{table: a.table.name, put: mapped, condition: "attribute_not_exists(pk)"}, {table: a.records, put: person},
	})
	if added || err != nil {
		return account, err
	}
	account, err = a.read(ctx, name)
	if err == nil && account == "" {
		err = fmt.Errorf("reading the account of identity %s: the item exists but names no account", name)
	}
	return account, err
}

func (a *accounts) cached(name string) (portal.AccountID, bool) {
	a.mu.Lock()
	defer a.mu.Unlock()
	known, ok := a.known[name]
	return known.account, ok && a.now().Sub(known.read).Abs() < mappingMaxAge
}

func (a *accounts) remember(name string, found mapping) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if len(a.known) >= maxCachedAccounts {
		clear(a.known)
	}
	a.known[name] = found
}

func (a *accounts) forget(name string) {
	a.mu.Lock()
	defer a.mu.Unlock()
	delete(a.known, name)
}
