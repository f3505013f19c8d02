package administration_test

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/gatehouse-portal/gatehouse/administration"
	"github.com/gatehouse-portal/gatehouse/journal/journaltest"
	"github.com/gatehouse-portal/gatehouse/members"
	"github.com/gatehouse-portal/gatehouse/portal"
)

// postbox collects mails by invitation and round, as workers send them.
type postbox struct {
	mu    sync.Mutex
	mails map[string]bool
	err   error
}

func (p *postbox) MailInvitation(_ context.Context, i members.Invitation) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.err != nil {
		return p.err
	}
	p.mails[fmt.Sprintf("%s %d", i.Email, i.Round)] = true
	return nil
}

// invitationFixture is a store of invitations with a clock.
type invitationFixture struct {
	administration.Invitations
	*members.Store
	*postbox
	now time.Time
}

func newGuests(t *testing.T) *invitationFixture {
	t.Helper()
	tables := journaltest.Start(t)
	g := &invitationFixture{postbox: &postbox{mails: map[string]bool{}}, now: time.Date(2026, 11, 22, 9, 0, 0, 0, time.UTC)}
	now := func() time.Time { return g.now }
	g.Store = members.NewStore(tables.Client, tables.Records, now)
	g.Invitations = administration.Invitations{Members: g.Store, Mails: g.postbox, Now: now}
	return g
}

var root = members.By{Admin: "root"}

// outcomes are what came of a list, in words.
func outcomes(all []administration.Invited) string {
	var words []string
	for _, one := range all {
		switch {
		case one.Err != nil:
			words = append(words, one.Address+" "+string(portal.CodeOf(one.Err)))
		case one.Lately:
			words = append(words, one.Address+" lately")
		default:
			words = append(words, fmt.Sprintf("%s %d", one.Address, one.Invitation.Round))
		}
	}
	return strings.Join(words, ", ")
}

func (g *invitationFixture) invites(t *testing.T, want string, addresses ...string) {
	t.Helper()
	all, err := g.Invitations.Invite(t.Context(), root, addresses)
	if got := outcomes(all); got != want || err != nil {
		t.Errorf("inviting %v: %q, %v, want %q", addresses, got, err, want)
	}
}

func TestAListSaysWhatCameOfEachAddress(t *testing.T) {
	t.Parallel()
	g := newGuests(t)
	g.invites(t, "ada@example.com 1, nobody invalid, Grace@Example.com 1", "ada@example.com", "nobody", "Grace@Example.com")
	// The admin's browser sends the form twice.
	g.invites(t, "ada@example.com lately, grace@example.com lately", "ada@example.com", "grace@example.com")
	g.now = g.now.Add(2 * time.Minute)
	g.invites(t, "ada@example.com 2", "ada@example.com")
	if len(g.mails) != 3 {
		t.Errorf("the mails are %v", g.mails)
	}
}

func TestAListHasALimit(t *testing.T) {
	t.Parallel()
	g := newGuests(t)
	many := make([]string, administration.MaxInvited+1)
	for i := range many {
		many[i] = fmt.Sprintf("p%d@example.com", i)
	}
	for what, c := range map[string]struct {
		list []string
		says string
	}{"too many": {many, "101 addresses are too many: invite at most 100 at once."}, "none": {nil, "Enter at least one"}} {
		all, err := g.Invitations.Invite(t.Context(), root, c.list)
		if portal.CodeOf(err) != portal.Invalid || !strings.Contains(portal.MessageOf(err), c.says) || len(all) > 0 {
			t.Errorf("%s: %v, %v", what, all, err)
		}
	}
	if len(g.mails) > 0 {
		t.Errorf("the mails are %v", g.mails)
	}
	if all, err := g.Invitations.Invite(t.Context(), root, many[1:]); err != nil || len(all) != administration.MaxInvited || len(g.mails) != administration.MaxInvited {
		t.Errorf("%d of %d are invited, %v", len(g.mails), len(all), err)
	}
}

func TestAnInvitationIsSentAgain(t *testing.T) {
	t.Parallel()
	g := newGuests(t)
	g.invites(t, "ada@example.com 1", "ada@example.com")
	id := members.InvitationID("ada@example.com")
	if one, err := g.Resend(t.Context(), root, id); err != nil || !one.Lately {
		t.Errorf("at once: %+v, %v", one, err)
	}
	g.now = g.now.Add(members.InvitationsLast + time.Hour) // it has expired
	if one, err := g.Resend(t.Context(), members.By{Admin: "other"}, id); err != nil || !one.Again() || one.Invitation.InvitedBy != "other" || !one.Invitation.Open(g.now) {
		t.Errorf("later: %+v, %v", one, err)
	}
	if _, err := g.Resend(t.Context(), root, "i-none"); portal.CodeOf(err) != portal.NotFound {
		t.Errorf("an unknown one: %v", err)
	}
}

// The request that stopped half-way may be repeated.
func TestAMailThatCouldNotBeAskedForIsAskedForByTheNextRequest(t *testing.T) {
	t.Parallel()
	g := newGuests(t)
	g.err = portal.Postpone("the queues do not answer", fmt.Errorf("timeout"))
	g.invites(t, "ada@example.com "+string(portal.Unavailable), "ada@example.com")
	g.err = nil
	g.invites(t, "ada@example.com lately", "ada@example.com")
	if !g.mails["ada@example.com 1"] {
		t.Errorf("the mails are %v", g.mails)
	}
}

func TestATextIsSplitIntoAddresses(t *testing.T) {
	t.Parallel()
	for text, want := range map[string][]string{
		"":        nil,
		" ,;\r\n": nil,
		"a@b.c, d@e.f;g@h.i\r\nj@k.l\tA@B.C m@n.o": {"a@b.c", "d@e.f", "g@h.i", "j@k.l", "m@n.o"},
	} {
		if got := administration.Addresses(text); !slices.Equal(got, want) {
			t.Errorf("%q: %v, want %v", text, got, want)
		}
	}
}
