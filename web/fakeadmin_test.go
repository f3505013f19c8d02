package web_test

import (
	"cmp"
	"context"
	"encoding/json"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/gatehouse-portal/gatehouse/administration"
	"github.com/gatehouse-portal/gatehouse/banners"
	"github.com/gatehouse-portal/gatehouse/deadletters"
	"github.com/gatehouse-portal/gatehouse/identity"
	"github.com/gatehouse-portal/gatehouse/portal"
)

// root is an admin.
var root = identity.Identity{Account: "account-root", Name: "Root", Admin: true, Via: identity.ViaSession}

// fakeAdmin is the desk of admins, over a list of letters.
type fakeAdmin struct {
	overview administration.Overview
	letters  []deadletters.Letter
	outlook  administration.ReplayOutlook
	orders   []administration.LetterOrder
	err      error
	fakeInbox
	drift administration.Drift
	// compared are the admins who had API Gateway compared.
	compared []portal.AccountID
	sold     fakeLicences
	texts    []banners.Banner
	// bannerAudit are what admins did with banners.
	bannerAudit []string
	// changed is the banner as it was changed last.
	changed banners.Banner
	watch
	fakeInvitations
	fakeProducts
	fakeSums
}

func (o *fakeAdmin) Overview(context.Context) (administration.Overview, error) {
	return o.overview, o.err
}

func (o *fakeAdmin) List(_ context.Context, choice deadletters.Choice, after string, limit int) (deadletters.Listing, error) {
	found := deadletters.Listing{Counts: map[deadletters.State]int{}}
	letters := slices.Clone(o.letters)
	slices.SortFunc(letters, func(a, b deadletters.Letter) int { return cmp.Compare(a.Place(), b.Place()) })
	causes := map[string]int{}
	for _, l := range letters {
		found.Counts[l.State()]++
		if !choice.Chooses(l) {
			continue
		}
		i, known := causes[l.Cause().ID]
		if !known {
			i, causes[l.Cause().ID] = len(found.Groups), len(found.Groups)
			found.Groups = append(found.Groups, deadletters.Group{Cause: l.Cause(), Types: []string{l.Type}, First: l.First, Last: l.Last})
		}
		found.Groups[i].Letters++
		switch {
		case l.Place() <= after:
		case len(found.Letters) == limit:
			found.Left++
		default:
			found.Letters = append(found.Letters, l)
		}
	}
	return found, o.err
}

func (o *fakeAdmin) Letter(_ context.Context, id string) (deadletters.Letter, administration.ReplayOutlook, error) {
	for _, l := range o.letters {
		if l.ID == id {
			return l, o.outlook, o.err
		}
	}
	return deadletters.Letter{}, administration.ReplayOutlook{}, portal.Fail(portal.NotFound, "There is no dead letter "+id+".")
}

func (o *fakeAdmin) Preview(ctx context.Context, order administration.LetterOrder) (administration.Preview, error) {
	shown := administration.Preview{}
	for _, l := range o.letters {
		if order.Letter == l.ID || order.Letter == "" && order.Choice.Chooses(l) {
			if order.Verb == administration.Replay && l.Class == "unreadable" {
				shown.NotReplayable = []administration.SkippedLetters{{Why: "No worker can read it. Look at its body, then discard it.", Letters: 1}}
				continue
			}
			if shown.Letters++; len(shown.First) < 10 {
				shown.First = append(shown.First, administration.PreviewedLetter{Letter: l, ReplayOutlook: o.outlook})
			}
		}
	}
	if shown.Letters == 0 && len(shown.NotReplayable) == 0 {
		return shown, portal.Fail(portal.Conflict, "No open dead letter matches. Another admin may already have handled it.")
	}
	return shown, o.err
}

func (o *fakeAdmin) Order(ctx context.Context, order administration.LetterOrder) (administration.LetterOrder, int, error) {
	preview, err := o.Preview(ctx, order)
	if err == nil && order.Verb == administration.Discard && strings.TrimSpace(order.Reason) == "" {
		err = portal.Fail(portal.Invalid, "Give a reason. Others read it in the letter and in the audit.")
	}
	if err != nil {
		return order, 0, err
	}
	o.orders = append(o.orders, order)
	return order, preview.Letters, o.err
}

func (o *fakeAdmin) Waiting(context.Context) ([]administration.LetterOrder, error) {
	return o.orders, o.err
}

func deadLetter(id, kind, class, text string, age time.Duration) deadletters.Letter {
	return deadletters.Letter{Report: deadletters.Report{
		ID: id, Queue: "gatehouse-commands.fifo", Consumer: "commands", Type: "gatehouse." + kind + ".v1", Subject: "account/account-ada", Operation: portal.OperationID("op-" + id),
		Body: []byte(`{"id":"` + id + `"}`), Class: class, Error: text, Attempts: 5, First: now.Add(-age), Last: now.Add(-age + 15*time.Minute),
	}}
}

