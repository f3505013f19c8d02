package api

import (
	"net/http"
	"time"

	"github.com/gatehouse-portal/gatehouse/members"
	"github.com/gatehouse-portal/gatehouse/portal"
)

const exampleAccount = "01m7x8a0b1c2d3e4f5g6h7j8km"

func exampleAdminAccount() AdminAccount {
	return AdminAccount{
		Account: exampleAccount, Status: "suspended", Message: "Unpaid bills.", Email: "ada@example.com", Verified: true, Name: "Ada Lovelace", RegisteredAt: &exampleTime,
	}
}

func exampleNote() Note {
	return Note{ID: "001795338000000-4k3c4d5e6f", At: exampleTime, Admin: exampleAccount, Text: "Asked for a higher quota by phone."}
}

func exampleFeedback(done bool) AdminFeedback {
	said := AdminFeedback{
		ID: "001795338000000-8k3c4d5e6f", Account: exampleAccount, At: exampleTime, Topic: "documentation", Page: "/apis/harbours-v1",
		Text: "The example of the tides has last year's date.", Email: "ada@example.com", Name: "Ada Lovelace",
	}
	if done {
		at := exampleTime.Add(time.Hour)
		said.DoneAt, said.DoneBy = &at, exampleAccount
	}
	return said
}

func exampleProducts() AdminProducts {
	return AdminProducts{
		ReadAt: &exampleTime, Folder: "s3://acme-portal/catalog",
		Sources: []CatalogSource{{"API Gateway", "read", &exampleTime}, {"catalog folder", "read", &exampleTime}},
		Items: []AdminProduct{{
			ID: "harbours-v1", Name: "Harbours", Visibility: "groups", Groups: []string{"partners"}, File: "harbours/product.yaml",
			Change: "Its name, visibility, plans and their approval are set in harbours/product.yaml of the catalog folder s3://acme-portal/catalog.",
			Plans:  []AdminPlan{{ID: examplePlan, Name: "Free", Approval: "automatic"}},
			Problems: []CatalogProblem{{
				Where: "harbours/product.yaml", Line: 12, Text: `API Gateway has no usage plan "Harbours Plus" in this AWS account and Region. Correct the name or id, or remove the plan.`,
			}},
		}},
		Problems:   []CatalogProblem{},
		NotOffered: []NotOfferedPlan{{"k7x2ab", "Internal", "It lacks the tag gatehouse:offer=true, and no product folder names it."}},
	}
}

func exampleInvited() InvitedAddresses {
	invited := exampleInvitation()
	invited.Mail = "pending"
	return InvitedAddresses{Items: []InvitedAddress{
		{Email: invited.Email, Outcome: "invited", Invitation: &invited},
		{Email: "ada@", Outcome: "not_invited", Code: string(portal.Invalid), Detail: "That is not an e-mail address. Send one like ada@example.com, without a name."},
	}}
}

func exampleInvitation() Invitation {
	return Invitation{ID: exampleKey, Email: "grace@example.com", InvitedBy: exampleAccount, InvitedAt: exampleTime, State: "open", ExpiresAt: exampleTime.Add(14 * 24 * time.Hour), Needed: true, Mail: "delivered"}
}

const exampleAuditCSV = "at,admin,operator,what,account,operation,plan,plan_name,answer,count,choice,reason\r\n" +
	"2026-11-22T09:00:00Z," + exampleAccount + ",,AccountSuspensionRequested,01m7x8b0b1c2d3e4f5g6h7j8kn," + exampleOperation + ",,,,,,\r\n"

