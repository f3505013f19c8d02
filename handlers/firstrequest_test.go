package handlers

import (
	"context"
	"testing"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb"

	"github.com/gatehouse-portal/gatehouse/accounts"
	"github.com/gatehouse-portal/gatehouse/events"
	"github.com/gatehouse-portal/gatehouse/journal"
	"github.com/gatehouse-portal/gatehouse/portal"
	"github.com/gatehouse-portal/gatehouse/schema"
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
	d := newFixture(t)
	reader := &counted{accountReader: accounts.NewReader(d.journal, d.tables.Client, d.tables.Records, clock)}
	d.decider = d.beside(func(cfg *Config) { cfg.Accounts = reader })
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
	d := newFixture(t)
	d.handle(ask("op-later", 2, events.RegisterUser{}), subscribe)
	before := len(d.facts())
	d.handle(register)
	holds(t, d.facts()[before:], events.RequestUnchanged{Decides: events.Decides{Scopes: []portal.Scope{portal.RegistrationScope}}})
}

// remembering makes the fixture's decider append and read through one process's memory, and counts the
// reads of the journal.
func (d *fixture) remembering() *pages {
	d.t.Helper()
	counting := &pages{Client: d.tables.Client}
	facts := journal.New(counting, d.tables.Journal, d.tables.Records)
	reader := accounts.NewReader(facts, counting, d.tables.Records, clock)
	d.decider = d.beside(func(cfg *Config) {
		cfg.Accounts, cfg.Journal = reader, accounts.Writer{Journal: facts, Reader: reader}
	})
	return counting
}

// pages counts the queries and transactions.
type pages struct {
	*dynamodb.Client
	read, wrote int
}

func (p *pages) Query(ctx context.Context, in *dynamodb.QueryInput, opts ...func(*dynamodb.Options)) (*dynamodb.QueryOutput, error) {
	p.read++
	return p.Client.Query(ctx, in, opts...)
}

func (p *pages) TransactWriteItems(ctx context.Context, in *dynamodb.TransactWriteItemsInput, opts ...func(*dynamodb.Options)) (*dynamodb.TransactWriteItemsOutput, error) {
	p.wrote++
	return p.Client.TransactWriteItems(ctx, in, opts...)
}

func (p *pages) want(t *testing.T, name string, read, wrote int) {
	t.Helper()
	if p.read != read || p.wrote != wrote {
		t.Errorf("%s: %d queries and %d transactions, want %d and %d", name, p.read, p.wrote, read, wrote)
	}
	p.read, p.wrote = 0, 0
}

func TestTheRequestAfterOneThatTheProcessDecidedIsDecidedWithoutReading(t *testing.T) {
	t.Parallel()
	d := newFixture(t)
	p := d.remembering()
	d.handle(register)
	p.want(t, "the registration", 0, 1)
	d.handle(subscribe)
	p.want(t, "the subscription", 0, 1)
	if len(d.facts()) != 3 {
		t.Fatalf("there are %d facts, want three", len(d.facts()))
	}
	d.handle(subscribe)
	p.want(t, "the subscription again", 1, 0)
	d.handle(ask("op-later", 4, events.UnsubscribeRequested{Plan: "free"}))
	p.want(t, "a request after one that is not remembered", 1, 1)
}

func TestARequestIsDecidedFromTheStreamIfAnotherProcessHasAppended(t *testing.T) {
	t.Parallel()
	d := newFixture(t)
	p := d.remembering()
	d.handle(register)
	p.want(t, "the registration", 0, 1)
	d.elsewhere(subscribe)
	d.handle(ask("op-leave", 2, events.UnsubscribeRequested{Plan: "free"}))
	p.want(t, "leaving, of the same intent", 1, 2)
	last := d.facts()[len(d.facts())-1]
	if _, ok := last.Data.(events.RequestSuperseded); ok {
		t.Error("a request of the same intent is superseded")
	}
	if last.Causation != "op-leave" || last.Sequence != 4 && last.Sequence != 5 {
		t.Errorf("the last fact is %s at %d", last.Type(), last.Sequence)
	}
}

func TestARequestIsDecidedFromTheStreamIfTheJournalWasRestored(t *testing.T) {
	t.Parallel()
	d := newFixture(t)
	p := d.remembering()
	d.handle(register)
	p.want(t, "the registration", 0, 1)
	restored := journal.Stamp(events.Event{ID: "another", Subject: register.Subject, Intent: 1}, "/test", clock(), 0, []events.Fact{events.UserRegistered{}})
	body, err := events.Encode(restored[0])
	if err != nil {
		t.Fatal(err)
	}
	item := schema.Fact(register.Subject, 1).Attributes()
	item["event"] = schema.Text(string(body))
	if _, err := d.tables.Client.PutItem(t.Context(), &dynamodb.PutItemInput{TableName: &d.tables.Journal, Item: item}); err != nil {
		t.Fatal(err)
	}
	d.handle(subscribe)
	if facts := d.facts(); len(facts) != 3 || facts[0].Causation != "another" {
		t.Errorf("there are %d facts, and the first is of %s", len(facts), facts[0].Causation)
	}
	p.want(t, "the subscription", 2, 2)

	d = newFixture(t)
	d.remembering()
	d.handle(register)
	key := schema.Fact(register.Subject, 1).Attributes()
	if _, err := d.tables.Client.DeleteItem(t.Context(), &dynamodb.DeleteItemInput{TableName: &d.tables.Journal, Key: key}); err != nil {
		t.Fatal(err)
	}
	d.handle(subscribe)
	for i, fact := range d.facts() {
		if fact.Sequence != int64(i)+1 {
			t.Errorf("fact %d of a stream whose first fact is gone has the number %d", i+1, fact.Sequence)
		}
	}
}
