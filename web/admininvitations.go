package web

import (
	"cmp"
	"context"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/go-chi/chi/v5"
	"golang.org/x/sync/errgroup"

	"github.com/gatehouse-portal/gatehouse/administration"
	"github.com/gatehouse-portal/gatehouse/identity"
	"github.com/gatehouse-portal/gatehouse/members"
	"github.com/gatehouse-portal/gatehouse/notices"
	"github.com/gatehouse-portal/gatehouse/portal"
)

type inviting interface {
	Invite(ctx context.Context, by members.By, addresses []string) ([]administration.Invited, error)
	Resend(ctx context.Context, by members.By, id string) (administration.Invited, error)
}

type guestList interface {
	Invitation(ctx context.Context, id string) (members.Invitation, error)
	Invitations(ctx context.Context, state, after string, limit int) ([]members.Invitation, string, error)
	RevokeInvitation(ctx context.Context, by members.By, id string) error
}

type invitationMails interface {
	InvitationMail(ctx context.Context, i members.Invitation) (delivery notices.Delivery, ok bool, err error)
}

// Invitations is what the page of invitations needs.
type Invitations struct {
	Desk  inviting
	List  guestList
	Mails invitationMails
	// Needed says that only invited people register, Mailed that this portal sends mail.
	Needed, Mailed bool
}

const (
	invitationsPath    = adminPath + "/invitations"
	invitationsPerPage = 25
	allInvitations     = "all"
)

func (s *Web) invitationRoutes(r chi.Router) {
	get(r, invitationsPath, s.page(s.administrator(s.invitations)))
	r.Post(invitationsPath, s.page(s.administrator(s.invite)))
	r.Post(invitationsPath+"/{invitation}/resend", s.page(s.administrator(s.resendInvitation)))
	r.Post(invitationsPath+"/{invitation}/remove", s.page(s.administrator(s.removeInvitation)))
}

type invitationsPage struct {
	Needed, Mailed bool
	SignUp         string
	// Text is what the admin entered, Error why it is refused.
	Text, Error string
	Most        int
	// Done says what came of the form that led here.
	Done   string
	State  string
	States []tab
	// Query is the address that the page looks for.
	Query string
	Lines []invitationLine
	First bool
	Next  string
}

type invitationLine struct {
	ID, Email        string
	Badge            badge
	Mail             phrase
	By, UsedBy       personLink
	Invited, Expires moment
	Used             moment
	Open             bool
	Resend, Remove   string
}

func (s *Web) invitations(w http.ResponseWriter, r *http.Request, _ identity.Identity) error {
	body := invitationsPage{}
	switch r.URL.Query().Get("done") {
	case "resent":
		body.Done = "The invitation is open for another 14 days."
		if s.admin.Invitations.Mailed {
			body.Done += " Another mail is on its way."
		}
	case "lately":
		body.Done = "The invitation was sent less than a minute ago, so it was not sent again."
	case "removed":
		body.Done = "The invitation is removed. A mail that was not sent yet is not sent any more."
	}
	return s.renderInvitations(w, r, http.StatusOK, body)
}

func (s *Web) renderInvitations(w http.ResponseWriter, r *http.Request, status int, body invitationsPage) error {
	query := r.URL.Query()
	body.State, body.Query = cmp.Or(query.Get("state"), members.InvitationOpen), strings.TrimSpace(query.Get("q"))
	after := query.Get("after")
	if len(body.Query) > maxFilter || len(after) > maxID || !utf8.ValidString(body.Query+after) || !slices.Contains(invitationStates(), body.State) {
		return errNothing
	}
	body.Needed, body.Mailed, body.Most = s.admin.Invitations.Needed, s.admin.Invitations.Mailed, administration.MaxInvited
	body.SignUp, body.First = s.baseURL+"/sign-up", after == ""
	for _, state := range invitationStates() {
		body.States = append(body.States, tab{link{sentence(state), withQuery(invitationsPath, url.Values{"state": {state}})}, body.Query == "" && state == body.State})
	}
	found, next, err := s.foundInvitations(r.Context(), body.State, body.Query, after)
	if err != nil {
		return err
	}
	if next != "" {
		body.Next = withQuery(invitationsPath, url.Values{"state": {body.State}, "after": {next}})
	}
	if body.Lines, err = s.invitationLines(r, found); err != nil {
		return err
	}
	s.render(w, r, status, adminView("admin-invitations", "Invitations", tabInvitations, body))
	return nil
}

func invitationStates() []string {
	return []string{members.InvitationOpen, members.InvitationUsed, members.InvitationExpired, allInvitations}
}

// foundInvitations are those of an address, or a page of those in a state.
func (s *Web) foundInvitations(ctx context.Context, state, email, after string) ([]members.Invitation, string, error) {
	if email != "" {
		found, err := s.admin.Invitations.List.Invitation(ctx, members.InvitationID(email))
		if portal.CodeOf(err) == portal.NotFound {
			return nil, "", nil
		}
		return []members.Invitation{found}, "", err
	}
	if state == allInvitations {
		state = ""
	}
	return s.admin.Invitations.List.Invitations(ctx, state, after, invitationsPerPage)
}

func (s *Web) invitationLines(r *http.Request, found []members.Invitation) ([]invitationLine, error) {
	lines, when := make([]invitationLine, len(found)), s.times(r.Context())
	var ids []portal.AccountID
	for _, one := range found {
		ids = append(ids, one.InvitedBy, one.UsedBy)
	}
	names, err := s.namesOf(r.Context(), ids)
	if err != nil {
		return nil, err
	}
	group, within := errgroup.WithContext(r.Context())
	group.SetLimit(atOnce)
	for i, one := range found {
		group.Go(portal.Guard(func() error {
			mail, asked, err := s.admin.Invitations.Mails.InvitationMail(within, one)
			lines[i] = when.invitationLine(one, names)
			lines[i].Mail = when.mailWords(mail, asked)
			return err
		}))
	}
	return lines, group.Wait()
}

