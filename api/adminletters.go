package api

import (
	"context"
	"encoding/base64"
	"net/http"
	"time"
	"unicode/utf8"

	"github.com/danielgtaylor/huma/v2"

	"github.com/gatehouse-portal/gatehouse/administration"
	"github.com/gatehouse-portal/gatehouse/deadletters"
	"github.com/gatehouse-portal/gatehouse/events"
	"github.com/gatehouse-portal/gatehouse/portal"
)

type adminDesk interface {
	Overview(ctx context.Context) (administration.Overview, error)
	List(ctx context.Context, choice deadletters.Choice, after string, limit int) (deadletters.Listing, error)
	Letter(ctx context.Context, id string) (deadletters.Letter, administration.ReplayOutlook, error)
	Preview(ctx context.Context, order administration.LetterOrder) (administration.Preview, error)
	Order(ctx context.Context, order administration.LetterOrder) (administration.LetterOrder, int, error)
}

// LetterFilters choose dead letters. A letter must match all of them.
type LetterFilters struct {
	Queue   string    `query:"queue" json:"queue,omitempty" maxLength:"100" doc:"A queue's name, or its consumer's."`
	Type    string    `query:"type" json:"type,omitempty" maxLength:"100" doc:"A type of message."`
	Account string    `query:"account" json:"account,omitempty" maxLength:"64" doc:"The account that the message is about."`
	Cause   string    `query:"cause" json:"cause,omitempty" maxLength:"200" doc:"A cause's id, a class, or words of the error."`
	Before  time.Time `query:"before" json:"before,omitzero" doc:"Only letters that first failed before this time."`
	After   time.Time `query:"after" json:"after,omitzero" doc:"Only letters that first failed at or after this time."`
}

func (f LetterFilters) choice(states ...deadletters.State) deadletters.Choice {
	return deadletters.Choice{
		States: states, Queue: f.Queue, Type: f.Type, Account: portal.AccountID(f.Account), Cause: f.Cause, Before: f.Before, After: f.After,
	}
}

// DeadLetter is a message that the workers gave up on.
type DeadLetter struct {
	ID        string           `json:"id"`
	State     string           `json:"state" enum:"open,replayed,settled,discarded" doc:"open: it needs you; replayed: a replay is not handled yet; settled: a replay was handled; discarded: closed without a replay."`
	Class     string           `json:"class" enum:"unreadable,unknown_type,invalid,failed,panic,redriven"`
	Cause     string           `json:"cause" doc:"The id of the cause, which all letters with the same fault have."`
	Error     string           `json:"error" doc:"The error of the last attempt."`
	Type      string           `json:"type,omitempty"`
	Account   string           `json:"account,omitempty" doc:"The account that it is about, if it is about one."`
	Subject   string           `json:"subject,omitempty" doc:"The stream that it is about."`
	Operation string           `json:"operation,omitempty" doc:"The person's operation, which says failed."`
	Queue     string           `json:"queue"`
	Attempts  int              `json:"attempts"`
	First     *time.Time       `json:"first" doc:"The first failure."`
	Last      *time.Time       `json:"last" doc:"The last failure."`
	Replays   int64            `json:"replays"`
	Discard   *DiscardedLetter `json:"discarded,omitempty"`
}

// DiscardedLetter says who closed a letter, when and why.
type DiscardedLetter struct {
	By     string    `json:"by"`
	At     time.Time `json:"at"`
	Reason string    `json:"reason"`
}

// DeadLetterDetail is a letter with its body.
type DeadLetterDetail struct {
	DeadLetter
	Outlook     string `json:"outlook" enum:"carried_out,superseded,rejected,unchanged,handled,fails_again,wakes_up,not_replayable" doc:"What a replay would come to now."`
	OutlookText string `json:"a_replay_comes_to" doc:"The same in words."`
	Body        string `json:"body,omitempty" doc:"The message, if it is text."`
	Encoded     string `json:"body_base64,omitempty" doc:"The message, if it is not text."`
}

// LetterGroup is the letters of one cause.
type LetterGroup struct {
	Cause   string     `json:"cause"`
	Class   string     `json:"class" enum:"unreadable,unknown_type,invalid,failed,panic,redriven"`
	Text    string     `json:"text" doc:"The error without ids, numbers and addresses."`
	Letters int        `json:"letters"`
	Types   []string   `json:"types" doc:"At most five."`
	First   *time.Time `json:"first" doc:"The earliest first failure."`
	Last    *time.Time `json:"last" doc:"The latest last failure."`
}

// DeadLetters is a page of letters, with the groups of all that match.
type DeadLetters struct {
	Groups []LetterGroup `json:"groups" doc:"By cause, the largest first; at most 200."`
	Counts LetterCounts  `json:"counts"`
	Items  []DeadLetter  `json:"items" doc:"The oldest failure first."`
	Next   *string       `json:"next" doc:"The next page, null if there is none."`
}

