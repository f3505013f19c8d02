package app

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/user"
	"strings"

	"github.com/gatehouse-portal/gatehouse/accounts"
	"github.com/gatehouse-portal/gatehouse/administration"
	"github.com/gatehouse-portal/gatehouse/catalog"
	"github.com/gatehouse-portal/gatehouse/deadletters"
	"github.com/gatehouse-portal/gatehouse/events"
	"github.com/gatehouse-portal/gatehouse/handlers"
	"github.com/gatehouse-portal/gatehouse/journal"
	"github.com/gatehouse-portal/gatehouse/members"
	"github.com/gatehouse-portal/gatehouse/portal"
	"github.com/gatehouse-portal/gatehouse/transport"
)

// Letters are the dead letters for an operator at the command line.
type Letters struct {
	deadletters.Admin
	audit   *members.Store
	execute *handlers.Decider
	sender  messaging
}

// OpenLetters opens the dead letters. A discarded letter records the operator as user@host of this
// process. The caller must close them at the end.
func OpenLetters(p Process) Letters {
	c, names := newClients(p.AWS), NamesFor(p.Config.Prefix)
	sender := newMessaging(c, names)
	return Letters{
		Admin:   deadletters.Admin{Tables: c.dynamodb, Records: names.Records, Sender: sender, Now: p.now(), Operator: operator()},
		audit:   members.NewStore(c.dynamodb, names.Records, p.now()),
		execute: newRehearsal(c, names, p), sender: sender,
	}
}

// Close sends what Replay queued.
func (l Letters) Close() error { return l.sender.close() }

// RecordReplay notes in the audit that the operator is about to replay letters: how many, and which in
// words.
func (l Letters) RecordReplay(ctx context.Context, letters int, choice string) error {
	return l.audit.Record(ctx, members.AuditEntry{Operator: l.Operator, What: members.AuditLettersReplayed, Count: letters, Choice: choice})
}

// RecordDiscard is RecordReplay for letters that are about to be discarded.
func (l Letters) RecordDiscard(ctx context.Context, letters int, choice, reason string) error {
	return l.audit.Record(ctx, members.AuditEntry{Operator: l.Operator, What: members.AuditLettersDiscarded, Count: letters, Choice: choice, Reason: reason})
}

// newRehearsal returns a Decider for Rehearse only. It has the worker's rules, as far as they follow
// from the configuration and the tables.
func newRehearsal(c clients, names Names, p Process) *handlers.Decider {
	now := p.now()
	facts := journal.New(c.dynamodb, names.Journal, names.Records)
	refused := &refusals{facts: facts, documents: catalog.NewStore(c.dynamodb, names.Records), now: now}
	return handlers.New(handlers.Config{
		Journal: facts, Accounts: accounts.NewReader(facts, c.dynamodb, names.Records, now), Now: now,
		Limits:  handlers.Limits{PlansPerKey: p.Config.PlansPerKey},
		Rings:   handlers.Rings{PerPlan: p.Config.Keys == KeysPerPlan, Keys: p.Config.KeysPerRing},
		Refusal: refused.refusal, ApproveRegistrations: p.Config.Registration == RegistrationApproval,
		Promoted: members.NewStore(c.dynamodb, names.Records, now).PromotedNow,
	})
}

// ReplayOutlook says what replaying a letter that Find returned would come to. It changes nothing. The error
// means that the journal does not answer.
func (l Letters) ReplayOutlook(ctx context.Context, letter deadletters.Letter) (administration.ReplayOutlook, error) {
	return replayOutlook(ctx, l.execute, letter)
}

type rehearsing interface {
	Rehearse(ctx context.Context, msg events.Event) (facts []events.Fact, ok bool, err error)
}

func replayOutlook(ctx context.Context, execute rehearsing, letter deadletters.Letter) (administration.ReplayOutlook, error) {
	msg, err := letter.Message()
	if err != nil {
		return administration.ReplayOutlook{Outlook: administration.NotReplayable, Text: WhyLeft(letter)}, nil //nolint:nilerr // that it cannot be read is the answer
	}
	facts, ok, err := execute.Rehearse(ctx, msg)
	switch {
	case !ok:
		return administration.ReplayOutlook{Outlook: administration.WakesUp, Text: "a worker looks at " + string(msg.Subject) + " again"}, nil
	case err != nil && isPostponed(err):
		return administration.ReplayOutlook{}, err
	case err != nil:
		return administration.ReplayOutlook{Outlook: administration.FailsAgain, Text: "fails again: " + strings.TrimSuffix(Explain(err), ".")}, nil
	case len(facts) == 0:
		return administration.ReplayOutlook{Outlook: administration.HandledBefore, Text: "nothing new: it was handled before"}, nil
	}
	return outlookOf(facts), nil
}

func outlookOf(facts []events.Fact) administration.ReplayOutlook {
	for _, fact := range facts {
		switch f := fact.(type) {
		case events.RequestSuperseded:
			return administration.ReplayOutlook{Outlook: administration.Superseded, Text: "nothing: there is a newer choice, which stays"}
		case events.RequestRejected:
			return administration.ReplayOutlook{Outlook: administration.Rejected, Text: fmt.Sprintf("rejected (%s): %s", f.Code, strings.TrimSuffix(f.Message, "."))}
		case events.RequestUnchanged:
			return administration.ReplayOutlook{Outlook: administration.Unchanged, Text: "nothing: what it asks for holds already"}
		case events.RequestJoined:
			return administration.ReplayOutlook{Outlook: administration.Unchanged, Text: "nothing new: what it asks for is on its way"}
		}
	}
	names := make([]string, 0, len(facts))
	for _, fact := range facts {
		names = append(names, events.Name(fact.EventType()))
	}
	return administration.ReplayOutlook{Outlook: administration.CarriedOut, Text: "carried out: " + strings.Join(names, ", ")}
}

// WhyLeft says why a letter without a Message cannot be replayed, and what to do with it.
func WhyLeft(l deadletters.Letter) string {
	redriven := l.Class == transport.Redriven && !json.Valid(l.Body) // SQS gave it up, perhaps before a worker read it
	switch {
	case l.Class == transport.UnknownType:
		return "This version does not know its type. Update Gatehouse, then replay it."
	case l.Class == transport.Unreadable || redriven:
		why := "No worker can read it."
		_, err := l.Message()
		var cause *portal.Error
		if errors.As(errors.Unwrap(err), &cause) {
			why = cause.Message // without what the decoder says
		}
		return why + " Look at its body, then discard it."
	}
	return "This version cannot read it. Replay it with a version as new as the workers."
}

func operator() string {
	name, host := "unknown", "unknown"
	if u, err := user.Current(); err == nil {
		name = u.Username
	}
	if h, err := os.Hostname(); err == nil {
		host = h
	}
	return name + "@" + host
}

type failures struct{ deadletters.Recorder }

func (f failures) Bury(ctx context.Context, l transport.DeadLetter) error {
	return f.Recorder.Bury(ctx, deadletters.Report(l))
}

func settling(recorder deadletters.Recorder, consumers []transport.Consumer) []transport.Consumer {
	for _, c := range consumers {
		for name, handle := range c.Handlers {
			c.Handlers[name] = recorder.Settling(handle)
		}
	}
	return consumers
}

func isPostponed(err error) bool {
	var postponed *portal.Postponed
	return errors.As(err, &postponed)
}
