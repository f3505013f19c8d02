package web

import (
	"cmp"
	"context"
	"net/http"
	"net/url"
	"strings"
	"unicode/utf8"

	"golang.org/x/sync/errgroup"

	"github.com/gatehouse-portal/gatehouse/administration"
	"github.com/gatehouse-portal/gatehouse/identity"
	"github.com/gatehouse-portal/gatehouse/members"
	"github.com/gatehouse-portal/gatehouse/operations"
	"github.com/gatehouse-portal/gatehouse/portal"
	"github.com/gatehouse-portal/gatehouse/projections"
)

type directory interface {
	Accounts(ctx context.Context, cursor string, limit int32) (projections.AccountsPage, error)
	OwnerOf(ctx context.Context, key portal.KeyID) (portal.AccountID, error)
}

type administering interface {
	Suspend(ctx context.Context, admin operations.Caller, account portal.AccountID, message string, byGroup bool) (operations.Operation, error)
	Reinstate(ctx context.Context, admin operations.Caller, account portal.AccountID) (operations.Operation, error)
	Promote(ctx context.Context, admin operations.Caller, account portal.AccountID) (operations.Operation, error)
	Demote(ctx context.Context, admin operations.Caller, account portal.AccountID, byGroup bool) (operations.Operation, error)
	DeleteOther(ctx context.Context, admin operations.Caller, account portal.AccountID, byGroup bool) (operations.Operation, error)
}

type memberKeeping interface {
	Promoted(ctx context.Context, account portal.AccountID) (bool, error)
	AddNote(ctx context.Context, by members.By, account portal.AccountID, text string) (members.Note, error)
	Notes(ctx context.Context, account portal.AccountID, before string, limit int) ([]members.Note, string, error)
}

type auditing interface {
	Audit(ctx context.Context, filter members.AuditFilter, before string, limit int) ([]members.AuditEntry, string, error)
}

const (
	accountsPath    = adminPath + "/accounts"
	accountsPerPage = 25
	maxFoundPeople  = 50
	shownEntries    = 50
)

type accountsPage struct {
	Query string
	Lines []accountLine
	First bool
	Next  string
	// More: a search fits further accounts.
	More bool
}

type accountLine struct {
	ID            portal.AccountID
	Person, Email string
	Badge         badge
	Registered    moment
}

// accounts lists accounts, or finds them by an account id, a key's id, or the beginning of an e-mail
// address or of a word of a name.
func (s *Web) accounts(w http.ResponseWriter, r *http.Request, _ identity.Identity) error {
	query, cursor := strings.TrimSpace(r.URL.Query().Get("q")), r.URL.Query().Get("after")
	if len(query) > maxFilter || len(cursor) > maxID || !utf8.ValidString(query+cursor) {
		return portal.Fail(portal.Invalid, "The search is too long, or not text.")
	}
	body := accountsPage{Query: query, First: cursor == ""}
	var ids []portal.AccountID
	if query != "" {
		search := administration.AccountSearch{Views: s.views, Keys: s.admin.Directory, People: s.admin.People}
		found, more, err := search.Find(r.Context(), query, maxFoundPeople)
		if err != nil {
			return err
		}
		ids, body.More = found, more
	} else {
		page, err := s.admin.Directory.Accounts(r.Context(), cursor, accountsPerPage)
		if err != nil {
			return err
		}
		for _, one := range page.Accounts {
			ids = append(ids, one.ID)
		}
		if page.Next != "" {
			body.Next = withQuery(accountsPath, url.Values{"after": {page.Next}})
		}
	}
	body.Lines = make([]accountLine, len(ids))
	when := s.times(r.Context())
	group, within := errgroup.WithContext(r.Context())
	group.SetLimit(atOnce)
	for i, id := range ids {
		group.Go(portal.Guard(func() (err error) {
			body.Lines[i], _, err = s.accountLine(within, when, id)
			return err
		}))
	}
	if err := group.Wait(); err != nil {
		return err
	}
	s.render(w, r, http.StatusOK, adminView("admin-accounts", "Accounts", tabAccounts, body))
	return nil
}

