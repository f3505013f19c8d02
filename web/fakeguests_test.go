package web_test

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/gatehouse-portal/gatehouse/administration"
	"github.com/gatehouse-portal/gatehouse/members"
	"github.com/gatehouse-portal/gatehouse/notices"
	"github.com/gatehouse-portal/gatehouse/portal"
	"github.com/gatehouse-portal/gatehouse/web"
)

// fakeInvitations are invitations, and what people said.
type fakeInvitations struct {
	invited        []members.Invitation
	deliveries     map[string]notices.Delivery // by e-mail address
	said           []members.Feedback
	needed, noMail bool
	guestErr       error

	mu sync.Mutex
	// did are what admins did, in words.
	did []string
}

func (g *fakeInvitations) invitations() web.Invitations {
	book := guestBook{g}
	desk := administration.Invitations{Members: book, Mails: book, Now: func() time.Time { return now }}
	return web.Invitations{Desk: desk, List: book, Mails: book, Needed: g.needed, Mailed: !g.noMail}
}

func (g *fakeInvitations) note(format string, args ...any) error {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.did = append(g.did, fmt.Sprintf(format, args...))
	slices.Sort(g.did)
	return g.guestErr
}

type guestBook struct{ *fakeInvitations }

func (g guestBook) Invite(_ context.Context, by members.By, email string) (members.Invitation, error) {
	one, err := g.Invitation(context.Background(), members.InvitationID(email))
	if err == nil && one.UsedBy != "" {
		return one, portal.Fail(portal.Conflict, "The person with this address has used an invitation already, and has an account.")
	}
	one = members.Invitation{ID: members.InvitationID(email), Email: email, InvitedBy: by.Admin, InvitedAt: now, Expires: now.Add(members.InvitationsLast), Round: one.Round + 1}
	return one, g.note("%s invites %s", by.Admin, email)
}

func (g guestBook) Invitation(_ context.Context, id string) (members.Invitation, error) {
	for _, one := range g.invited {
		if one.ID == id {
			return one, g.guestErr
		}
	}
	return members.Invitation{}, portal.Fail(portal.NotFound, "There is no such invitation. It may have expired.")
}

func (g guestBook) Invitations(_ context.Context, state, after string, limit int) (page []members.Invitation, next string, err error) {
	from, _ := strconv.Atoi(after)
	for _, one := range g.invited[min(from, len(g.invited)):] {
		if from++; state == "" || one.State(now) == state {
			page = append(page, one)
		}
		if len(page) == limit && from < len(g.invited) {
			return page, strconv.Itoa(from), g.guestErr
		}
	}
	return page, "", g.guestErr
}

func (g guestBook) RevokeInvitation(_ context.Context, by members.By, id string) error {
	if _, err := g.Invitation(context.Background(), id); err != nil {
		return err
	}
	return g.note("%s removes %s", by.Admin, id)
}

func (g guestBook) MailInvitation(_ context.Context, i members.Invitation) error {
	return g.note("a mail to %s, number %d", i.Email, i.Round)
}

func (g guestBook) InvitationMail(_ context.Context, i members.Invitation) (notices.Delivery, bool, error) {
	delivery, ok := g.deliveries[i.Email]
	return delivery, ok, g.guestErr
}

func (g *fakeInvitations) AllFeedback(_ context.Context, filter members.FeedbackFilter, before string, limit int) (page []members.Feedback, next string, err error) {
	from, _ := strconv.Atoi(before)
	for _, one := range g.said[min(from, len(g.said)):] {
		if from++; (filter.Topic == "" || filter.Topic == one.Topic) && (filter.State == "" || filter.State == one.State()) {
			page = append(page, one)
		}
		if len(page) == limit && from < len(g.said) {
			return page, strconv.Itoa(from), g.guestErr
		}
	}
	return page, "", g.guestErr
}

func (g *fakeInvitations) MarkFeedback(_ context.Context, by members.By, id string, done bool) (members.Feedback, error) {
	for _, one := range g.said {
		if one.ID == id {
			return one, g.note("%s marks %s %t", by.Admin, id, done)
		}
	}
	return members.Feedback{}, portal.Fail(portal.NotFound, "There is no such feedback. The account may have been deleted.")
}

