package web

import (
	"cmp"
	"context"
	"net/http"
	"net/url"
	"strconv"
	"unicode/utf8"

	"github.com/go-chi/chi/v5"

	"github.com/gatehouse-portal/gatehouse/administration"
	"github.com/gatehouse-portal/gatehouse/identity"
	"github.com/gatehouse-portal/gatehouse/members"
	"github.com/gatehouse-portal/gatehouse/portal"
)

type historying interface {
	Page(ctx context.Context, account portal.AccountID, before int64, limit int) (entries []administration.HistoryEntry, older int64, err error)
}

const (
	historyPerPage = 50
	shownNotes     = 50
)

func (s *Web) historyRoutes(r chi.Router) {
	get(r, accountsPath+"/{account}/history", s.page(s.administrator(s.accountHistory)))
	r.Post(accountsPath+"/{account}/notes", s.page(s.administrator(s.addNote)))
}

type historyPage struct {
	adminAccountPage
	Entries []historyLine
	// Latest leads to the first page; it is "" on that page.
	Latest, Older string
}

// historyLine is a fact of the journal: what, who and why.
type historyLine struct {
	What string
	// Type is the type of the fact, for operators.
	Type      string
	At        moment
	By        personLink
	Plan      string
	Key       portal.KeyID
	Why       string
	Operation string
}

// accountHistory lists the facts about an account, the latest first.
func (s *Web) accountHistory(w http.ResponseWriter, r *http.Request, id identity.Identity) error {
	before := int64(0)
	if text := r.URL.Query().Get("before"); text != "" {
		var err error
		if before, err = strconv.ParseInt(text, 10, 64); err != nil || before < 1 {
			return errNothing
		}
	}
	account, _, err := s.theAccount(r, id)
	if err != nil {
		return err
	}
	entries, older, err := s.admin.History.Page(r.Context(), account.ID, before, historyPerPage)
	if err != nil {
		return err
	}
	body := historyPage{adminAccountPage: account}
	if body.Entries, err = s.historyLines(r, entries); err != nil {
		return err
	}
	path := escapedPath("admin", "accounts", account.ID) + "/history"
	if before > 0 {
		body.Latest = path
	}
	if older > 0 {
		body.Older = withQuery(path, url.Values{"before": {strconv.FormatInt(older, 10)}})
	}
	s.render(w, r, http.StatusOK, adminView("admin-history", "History of "+account.Person, tabAccounts, body))
	return nil
}

func (s *Web) historyLines(r *http.Request, entries []administration.HistoryEntry) ([]historyLine, error) {
	shelf, err := s.shelf(r)
	if err != nil {
		return nil, err
	}
	var ids []portal.AccountID
	for _, entry := range entries {
		by, _ := entry.Actor.Account()
		ids = append(ids, by)
	}
	names, err := s.namesOf(r.Context(), ids)
	if err != nil {
		return nil, err
	}
	when, offered := s.times(r.Context()), offersIn(shelf.Products)
	lines := make([]historyLine, 0, len(entries))
	for _, entry := range entries {
		by, _ := entry.Actor.Account()
		line := historyLine{
			What: entry.Title(), Type: entry.What, At: when.moment(entry.At), Key: entry.Key, Why: entry.WhyText(),
			By: personLink{by, cmp.Or(names[by], actorText(entry.Actor))},
		}
		if entry.Plan != "" {
			line.Plan = cmp.Or(offered[entry.Plan].Plan.Name, string(entry.Plan))
		}
		if entry.Operation != "" {
			line.Operation = escapedPath("admin", "operations", entry.Operation)
		}
		lines = append(lines, line)
	}
	return lines, nil
}

// noteLine is what an admin or an operator wrote down about an account.
type noteLine struct {
	At   moment
	By   personLink
	Text string
}

// notesOf returns the latest notes; more: there are older ones.
func (s *Web) notesOf(r *http.Request, account portal.AccountID) (lines []noteLine, more bool, err error) {
	notes, next, err := s.admin.Members.Notes(r.Context(), account, "", shownNotes)
	if err != nil {
		return nil, false, err
	}
	var ids []portal.AccountID
	for _, note := range notes {
		ids = append(ids, note.Admin)
	}
	names, err := s.namesOf(r.Context(), ids)
	when := s.times(r.Context())
	for _, note := range notes {
		lines = append(lines, noteLine{when.moment(note.At), personLink{note.Admin, cmp.Or(names[note.Admin], note.Operator)}, note.Text})
	}
	return lines, next != "", err
}

// addNote stores a note. A form that is sent twice stores it twice.
func (s *Web) addNote(w http.ResponseWriter, r *http.Request, id identity.Identity) error {
	if _, err := s.readForm(w, r, id); err != nil {
		return err
	}
	name, err := param(r, "account")
	if err != nil {
		return err
	}
	text := r.PostForm.Get("text")
	if !utf8.ValidString(text) {
		return portal.Fail(portal.Invalid, "The note is not text.")
	}
	if _, err := s.admin.Members.AddNote(r.Context(), members.By{Admin: id.Account}, portal.AccountID(name), text); err != nil {
		return err
	}
	http.Redirect(w, r, escapedPath("admin", "accounts", name)+"#notes", http.StatusSeeOther)
	return nil
}
