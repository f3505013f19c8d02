// Package handlers decides. For every request there is one pure function from the
// stream's state and the request to facts; Execute around it does the rest for all
// alike. Nothing here touches anything but the journal; what the catalog's source says is
// read by a job, which then has it decided on here.
//
//	load, fold ─▶ handled already? ─▶ decide ─▶ superseded? ─▶ append ─▶ send ─▶ ack
//	     ▲              │ yes                                     │ taken
//	     │              └──────────────▶ send again ─▶ ack        │
//	     └────────────────────────────────────────────────────────┘
package handlers

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/gatehouse-portal/gatehouse/accounts"
	"github.com/gatehouse-portal/gatehouse/events"
	"github.com/gatehouse-portal/gatehouse/journal"
	"github.com/gatehouse-portal/gatehouse/portal"
	"github.com/gatehouse-portal/gatehouse/state"
)

// maxRaces bounds how often one delivery decides anew; beyond it the message goes
// back and comes again.
const maxRaces = 8

// upgrade is how long a message goes back for while its stream holds a fact that only
// newer workers understand.
const upgrade = 30 * time.Second

type facts interface {
	Read(ctx context.Context, stream portal.Stream, after int64) ([]events.Event, error)
	Append(ctx context.Context, stream portal.Stream, after int64, facts []events.Event, rows ...journal.Row) error
	Write(ctx context.Context, rows ...journal.Row) error
}

type accountReader interface {
	Account(ctx context.Context, id portal.AccountID) (accounts.History, error)
}

// sender hands messages to the queues and to the topic. Repeat does so for messages
// that may have been sent before, so that no deduplication swallows them.
type sender interface {
	Send(ctx context.Context, messages ...events.Event) error
	Repeat(ctx context.Context, messages ...events.Event) error
}

// Decider carries requests out.
type Decider struct {
	journal  facts
	accounts accountReader
	sender   sender
	now      func() time.Time
	keys     KeyScheme
	limits   Limits
	catalog  CatalogJob
	followed *followed
}

// KeyScheme is what a new key's value is to follow from; it is recorded with the
// key, so changing it changes no key that exists.
type KeyScheme struct {
	Scheme string
	KMSKey string
}

// Limits are AWS's own, as far as decisions know them.
type Limits struct {
	// PlansPerKey is how many usage plans one API key can be in; 0 is AWS's default, 10.
	PlansPerKey int
}

const defaultPlansPerKey = 10

// Config is what Execute is built from.
type Config struct {
	Journal  facts
	Accounts accountReader
	Sender   sender
	Now      func() time.Time
	Keys     KeyScheme
	Limits   Limits
	// Catalog may be nil where no catalog is synchronized.
	Catalog CatalogJob
}

// New returns an Execute.
func New(cfg Config) *Decider {
	if cfg.Limits.PlansPerKey == 0 {
		cfg.Limits.PlansPerKey = defaultPlansPerKey
	}
	return &Decider{
		journal: cfg.Journal, accounts: cfg.Accounts, sender: cfg.Sender, now: cfg.Now, keys: cfg.Keys, limits: cfg.Limits,
		catalog: cfg.Catalog, followed: newFollowed(cfg.Now),
	}
}

// Handlers is the table of what is handled, by type of request.
func (d *Decider) Handlers() map[string]func(context.Context, events.Event) error {
	return map[string]func(context.Context, events.Event) error{
		events.RegisterUser{}.EventType():         forAccount(d, Registration),
		events.SubscribeRequested{}.EventType():   forAccount(d, Subscribing(d.keys, d.limits)),
		events.UnsubscribeRequested{}.EventType(): forAccount(d, Unsubscribing),
		events.KeyReleaseRequested{}.EventType():  forAccount(d, KeyRelease),
		events.CatalogSyncRequested{}.EventType(): d.syncCatalog,
	}
}

// Decide is the pure part of a request: what becomes of it in this state.
type Decide[R events.Request] func(account state.Account, request R, asked RequestRef) []events.Fact

// RequestRef is what a decision may know of the message that carries the request.
type RequestRef struct {
	// ID is the request's own; what is drawn for it is derived from it.
	ID        string
	Operation portal.OperationID
}

