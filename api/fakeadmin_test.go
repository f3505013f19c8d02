package api_test

import (
	"cmp"
	"context"
	"fmt"
	"io"
	"net/http"
	"strings"
	"time"

	"github.com/gatehouse-portal/gatehouse/api"
	"github.com/gatehouse-portal/gatehouse/identity"
	"github.com/gatehouse-portal/gatehouse/members"
	"github.com/gatehouse-portal/gatehouse/notices"
	"github.com/gatehouse-portal/gatehouse/operations"
	"github.com/gatehouse-portal/gatehouse/portal"
	"github.com/gatehouse-portal/gatehouse/projections"
)

func (f *fake) asAdmin(what string, admin operations.Caller, account portal.AccountID, message string) (operations.Operation, error) {
	return f.operation, f.ask(what, admin, string(account)+message)
}

func (f *fake) Suspend(_ context.Context, admin operations.Caller, account portal.AccountID, message string, _ bool) (operations.Operation, error) {
	return f.asAdmin("suspend", admin, account, " "+message)
}

func (f *fake) Reinstate(_ context.Context, admin operations.Caller, account portal.AccountID) (operations.Operation, error) {
	return f.asAdmin("reinstate", admin, account, "")
}

func (f *fake) DeleteOther(_ context.Context, admin operations.Caller, account portal.AccountID, _ bool) (operations.Operation, error) {
	return f.asAdmin("delete", admin, account, "")
}

func (f *fake) ReviewRegistration(_ context.Context, admin operations.Caller, account portal.AccountID, approved bool, message string) (operations.Operation, error) {
	if approved {
		return f.asAdmin("approve", admin, account, message)
	}
	return f.asAdmin("deny", admin, account, " "+message)
}

func (f *fake) Promote(_ context.Context, admin operations.Caller, account portal.AccountID) (operations.Operation, error) {
	return f.asAdmin("promote", admin, account, "")
}

func (f *fake) Demote(_ context.Context, admin operations.Caller, account portal.AccountID, byGroup bool) (operations.Operation, error) {
	if byGroup {
		return f.asAdmin("demote", admin, account, " by group")
	}
	return f.asAdmin("demote", admin, account, "")
}

func (f *fake) FindAny(_ context.Context, id portal.OperationID) (operations.Operation, error) {
	return f.operation, f.ask("find any", operations.Caller{}, string(id))
}

func (f *fake) DeleteMine(_ context.Context, who operations.Caller) (operations.Operation, error) {
	return f.operation, f.ask("delete mine", who, "")
}

func (f *fake) Accounts(context.Context, string, int32) (projections.AccountsPage, error) {
	page := projections.AccountsPage{Accounts: []projections.ListedAccount{{ID: "account-grace"}}, Next: "000000000000009#account-grace"}
	return page, f.asked1("accounts", "", "")
}

func (f *fake) OwnerOf(_ context.Context, key portal.KeyID) (portal.AccountID, error) {
	return "", f.asked1("owner", "", string(key))
}

func (f *fake) Activity(_ context.Context, id portal.AccountID, _ string, _ int32) (projections.ActivityPage, error) {
	return projections.ActivityPage{Lines: []projections.Activity{{At: now, Text: "You registered."}}}, f.asked1("activity", id, "")
}

func (f *fake) Person(_ context.Context, account portal.AccountID) (identity.Person, error) {
	return identity.Person{Email: "grace@example.com", Name: "Grace Hopper"}, f.asked1("person", account, "")
}

func (f *fake) FindPeople(_ context.Context, begins string, _ int32) ([]portal.AccountID, error) {
	return []portal.AccountID{"account-grace"}, f.asked1("people", "", begins)
}

// memberStore is the fake as a store of members, whose methods have the names of other fakes.
type memberStore struct{ *fake }

func (m memberStore) Promoted(_ context.Context, account portal.AccountID) (bool, error) {
	return account == "account-grace", m.asked1("promoted", account, "")
}

func (m memberStore) Invite(_ context.Context, admin portal.AccountID, email string) (members.Invitation, error) {
	return invitation, m.asked1("invite", admin, email)
}

var invitation = members.Invitation{ID: "i-1", Email: "grace@example.com", InvitedBy: "account-ada", InvitedAt: now, Expires: now.Add(members.InvitationsLast)}

