package identity

import (
	"context"
	"time"

	"github.com/gatehouse-portal/gatehouse/portal"
)

// Person is the personal data of an account: one item, apart from journal and
// messages, so that it can be deleted with the account.
type Person struct {
	Email string
	Name  string
	// UpdatedAt is when either changed last, UTC, whole seconds.
	UpdatedAt time.Time
}

type people struct {
	table table
	now   func() time.Time
}

func (p people) find(ctx context.Context, account portal.AccountID) (Person, error) {
	it, err := p.table.find(ctx, personKey(account), "person")
	if err != nil {
		return Person{}, err
	}
	if it == nil {
		return Person{}, portal.Fail(portal.NotFound, "There is no personal data on record for this account.")
	}
	updated, _ := time.Parse(time.RFC3339, it.text("updated_at"))
	return Person{Email: it.text("email"), Name: it.text("name"), UpdatedAt: updated}, nil
}

// keep writes what the provider says now, if that differs from what is on record.
func (p people) keep(ctx context.Context, id Identity) error {
	known, err := p.find(ctx, id.Account)
	if err == nil && known.Email == id.Email && known.Name == id.Name {
		return nil
	}
	if err != nil && portal.CodeOf(err) != portal.NotFound {
		return err
	}
	it := key(personKey(id.Account), "person")
	it["email"] = text(id.Email)
	it["name"] = text(id.Name)
	it["updated_at"] = text(p.now().UTC().Format(time.RFC3339))
	return p.table.put(ctx, it)
}

func personKey(account portal.AccountID) string { return "person#" + string(account) }