func (when times) invitationLine(i members.Invitation, names map[portal.AccountID]string) invitationLine {
	path := escapedPath("admin", "invitations", i.ID)
	line := invitationLine{
		ID: i.ID, Email: i.Email, By: personLink{i.InvitedBy, cmp.Or(names[i.InvitedBy], i.Operator)}, Invited: when.moment(i.InvitedAt),
		Expires: when.moment(i.Expires), Used: when.moment(i.UsedAt), Resend: path + "/resend", Remove: path + "/remove",
	}
	switch i.State(when.now) {
	case members.InvitationOpen:
		line.Badge, line.Open = badge{"busy", "clock", "Open"}, true
		line.Expires.Relative = when.until(i.Expires)
	case members.InvitationUsed:
		line.Badge, line.UsedBy = badge{"ok", "check", "Used"}, personLink{i.UsedBy, names[i.UsedBy]}
	default:
		line.Badge = badge{"quiet", "minus", "Expired"}
	}
	return line
}

// mailWords say what came of an invitation's mail.
func (when times) mailWords(mail notices.Delivery, asked bool) phrase {
	if !asked {
		return phrase{plain("No mail was sent.")}
	}
	var last notices.Attempt
	if n := len(mail.Attempts); n > 0 {
		last = mail.Attempts[n-1]
	}
	switch {
	case mail.State == notices.Delivered:
		return phrase{plain("The mail was handed to the mail service on "), when.at(last.At), plain(".")}
	case mail.State == notices.Failed:
		return phrase{plain("The mail was not sent. " + last.Error)}
	case last.Error != "":
		return phrase{plain("The mail is retried. The last attempt failed: " + last.Error)}
	}
	return phrase{plain("The mail is on its way.")}
}

type invitedPage struct {
	Lines  []invitedLine
	Number string
	// Failed is how many addresses were not invited.
	Failed int
	Mailed bool
	SignUp string
}

type invitedLine struct {
	Address, Detail string
	Badge           badge
}

// invite invites each address of the form, and says what came of it. Sending the form again within a
// minute sends no second mail.
func (s *Web) invite(w http.ResponseWriter, r *http.Request, id identity.Identity) error {
	if _, err := s.readForm(w, r, id); err != nil {
		return err
	}
	text := r.PostForm.Get("emails")
	invited, err := s.admin.Invitations.Desk.Invite(r.Context(), members.By{Admin: id.Account}, administration.Addresses(text))
	if portal.CodeOf(err) == portal.Invalid {
		return s.renderInvitations(w, r, s.status(err), invitationsPage{Text: text, Error: portal.MessageOf(err)})
	}
	if err != nil {
		return err
	}
	body := invitedPage{Mailed: s.admin.Invitations.Mailed, SignUp: s.baseURL + "/sign-up"}
	for _, one := range invited {
		if one.Err != nil {
			body.Failed++
		}
		body.Lines = append(body.Lines, invitedLineOf(one))
	}
	body.Number = strconv.Itoa(len(invited)-body.Failed) + " of " + strconv.Itoa(len(invited))
	s.render(w, r, http.StatusOK, adminView("admin-invited", "Invited", tabInvitations, body))
	return nil
}

func invitedLineOf(one administration.Invited) invitedLine {
	switch {
	case one.Err != nil:
		return invitedLine{one.Address, portal.MessageOf(one.Err), badge{"bad", "cross", "Not invited"}}
	case one.Lately:
		return invitedLine{one.Address, "It was invited less than a minute ago, so nothing was done.", badge{"quiet", "minus", "Invited before"}}
	case one.Again():
		return invitedLine{one.Address, "It was invited before. The invitation is open for another 14 days.", badge{"ok", "check", "Invited again"}}
	}
	return invitedLine{one.Address, "The invitation is open for 14 days.", badge{"ok", "check", "Invited"}}
}

func (s *Web) resendInvitation(w http.ResponseWriter, r *http.Request, id identity.Identity) error {
	invitation, err := s.readInvitationForm(w, r, id)
	if err != nil {
		return err
	}
	sent, err := s.admin.Invitations.Desk.Resend(r.Context(), members.By{Admin: id.Account}, invitation)
	if err != nil {
		return err
	}
	done := "resent"
	if sent.Lately {
		done = "lately"
	}
	http.Redirect(w, r, withQuery(invitationsPath, url.Values{"done": {done}}), http.StatusSeeOther)
	return nil
}

// removeInvitation answers a second form like the first.
func (s *Web) removeInvitation(w http.ResponseWriter, r *http.Request, id identity.Identity) error {
	invitation, err := s.readInvitationForm(w, r, id)
	if err != nil {
		return err
	}
	err = s.admin.Invitations.List.RevokeInvitation(r.Context(), members.By{Admin: id.Account}, invitation)
	if err != nil && portal.CodeOf(err) != portal.NotFound {
		return err
	}
	http.Redirect(w, r, withQuery(invitationsPath, url.Values{"done": {"removed"}}), http.StatusSeeOther)
	return nil
}

func (s *Web) readInvitationForm(w http.ResponseWriter, r *http.Request, id identity.Identity) (string, error) {
	if _, err := s.readForm(w, r, id); err != nil {
		return "", err
	}
	return param(r, "invitation")
}