var hourAgo = now.Add(-time.Hour)

func guest(email string, age time.Duration) members.Invitation {
	at := now.Add(-age)
	return members.Invitation{ID: members.InvitationID(email), Email: email, InvitedBy: "account-root", InvitedAt: at, Expires: at.Add(members.InvitationsLast), Round: 1}
}

// invited is an office with invitations in every state, whose mails came to everything that is possible.
func invited() *fakeAdmin {
	o := &fakeAdmin{}
	used, byOperator := guest("ada@example.com", 3*24*time.Hour), guest("eve@example.com", 2*time.Hour)
	used.UsedBy, used.UsedAt = "account-ada", now.Add(-time.Hour)
	byOperator.InvitedBy, byOperator.Operator = "", "ops@bastion"
	o.invited = []members.Invitation{
		used, byOperator, guest("bob@example.com", time.Hour), guest("late@example.com", 20*24*time.Hour), guest("new@example.com", time.Second), guest("lost@example.com", time.Hour),
	}
	failed := notices.Attempt{At: now.Add(-time.Minute), Error: "The mail service does not take this address."}
	o.deliveries = map[string]notices.Delivery{
		"eve@example.com": {State: notices.Delivered, Attempts: []notices.Attempt{{At: now.Add(-2 * time.Hour)}}}, "bob@example.com": {State: notices.Pending, Attempts: []notices.Attempt{failed}},
		"new@example.com": {State: notices.Pending}, "lost@example.com": {State: notices.Failed, Attempts: []notices.Attempt{failed}},
	}
	o.persons = visited().persons
	o.said = []members.Feedback{
		{ID: "f-3", Account: "account-bob", At: now.Add(-time.Hour), Topic: "documentation", Page: "/apis/weather", Text: "The example is <b>wrong</b>.\nSee the second line."},
		{ID: "f-2", Account: "account-gone", At: now.Add(-2 * time.Hour), Topic: "api", Page: `/\evil.example`, Text: "Slow."},
		{ID: "f-1", Account: "account-eve", At: now.Add(-48 * time.Hour), Topic: "portal", Text: "Thanks.", DoneAt: &hourAgo, DoneBy: "account-root"},
	}
	return o
}

// guestStates are the pages of invitations and feedback in every state that looks different.
func guestStates() map[string]shown {
	none, long := &fakeAdmin{}, invited()
	none.noMail, none.needed = true, true
	wordy := guest(strings.ToLower(longWord)+"@example.com", time.Hour)
	wordy.InvitedBy = portal.AccountID(longWord)
	long.invited = append(long.invited, wordy)
	long.said = append(long.said, members.Feedback{ID: longWord, Account: portal.AccountID(longWord), At: now, Topic: "other", Page: "/" + longWord, Text: strings.Repeat(longWord+"\n", 10)})
	const path = "/admin/invitations"
	return map[string]shown{
		"invitations":                    {site: administered(long), path: path + "?state=all&done=resent"},
		"invitations, none":              {site: administered(none), path: path},
		"invitations, not found":         {site: administered(invited()), path: path + "?q=nobody@example.com"},
		"invitations, too many":          {site: administered(invited()), path: path, post: path, form: `document.querySelector("#emails").value = Array.from({length: 101}, (_, i) => "p" + i + "@example.com").join(", ")`},
		"invited":                        {site: administered(invited()), path: path, post: path, form: `document.querySelector("#emails").value = "x@example.com\nnobody\nada@example.com\nlate@example.com\nnew@example.com"`},
		"invited without mail":           {site: administered(none), path: path, post: path, form: `document.querySelector("#emails").value = "x@example.com"`},
		"feedback for admins":            {site: administered(long), path: "/admin/feedback?state=all"},
		"feedback for admins, new":       {site: administered(&fakeAdmin{}), path: "/admin/feedback"},
		"feedback for admins, none fits": {site: administered(invited()), path: "/admin/feedback?topic=other&state=done"},
	}
}