func (s *Web) accountLine(ctx context.Context, when times, id portal.AccountID) (accountLine, projections.Account, error) {
	account, err := s.views.Account(ctx, id)
	if err != nil {
		return accountLine{}, account, err
	}
	person, err := s.admin.People.Person(ctx, id)
	if err != nil && portal.CodeOf(err) != portal.NotFound {
		return accountLine{}, account, err
	}
	line := accountLine{ID: id, Person: cmp.Or(person.Name, person.Email, string(id)), Badge: accountBadge(account.Profile.Status), Registered: when.moment(account.Profile.RegisteredAt)}
	if person.Name != "" {
		line.Email = person.Email
	}
	return line, account, nil
}

func accountBadge(status string) badge {
	switch status {
	case projections.StatusRegistered:
		return badge{"ok", "check", "Registered"}
	case projections.StatusPending:
		return badge{"warn", "pause", "Awaiting approval"}
	case projections.StatusSuspended:
		return badge{"bad", "cross", "Suspended"}
	case projections.StatusDenied:
		return badge{"bad", "cross", "Denied"}
	case projections.StatusDeleting:
		return badge{"busy", "clock", "Being deleted"}
	case projections.StatusDeleted:
		return badge{"quiet", "minus", "Deleted"}
	}
	return badge{"quiet", "minus", "Not registered"}
}

type adminAccountPage struct {
	accountLine
	// Message says why the account is suspended or was denied.
	Message string
	Own     bool
	// Promoted: the owner is an admin because an admin promoted them here.
	Promoted      bool
	Offers        []standingOffer
	Subscriptions []adminSubscription
	Keys          []keyLine
	History       []activityLine
	AuditEntries  []auditLine
	MoreEntries   bool
	Notes         []noteLine
	OtherNotes    bool
	// MayNote: the account has an owner still.
	MayNote bool
	// MayView: an admin may view the account.
	MayView bool
	status  string
}

type adminSubscription struct {
	Name  string
	Plan  portal.PlanID
	Badge badge
	Since moment
}

func (s *Web) adminAccount(w http.ResponseWriter, r *http.Request, id identity.Identity) error {
	body, account, err := s.theAccount(r, id)
	if err != nil {
		return err
	}
	when := s.times(r.Context())
	for _, sub := range account.Subscriptions {
		body.Subscriptions = append(body.Subscriptions, adminSubscription{cmp.Or(sub.Name, string(sub.Plan)), sub.Plan, subscriptionBadge(sub), when.moment(sub.Since)})
	}
	body.Keys = when.keyLines(account, nil)
	history, err := s.activityAfter(r.Context(), body.ID, "")
	if err != nil {
		return err
	}
	body.History = history.Lines
	for i := range body.History { // the operations are the person's
		body.History[i].Follow = ""
	}
	entries, next, err := s.admin.Audit.Audit(r.Context(), members.AuditFilter{Subject: body.ID}, "", shownEntries)
	if err != nil {
		return err
	}
	if body.AuditEntries, err = s.auditLines(r, when, entries); err != nil {
		return err
	}
	body.MoreEntries = next != ""
	if body.Notes, body.OtherNotes, err = s.notesOf(r, body.ID); err != nil {
		return err
	}
	body.MayNote, body.MayView = body.status != projections.StatusDeleted, s.mayView(r.Context(), body)
	s.render(w, r, http.StatusOK, adminView("admin-account", "Account of "+body.Person, tabAccounts, body))
	return nil
}

// theAccount returns the account of the path. NotFound: nobody has registered it or asked for it.
func (s *Web) theAccount(r *http.Request, id identity.Identity) (adminAccountPage, projections.Account, error) {
	name, err := param(r, "account")
	if err != nil {
		return adminAccountPage{}, projections.Account{}, err
	}
	line, account, err := s.accountLine(r.Context(), s.times(r.Context()), portal.AccountID(name))
	if err != nil {
		return adminAccountPage{}, account, err
	}
	status := account.Profile.Status
	if status == projections.StatusNone {
		return adminAccountPage{}, account, portal.Fail(portal.NotFound, "There is no such account.")
	}
	body := adminAccountPage{accountLine: line, Message: account.Profile.Message, Own: line.ID == id.Account, status: status}
	if body.Promoted, err = s.admin.Members.Promoted(r.Context(), line.ID); err != nil {
		return adminAccountPage{}, account, err
	}
	body.Offers = body.offers()
	return body, account, nil
}

func (s *Web) readAccountForm(w http.ResponseWriter, r *http.Request, id identity.Identity) (operations.Caller, portal.AccountID, error) {
	caller, err := s.readForm(w, r, id)
	if err != nil {
		return caller, "", err
	}
	account, err := param(r, "account")
	return caller, portal.AccountID(account), err
}
