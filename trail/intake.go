package trail

import (
	"context"
	"slices"
	"strings"
	"time"

	"github.com/rs/zerolog"

	"github.com/gatehouse-portal/gatehouse/events"
	"github.com/gatehouse-portal/gatehouse/portal"
	"github.com/gatehouse-portal/gatehouse/transport"
)

// Outcome is what became of an event.
type Outcome string

// The outcomes.
const (
	// WokeAccount and WokeCatalog: API Gateway is compared with the journal, or read for the catalog.
	WokeAccount Outcome = "account"
	WokeCatalog Outcome = "catalog"
	// OwnCall: a worker of this installation made the change.
	OwnCall Outcome = "own"
	// FailedCall: API Gateway refused the call.
	FailedCall Outcome = "failed"
	// OtherKey: no key of the record is known to belong to an account of this installation.
	OtherKey Outcome = "other_key"
	// Unrelated: the event is of another kind, call, AWS account or Region, or it changed nothing that matters here,
	// such as the tags of a key.
	Unrelated Outcome = "unrelated"
	// Unreadable: the message is no event and became a dead letter.
	Unreadable Outcome = "unreadable"
)

// Outcomes lists all outcomes.
func Outcomes() []Outcome {
	return []Outcome{WokeAccount, WokeCatalog, OwnCall, FailedCall, OtherKey, Unrelated, Unreadable}
}

type sender interface {
	Send(ctx context.Context, messages ...events.Event) error
}

type streams interface {
	Head(ctx context.Context, stream portal.Stream) (int64, error)
}

// Intake handles the queue that the rule of the event bus fills.
type Intake struct {
	// Self returns the ARN of the principal as which this worker calls API Gateway.
	Self   func(ctx context.Context) (string, error)
	Region string
	// Named returns the account in a key's name; ok is false for names that are not this installation's.
	Named func(name string) (account portal.AccountID, ok bool)
	// Owners returns the accounts whose key has one of those ids. plans are those that the record names.
	Owners  func(ctx context.Context, keys []portal.GatewayKeyID, plans []portal.PlanID) ([]portal.AccountID, error)
	Streams streams
	Sender  sender
	// Catalog returns the message that has the catalog read soon after that time. Many events share one.
	Catalog func(at time.Time) events.Event
	// Counted counts an event's outcome.
	Counted func(Outcome)
	Now     func() time.Time
}

// Handle asks for a recheck of the accounts whose keys the event names, or has the catalog read. It changes no
// account's access. An event may come late, twice or never: each recheck reads API Gateway itself, a second one finds
// nothing to do, and the jobs find what no event reported. A message that is no event is portal.Invalid, which makes
// it a dead letter. Other events do nothing.
func (i Intake) Handle(ctx context.Context, msg transport.RawMessage) error {
	record, ok, err := Parse(msg.Body)
	if err != nil {
		i.Counted(Unreadable)
		return portal.Fail(portal.Invalid, "This is not an event of EventBridge: "+err.Error()+".")
	}
	outcome := Unrelated
	if ok {
		if outcome, err = i.handle(ctx, record); err != nil {
			return err
		}
	}
	i.Counted(outcome)
	zerolog.Ctx(ctx).Debug().Str("event", record.ID).Str("call", record.Name).Str("outcome", string(outcome)).Msg("EventBridge told of a call to API Gateway")
	return nil
}

func (i Intake) handle(ctx context.Context, r Record) (Outcome, error) {
	ofKey, ofCatalog := slices.Contains(keyCalls, r.Name), slices.Contains(catalogCalls, r.Name)
	switch {
	case !ofKey && !ofCatalog || r.ReadOnly || r.Region != i.Region:
		return Unrelated, nil
	case r.Failed:
		return FailedCall, nil
	}
	self, err := i.Self(ctx)
	if err != nil {
		return "", portal.Postpone("AWS does not say who this worker is", err)
	}
	switch {
	case r.Account != accountOf(self):
		return Unrelated, nil
	case r.MadeBy(self):
		return OwnCall, nil
	case ofKey:
		return i.wakeAccounts(ctx, r)
	case r.tagsOnlyKeys():
		return Unrelated, nil
	}
	return WokeCatalog, i.send(ctx, r, i.Catalog(i.Now().UTC()))
}

func accountOf(arn string) portal.AWSAccount {
	parts := strings.Split(arn, ":")
	if len(parts) < 6 {
		return ""
	}
	return portal.AWSAccount(parts[4])
}

// tagsOnlyKeys reports whether the call tagged keys and nothing else. Nobody reads the tags of keys.
func (r Record) tagsOnlyKeys() bool {
	return len(r.ARNs) > 0 && !slices.ContainsFunc(r.ARNs, func(arn string) bool { return !strings.Contains(arn, "/apikeys/") })
}

// wakeAccounts wakes the accounts of a record's keys. If the record has a name of this installation's, that says the
// account without reading the views, even of a key that somebody made by hand. A key that was renamed or deleted is
// found by its id.
func (i Intake) wakeAccounts(ctx context.Context, r Record) (Outcome, error) {
	var owners []portal.AccountID
	for _, name := range r.Names {
		if account, ok := i.Named(name); ok {
			owners = added(owners, account)
		}
	}
	// The id of a key that was just made is nobody's.
	if len(owners) == 0 && len(r.Keys) > 0 && r.Name != "CreateApiKey" {
		var err error
		if owners, err = i.Owners(ctx, r.Keys, r.Plans); err != nil {
			return "", err
		}
	}
	var wake []events.Event
	for _, account := range owners {
		stream := portal.AccountStream(account)
		head, err := i.Streams.Head(ctx, stream)
		if err != nil {
			return "", err
		}
		if head > 0 {
			wake = append(wake, i.wakeUp(r, stream))
		}
	}
	if len(wake) == 0 {
		return OtherKey, nil
	}
	return WokeAccount, i.send(ctx, r, wake...)
}

func (i Intake) wakeUp(r Record, stream portal.Stream) events.Event {
	id := portal.DeriveID("trail", r.ID, string(stream))
	return events.Event{
		ID: id, Source: "/gatehouse/trail", Subject: stream, Time: i.Now().UTC(), Correlation: id,
		Data: events.ProvisionRequested{Recheck: true},
	}
}

func (i Intake) send(ctx context.Context, r Record, messages ...events.Event) error {
	for _, m := range messages {
		zerolog.Ctx(ctx).Info().Str("event", r.ID).Str("call", r.Name).Str("stream", string(m.Subject)).
			Msg("somebody changed API Gateway; a worker compares it")
	}
	return portal.Postpone("the queues do not answer", i.Sender.Send(ctx, messages...))
}