func adminAnswers() map[string]any {
	return map[string]any{
		"admin-overview":             exampleOverview(),
		"admin-list-dead-letters":    exampleLetters(),
		"admin-get-dead-letter":      exampleLetterDetail(),
		"admin-replay-dead-letters":  LetterOrder{Order: "001795338000000-8k3c4d5e6f", Letters: 3100},
		"admin-discard-dead-letters": LetterOrder{Order: "001795338000000-8k3c4d5e6f", Letters: 1},
		"admin-list-accounts":        FoundAccounts{List: List[AdminAccount]{Items: []AdminAccount{exampleAdminAccount()}}},
		"admin-get-usage":            exampleUsage(),
		"admin-get-account": AdminAccountDetail{
			AdminAccount: exampleAdminAccount(), Keys: []Key{{ID: exampleKey, Name: "Default key", Label: "Default key", State: "disabled", CreatedAt: &exampleTime}},
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
		"admin-resend-invitation":    exampleInvitation(),
		"admin-invite-list":          exampleInvited(),
		"admin-sync-catalog":         exampleOf("CatalogSyncRequested", "accepted"),
		"admin-list-products":        exampleProducts(),
		"admin-promote":              exampleOf("AdminPromotionRequested", "accepted"),
		"admin-demote":               exampleOf("AdminDemotionRequested", "accepted"),
		"admin-list-usage": EverybodysUsage{
			Start: exampleUsage().Start, End: exampleUsage().End, Items: []AccountUsage{{exampleAccount, exampleUsage().Items[0]}},
		},
		"admin-list-feedback":   List[AdminFeedback]{Items: []AdminFeedback{exampleFeedback(false)}},
		"admin-mark-feedback":   exampleFeedback(true),
		"admin-reopen-feedback": exampleFeedback(false),
		"admin-list-notes":      List[Note]{Items: []Note{exampleNote()}},
		"admin-add-note":        exampleNote(),
		"admin-account-history": List[HistoryEntry]{Items: []HistoryEntry{{
			Sequence: 41, At: exampleTime, What: "AccountSuspended", Title: "Account suspended", By: exampleAccount, Why: "Please call us.", WhyText: "Please call us.", Operation: exampleOperation,
		}}},
		"admin-view-account": Viewing{Account: exampleAccount, BeganAt: exampleTime, EndsAt: exampleTime.Add(members.MaxViewing)},
		"admin-export-account": map[string]any{
			"account": exampleAccount, "exported_at": exampleTime, "feedback": []any{},
		},
		"admin-get-operation": AdminOperation{
			Operation: exampleOf("AccountSuspensionRequested", "accepted"), By: exampleAccount, Account: "01m7x8b0b1c2d3e4f5g6h7j8kn",
		},
		"admin-audit": List[AuditEntry]{Items: []AuditEntry{{
			At: exampleTime, Admin: exampleAccount, What: "AccountSuspensionRequested", Account: "01m7x8b0b1c2d3e4f5g6h7j8kn", Operation: exampleOperation,
		}, {
			At: exampleTime, Admin: exampleAccount, What: "SubscriptionReviewRequested", Account: "01m7x8b0b1c2d3e4f5g6h7j8kn", Operation: exampleOperation,
			Plan: examplePlan, PlanName: "Free", Answer: "approved",
		}, {
			At: exampleTime, What: "KeysReconciled", Operator: "ops@bastion", Count: 3,
		}}},
		"admin-drift": Drift{
			Began: &exampleTime, Ended: &exampleTime, Keys: 2140, Others: 12, Kinds: []KindCount{{"attachment_missing", 1}},
			Items: []Difference{{Kind: "attachment_missing", Mending: "mend", Account: exampleAccount, Key: exampleKey, GatewayID: "a1b2c3d4e5", Plan: examplePlan}},
			Run:   JobRun{StartedAt: &exampleTime, EndedAt: &exampleTime},
		},
		"admin-list-banners":       List[Banner]{Items: []Banner{exampleBanner()}},
		"admin-get-banner":         exampleBanner(),
		"admin-add-banner":         exampleBanner(),
		"admin-change-banner":      exampleBanner(),
		"admin-end-banner":         exampleBanner(),
		"admin-list-licences":      exampleLicences(),
		"admin-get-licence":        exampleLicenceDetail(),
		"admin-list-usage-records": List[UsageRecord]{Items: []UsageRecord{exampleRecord()}},
		"admin-reconcile-licences": JobRun{UnderWay: true, StartedAt: &exampleTime, EndedAt: &exampleTime},
		"admin-resend-usage":       UsageResend{Records: 1, Requests: 17},
		"admin-correct-licence":    exampleCorrection(),
		"admin-compare-drift":      JobRun{UnderWay: true, StartedAt: &exampleTime, EndedAt: &exampleTime},
	}
}

var (
	onlyAdmins       = map[int]expected{http.StatusForbidden: {portal.Forbidden, "The person is not an admin, or a browser sent the request from a page on another site.", "Only an admin of this portal may do this."}}
	noAccount        = map[int]expected{http.StatusNotFound: {portal.NotFound, "There is no such account.", "There is no such account."}}
	ownAccount       = map[int]expected{http.StatusConflict: {portal.Conflict, "It is the admin's own account.", "This is your own account. Another admin has to do that."}}
	ownAccountViewed = map[int]expected{http.StatusConflict: {portal.Conflict, "It is the admin's own account, or they began a view elsewhere at the same moment. The detail says which.", "This is your own account. You see it anyway."}}
	notViewed        = map[int]expected{http.StatusNotFound: {portal.NotFound, "The admin does not view the account.", "You are not viewing this account. The view may have ended already."}}
	notInvited       = map[int]expected{http.StatusNotFound: {portal.NotFound, "There is no such invitation.", "There is no such invitation. It may have expired."}}
	wasInvited       = map[int]expected{http.StatusConflict: {portal.Conflict, "The person has used an invitation, or another admin has invited them a moment ago. The detail says which.", "The person with this address has used an invitation already, and has an account."}}
	wasUsed          = map[int]expected{http.StatusConflict: {portal.Conflict, "The invitation was used.", "The invitation was used. Suspend or delete the account instead."}}
	badDays          = map[int]expected{http.StatusBadRequest: {portal.Invalid, "A day cannot be read, the days are the wrong way round, or there are more than 366. The detail says which.", "The first day, 2026-11-10, comes after the last, 2026-11-01. Swap them."}}
	badAuditPage     = map[int]expected{http.StatusBadRequest: {portal.Invalid, "The cursor is from a list with another from or to.", "This page of the audit does not exist. Start with the first."}}
	noFeedback       = map[int]expected{http.StatusNotFound: {portal.NotFound, "There is no such feedback.", "There is no such feedback. The account may have been deleted."}}
	noLetter         = map[int]expected{http.StatusNotFound: {portal.NotFound, "There is no such dead letter.", "There is no dead letter 01m7x8a0b1c2d3e4f5g6h7j8km."}}
	noneFits         = map[int]expected{http.StatusConflict: {portal.Conflict, "No open letter matches, or this one cannot be replayed or discarded. The detail says which.", "No open dead letter matches. Another admin may already have handled it."}}
	badChoice        = map[int]expected{http.StatusBadRequest: {portal.Invalid, "The request cannot be read, or it does not say which letters are meant, or it gives no reason.", "Name a letter, give filters, or set all to true and give no filter."}}
	badAddress       = map[int]expected{http.StatusBadRequest: {portal.Invalid, "The request cannot be read, or that is no e-mail address.", "That is not an e-mail address. Send one like ada@example.com, without a name."}}
)

func adminFailures() map[string][]map[int]expected {
	return map[string][]map[int]expected{
		"admin-list-accounts":        {onlyAdmins},
		"admin-get-account":          {onlyAdmins, noAccount},
		"admin-get-usage":            {onlyAdmins, noUsage, {http.StatusNotFound: {portal.NotFound, "There is no such account, or it never had such a plan or key.", "The account has never had such a plan or key."}}},
		"admin-suspend":              {writing, keyed, onlyAdmins, noAccount, ownAccount},
		"admin-reinstate":            {writing, keyed, onlyAdmins, noAccount, ownAccount},
		"admin-delete-account":       {writing, keyed, onlyAdmins, noAccount, ownAccount},
		"admin-list-registrations":   {onlyAdmins},
		"admin-approve-registration": {writing, keyed, onlyAdmins, noAccount, ownAccount},
		"admin-deny-registration":    {writing, keyed, onlyAdmins, noAccount, ownAccount},
		"admin-promote":              {writing, keyed, onlyAdmins, noAccount, ownAccount},
		"admin-demote":               {writing, keyed, onlyAdmins, noAccount, ownAccount},
		"admin-list-usage":           {onlyAdmins, badDays},
		"admin-list-invitations":     {onlyAdmins},
		"admin-invite":               {writing, onlyAdmins, badAddress, wasInvited},
		"admin-resend-invitation":    {writing, onlyAdmins, notInvited, wasInvited},
		"admin-invite-list":          {writing, onlyAdmins},
		"admin-revoke-invitation":    {writing, onlyAdmins, notInvited, wasUsed},
		"admin-list-feedback":        {onlyAdmins},
		"admin-mark-feedback":        {writing, onlyAdmins, noFeedback},
		"admin-reopen-feedback":      {writing, onlyAdmins, noFeedback},
		"admin-list-products":        {onlyAdmins},
		"admin-sync-catalog":         {writing, keyed, onlyAdmins},
		"admin-audit":                {onlyAdmins, badAuditPage},
		"admin-get-operation":        {onlyAdmins, noOperation},
		"admin-list-notes":           {onlyAdmins, noAccount},
		"admin-add-note":             {writing, onlyAdmins, noAccount},
		"admin-account-history":      {onlyAdmins, noAccount},
		"admin-export-account":       {onlyAdmins, noAccount},
		"admin-view-account":         {writing, onlyAdmins, noAccount, ownAccountViewed},
		"admin-stop-viewing":         {writing, onlyAdmins, notViewed},
		"admin-drift":                {onlyAdmins},
		"admin-compare-drift":        {writing, onlyAdmins},
		"admin-list-banners":         {onlyAdmins},
		"admin-get-banner":           {onlyAdmins, noBanner},
		"admin-add-banner":           {writing, onlyAdmins, badBanner, tooManyBanners},
		"admin-change-banner":        {writing, onlyAdmins, noBanner, badBanner, bannerConflict},
		"admin-end-banner":           {writing, onlyAdmins, noBanner, notBegun},
		"admin-delete-banner":        {writing, onlyAdmins, noBanner},
		"admin-list-licences":        {onlyAdmins, badState},
		"admin-get-licence":          {onlyAdmins, noLicence},
		"admin-list-usage-records":   {onlyAdmins, noLicence},
		"admin-reconcile-licences":   {writing, onlyAdmins, notCompared},
		"admin-resend-usage":         {writing, onlyAdmins, noLicence, nothingAgain},
		"admin-correct-licence":      {writing, onlyAdmins, noLicence, badNames, otherLicence},
		"admin-overview":             {onlyAdmins},
		"admin-list-dead-letters":    {onlyAdmins},
		"admin-get-dead-letter":      {onlyAdmins, noLetter},
		"admin-replay-dead-letters":  {writing, onlyAdmins, noLetter, noneFits, badChoice},
		"admin-discard-dead-letters": {writing, onlyAdmins, noLetter, noneFits, badChoice},
	}
}
