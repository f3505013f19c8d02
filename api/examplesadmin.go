package api

import (
	"net/http"
	"time"

	"github.com/gatehouse-portal/gatehouse/portal"
)

const exampleAccount = "01m7x8a0b1c2d3e4f5g6h7j8km"

func exampleAdminAccount() AdminAccount {
	return AdminAccount{
		Account: exampleAccount, Status: "suspended", Message: "Unpaid bills.", Email: "ada@example.com", Verified: true, Name: "Ada Lovelace", RegisteredAt: &exampleTime,
	}
}

func exampleInvitation() Invitation {
	return Invitation{ID: exampleKey, Email: "grace@example.com", InvitedBy: exampleAccount, InvitedAt: exampleTime, ExpiresAt: exampleTime.Add(14 * 24 * time.Hour)}
}

// adminAnswers are the examples of successful responses of the routes for admins.
func adminAnswers() map[string]any {
	return map[string]any{
		"admin-list-accounts": List[AdminAccount]{Items: []AdminAccount{exampleAdminAccount()}},
		"admin-get-account": AdminAccountDetail{
			AdminAccount: exampleAdminAccount(), Keys: []Key{{ID: exampleKey, Name: "Default key", State: "blocked", CreatedAt: &exampleTime}},
			Subscriptions: []Subscription{{Plan: examplePlan, Name: "Free", Offered: true, State: "active", Since: exampleTime}},
			Activity:      []ActivityLine{{At: exampleTime, Text: "The operator of this portal suspended the account: Unpaid bills."}},
		},
		"admin-suspend":              exampleOf("AccountSuspensionRequested", "accepted"),
		"admin-reinstate":            exampleOf("AccountReinstatementRequested", "accepted"),
		"admin-delete-account":       exampleOf("AccountDeletionRequested", "accepted"),
		"admin-list-registrations":   List[Registration]{Items: []Registration{{Account: exampleAccount, AskedAt: exampleTime, Email: "ada@example.com", Name: "Ada Lovelace"}}},
		"admin-approve-registration": exampleOf("RegistrationReviewRequested", "accepted"),
		"admin-deny-registration":    exampleOf("RegistrationReviewRequested", "accepted"),
		"admin-list-invitations":     List[Invitation]{Items: []Invitation{exampleInvitation()}},
		"admin-invite":               exampleInvitation(),
		"admin-list-feedback": List[AdminFeedback]{Items: []AdminFeedback{{
			ID: "001795338000000-8k3c4d5e6f", Account: exampleAccount, At: exampleTime, Topic: "documentation", Page: "/apis/harbours-v1", Text: "The example of the tides has last year's date.",
		}}},
		"admin-audit": List[Deed]{Items: []Deed{{
			At: exampleTime, Admin: exampleAccount, What: "AccountSuspensionRequested", Account: "01m7x8b0b1c2d3e4f5g6h7j8kn", Operation: exampleOperation,
		}}},
	}
}

var (
	onlyAdmins = map[int]expected{http.StatusForbidden: {portal.Forbidden, "The person is not an admin, or a browser sent the request from a page on another site.", "Only an admin of this portal may do this."}}
	noAccount  = map[int]expected{http.StatusNotFound: {portal.NotFound, "There is no such account.", "There is no such account."}}
	notMine    = map[int]expected{http.StatusConflict: {portal.Conflict, "It is the admin's own account.", "This is your own account. Another admin has to do that."}}
	notInvited = map[int]expected{http.StatusNotFound: {portal.NotFound, "There is no such invitation.", "There is no such invitation. It may have expired."}}
	noAddress  = map[int]expected{http.StatusBadRequest: {portal.Invalid, "The request cannot be read, or that is no e-mail address.", "That is not an e-mail address. Send one like ada@example.com, without a name."}}
)

// adminFailures are the errors of the routes for admins.
func adminFailures() map[string][]map[int]expected {
	return map[string][]map[int]expected{
		"admin-list-accounts":        {onlyAdmins},
		"admin-get-account":          {onlyAdmins, noAccount},
		"admin-suspend":              {writing, keyed, onlyAdmins, noAccount, notMine},
		"admin-reinstate":            {writing, keyed, onlyAdmins, noAccount, notMine},
		"admin-delete-account":       {writing, keyed, onlyAdmins, noAccount, notMine},
		"admin-list-registrations":   {onlyAdmins},
		"admin-approve-registration": {writing, keyed, onlyAdmins, noAccount, notMine},
		"admin-deny-registration":    {writing, keyed, onlyAdmins, noAccount, notMine},
		"admin-promote":              {writing, onlyAdmins, notMine},
		"admin-demote":               {writing, onlyAdmins, noAccount, notMine},
		"admin-list-invitations":     {onlyAdmins},
		"admin-invite":               {writing, onlyAdmins, noAddress},
		"admin-revoke-invitation":    {writing, onlyAdmins, notInvited},
		"admin-list-feedback":        {onlyAdmins},
		"admin-audit":                {onlyAdmins},
	}
}