// troubled is an office with letters of several causes, and an installation in which everything needs an
// admin.
func troubled() *fakeAdmin {
	replayed := deadLetter("l-replayed", "RegisterUser", "panic", "panic: no plan", 3*time.Hour)
	replayed.Replays, replayed.ReplayedAt = 1, now.Add(-time.Minute)
	discarded := deadLetter("l-discarded", "RegisterUser", "invalid", "It names no plan.", 4*time.Hour)
	discarded.Discard = &deadletters.Discard{By: "admin account-root", At: now.Add(-time.Hour), Reason: "Sent by hand."}
	unread := deadLetter("l-unread", "", "unreadable", "The message could not be read: it is not JSON.", time.Hour)
	unread.Type, unread.Subject, unread.Operation, unread.Body = "", "", "", []byte{0xff, 0, '<'}
	o := &fakeAdmin{
		letters: []deadletters.Letter{
			deadLetter("l-1", "SubscribeRequested", "failed", "reading account/account-ada: the table does not answer", 2*time.Hour),
			deadLetter("l-2", "SubscribeRequested", "failed", "reading account/account-bob: the table does not answer", 30*time.Minute), replayed, discarded, unread,
		},
		outlook: administration.ReplayOutlook{Outlook: administration.Superseded, Text: "nothing: there is a newer choice, which stays"},
	}
	o.overview = administration.Overview{
		At: now, Approvals: &administration.Number{N: 100, More: true}, Registrations: &administration.Number{N: 1}, FailedOperations: 2,
		Letters:  &deadletters.Listing{Counts: map[deadletters.State]int{deadletters.Open: 3, deadletters.Replayed: 1}, Groups: make([]deadletters.Group, 2)},
		Licences: map[string]int{"failed": 1, "unclaimed": 2, "unsold": 1},
		Queues:   []administration.Queue{{Name: "gatehouse-commands.fifo", Waiting: 12, InFlight: 3}, {Name: "gatehouse-provisioning", Waiting: 1, Delayed: 2, GivenUp: 1}},
		Sweep:    &administration.Sweep{Ended: now.Add(-10 * time.Minute), Streams: 2140, Drifted: 1, Unshown: 3, Unreadable: 1, Strays: 2},
		Catalog:  &administration.Catalog{Ended: now.Add(-time.Minute), Products: 3, Plans: 7, Errors: 1, Warnings: 2, First: []string{"seamark/product.yaml, line 3: " + longWord}},
		Budget:   &administration.Budget{Left: 3.2, Burst: 18.5, PerSecond: 2.45, Throttled: now.Add(-time.Minute), SlowUntil: now.Add(time.Minute)},
		Alarms:   []administration.Alarm{{Title: "Usage may not be billed", Text: "The usage of the hour from 09:00 UTC waits for AWS Marketplace.", Runbook: "https://example.com/runbook#usage", Since: now}},
		Worker:   now.Add(-time.Hour), Unread: []administration.Unread{{Part: "licences", Why: "The views do not answer."}},
	}
	return o
}

// crammed is an office with long texts everywhere.
func crammed() *fakeAdmin {
	o := troubled()
	long := deadLetter(longWord, longWord, "failed", longName+" "+longWord+longWord, time.Hour)
	long.Subject = portal.Stream("account/" + longWord)
	body, _ := json.Marshal(map[string]string{longWord: strings.Repeat(longWord, 20)})
	long.Body = body
	o.letters = append(o.letters, long)
	o.orders = []administration.LetterOrder{{ID: "o", Verb: administration.Replay, Choice: deadletters.Choice{Cause: longWord}, At: now}, {ID: "p", Verb: administration.Discard, Letter: longWord, At: now}}
	return o
}

func administered(o *fakeAdmin) site {
	return siteOf(&fake{catalog: published(weather()), account: registered(), office: o}, &root)
}

// adminStates are the pages for admins in every state that looks different.
func adminStates() map[string]shown {
	quiet := &fakeAdmin{overview: administration.Overview{
		At: now, Approvals: &administration.Number{}, Registrations: &administration.Number{}, Letters: &deadletters.Listing{}, Licences: map[string]int{},
		Queues: []administration.Queue{{Name: "gatehouse-commands.fifo"}}, Sweep: &administration.Sweep{Ended: now, Streams: 2}, Catalog: &administration.Catalog{Ended: now, Products: 1, Plans: 2},
		Budget: &administration.Budget{Left: 18.5, Burst: 18.5, PerSecond: 4.9}, Worker: now,
	}}
	states := map[string]shown{
		"admin":                               {site: administered(troubled()), path: "/admin"},
		"admin, nothing to do":                {site: administered(quiet), path: "/admin"},
		"admin, new":                          {site: administered(&fakeAdmin{}), path: "/admin"},
		"admin, not an admin":                 {site: siteOf(&fake{office: troubled()}, &ada), path: "/admin"},
		"dead letters":                        {site: administered(crammed()), path: "/admin/dead-letters?all=on&ordered=replay"},
		"dead letters, filtered":              {site: administered(troubled()), path: "/admin/dead-letters?cause=failed&older=1"},
		"dead letters, none":                  {site: administered(quiet), path: "/admin/dead-letters"},
		"dead letter":                         {site: administered(crammed()), path: "/admin/dead-letters/" + longWord},
		"dead letter, not text":               {site: administered(troubled()), path: "/admin/dead-letters/l-unread"},
		"dead letter, discarded":              {site: administered(troubled()), path: "/admin/dead-letters/l-discarded"},
		"confirm a replay":                    {site: administered(crammed()), path: "/admin/confirm-dead-letters?verb=replay"},
		"confirm discarding":                  {site: administered(troubled()), path: "/admin/confirm-dead-letters?verb=discard&letter=l-1"},
		"confirm, nothing fits":               {site: administered(quiet), path: "/admin/confirm-dead-letters?verb=replay"},
		"confirm discarding without a reason": {site: administered(troubled()), path: "/admin/confirm-dead-letters?verb=discard", post: "/admin/dead-letters", form: `document.querySelector("#reason").value = " "`},
	}
	maps.Copy(states, inboxStates())
	maps.Copy(states, accountPagesForAdmins())
	maps.Copy(states, viewedPages())
	maps.Copy(states, driftStates())
	maps.Copy(states, licenceStates())
	maps.Copy(states, bannerStates())
	maps.Copy(states, guestStates())
	maps.Copy(states, productStates())
	maps.Copy(states, sumStates())
	maps.Copy(states, auditPages())
	return states
}
