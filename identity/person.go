package identity

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/gatehouse-portal/gatehouse/portal"
	"github.com/gatehouse-portal/gatehouse/schema"
)

// Person is an account's personal data. It is one item, apart from journal and messages, so that
// it can be deleted.
type Person struct {
	Email      string
	Name       string
	Unverified bool
	// UpdatedAt is in UTC, whole seconds.
	UpdatedAt time.Time
}

type record struct {
	Person
	identity string
	words    []string
	admin    bool
}

func (p record) differs(from record) bool {
	return p.Email != from.Email || p.Name != from.Name || p.Unverified != from.Unverified ||
		p.identity != from.identity || p.admin != from.admin || !slices.Equal(p.words, from.words)
}

func (c claims) person(adminGroup string) record {
	said := Person{Email: c.Email, Name: c.displayName(), Unverified: c.unverified()}
	return record{said, nameOf(c.Issuer, c.Subject), wordsOf(said), slices.Contains(c.groups, adminGroup)}
}

const maxCachedPeople = 10_000

type people struct {
	table   table
	journal string
	now     func() time.Time

	mu    sync.Mutex
	noted map[portal.AccountID]string
}

func newPeople(t table, journal string, now func() time.Time) *people {
	return &people{table: t, journal: journal, now: now, noted: map[portal.AccountID]string{}}
}

func (p *people) find(ctx context.Context, account portal.AccountID) (Person, error) {
	row, err := p.row(ctx, account)
	found := row.Person
	if err == nil && found.UpdatedAt.IsZero() {
		err = portal.Fail(portal.NotFound, "There is no personal data on record for this account.")
	}
	return found, err
}

func (p *people) row(ctx context.Context, account portal.AccountID) (record, error) {
	it, err := p.table.find(ctx, schema.Person(account))
	return recordOf(it), err
}

func recordOf(it item) record {
	updated, _ := time.Parse(time.RFC3339, it.text("updated_at"))
	return record{
		Person:   Person{Email: it.text("email"), Name: it.text("name"), Unverified: it.text("unverified") != "", UpdatedAt: updated},
		identity: it.text("identity"), words: it.texts("words"), admin: it.text("admin") != "",
	}
}

// note stores the personal data of a token, unless this process did already. Tokens
// without an e-mail address, such as access tokens, change nothing.
func (p *people) note(ctx context.Context, account portal.AccountID, said record, issued time.Time) error {
	if said.Email == "" {
		return nil
	}
	hashed := hash(fmt.Sprintf("%q", []any{said.Email, said.Name, said.Unverified, said.identity, said.admin}))
	p.mu.Lock()
	noted, ok := p.noted[account]
	p.mu.Unlock()
	if ok && noted == hashed {
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
	p.noted[account] = hashed
	return nil
}

// errGone: the identity's account was deleted. It may have another by now.
var errGone = portal.Fail(portal.Unauthorized, "This account was deleted a moment ago. Sign in again to open a new one.")

// keep stores what the provider said at that time, unless the stored data is the same or newer. It
// returns errGone for a deleted account.
func (p *people) keep(ctx context.Context, account portal.AccountID, said record, at time.Time) error {
	known, err := p.row(ctx, account)
	if err != nil || !known.differs(said) || at.Before(known.UpdatedAt) {
		return err
	}
	it := newItem(schema.Person(account))
	it["email"] = text(said.Email)
	it["name"] = text(said.Name)
	if said.Unverified {
		it["unverified"] = text("yes")
	}
	if said.admin {
		it["admin"] = text("yes")
	}
	it["updated_at"] = text(p.now().UTC().Format(time.RFC3339))
	it["identity"], it["words"] = text(said.identity), texts(said.words)
	writes := []write{p.mapped(account, said.identity), {table: p.table.name, put: it}}
	switch {
	case said.admin:
		writes = append(writes, write{table: p.table.name, put: newItem(schema.GroupAdmin(account))})
	case known.admin:
		writes = append(writes, write{table: p.table.name, delete: schema.GroupAdmin(account)})
	}
	for _, word := range said.words {
		writes = append(writes, write{table: p.table.name, put: newItem(schema.PersonWord(word, account))})
	}
	for _, word := range known.words {
		if !slices.Contains(said.words, word) {
			writes = append(writes, write{table: p.table.name, delete: schema.PersonWord(word, account)})
		}
	}
	kept, err := p.table.transact(ctx, "writing", writes)
	if err == nil && !kept {
		return errGone
	}
	return err
}

func (p *people) mapped(account portal.AccountID, identity string) write {
	return mappedTo(p.journal, account, identity)
}

func mappedTo(journal string, account portal.AccountID, identity string) write {
	return write{table: journal, check: schema.Identity(identity), condition: "account = :account", values: item{":account": text(string(account))}}
}