func (m memberStore) Invitations(_ context.Context, all bool, after string, limit int) ([]members.Invitation, string, error) {
	return []members.Invitation{invitation}, "", m.asked1("invitations", "", strings.TrimSpace(fmt.Sprintf("%t %d %s", all, limit, after)))
}

func (m memberStore) RevokeInvitation(_ context.Context, admin portal.AccountID, id string) error {
	return m.asked1("revoke", admin, id)
}

// MailInvitation and InvitationMail are those of a portal that sends mail.
func (f *fake) MailInvitation(_ context.Context, i members.Invitation) error {
	return f.asked1("mail invitation", i.InvitedBy, i.Email)
}

func (f *fake) InvitationMail(_ context.Context, i members.Invitation) (notices.Delivery, bool, error) {
	return notices.Delivery{State: notices.Pending, Attempts: []notices.Attempt{{At: now, Error: "The mail service failed."}}}, true, f.asked1("invitation mail", i.InvitedBy, "")
}

var told = members.Feedback{ID: "f-1", Account: "account-grace", At: now, Topic: "api", Page: "/apis", Text: "It is fine."}

func (m memberStore) AllFeedback(_ context.Context, topic, _ string, _ int) ([]members.Feedback, string, error) {
	return []members.Feedback{told}, "", m.asked1("feedback", "", topic)
}

func (m memberStore) PendingRegistrations(_ context.Context, after string, _ int) ([]members.PendingRegistration, string, error) {
	return []members.PendingRegistration{{Account: "account-grace", AskedAt: now}}, "account-grace", m.asked1("registrations", "", after)
}

// Audit has two pages.
func (m memberStore) Audit(_ context.Context, filter members.AuditFilter, before string, _ int) ([]members.Deed, string, error) {
	if before != "" {
		return []members.Deed{{At: now, Operator: "olga@host", What: "DeadLettersDiscarded", Count: 3, Choice: "all", Reason: `=HYPERLINK("x"), "so"`}}, "", cmp.Or(m.laterErr, m.asked1("audit", "", before))
	}
	return []members.Deed{
		{At: now, Admin: "account-ada", What: "AccountSuspensionRequested", Subject: "account-grace", Operation: "op-1"},
		{At: now, Admin: "account-ada", What: "SubscriptionReviewRequested", Subject: "account-grace", Operation: "op-2", Plan: "plan-max", Answer: "denied"},
	}, "000000000000009#op-1", m.asked1("audit", portal.AccountID(filter.By), strings.TrimSpace(string(filter.Subject)+" "+filter.What))
}

// LastDrift implements api.Drifts.
func (f *fake) LastDrift(context.Context) (api.Drift, error) {
	return api.Drift{
		Began: &now, Ended: &now, Keys: 3, Others: 2, Kinds: []api.KindCount{{Kind: "stray", Count: 1}},
		Items: []api.Difference{{Kind: "stray", Mending: "leave", Account: "account-grace", Key: "key-9", GatewayID: "g-9", Name: "gatehouse/account-grace/key-9"}},
	}, f.asked1("drift", "", "")
}

func (m memberStore) Settings(_ context.Context, account portal.AccountID) (members.Settings, error) {
	return members.Settings{TimeZone: "Europe/Berlin"}, m.asked1("settings", account, "")
}

func (m memberStore) SetSettings(_ context.Context, account portal.AccountID, settings members.Settings) error {
	if _, err := members.ParseTimeZone(settings.TimeZone); err != nil {
		return err
	}
	return m.asked1("set settings", account, settings.TimeZone)
}

func (m memberStore) Submit(_ context.Context, said members.Feedback) (members.Feedback, error) {
	said.ID, said.At = "f-1", now
	return said, m.asked1("submit", said.Account, said.Text)
}

func (f *fake) Sessions(_ context.Context, account portal.AccountID) ([]identity.Session, error) {
	return []identity.Session{{ID: "s-1", Browser: "Firefox on Linux", Began: now, Seen: now, Ends: now.Add(time.Hour)}}, f.asked1("sessions", account, "")
}

func (f *fake) CurrentSession(*http.Request) string { return "s-1" }

func (f *fake) EndSession(_ context.Context, account portal.AccountID, id string) error {
	return f.asked1("end session", account, id)
}

