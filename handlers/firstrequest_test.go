package handlers

import (
	"context"
	"testing"

	"github.com/gatehouse-portal/gatehouse/accounts"
	"github.com/gatehouse-portal/gatehouse/events"
	"github.com/gatehouse-portal/gatehouse/portal"
)

// counted counts how often an account is read.
type counted struct {
	accountReader
	reads int
}

func (c *counted) Account(ctx context.Context, id portal.AccountID) (accounts.History, error) {
	c.reads++
	return c.accountReader.Account(ctx, id)
}

func TestAnAccountsFirstRequestIsDecidedWithoutReadingItsStream(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	reader := &counted{accountReader: accounts.NewReader(d.journal, d.tables.Client, d.tables.Records, clock)}
	d.execute = d.beside(func(cfg *Config) { cfg.Accounts = reader })
	d.handle(register)
	if len(d.facts()) != 1 || reader.reads != 0 {
		t.Errorf("%d facts after %d reads, want one and none", len(d.facts()), reader.reads)
	}
	d.handle(subscribe)
	if len(d.facts()) != 3 || reader.reads != 1 {
		t.Errorf("%d facts after %d reads, want three and one", len(d.facts()), reader.reads)
	}
	sent, _ := d.outbox.empty()
	d.handle(register)
	d.elsewhere(register)
	again, repeated := d.outbox.empty()
	if len(d.facts()) != 3 || len(again) > 0 || len(repeated) != 1 || repeated[0].ID != sent[0].ID {
		t.Errorf("delivered again it led to %d facts, sent %v, and sent %v again", len(d.facts())-3, again, repeated)
	}
}

func TestAFirstRequestThatComesLateIsDecidedFromTheStream(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	d.handle(ask("op-later", 2, events.RegisterUser{}), subscribe)
	before := len(d.facts())
	d.handle(register)
	holds(t, d.facts()[before:], events.RequestUnchanged{Decides: events.Decides{Scopes: []portal.Scope{portal.RegistrationScope}}})
}