// LetterCounts are the letters that match, by state.
type LetterCounts struct {
	Open      int `json:"open"`
	Replayed  int `json:"replayed"`
	Settled   int `json:"settled"`
	Discarded int `json:"discarded"`
}

func (a *service) registerLetters(api huma.API) {
	huma.Register(api, adminReads("admin-list-dead-letters", "/dead-letters", "List dead letters", "Messages that the workers gave up on, grouped by cause."), a.listLetters)
	huma.Register(api, adminReads("admin-get-dead-letter", "/dead-letters/{letter}", "Get a dead letter", "With its body, which holds ids and never personal data or secrets, and what a replay would come to."), a.getLetter)
	huma.Register(api, adminChanges("admin-replay-dead-letters", http.MethodPost, "/dead-letter-replays", "Replay dead letters",
		"A worker sends them to their queues again, oldest first, at most 20 a second. A request keeps its identity and its place in the order of requests: it is carried out once, and never undoes a newer choice. With dry_run nothing happens; the answer says what would, and its choice orders exactly that.", 0), a.replayLetters)
	huma.Register(api, adminChanges("admin-discard-dead-letters", http.MethodPost, "/dead-letter-discards", "Discard dead letters",
		"A worker closes them without carrying them out. Their operations stay failed. They can still be replayed for 30 days.", 0), a.discardLetters)
}

func (a *service) listLetters(ctx context.Context, in *struct {
	PageInput
	LetterFilters
	All bool `query:"all" doc:"Also list the closed ones."`
}) (*struct{ Body DeadLetters }, error) {
	if _, err := admin(ctx); err != nil {
		return nil, problemOf(ctx, err)
	}
	states := []deadletters.State{deadletters.Open, deadletters.Replayed}
	all := ""
	if in.All {
		states, all = append(states, deadletters.Settled, deadletters.Discarded), "true"
	}
	found, err := a.admin.Desk.List(ctx, in.choice(states...), in.Cursor, in.Limit)
	if err != nil {
		return nil, problemOf(ctx, err)
	}
	shown := DeadLetters{Groups: []LetterGroup{}, Counts: countsOf(found.Counts), Items: []DeadLetter{}}
	for _, g := range found.Groups {
		shown.Groups = append(shown.Groups, groupOf(g))
	}
	for _, l := range found.Letters {
		shown.Items = append(shown.Items, showLetter(l))
	}
	if found.Left > 0 {
		last := found.Letters[len(found.Letters)-1].Place()
		shown.Next = in.next("/dead-letters", last, "queue", in.Queue, "type", in.Type, "account", in.Account, "cause", in.Cause,
			"before", timeIn(time.RFC3339Nano, in.Before), "after", timeIn(time.RFC3339Nano, in.After), "all", all)
	}
	return &struct{ Body DeadLetters }{shown}, nil
}

func countsOf(counts map[deadletters.State]int) LetterCounts {
	return LetterCounts{counts[deadletters.Open], counts[deadletters.Replayed], counts[deadletters.Settled], counts[deadletters.Discarded]}
}

func groupOf(g deadletters.Group) LetterGroup {
	shown := LetterGroup{Cause: g.ID, Class: g.Class, Text: g.Text, Letters: g.Letters, Types: []string{}, First: timeOrNull(g.First), Last: timeOrNull(g.Last)}
	for _, name := range g.Types {
		shown.Types = append(shown.Types, events.Name(name))
	}
	return shown
}

func showLetter(l deadletters.Letter) DeadLetter {
	shown := DeadLetter{
		ID: l.ID, State: string(l.State()), Class: l.Class, Cause: l.Cause().ID, Error: l.Error, Type: events.Name(l.Type), Subject: string(l.Subject),
		Operation: string(l.Operation), Queue: l.Queue, Attempts: l.Attempts, First: timeOrNull(l.First), Last: timeOrNull(l.Last), Replays: l.Replays,
	}
	if account, ok := l.Subject.Account(); ok {
		shown.Account = string(account)
	}
	if d := l.Discard; d != nil {
		shown.Discard = &DiscardedLetter{By: d.By, At: d.At, Reason: d.Reason}
	}
	return shown
}

// LetterInput names a dead letter.
type LetterInput struct {
	Letter string `path:"letter" maxLength:"200" doc:"A dead letter's id." example:"01m7x8a0b1c2d3e4f5g6h7j8km"`
}