// forAccount makes a handler of a decision about an account. A second delivery
// finds the facts that the first one led to and only sends them again.
func forAccount[R events.Request](d *Decider, decide Decide[R]) func(context.Context, events.Event) error {
	return func(ctx context.Context, msg events.Event) error {
		id, ok := msg.Subject.Account()
		request, typed := msg.Data.(R)
		if !ok || !typed {
			return portal.Fail(portal.Invalid, fmt.Sprintf("A %s is about an account, not about %q.", events.Name(msg.Type()), msg.Subject))
		}
		return d.handle(ctx, msg, func(ctx context.Context) (past, error) {
			history, err := d.accounts.Account(ctx, id)
			if err != nil {
				return past{}, err
			}
			account := history.Account
			return past{head: account.Sequence, facts: history.Facts, handled: history.Handled(msg.ID), notUnderstood: account.NotUnderstood, decide: func() []events.Fact {
				decided := decide(account, request, RequestRef{ID: msg.ID, Operation: msg.Operation})
				return unlessSuperseded(account, msg, request, decided)
			}}, nil
		})
	}
}

// past is what a decision goes by: a stream as it stands, and what to do in that state.
type past struct {
	head int64
	// facts are the stream's latest; handled says that older ones show the request handled.
	facts         []events.Event
	handled       bool
	notUnderstood string
	decide        func() []events.Fact
}

// handle is the loop of the package comment.
func (d *Decider) handle(ctx context.Context, msg events.Event, read func(context.Context) (past, error)) error {
	for range maxRaces {
		before, err := read(ctx)
		if err != nil {
			return err
		}
		if known := ledToBy(before.facts, msg.ID); len(known) > 0 {
			return d.followAgain(ctx, msg, known)
		}
		if before.handled {
			return nil
		}
		if before.notUnderstood != "" {
			return &portal.Postponed{After: upgrade, Reason: fmt.Sprintf("%s holds a %s, which only newer workers understand", msg.Subject, events.Name(before.notUnderstood))}
		}
		decided := before.decide()
		if len(decided) == 0 {
			return nil
		}
		appended := d.stamp(msg, before.head, decided)
		err = d.journal.Append(ctx, msg.Subject, before.head, appended, dueRows(msg, appended)...)
		if errors.Is(err, journal.ErrTaken) {
			continue
		}
		if err != nil {
			return err
		}
		if err := follow(ctx, appended, d.sender.Send); err != nil {
			return err
		}
		d.followed.note(msg.ID)
		return nil
	}
	return &portal.Postponed{After: time.Second, Reason: "the stream is busy"}
}

// followAgain sends what the request led to once more, since whoever decided on it may not
// have come to that. This process does so once in a while at most, however often a client
// repeats the request, but always for an operator's replay.
func (d *Decider) followAgain(ctx context.Context, msg events.Event, known []events.Event) error {
	if msg.Replay == 0 && d.followed.lately(msg.ID) {
		return nil
	}
	if err := follow(ctx, known, d.sender.Repeat); err != nil {
		return err
	}
	d.followed.note(msg.ID)
	return nil
}

// ledToBy finds the facts that this request led to before. RequestFailed is not one:
// a replay of what failed is carried out.
func ledToBy(history []events.Event, request string) []events.Event {
	var found []events.Event
	for _, fact := range history {
		if _, failed := fact.Data.(events.RequestFailed); fact.Causation == request && !failed {
			found = append(found, fact)
		}
	}
	return found
}

// unlessSuperseded replaces what was decided by RequestSuperseded when a newer
// decision stands in a scope that the request touches. What asks for what already
// stands, or is on its way, is not superseded, and what would be refused anyway is told
// why.
func unlessSuperseded(account state.Account, msg events.Event, request events.Request, decided []events.Fact) []events.Fact {
	if !account.Supersedes(msg.Intent, request.Scopes()) {
		return decided
	}
	for _, fact := range decided {
		switch fact.(type) {
		case events.RequestUnchanged, events.RequestJoined, events.RequestRejected:
			return decided
		}
	}
	return []events.Fact{events.RequestSuperseded{}}
}

// stamp makes facts of a stream out of decided ones.
func (d *Decider) stamp(msg events.Event, after int64, decided []events.Fact) []events.Event {
	return journal.Stamp(msg, "/gatehouse/handlers", d.now(), after, decided)
}

// follow sends what the facts entail: the facts themselves to whoever subscribes,
// and a wake-up for those that open a wish. All of it is derived from the facts, so
// it can be sent any number of times.
func follow(ctx context.Context, appended []events.Event, send func(context.Context, ...events.Event) error) error {
	messages := appended
	for _, fact := range appended {
		if opensWish(fact) {
			messages = append(messages[:len(messages):len(messages)], wakeUp(fact))
			break
		}
	}
	return portal.Postpone("the queues do not answer", send(ctx, messages...))
}
