// Package handlers decides on requests. Each type of request has one pure function from the
// account's state and the request to facts; Decider does the rest, alike for all of them.
// Decisions read only the journal, never the views or API Gateway. A job reads the catalog's
// source and then calls PublishCatalog.
//
//	load, fold ─▶ handled already? ─▶ decide ─▶ superseded? ─▶ append ─▶ send ─▶ ack
//	     ▲              │ yes                                     │ taken
//	     │              └──────────────▶ send again ─▶ ack        │
//	     └────────────────────────────────────────────────────────┘
//
// A request that leads to no facts is acked. A message is redelivered later if its stream holds a
// fact that only newer workers understand, or if other workers append first too often.
package handlers

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/gatehouse-portal/gatehouse/accounts"
	"github.com/gatehouse-portal/gatehouse/events"
	"github.com/gatehouse-portal/gatehouse/journal"
	"github.com/gatehouse-portal/gatehouse/portal"
	"github.com/gatehouse-portal/gatehouse/state"
)

// maxRaces is how often one delivery decides again because another worker appended first. After
// that the message is redelivered.
const maxRaces = 8

// upgrade is the redelivery delay of a message whose stream has a fact that only newer workers
// understand.
const upgrade = 30 * time.Second

type facts interface {
	Read(ctx context.Context, stream portal.Stream, after int64) ([]events.Event, error)
	Append(ctx context.Context, stream portal.Stream, after int64, facts []events.Event, rows ...journal.Row) error
	Write(ctx context.Context, rows ...journal.Row) error
}

type accountReader interface {
	Account(ctx context.Context, id portal.AccountID) (accounts.History, error)
	Remembered(id portal.AccountID) (history accounts.History, ok bool)
}

// sender: queues do not drop messages of SendAgain as duplicates.
type sender interface {
	Send(ctx context.Context, messages ...events.Event) error
	SendAgain(ctx context.Context, messages ...events.Event) error
}

// Decider handles requests.
type Decider struct {
	journal  facts
	accounts accountReader
	sender   sender
	now      func() time.Time
	keys     KeyScheme
	limits   Limits
	rings    Rings
	approval bool
	catalog  CatalogJob
	refusal  func(ctx context.Context, plan portal.PlanID) (string, error)
	promoted func(ctx context.Context, account portal.AccountID) (bool, error)
	entitled func(ctx context.Context, licence state.Licence) (Entitlement, bool, error)
	followed *followed

	adoptedBy func(ctx context.Context, key portal.GatewayKeyID) (portal.AccountID, error)
}

// KeyScheme says how new keys derive their values. Each key records its scheme, so a change
// affects only later keys.
type KeyScheme struct {
	Scheme string
	KMSKey string
}

// Limits are the AWS limits that decisions respect.
type Limits struct {
	// PlansPerKey is how many usage plans one API key can be in; 0 is AWS's default, 10.
	PlansPerKey int
}

const defaultPlansPerKey = 10

// Config holds what a Decider needs.
type Config struct {
	Journal  facts
	Accounts accountReader
	Sender   sender
	Now      func() time.Time
	Keys     KeyScheme
	Limits   Limits
	Rings    Rings
	// ApproveRegistrations: accounts wait for an admin's approval.
	ApproveRegistrations bool
	// Catalog may be nil where no catalog is synchronized.
	Catalog CatalogJob
	// Refusal returns why nobody can subscribe to a plan on the portal, or "". nil refuses no
	// plan.
	Refusal func(ctx context.Context, plan portal.PlanID) (text string, err error)
	// Promoted reports whether the account's owner is an admin by promotion now. nil: nobody is.
	Promoted func(ctx context.Context, account portal.AccountID) (bool, error)
	// Entitled asks AWS what the buyer of a licence is entitled to; ok is false if the licence is of a
	// listing without contracts. nil asks nothing.
	Entitled func(ctx context.Context, licence state.Licence) (is Entitlement, ok bool, err error)
	// AdoptedBy returns the account that has taken over a key of an earlier portal, "" for none. nil:
	// none has.
	AdoptedBy func(ctx context.Context, key portal.GatewayKeyID) (portal.AccountID, error)
}

// New returns a Decider.
func New(cfg Config) *Decider {
	if cfg.Limits.PlansPerKey == 0 {
		cfg.Limits.PlansPerKey = defaultPlansPerKey
	}
	if cfg.Promoted == nil {
		cfg.Promoted = func(context.Context, portal.AccountID) (bool, error) { return false, nil }
	}
	if cfg.AdoptedBy == nil {
		cfg.AdoptedBy = func(context.Context, portal.GatewayKeyID) (portal.AccountID, error) { return "", nil }
	}
	return &Decider{
		journal: cfg.Journal, accounts: cfg.Accounts, sender: cfg.Sender, now: cfg.Now, keys: cfg.Keys, limits: cfg.Limits, rings: cfg.Rings,
		approval: cfg.ApproveRegistrations,
		catalog:  cfg.Catalog, refusal: cfg.Refusal, promoted: cfg.Promoted, entitled: cfg.Entitled, followed: newFollowed(cfg.Now),
		adoptedBy: cfg.AdoptedBy,
	}
}

