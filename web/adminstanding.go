package web

import (
	"fmt"
	"net/http"
	"strings"
	"unicode/utf8"

	"github.com/go-chi/chi/v5"

	"github.com/gatehouse-portal/gatehouse/identity"
	"github.com/gatehouse-portal/gatehouse/operations"
	"github.com/gatehouse-portal/gatehouse/portal"
	"github.com/gatehouse-portal/gatehouse/projections"
)

// standingOffer is a change of an account's standing that an admin may make. A page asks first.
type standingOffer struct {
	// Verb is in the path, and the name of the crumb; Button is the text of the button.
	Verb, Title, Button string
	Path                string
	Danger              bool
}

// standingChange is one kind of change, by its verb.
type standingChange struct {
	verb, title, button, done string
	danger                    bool
	may                       func(adminAccountPage) bool
}

var standingChanges = []standingChange{
	{"suspend", "Suspend", "Suspend the account", "suspended", true, func(a adminAccountPage) bool { return a.status == projections.StatusRegistered }},
	{"reinstate", "Reinstate", "Reinstate the account", "reinstated", false, func(a adminAccountPage) bool { return a.status == projections.StatusSuspended }},
	{"promote", "Promote", "Make this person an admin", "promoted", false, func(a adminAccountPage) bool { return a.status == projections.StatusRegistered && !a.Promoted }},
	{"demote", "Demote", "End the promotion", "demoted", true, func(a adminAccountPage) bool { return a.Promoted }},
	{"delete", "Delete", "Delete the account for good", "deleted", true, func(a adminAccountPage) bool {
		return a.status != projections.StatusNone && a.status != projections.StatusDeleting && a.status != projections.StatusDeleted
	}},
}

// offers are the changes that an admin may make now, none to their own account.
func (a adminAccountPage) offers() []standingOffer {
	var all []standingOffer
	for _, change := range standingChanges {
		if !a.Own && change.may(a) {
			all = append(all, change.offer(a))
		}
	}
	return all
}

func (c standingChange) offer(a adminAccountPage) standingOffer {
	return standingOffer{Verb: c.verb, Title: c.title, Button: c.button, Path: escapedPath("admin", "accounts", a.ID) + "/" + c.verb, Danger: c.danger}
}

func (s *Web) standingRoutes(r chi.Router) {
	for _, change := range standingChanges {
		path := accountsPath + "/{account}/" + change.verb
		get(r, path, s.page(s.administrator(func(w http.ResponseWriter, r *http.Request, id identity.Identity) error {
			return s.renderStanding(w, r, id, change, http.StatusOK, "")
		})))
		r.Post(path, s.page(s.administrator(func(w http.ResponseWriter, r *http.Request, id identity.Identity) error {
			return s.changeStanding(w, r, id, change)
		})))
	}
}

type standingPage struct {
	adminAccountPage
	Offer standingOffer
	// Error says what is wrong with the form; Reason and Typed are what it had.
	Error, Reason, Typed string
	// Already says why there is nothing to confirm.
	Already string
}

func (s *Web) renderStanding(w http.ResponseWriter, r *http.Request, id identity.Identity, change standingChange, status int, fault string) error {
	account, _, err := s.theAccount(r, id)
	if err != nil {
		return err
	}
	body := standingPage{
		adminAccountPage: account, Offer: change.offer(account), Error: fault,
		Reason: strings.TrimSpace(r.PostForm.Get("message")), Typed: strings.TrimSpace(r.PostForm.Get("confirmation")),
	}
	switch {
	case account.Own:
		body.Already = "This is your own account. Another admin has to do that."
	case change.verb == "demote" && !account.Promoted:
		body.Already = "This person was not promoted here. Members of the identity provider's admin group are admins until they leave the group there."
	case change.verb == "promote" && account.Promoted:
		body.Already = "This person is an admin already."
	case !change.may(account):
		body.Already = "This account cannot be " + change.done + " now. Its state is: " + account.Badge.Text + "."
	}
	s.render(w, r, status, adminView("admin-standing", change.title+" "+account.Person+"?", tabAccounts, body))
	return nil
}

// changeStanding asks a worker for the change. A suspension needs a reason, and a deletion the typed id.
func (s *Web) changeStanding(w http.ResponseWriter, r *http.Request, id identity.Identity, change standingChange) error {
	caller, account, err := s.readAccountForm(w, r, id)
	if err != nil {
		return err
	}
	message := strings.TrimSpace(r.PostForm.Get("message"))
	if fault := change.faultIn(account, message, strings.TrimSpace(r.PostForm.Get("confirmation"))); fault != "" {
		return s.renderStanding(w, r, id, change, http.StatusBadRequest, fault)
	}
	ask, ctx := s.admin.Accounts, r.Context()
	var operation operations.Operation
	switch change.verb {
	case "suspend":
		operation, err = ask.Suspend(ctx, caller, account, message, id.ByGroup)
	case "reinstate":
		operation, err = ask.Reinstate(ctx, caller, account)
	case "promote":
		operation, err = ask.Promote(ctx, caller, account)
	case "demote":
		operation, err = ask.Demote(ctx, caller, account, id.ByGroup)
	case "delete":
		operation, err = ask.DeleteOther(ctx, caller, account, id.ByGroup)
	}
	return follow(w, r, operation, err)
}

func (c standingChange) faultIn(account portal.AccountID, message, typed string) string {
	switch {
	case c.verb == "suspend" && message == "":
		return "Give a reason. The person reads it."
	case c.verb == "suspend" && utf8.RuneCountInString(message) > operations.MaxMessage:
		return fmt.Sprintf("The reason is longer than %d characters.", operations.MaxMessage)
	case c.verb == "delete" && typed != string(account):
		return "To delete the account, type its id, " + string(account) + ", into the field. Nothing was deleted."
	}
	return ""
}