func (f *fake) EndSessions(_ context.Context, account portal.AccountID) error {
	return f.asked1("end sessions", account, "")
}

func (f *fake) Export(_ context.Context, account portal.AccountID, w io.Writer) error {
	if err := f.asked1("export", account, ""); err != nil {
		return err
	}
	_, err := io.WriteString(w, `{"account":"account-ada"}`)
	return err
}

const graceSeen = `"account":"account-grace","status":"registered","email":"grace@example.com","email_verified":true,"name":"Grace Hopper","registered_at":null,"promoted":true`

// adminExamples are the examples of the routes about accounts and for admins.
func adminExamples(accepted, private map[string]string) []example {
	const (
		invited  = `{"id":"i-1","email":"grace@example.com","invited_by":"account-ada","invited_at":"2026-11-22T09:00:00Z","expires_at":"2026-12-06T09:00:00Z","used_at":null,"needed":true,"mail":"pending","mail_error":"The mail service failed."}`
		feedback = `"id":"f-1","at":"2026-11-22T09:00:00Z","topic":"api","page":"/apis","text":"It is fine."`
		because  = `{"message":"Unpaid bills."}`
	)
	return []example{
		{"GET /account/sessions", "/account/sessions", http.StatusOK, `{"items":[{"id":"s-1","browser":"Firefox on Linux","since":"2026-11-22T09:00:00Z","seen_at":"2026-11-22T09:00:00Z","ends_at":"2026-11-22T10:00:00Z","current":true}],"next":null}`, private, "", ""},
		{"DELETE /account/sessions/{session}", "/account/sessions/s-1", http.StatusNoContent, "", nil, "", ""},
		{"DELETE /account/sessions", "/account/sessions", http.StatusNoContent, "", nil, "", ""},
		{"GET /account/export", "/account/export", http.StatusOK, `{"account":"account-ada"}`, map[string]string{"Content-Disposition": `attachment; filename="account.json"`, "Cache-Control": "no-store"}, "", ""},
		{"DELETE /account", "/account", http.StatusAccepted, waiting, accepted, "", ""},
		{"POST /feedback", "/feedback", http.StatusCreated, `{` + feedback + `}`, private, `{"topic":"api","page":"/apis","text":"It is fine."}`, ""},
		{"GET /admin/accounts", "/admin/accounts?limit=1", http.StatusOK, `{"items":[{` + graceSeen + `}],"next":"/api/v1/admin/accounts?cursor=000000000000009%23account-grace&limit=1"}`, private, "", ""},
		{"GET /admin/accounts/{account}", "/admin/accounts/account-grace", http.StatusOK, `{` + graceSeen + `,"keys":[
			{"id":"key-1","name":"Default key","label":"Default key","state":"active","created_at":"2026-11-22T09:00:00Z","revealed_at":"2026-11-22T09:01:00Z","ends_at":"2026-11-23T09:00:00Z","ends_for":"rotated","replaced_by":"key-2"},
			{"id":"key-2","name":"Another","label":"Another","state":"pending","created_at":null,"revealed_at":null,"ends_at":null,"replaces":"key-1","waiting":"capacity"},
			{"id":"key-3","name":"Third","label":"Third","state":"disabled","created_at":"2026-11-22T09:00:00Z","revealed_at":null,"ends_at":null},
			{"id":"key-4","name":"Fourth","label":"Fourth","state":"released","created_at":"2026-11-22T09:00:00Z","revealed_at":null,"ends_at":null}],
			"subscriptions":[{"plan":"plan-free","name":"Free","offered":true,"state":"active","since":"2026-11-22T09:00:00Z"},
			{"plan":"plan-max","name":"Unlimited","offered":true,"state":"pending","waiting":"aws","since":"2026-11-22T09:00:00Z","operation":"op-1"},
			{"plan":"plan-gone","name":"Gone","offered":false,"state":"ended","lost":"plan_gone","since":"2026-11-22T09:00:00Z"}],
			"activity":[{"at":"2026-11-22T09:00:00Z","text":"You registered."}]}`, private, "", ""},
		{"GET /admin/accounts/{account}/usage", "/admin/accounts/account-grace/usage?start=2026-11-22&format=csv&plan=plan-free", http.StatusOK,
			"date,plan,plan_name,key,key_name,used,limit,remaining,period,as_of\r\n" +
				"2026-11-22,plan-free,Free,key-1,Default key,120,1000,880,DAY,2026-11-22T09:00:00Z\r\n" +
				"2026-11-22,plan-gone,Gone,key-9,key-9,3,,,,2026-11-22T09:00:00Z\r\n", private, "", "text/csv; charset=utf-8"},
		{"GET /admin/usage", "/admin/usage?start=2026-11-22&format=csv&account=account-grace", http.StatusOK,
			"account,date,plan,plan_name,key,key_name,used,limit,remaining,period,as_of\r\n" +
				"account-grace,2026-11-22,plan-free,Free,key-1,Default key,120,1000,880,DAY,2026-11-22T09:00:00Z\r\n" +
				"account-grace,2026-11-22,plan-gone,Gone,key-9,key-9,3,,,,2026-11-22T09:00:00Z\r\n", private, "", "text/csv; charset=utf-8"},
		{"POST /admin/accounts/{account}/suspend", "/admin/accounts/account-grace/suspend", http.StatusAccepted, waiting, accepted, because, ""},
		{"POST /admin/accounts/{account}/reinstate", "/admin/accounts/account-grace/reinstate", http.StatusAccepted, waiting, accepted, "", ""},
		{"DELETE /admin/accounts/{account}", "/admin/accounts/account-grace", http.StatusAccepted, waiting, accepted, "", ""},
		{"POST /admin/accounts/{account}/promote", "/admin/accounts/account-grace/promote", http.StatusAccepted, waiting, accepted, "", ""},
		{"POST /admin/accounts/{account}/demote", "/admin/accounts/account-grace/demote", http.StatusAccepted, waiting, accepted, "", ""},
		{"GET /admin/registrations", "/admin/registrations?limit=1", http.StatusOK, `{"items":[{"account":"account-grace","asked_at":"2026-11-22T09:00:00Z","email":"grace@example.com","name":"Grace Hopper"}],"next":"/api/v1/admin/registrations?cursor=account-grace&limit=1"}`, private, "", ""},
		{"POST /admin/registrations/{account}/approve", "/admin/registrations/account-grace/approve", http.StatusAccepted, waiting, accepted, "", ""},
		{"POST /admin/registrations/{account}/deny", "/admin/registrations/account-grace/deny", http.StatusAccepted, waiting, accepted, because, ""},
		{"GET /admin/invitations", "/admin/invitations?state=all", http.StatusOK, `{"items":[` + invited + `],"next":null}`, private, "", ""},
		{"POST /admin/invitations", "/admin/invitations", http.StatusCreated, invited, private, `{"email":"grace@example.com"}`, ""},
		{"DELETE /admin/invitations/{invitation}", "/admin/invitations/i-1", http.StatusNoContent, "", nil, "", ""},
		{"GET /admin/feedback", "/admin/feedback?topic=api", http.StatusOK, `{"items":[{"account":"account-grace","email":"grace@example.com","name":"Grace Hopper",` + feedback + `}],"next":null}`, private, "", ""},
		{"GET /admin/audit", "/admin/audit?account=account-grace", http.StatusOK, `{"items":[{"at":"2026-11-22T09:00:00Z","admin":"account-ada","what":"AccountSuspensionRequested","account":"account-grace","operation":"op-1"},
			{"at":"2026-11-22T09:00:00Z","admin":"account-ada","what":"SubscriptionReviewRequested","account":"account-grace","operation":"op-2","plan":"plan-max","plan_name":"Unlimited","answer":"denied"}],"next":"/api/v1/admin/audit?account=account-grace&cursor=000000000000009%23op-1"}`, private, "", ""},
		{"GET /admin/operations/{operation}", "/admin/operations/op-1", http.StatusOK, `{"by":"account-ada","account":"account-ada","plan":"plan-max","operation":` + waiting + `}`, private, "", ""},
		{"GET /admin/drift", "/admin/drift", http.StatusOK, `{"began":"2026-11-22T09:00:00Z","ended":"2026-11-22T09:00:00Z","keys":3,"others":2,"recent":0,"unreadable":0,"kinds":[{"kind":"stray","count":1}],
			"items":[{"kind":"stray","mending":"leave","account":"account-grace","key":"key-9","gateway_id":"g-9","name":"gatehouse/account-grace/key-9"}]}`, private, "", ""},
	}
}