// Handlers maps each request type to its handler.
func (d *Decider) Handlers() map[string]func(context.Context, events.Event) error {
	return map[string]func(context.Context, events.Event) error{
		events.RegisterUser{}.EventType():         forAccount(d, Registration(d.approval)),
		events.SubscribeRequested{}.EventType():   d.subscribe,
		events.UnsubscribeRequested{}.EventType(): forAccount(d, inGoodStanding(Unsubscribing)),
		events.KeyReleaseRequested{}.EventType():  forAccount(d, KeyRelease),
		events.CatalogSyncRequested{}.EventType(): d.syncCatalog,

		events.KeyRequested{}.EventType():                  forAccount(d, KeyCreation(d.keys, d.rings, d.now)),
		events.KeyRenameRequested{}.EventType():            forAccount(d, inGoodStanding(KeyRenaming)),
		events.KeyRotationRequested{}.EventType():          forAccount(d, KeyRotation(d.keys, d.rings, d.now)),
		events.KeyEndRequested{}.EventType():               forAccount(d, KeyEnd(d.now)),
		events.KeyEndNoticeRequested{}.EventType():         forAccount(d, KeyEndNotice(d.now)),
		events.PlanChangeRequested{}.EventType():           d.changePlan,
		events.SubscriptionReviewRequested{}.EventType():   forAccount(d, Review(d.keys, d.limits)),
		events.RegistrationReviewRequested{}.EventType():   forAccount(d, RegistrationReview),
		events.AccountSuspensionRequested{}.EventType():    d.suspend,
		events.AccountReinstatementRequested{}.EventType(): forAccount(d, Reinstatement),
		events.AccountDeletionRequested{}.EventType():      d.deleteAccount,
		events.AdminPromotionRequested{}.EventType():       forAccount(d, Promotion),
		events.AdminDemotionRequested{}.EventType():        d.demote,

		events.MarketplaceConfirmed{}.EventType():    forLicence(d, Claiming),
		events.MarketplaceNotified{}.EventType():     d.notice,
		events.LicenceAccessRequested{}.EventType():  forAccount(d, LicenceAccess(d.keys)),
		events.LicenceReleaseRequested{}.EventType(): forLicence(d, LicenceRelease),
		events.LicenceRenewalRequested{}.EventType(): forLicence(d, Renewing),

		events.LicenceCorrectionRequested{}.EventType(): forLicence(d, Correcting),

		events.EntitlementCheckRequested{}.EventType(): d.checkEntitlement,
		events.AccountMigrationRequested{}.EventType(): d.migrate,
	}
}

// Decide is the pure part of handling a request: the facts that the request leads to in this
// state. The ids of what it creates derive from id, the message's id.
type Decide[R events.Request] func(account state.Account, request R, id string) []events.Fact

// alongside reads what else a decision needs while the account is read. After that, complete adds to the
// account what its facts do not tell; it may be nil.
type alongside struct {
	read     func(context.Context) error
	complete func(*state.Account)
}

// forAccount makes a message handler of a decision. A second delivery only sends the facts of the
// first again.
func forAccount[R events.Request](d *Decider, decide Decide[R], alongside ...alongside) func(context.Context, events.Event) error {
	return func(ctx context.Context, msg events.Event) error {
		id, ok := msg.Subject.Account()
		request, typed := msg.Data.(R)
		if !ok || !typed {
			return portal.Fail(portal.Invalid, fmt.Sprintf("A %s is about an account, not about %q.", events.Name(msg.Type()), msg.Subject))
		}
		if slices.Contains(request.Scopes(), portal.PlanScope("")) {
			return portal.Fail(portal.Invalid, fmt.Sprintf("A %s names no plan.", events.Name(msg.Type())))
		}
		guess, guesses := d.guess(id, msg.Intent)
		return d.handle(ctx, msg, func(ctx context.Context) (past, error) {
			history, guessed := guess, guesses
			guesses = false
			group, within := errgroup.WithContext(ctx)
			if !guessed {
				group.Go(portal.Guard(func() (err error) {
					history, err = d.accounts.Account(within, id)
					return err
				}))
			}
			for _, other := range alongside {
				group.Go(portal.Guard(func() error { return other.read(within) }))
			}
			if err := group.Wait(); err != nil {
				return past{}, err
			}
			account := history.Account
			for _, other := range alongside {
				if other.complete != nil {
					other.complete(&account)
				}
			}
			return past{guessed: guessed, account: account, head: account.Sequence, facts: history.Facts, handled: history.Handled(msg.ID), notUnderstood: account.NotUnderstood, decide: func() []events.Fact {
				decided := decide(account, request, msg.ID)
				return unlessSuperseded(account, msg, request, decided)
			}}, nil
		})
	}
}

// guess returns what has probably happened to an account before the request of that intent: nothing
// before the first, and what this process remembers if that ends with the decision on the request before.
// If it is wrong, the append fails.
func (d *Decider) guess(id portal.AccountID, intent portal.Intent) (before accounts.History, ok bool) {
	if intent == 1 {
		return accounts.History{Account: state.NewAccount(id)}, true
	}
	before, ok = d.accounts.Remembered(id)
	return before, ok && intent > 1 && before.Facts[len(before.Facts)-1].Intent == intent-1
}

