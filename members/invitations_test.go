package members_test

import (
	"strings"
	"testing"
	"time"

	"github.com/gatehouse-portal/gatehouse/members"
	"github.com/gatehouse-portal/gatehouse/portal"
)

var root = members.By{Admin: "root"}

func (h *testStore) invite(email string) members.Invitation {
	h.t.Helper()
	invited, err := h.Invite(h.t.Context(), root, email)
	if err != nil {
		h.t.Fatal(err)
	}
	return invited
}

// uses checks whether the account can use the invitation of an address.
func (h *testStore) uses(email string, account portal.AccountID, want bool) {
	h.t.Helper()
	if got, err := h.UseInvitation(h.t.Context(), email, account); got != want || err != nil {
		h.t.Errorf("%s uses the invitation of %q: %t, %v, want %t", account, email, got, err, want)
	}
}

// emails lists the addresses of invitations in a state, page by page.
func (h *testStore) emails(state string) string {
	h.t.Helper()
	var emails []string
	for next, pages := "", 0; pages == 0 || next != ""; pages++ {
		page, following, err := h.Invitations(h.t.Context(), state, next, 1)
		if err != nil {
			h.t.Fatal(err)
		}
		for _, i := range page {
			emails = append(emails, i.Email)
		}
		next = following
	}
	return strings.Join(emails, " ")
}

func TestOnlyAddressesAreInvited(t *testing.T) {
	t.Parallel()
	h := open(t)
	for _, bad := range []string{"", "ada", "ada@", "@example.com", "ada@example", "Ada <ada@example.com>", "a@b.c, d@e.f", strings.Repeat("a", 250) + "@example.com", "ada @example.com", "ada@example.com\r\nBcc: x@y.z"} {
		_, err := h.Invite(t.Context(), root, bad)
		h.refuses("inviting "+bad[:min(20, len(bad))], err, portal.Invalid, "That is not an e-mail address.")
	}
	if invited := h.invite(" Ada@Example.com "); invited.Email != "ada@example.com" {
		t.Errorf("invited is %+v", invited)
	}
}

func TestAnInvitationIsUsedByOneAccount(t *testing.T) {
	t.Parallel()
	h := open(t, "ann", "bob")
	invited := h.invite("ada@example.com")
	h.uses("grace@example.com", "ann", false)
	h.uses("", "ann", false)
	h.uses("ADA@example.com", "ann", true)
	h.uses("ada@example.com", "ann", true) // a repeated registration
	h.uses("ada@example.com", "bob", false)
	if used, err := h.Invitation(t.Context(), invited.ID); err != nil || used.UsedBy != "ann" || !used.UsedAt.Equal(h.now) {
		t.Errorf("the invitation is %+v, %v", used, err)
	}
	h.invite("grace@example.com")
	if open, all := h.emails(members.InvitationOpen), h.emails(""); open != "grace@example.com" || len(all) != len("grace@example.com ada@example.com") {
		t.Errorf("open are %q, all are %q", open, all)
	}
	_, err := h.Invite(t.Context(), root, "ada@example.com")
	h.refuses("inviting her again", err, portal.Conflict, "has used an invitation already")
	h.refuses("removing it", h.RevokeInvitation(t.Context(), root, invited.ID), portal.Conflict, "The invitation was used.")
	h.uses("grace@example.com", "gone", false) // an account that was erased
}

func TestAnInvitationExpiresAndCanBeRemoved(t *testing.T) {
	t.Parallel()
	h := open(t, "ann")
	invited := h.invite("ada@example.com")
	h.now = h.now.Add(members.InvitationsLast - time.Millisecond)
	if ok, err := h.Invited(t.Context(), "ada@example.com"); !ok || err != nil {
		t.Errorf("in the last moment she is invited: %t, %v", ok, err)
	}
	h.now = h.now.Add(time.Second)
	h.uses("ada@example.com", "ann", false)
	if open := h.emails(members.InvitationOpen); open != "" {
		t.Errorf("open are %q", open)
	}
	if again := h.invite("ada@example.com"); again.Round != 2 || again.ID != invited.ID {
		t.Errorf("the second invitation is %+v", again)
	}
	h.now = h.now.Add(time.Second)
	if err := h.RevokeInvitation(t.Context(), root, invited.ID); err != nil {
		t.Fatal(err)
	}
	h.uses("ada@example.com", "ann", false)
	h.refuses("removing it twice", h.RevokeInvitation(t.Context(), root, invited.ID), portal.NotFound, "There is no such invitation.")
	entries, _, err := h.Audit(t.Context(), members.AuditFilter{}, "", 10)
	if err != nil || len(entries) != 3 || entries[0].What != members.AuditRevoked || entries[1].What != members.AuditInvited || entries[0].Admin != "root" {
		t.Errorf("the audit is %+v, %v", entries, err)
	}
}
