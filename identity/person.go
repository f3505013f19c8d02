package identity

import (
	"context"
	"sync"
	"time"

	"github.com/gatehouse-portal/gatehouse/portal"
	"github.com/gatehouse-portal/gatehouse/schema"
)

// Person is the personal data of an account. It is one item, apart from journal and messages,
// so that it can be deleted with the account.
type Person struct {
	Email string
	Name  string
	// Unverified means that the provider has not verified the address.
	Unverified bool
	// UpdatedAt is in UTC, whole seconds.
	UpdatedAt time.Time
}

func (p Person) differs(from Person) bool {
	return p.Email != from.Email || p.Name != from.Name || p.Unverified != from.Unverified
}

func (c claims) person() Person {
	return Person{Email: c.Email, Name: c.displayName(), Unverified: c.unverified()}
}

const maxCachedPeople = 10_000

type people struct {
	table table
	now   func() time.Time

	mu sync.Mutex
	// noted is the personal data in the last ID token of each account.
	noted map[portal.AccountID]Person
}

func newPeople(t table, now func() time.Time) *people {
	return &people{table: t, now: now, noted: map[portal.AccountID]Person{}}
}

func (p *people) find(ctx context.Context, account portal.AccountID) (Person, error) {
	it, err := p.table.find(ctx, schema.Person(account))
	if err != nil {
		return Person{}, err
	}
	if it == nil {
		return Person{}, portal.Fail(portal.NotFound, "There is no personal data on record for this account.")
	}
	updated, _ := time.Parse(time.RFC3339, it.text("updated_at"))
	return Person{Email: it.text("email"), Name: it.text("name"), Unverified: it.text("unverified") != "", UpdatedAt: updated}, nil
}

// note stores the personal data of a token issued at that time, unless this process did
// already. Tokens without an e-mail address, such as access tokens, change nothing.
func (p *people) note(ctx context.Context, account portal.AccountID, said Person, issued time.Time) error {
	if said.Email == "" {
		return nil
	}
	p.mu.Lock()
	noted, ok := p.noted[account]
	p.mu.Unlock()
	if ok && !noted.differs(said) {
		return nil
	}
	if err := p.keep(ctx, account, said, issued); err != nil {
		return err
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if len(p.noted) >= maxCachedPeople {
		clear(p.noted)
	}
	p.noted[account] = said
	return nil
}

// keep stores what the provider said at that time, unless the stored data is the same or newer.
func (p *people) keep(ctx context.Context, account portal.AccountID, said Person, at time.Time) error {
	known, err := p.find(ctx, account)
	if err == nil && (!known.differs(said) || at.Before(known.UpdatedAt)) {
		return nil
	}
	if err != nil && portal.CodeOf(err) != portal.NotFound {
		return err
	}
	it := newItem(schema.Person(account))
	it["email"] = text(said.Email)
	it["name"] = text(said.Name)
	if said.Unverified {
		it["unverified"] = text("yes")
	}
	it["updated_at"] = text(p.now().UTC().Format(time.RFC3339))
	return p.table.put(ctx, it)
}