// past is a stream so far, and the decision to make about it.
type past struct {
	account state.Account
	// licence is the fold of a licence's stream.
	licence state.Licence
	head    int64
	// facts are the stream's latest. handled: older ones show that the request was handled.
	facts         []events.Event
	handled       bool
	notUnderstood string
	// guessed: the stream was not read and may have facts.
	guessed bool
	decide  func() []events.Fact
	// rows returns the rows to write with the facts; nil is dueRows.
	rows func(facts []events.Event) []journal.Row
}

func (p past) rowsOf(msg events.Event, facts []events.Event) []journal.Row {
	if p.rows != nil {
		return p.rows(facts)
	}
	return dueRows(msg, p.account, facts)
}

// handle runs the loop of the package comment.
func (d *Decider) handle(ctx context.Context, msg events.Event, read func(context.Context) (past, error)) error {
	for range maxRaces {
		before, err := read(ctx)
		if err != nil {
			return err
		}
		known := factsOf(before.facts, msg.ID)
		if before.guessed && (len(known) > 0 || before.handled || before.notUnderstood != "") {
			continue
		}
		if len(known) > 0 {
			return d.followAgain(ctx, msg, known)
		}
		if before.handled {
			return nil
		}
		if before.notUnderstood != "" {
			return &portal.Postponed{After: upgrade, Reason: fmt.Sprintf("%s holds a %s, which only newer workers understand", msg.Subject, events.Name(before.notUnderstood))}
		}
		decided := before.decide()
		switch {
		case len(decided) == 0 && before.guessed:
			continue
		case len(decided) == 0:
			return nil
		}
		appended := journal.Stamp(msg, "/gatehouse/handlers", d.now(), before.head, decided)
		rows := before.rowsOf(msg, appended)
		if n := len(before.facts); before.guessed && n > 0 {
			rows = append(rows, journal.MustHave(before.facts[n-1]))
		}
		err = d.journal.Append(ctx, msg.Subject, before.head, appended, rows...)
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

// followAgain sends again what the request led to, since the worker that decided may have died
// before sending: for a client's repeat, at most once in followedFor in this process; for an
// operator's replay, always.
func (d *Decider) followAgain(ctx context.Context, msg events.Event, known []events.Event) error {
	if msg.Replay == 0 && d.followed.lately(msg.ID) {
		return nil
	}
	if err := follow(ctx, known, d.sender.SendAgain); err != nil {
		return err
	}
	d.followed.note(msg.ID)
	return nil
}

// factsOf returns the facts that this request led to. RequestFailed is not one, so the replay of
// a failed request is carried out.
func factsOf(history []events.Event, request string) []events.Event {
	var found []events.Event
	for _, fact := range history {
		if _, failed := fact.Data.(events.RequestFailed); fact.Causation == request && !failed {
			found = append(found, fact)
		}
	}
	return found
}

// unlessSuperseded replaces the decision by RequestSuperseded if one of the request's scopes has
// a newer decision. A request that changes nothing, joins another, or is rejected keeps its
// answer, and takes nothing back.
func unlessSuperseded(account state.Account, msg events.Event, request events.Request, decided []events.Fact) []events.Fact {
	if makesAgain(account, msg, decided) {
		return []events.Fact{events.RequestSuperseded{}}
	}
	if !account.Supersedes(msg.Intent, request.Scopes()) {
		return decided
	}
	for _, fact := range decided {
		switch fact.(type) {
		case events.RequestUnchanged, events.RequestJoined, events.RequestRejected:
			return []events.Fact{fact}
		}
	}
	return []events.Fact{events.RequestSuperseded{}}
}

// makesAgain: the decision asks for a key that the account has, or may have had. A key's id
// derives from its request, so the replay of a very old request would bring back a key that has
// ended.
func makesAgain(account state.Account, msg events.Event, decided []events.Fact) bool {
	for _, fact := range decided {
		wanted, ok := fact.(events.KeyWanted)
		if _, has := account.Keys[wanted.Key]; ok && (has || msg.Intent != 0 && msg.Intent <= account.Forgotten) {
			return true
		}
	}
	return false
}

// follow sends the facts to their subscribers, and one wake-up if any of them opens a wish. All
// derives from the facts, so sending it again is harmless.
func follow(ctx context.Context, appended []events.Event, send func(context.Context, ...events.Event) error) error {
	messages := appended[:len(appended):len(appended)]
	for _, fact := range appended {
		if news, ok := fact.LicenceNews(0); ok {
			messages = append(messages, news)
		}
		if check, ok := fact.EntitlementCheck(); ok {
			messages = append(messages, check)
		}
	}
	for _, fact := range appended {
		if fact.OpensWish() != 0 {
			messages = append(messages, wakeUp(fact))
			break
		}
	}
	return portal.Postpone("the queues do not answer", send(ctx, messages...))
}
