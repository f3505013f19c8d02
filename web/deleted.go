package web

import (
	"net/http"
	"slices"
	"strings"

	"github.com/gatehouse-portal/gatehouse/identity"
	"github.com/gatehouse-portal/gatehouse/portal"
	"github.com/gatehouse-portal/gatehouse/projections"
)

const deletedPath = accountPath + "/deleted"

type deletedPage struct {
	SignIn string
	// Billed: the reader has purchases that AWS bills. It is false for readers who are not signed in.
	Billed  bool
	Cancels link
}

// accountDeleted reads nothing for people who are not signed in, so it does not reveal whether the reader ever had an account. People
// who are signed in see what deleting theirs would delete.
func (s *Web) accountDeleted(w http.ResponseWriter, r *http.Request) error {
	title := "Your account is deleted"
	body := deletedPage{SignIn: signIn(identity.HomePath), Cancels: s.market.atAWS()}
	if id, ok := identity.From(r.Context()); ok {
		title = "What deleting your account means"
		held, err := s.views.Account(r.Context(), id.Account)
		if err != nil {
			return err
		}
		body.Billed = slices.ContainsFunc(held.Licences, projections.Licence.Billed)
	}
	s.render(w, r, http.StatusOK, view{page: "account-deleted", Title: title, Private: true, Body: body})
	return nil
}

// afterDeletion serves a members' page to the browser of a deleted account: the operation that
// deleted it, or else the page that says so. done is false for other browsers.
func (s *Web) afterDeletion(w http.ResponseWriter, r *http.Request) (done bool, err error) {
	account, ok, err := s.deleted(r)
	if err != nil || !ok {
		return false, err
	}
	if strings.HasPrefix(r.URL.Path, "/operations/") {
		if shown, err := s.deletion(w, r, account); shown || err != nil {
			return true, err
		}
	}
	if isFragment(r) {
		return false, nil
	}
	http.Redirect(w, r, deletedPath, http.StatusSeeOther)
	return true, nil
}

// deletion shows the operation that deleted the account. shown is false for any other operation.
func (s *Web) deletion(w http.ResponseWriter, r *http.Request, account portal.AccountID) (shown bool, err error) {
	name, err := param(r, "operation")
	if err != nil {
		return false, err
	}
	operation, err := s.operations.Find(r.Context(), account, portal.OperationID(name))
	if portal.CodeOf(err) == portal.NotFound || err == nil && operation.Type != typeDeleteAccount {
		return false, nil
	}
	if err != nil {
		return false, err
	}
	body := s.times(r.Context()).operationPage(operation, "", present{})
	body.SignedOut = true
	if isFragment(r) {
		s.execute(w, r, http.StatusOK, "operation", "progress", body)
		return true, nil
	}
	s.render(w, r, http.StatusOK, view{page: "operation", Title: body.Title, Refresh: body.Open, Private: true, Body: body})
	return true, nil
}