func (a *service) getLetter(ctx context.Context, in *LetterInput) (*struct{ Body DeadLetterDetail }, error) {
	if _, err := admin(ctx); err != nil {
		return nil, problemOf(ctx, err)
	}
	letter, outlook, err := a.admin.Desk.Letter(ctx, in.Letter)
	if err != nil {
		return nil, problemOf(ctx, err)
	}
	shown := DeadLetterDetail{DeadLetter: showLetter(letter), Outlook: string(outlook.Outlook), OutlookText: outlook.Text}
	switch {
	case utf8.Valid(letter.Body):
		shown.Body = string(letter.Body)
	default:
		shown.Encoded = base64.StdEncoding.EncodeToString(letter.Body)
	}
	return &struct{ Body DeadLetterDetail }{shown}, nil
}

// LetterSelection says which letters are meant: one, or all open ones that match the filters. Without
// any filter, all must be true.
type LetterSelection struct {
	Letter string `json:"letter,omitempty" maxLength:"200" doc:"The id of one letter. Filters are then ignored."`
	All    bool   `json:"all,omitempty" doc:"All that are open. Needed if there is no filter."`
	LetterFilters
	DryRun bool `json:"dry_run,omitempty" doc:"Only say what would happen."`
}

// LetterOrder is what workers were asked to do, or would be.
type LetterOrder struct {
	Order   string           `json:"order,omitempty" doc:"The id of the order; nothing after a dry run."`
	Letters int              `json:"letters" doc:"How many letters it is about. Those that cannot be replayed are not counted."`
	First   []LetterForecast `json:"first,omitempty" doc:"After a dry run: the first ten letters, and what a replay comes to."`
	Left    []SkippedLetters `json:"left,omitempty" doc:"After a dry run: letters that match and cannot be replayed. They stay open."`
	Choice  *LetterChoice    `json:"choice,omitempty" doc:"After a dry run: the choice of exactly these letters. Send its members as the body to order what the dry run has shown; letters that fail after it stay open."`
}

// LetterChoice is a LetterSelection that matches the same letters at any later time.
type LetterChoice struct {
	Letter string `json:"letter,omitempty"`
	LetterFilters
}

// SkippedLetters counts letters that cannot be replayed.
type SkippedLetters struct {
	Why     string `json:"why"`
	Letters int    `json:"letters"`
}

// LetterForecast is what a replay of a letter would come to.
type LetterForecast struct {
	Letter      string `json:"letter"`
	Outlook     string `json:"outlook" enum:"carried_out,superseded,rejected,unchanged,handled,fails_again,wakes_up,not_replayable"`
	OutlookText string `json:"a_replay_comes_to"`
}

type orderOutput struct{ Body LetterOrder }

func (a *service) replayLetters(ctx context.Context, in *struct{ Body LetterSelection }) (*orderOutput, error) {
	return a.order(ctx, in.Body, administration.LetterOrder{Verb: administration.Replay})
}

func (a *service) discardLetters(ctx context.Context, in *struct {
	Body struct {
		LetterSelection
		Reason string `json:"reason" maxLength:"1000" doc:"Why. The letters and the audit keep it, so put nothing personal in it."`
	}
}) (*orderOutput, error) {
	return a.order(ctx, in.Body.LetterSelection, administration.LetterOrder{Verb: administration.Discard, Reason: in.Body.Reason})
}

func (a *service) order(ctx context.Context, chosen LetterSelection, order administration.LetterOrder) (*orderOutput, error) {
	id, err := admin(ctx)
	if err != nil {
		return nil, problemOf(ctx, err)
	}
	order.By, order.Letter = id.Account, chosen.Letter
	if chosen.Letter == "" {
		order.Choice = chosen.choice()
		if order.Choice.All() != chosen.All {
			return nil, problemOf(ctx, portal.Fail(portal.Invalid, "Name a letter, give filters, or set all to true and give no filter."))
		}
		if now := a.now().UTC(); chosen.Before.IsZero() || chosen.Before.After(now) {
			chosen.Before, order.Choice.Before = now, now
		}
	}
	if chosen.DryRun {
		preview, err := a.admin.Desk.Preview(ctx, order)
		if err != nil {
			return nil, problemOf(ctx, err)
		}
		shown := LetterOrder{Letters: preview.Letters, Choice: &LetterChoice{Letter: chosen.Letter}}
		if chosen.Letter == "" {
			shown.Choice.LetterFilters = chosen.LetterFilters
		}
		for _, one := range preview.First {
			shown.First = append(shown.First, LetterForecast{one.ID, string(one.ReplayOutlook.Outlook), one.ReplayOutlook.Text})
		}
		for _, left := range preview.NotReplayable {
			shown.Left = append(shown.Left, SkippedLetters(left))
		}
		return &orderOutput{shown}, nil
	}
	placed, n, err := a.admin.Desk.Order(ctx, order)
	if err != nil {
		return nil, problemOf(ctx, err)
	}
	return &orderOutput{LetterOrder{Order: placed.ID, Letters: n}}, nil
}
