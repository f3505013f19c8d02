package api_test

import (
	"cmp"
	"context"
	"fmt"
	"io"
	"net/http"
	"strings"
	"time"

	"github.com/gatehouse-portal/gatehouse/administration"
	"github.com/gatehouse-portal/gatehouse/catalog"
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

func (f *fake) SyncCatalog(_ context.Context, admin operations.Caller) (operations.Operation, error) {
	return f.asAdmin("sync catalog", admin, "", "")
}

func (f *fake) LastReport(context.Context) (catalog.Report, bool, error) {
	report := catalog.Report{
		Ended: now, Folder: "./catalog", Sources: []catalog.SourceState{{Name: "API Gateway", State: catalog.SourceRead, Read: now}, {Name: "catalog folder", State: catalog.SourceUnreadable}},
		Described: []catalog.DescribedBy{{Product: "weather", File: "weather/product.yaml", Stale: true}}, NotOffered: []catalog.NotOffered{{Plan: "plan-x", Name: "X", Reason: "It lacks the tag."}},
		Problems: []catalog.Problem{{Where: "weather/product.yaml", Line: 3, Text: "Unknown key."}, {Where: "other/overview.md", Text: "It leads nowhere.", Warning: true}},
	}
	return report, true, f.askBy("report", "", "")
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

func (f *fake) DeleteMine(_ context.Context, caller operations.Caller) (operations.Operation, error) {
	return f.operation, f.ask("delete mine", caller, "")
}

func (f *fake) Accounts(context.Context, string, int32) (projections.AccountsPage, error) {
	page := projections.AccountsPage{Accounts: []projections.ListedAccount{{ID: "account-grace"}}, Next: "000000000000009#account-grace"}
	return page, f.askBy("accounts", "", "")
}

func (f *fake) OwnerOf(_ context.Context, key portal.KeyID) (portal.AccountID, error) {
	return "", f.askBy("owner", "", string(key))
}

func (f *fake) Activity(_ context.Context, id portal.AccountID, _ string, _ int32) (projections.ActivityPage, error) {
	return projections.ActivityPage{Lines: []projections.Activity{{At: now, Text: "You registered."}}}, f.askBy("activity", id, "")
}

func (f *fake) Person(_ context.Context, account portal.AccountID) (identity.Person, error) {
	person := identity.Person{Email: "grace@example.com", Name: "Grace Hopper"}
	if name, isOther := strings.CutPrefix(string(account), "account-"); isOther && name != "grace" {
		person = identity.Person{Email: name + "@example.com"}
	}
	return person, f.askBy("person", account, "")
}

func (f *fake) FindPeople(_ context.Context, begins string, _ int32) (found []portal.AccountID, more bool, err error) {
	return []portal.AccountID{"account-grace"}, true, f.askBy("people", "", begins)
}

// memberStore is the fake as a store of members, whose methods have the names of other fakes.
type memberStore struct{ *fake }

func (m memberStore) Promoted(_ context.Context, account portal.AccountID) (bool, error) {
	return account == "account-grace", m.askBy("promoted", account, "")
}

func (m memberStore) Invite(_ context.Context, by members.By, email string) (members.Invitation, error) {
	return invitation, m.askBy("invite", by.Admin, email)
}

var invitation = members.Invitation{ID: "i-1", Email: "grace@example.com", InvitedBy: "account-ada", InvitedAt: now, Expires: now.Add(members.InvitationsLast)}

func (m memberStore) Invitations(_ context.Context, state, after string, limit int) ([]members.Invitation, string, error) {
	return []members.Invitation{invitation}, "", m.askBy("invitations", "", strings.TrimSpace(fmt.Sprintf("%s %d %s", state, limit, after)))
}

func (m memberStore) RevokeInvitation(_ context.Context, by members.By, id string) error {
	return m.askBy("revoke", by.Admin, id)
}

// MailInvitation and InvitationMail are those of a portal that sends mail.
func (f *fake) MailInvitation(_ context.Context, i members.Invitation) error {
	return f.askBy("mail invitation", i.InvitedBy, i.Email)
}

func (f *fake) InvitationMail(_ context.Context, i members.Invitation) (notices.Delivery, bool, error) {
	return notices.Delivery{State: notices.Pending, Attempts: []notices.Attempt{{At: now, Error: "The mail service failed."}}}, true, f.askBy("invitation mail", i.InvitedBy, "")
}

// fakeInvitations is the fake as the desk that invites lists.
type fakeInvitations struct{ *fake }

func (g fakeInvitations) Invite(_ context.Context, by members.By, addresses []string) (all []administration.Invited, err error) {
	for i, address := range addresses {
		one := administration.Invited{Address: address, Invitation: invitation, Lately: i == 1}
		if address == "nobody" {
			one = administration.Invited{Address: address, Err: portal.Fail(portal.Invalid, "That is not an e-mail address.")}
		}
		all = append(all, one)
	}
	return all, g.askBy("invite list", by.Admin, strings.Join(addresses, " "))
}

func (g fakeInvitations) Resend(_ context.Context, by members.By, id string) (administration.Invited, error) {
	return administration.Invited{Invitation: invitation}, g.askBy("resend", by.Admin, id)
}

var told = members.Feedback{ID: "f-1", Account: "account-grace", At: now, Topic: "api", Page: "/apis", Text: "It is fine."}

func (m memberStore) MarkFeedback(_ context.Context, by members.By, id string, done bool) (members.Feedback, error) {
	marked := told
	if done {
		marked.DoneAt, marked.DoneBy = &now, by.Admin
	}
	return marked, m.askBy(fmt.Sprintf("mark feedback %t", done), by.Admin, id)
}

func (m memberStore) AllFeedback(_ context.Context, filter members.FeedbackFilter, _ string, _ int) ([]members.Feedback, string, error) {
	return []members.Feedback{told}, "", m.askBy("feedback", "", filter.Topic)
}

func (m memberStore) PendingRegistrations(_ context.Context, after string, _ int) ([]members.PendingRegistration, string, error) {
	return []members.PendingRegistration{{Account: "account-grace", AskedAt: now}}, "account-grace", m.askBy("registrations", "", after)
}

func (m memberStore) AddNote(_ context.Context, by members.By, account portal.AccountID, text string) (members.Note, error) {
	return members.Note{ID: "n-1", At: now, Admin: by.Admin, Text: text}, m.askBy("add note", by.Admin, string(account)+" "+text)
}

func (m memberStore) Notes(_ context.Context, account portal.AccountID, before string, _ int) ([]members.Note, string, error) {
	return []members.Note{{ID: "n-1", At: now, Admin: "account-root", Text: "Call back."}}, "n-1", m.askBy("notes", account, before)
}

func (m memberStore) Record(_ context.Context, done members.AuditEntry) error {
	return m.askBy("record "+done.What, done.Admin, string(done.Subject))
}

// histories have two facts of every account.
type histories struct{ *fake }

func (h histories) Page(_ context.Context, account portal.AccountID, before int64, _ int) ([]administration.HistoryEntry, int64, error) {
	return []administration.HistoryEntry{
		{Sequence: 8, At: now, What: "AccountSuspended", Actor: portal.AccountActor("account-ada"), Operation: "op-1", Why: "Unpaid bills."},
		{Sequence: 7, At: now, What: "KeyEnding", Actor: portal.Operator, Key: "key-1", Why: "expired", Coded: true},
	}, 7, h.askBy("history", account, fmt.Sprint(before))
}

// Audit has two pages.
func (m memberStore) Audit(_ context.Context, filter members.AuditFilter, before string, _ int) ([]members.AuditEntry, string, error) {
	if before != "" {
		return []members.AuditEntry{{At: now, Operator: "olga@host", What: "DeadLettersDiscarded", Count: 3, Choice: "all", Reason: `=HYPERLINK("x"), "so"`}}, "", cmp.Or(m.laterErr, m.askBy("audit", "", before))
	}
	return []members.AuditEntry{
		{At: now, Admin: "account-ada", What: "AccountSuspensionRequested", Subject: "account-grace", Operation: "op-1"},
		{At: now, Admin: "account-ada", What: "SubscriptionReviewRequested", Subject: "account-grace", Operation: "op-2", Plan: "plan-max", Answer: "denied"},
	}, "000000000000009#op-1", m.askBy("audit", portal.AccountID(filter.By), strings.TrimSpace(string(filter.Subject)+" "+filter.What))
}

// Drift implements the desk of drift.
func (f *fake) Drift(context.Context) (administration.Drift, error) {
	return administration.Drift{
		Began: now, Ended: now, Keys: 3, Others: 2, Kinds: []administration.DriftKind{{Kind: "stray", Count: 1}}, Job: administration.JobState{Ran: true, UnderWay: true, Started: now},
		Differences: []administration.Difference{{Kind: "stray", Mending: "leave", Account: "account-grace", Key: "key-9", GatewayID: "g-9", Name: "gatehouse/account-grace/key-9"}},
	}, f.askBy("drift", "", "")
}

func (f *fake) Compare(_ context.Context, admin portal.AccountID) error {
	return f.askBy("compare", admin, "")
}

func (m memberStore) Settings(_ context.Context, account portal.AccountID) (members.Settings, error) {
	return members.Settings{TimeZone: "Europe/Berlin"}, m.askBy("settings", account, "")
}

func (m memberStore) SetSettings(_ context.Context, account portal.AccountID, settings members.Settings) error {
	if _, err := members.ParseTimeZone(settings.TimeZone); err != nil {
		return err
	}
	return m.askBy("set settings", account, settings.TimeZone)
}

func (m memberStore) Submit(_ context.Context, said members.Feedback) (members.Feedback, error) {
	said.ID, said.At = "f-1", now
	return said, m.askBy("submit", said.Account, said.Text)
}

func (f *fake) Sessions(_ context.Context, account portal.AccountID) ([]identity.Session, error) {
	return []identity.Session{{ID: "s-1", Browser: "Firefox on Linux", Began: now, Seen: now, Ends: now.Add(time.Hour)}}, f.askBy("sessions", account, "")
}

func (f *fake) CurrentSession(*http.Request) string { return "s-1" }

func (f *fake) EndSession(_ context.Context, account portal.AccountID, id string) error {
	return f.askBy("end session", account, id)
}

func (f *fake) EndSessions(_ context.Context, account portal.AccountID) error {
	return f.askBy("end sessions", account, "")
}

func (f *fake) Export(_ context.Context, account portal.AccountID, w io.Writer) error {
	if err := f.askBy("export", account, ""); err != nil {
		return err
	}
	_, err := io.WriteString(w, `{"account":"account-ada"}`)
	return err
}

const graceSeen = `"account":"account-grace","status":"registered","email":"grace@example.com","email_verified":true,"name":"Grace Hopper","registered_at":null,"promoted":true`

// adminExamples are the examples of the routes about accounts and for admins.
func adminExamples(accepted, private map[string]string) []example {
	const (
		invited  = `{"id":"i-1","email":"grace@example.com","state":"open","invited_by":"account-ada","invited_at":"2026-11-22T09:00:00Z","expires_at":"2026-12-06T09:00:00Z","used_at":null,"needed":true,"mail":"pending","mail_error":"The mail service failed."}`
		feedback = `"id":"f-1","at":"2026-11-22T09:00:00Z","topic":"api","page":"/apis","text":"It is fine."`
		noted    = `{"id":"n-1","at":"2026-11-22T09:00:00Z","admin":"account-root","text":"Call back."}`
		because  = `{"message":"Unpaid bills."}`
		running  = `{"under_way":true,"waits":false,"started_at":"2026-11-22T09:00:00Z","ended_at":null}`
	)
	return []example{
		{"GET /account/sessions", "/account/sessions", http.StatusOK, `{"items":[{"id":"s-1","browser":"Firefox on Linux","since":"2026-11-22T09:00:00Z","seen_at":"2026-11-22T09:00:00Z","ends_at":"2026-11-22T10:00:00Z","current":true}],"next":null}`, private, "", ""},
		{"DELETE /account/sessions/{session}", "/account/sessions/s-1", http.StatusNoContent, "", nil, "", ""},
		{"DELETE /account/sessions", "/account/sessions", http.StatusNoContent, "", nil, "", ""},
		{"GET /account/export", "/account/export", http.StatusOK, `{"account":"account-ada"}`, map[string]string{"Content-Disposition": `attachment; filename="account.json"`, "Cache-Control": "no-store"}, "", ""},
		{"DELETE /account", "/account", http.StatusAccepted, waiting, accepted, "", ""},
		{"POST /feedback", "/feedback", http.StatusCreated, `{` + feedback + `}`, private, `{"topic":"api","page":"/apis","text":"It is fine."}`, ""},
		{"GET /admin/accounts", "/admin/accounts?limit=1", http.StatusOK, `{"items":[{` + graceSeen + `}],"next":"/api/v1/admin/accounts?cursor=000000000000009%23account-grace&limit=1","more":true}`, private, "", ""},
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
		{"POST /admin/invitations/{invitation}/resend", "/admin/invitations/i-1/resend", http.StatusOK, invited, private, "", ""},
		{"POST /admin/invitation-batches", "/admin/invitation-batches", http.StatusOK, `{"items":[
			{"email":"grace@example.com","outcome":"invited","invitation":` + invited + `},
			{"email":"ada@example.com","outcome":"invited_lately","invitation":` + invited + `},
			{"email":"nobody","outcome":"not_invited","code":"invalid","detail":"That is not an e-mail address."}]}`, private, `{"emails":["grace@example.com","ada@example.com","GRACE@example.com","nobody"]}`, ""},
		{"DELETE /admin/invitations/{invitation}", "/admin/invitations/i-1", http.StatusNoContent, "", nil, "", ""},
		{"GET /admin/products", "/admin/products", http.StatusOK, `{"read_at":"2026-11-22T09:00:00Z","failed":false,"folder":"./catalog",
			"sources":[{"name":"API Gateway","state":"read","read_at":"2026-11-22T09:00:00Z"},{"name":"catalog folder","state":"unreadable","read_at":null}],
			"items":[{"id":"weather","name":"Weather","visibility":"public","groups":[],"file":"weather/product.yaml","stale":true,
				"where_to_change":"Its name, visibility, plans and their approval are set in weather/product.yaml of the catalog folder ./catalog.",
				"plans":[{"id":"plan-free","name":"Free","approval":"automatic","marketplace":false},{"id":"plan-max","name":"Unlimited","approval":"automatic","marketplace":false}],
				"problems":[{"where":"weather/product.yaml","line":3,"text":"Unknown key."}]}],
			"problems":[{"where":"other/overview.md","text":"It leads nowhere.","warning":true}],"not_offered":[{"plan":"plan-x","name":"X","reason":"It lacks the tag."}]}`, private, "", ""},
		{"POST /admin/catalog-syncs", "/admin/catalog-syncs", http.StatusAccepted, waiting, accepted, "", ""},
		{"GET /admin/feedback", "/admin/feedback?topic=api", http.StatusOK, `{"items":[{"account":"account-grace","email":"grace@example.com","name":"Grace Hopper","done_at":null,` + feedback + `}],"next":null}`, private, "", ""},
		{"PUT /admin/feedback/{feedback}/done", "/admin/feedback/f-1/done", http.StatusOK, `{"account":"account-grace","email":"grace@example.com","name":"Grace Hopper","done_at":"2026-11-22T09:00:00Z","done_by":"account-root",` + feedback + `}`, private, "", ""},
		{"DELETE /admin/feedback/{feedback}/done", "/admin/feedback/f-1/done", http.StatusOK, `{"account":"account-grace","email":"grace@example.com","name":"Grace Hopper","done_at":null,` + feedback + `}`, private, "", ""},
		{"GET /admin/audit", "/admin/audit?account=account-grace", http.StatusOK, `{"items":[{"at":"2026-11-22T09:00:00Z","admin":"account-ada","what":"AccountSuspensionRequested","account":"account-grace","operation":"op-1"},
			{"at":"2026-11-22T09:00:00Z","admin":"account-ada","what":"SubscriptionReviewRequested","account":"account-grace","operation":"op-2","plan":"plan-max","plan_name":"Unlimited","answer":"denied"}],"next":"/api/v1/admin/audit?account=account-grace&cursor=000000000000009%23op-1"}`, private, "", ""},
		{"GET /admin/accounts/{account}/notes", "/admin/accounts/account-grace/notes?limit=1", http.StatusOK, `{"items":[` + noted + `],"next":"/api/v1/admin/accounts/account-grace/notes?cursor=n-1&limit=1"}`, private, "", ""},
		{"POST /admin/accounts/{account}/notes", "/admin/accounts/account-grace/notes", http.StatusCreated, noted, private, `{"text":"Call back."}`, ""},
		{"GET /admin/accounts/{account}/history", "/admin/accounts/account-grace/history?limit=2", http.StatusOK, `{"items":[
			{"sequence":8,"at":"2026-11-22T09:00:00Z","what":"AccountSuspended","title":"Account suspended","by":"account-ada","why":"Unpaid bills.","why_text":"Unpaid bills.","operation":"op-1"},
			{"sequence":7,"at":"2026-11-22T09:00:00Z","what":"KeyEnding","title":"Key is ending","operator":true,"why":"expired","why_text":"It had an expiry date.","key":"key-1"}],"next":"/api/v1/admin/accounts/account-grace/history?cursor=7&limit=2"}`, private, "", ""},
		{"GET /admin/accounts/{account}/export", "/admin/accounts/account-grace/export", http.StatusOK, `{"account":"account-ada"}`, map[string]string{"Content-Disposition": `attachment; filename="account.json"`, "Cache-Control": "no-store"}, "", ""},
		{"POST /admin/accounts/{account}/view", "/admin/accounts/account-grace/view", http.StatusOK, `{"account":"account-grace","began_at":"2026-11-22T09:00:00Z","ends_at":"2026-11-22T10:00:00Z"}`, private, "", ""},
		{"DELETE /admin/accounts/{account}/view", "/admin/accounts/account-bob/view", http.StatusNoContent, "", private, "", ""},
		{"GET /admin/operations/{operation}", "/admin/operations/op-1", http.StatusOK, `{"by":"account-ada","account":"account-ada","plan":"plan-max","operation":` + waiting + `}`, private, "", ""},
		{"GET /admin/drift", "/admin/drift", http.StatusOK, `{"began":"2026-11-22T09:00:00Z","ended":"2026-11-22T09:00:00Z","keys":3,"others":2,"recent":0,"unreadable":0,"kinds":[{"kind":"stray","count":1}],
			"items":[{"kind":"stray","mending":"leave","account":"account-grace","key":"key-9","gateway_id":"g-9","name":"gatehouse/account-grace/key-9"}],"run":` + running + `}`, private, "", ""},
		{"POST /admin/drift/compare", "/admin/drift/compare", http.StatusOK, running, private, "", ""},
	}
}
