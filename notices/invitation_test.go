package notices_test

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/gatehouse-portal/gatehouse/members"
	"github.com/gatehouse-portal/gatehouse/notices"
	"github.com/gatehouse-portal/gatehouse/portal"
)

// invited is the invitations of a test, by id.
type invited map[string]members.Invitation

func (i invited) Invitation(_ context.Context, id string) (members.Invitation, error) {
	found, ok := i[id]
	if !ok {
		return found, portal.Fail(portal.NotFound, "There is no such invitation.")
	}
	return found, nil
}

func TestAnInvitationThatNobodyNeedsSaysSo(t *testing.T) {
	t.Parallel()
	for needed, want := range map[bool]string{true: "The invitation is for bob@example.com only", false: "You need no invitation for that: you can register at any time"} {
		w := newWorld(t)
		w.deliverer.Mail.InvitationsNeeded = needed
		bob := members.Invitation{ID: "i1", Email: "bob@example.com", InvitedBy: ann, InvitedAt: noon, Expires: noon.Add(members.InvitationsLast), Round: 1}
		w.deliverer.Invitations = invited{"i1": bob}
		if err := w.desk.MailInvitation(t.Context(), bob); err != nil {
			t.Fatal(err)
		}
		w.deliver()
		if len(w.post.mails) != 1 || !strings.Contains(w.post.mails[0].Text, want) || !strings.Contains(w.post.mails[0].Text, "https://portal.example/sign-up") {
			t.Errorf("needed %t: the mails are %+v, want one with %q", needed, w.post.mails, want)
		}
	}
}

func TestAnInvitationIsMailedOnceWithALink(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	bob := members.Invitation{ID: "i1", Email: "bob@example.com", InvitedBy: ann, InvitedAt: noon, Expires: noon.Add(members.InvitationsLast), Round: 1}
	known := invited{"i1": bob}
	w.deliverer.Invitations = known
	for range 3 { // the admin's request may be repeated
		if err := w.desk.MailInvitation(t.Context(), bob); err != nil {
			t.Fatal(err)
		}
	}
	w.deliver()
	w.later(time.Hour)
	w.wake()
	w.deliver()
	if len(w.post.mails) != 1 {
		t.Fatalf("there are %d mails", len(w.post.mails))
	}
	m := w.post.mails[0]
	if m.To.Address != "bob@example.com" || m.Subject != "You are invited to Acme" || m.Unsubscribe != "" || !strings.Contains(m.Text, "https://portal.example/sign-up") || !strings.Contains(m.HTML, `href="https://portal.example/sign-up"`) {
		t.Errorf("the mail is %+v", m)
	}
	if d, ok, err := w.desk.InvitationMail(t.Context(), bob); err != nil || !ok || d.State != notices.Delivered {
		t.Errorf("the delivery is %+v, %t, %v", d, ok, err)
	}
	if len(w.list()) != 0 {
		t.Errorf("the admin has notices: %+v", w.list())
	}
	bob.Round = 2
	known["i1"] = bob
	if err := w.desk.MailInvitation(t.Context(), bob); err != nil {
		t.Fatal(err)
	}
	w.deliver()
	if len(w.post.mails) != 2 || w.post.mails[1].ID == m.ID {
		t.Errorf("after another invitation there are %d mails", len(w.post.mails))
	}
}

func TestNoMailGoesOutForAnInvitationThatIsOver(t *testing.T) {
	t.Parallel()
	open := members.Invitation{ID: "i1", Email: "bob@example.com", InvitedBy: ann, InvitedAt: noon, Expires: noon.Add(members.InvitationsLast), Round: 1}
	used, expired, newer, hostile := open, open, open, open
	used.UsedBy, expired.Expires, newer.Round, hostile.Email = "bob", noon, 2, "bob@example.com\r\nBcc: all@example.com"
	for name, known := range map[string]invited{
		"removed": {}, "used": {"i1": used}, "expired": {"i1": expired}, "replaced by a newer one": {"i1": newer}, "with another address smuggled in": {"i1": hostile},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			w.deliverer.Invitations = known
			if err := w.desk.MailInvitation(t.Context(), open); err != nil {
				t.Fatal(err)
			}
			w.deliver()
			if d, _, err := w.desk.InvitationMail(t.Context(), open); err != nil || d.State != notices.Failed || len(w.post.mails) != 0 {
				t.Errorf("the delivery is %+v, %v; %d mails", d, err, len(w.post.mails))
			}
		})
	}
}

func TestAnOperatorAtTheCommandLineInvites(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	bob := members.Invitation{ID: "i1", Email: "bob@example.com", Operator: "ops@bastion", InvitedAt: noon, Expires: noon.Add(members.InvitationsLast), Round: 1}
	w.deliverer.Invitations = invited{"i1": bob}
	for range 2 {
		if err := w.desk.MailInvitation(t.Context(), bob); err != nil {
			t.Fatal(err)
		}
	}
	w.deliver()
	if d, ok, err := w.desk.InvitationMail(t.Context(), bob); err != nil || !ok || d.State != notices.Delivered || len(w.post.mails) != 1 {
		t.Errorf("the delivery is %+v, %t, %v; mails: %d", d, ok, err, len(w.post.mails))
	}
}
