package api

import (
	"context"
	"net/http"
	"net/url"
	"strconv"
	"time"

	"github.com/danielgtaylor/huma/v2"
	"golang.org/x/sync/errgroup"

	"github.com/gatehouse-portal/gatehouse/administration"
	"github.com/gatehouse-portal/gatehouse/identity"
	"github.com/gatehouse-portal/gatehouse/library"
	"github.com/gatehouse-portal/gatehouse/members"
	"github.com/gatehouse-portal/gatehouse/operations"
	"github.com/gatehouse-portal/gatehouse/portal"
	"github.com/gatehouse-portal/gatehouse/projections"
)

type administering interface {
	Suspend(ctx context.Context, admin operations.Caller, account portal.AccountID, message string, byGroup bool) (operations.Operation, error)
	Reinstate(ctx context.Context, admin operations.Caller, account portal.AccountID) (operations.Operation, error)
	DeleteOther(ctx context.Context, admin operations.Caller, account portal.AccountID, byGroup bool) (operations.Operation, error)
	ReviewRegistration(ctx context.Context, admin operations.Caller, account portal.AccountID, approved bool, message string) (operations.Operation, error)
	SyncCatalog(ctx context.Context, admin operations.Caller) (operations.Operation, error)
	Promote(ctx context.Context, admin operations.Caller, account portal.AccountID) (operations.Operation, error)
	Demote(ctx context.Context, admin operations.Caller, account portal.AccountID, byGroup bool) (operations.Operation, error)
	FindAny(ctx context.Context, id portal.OperationID) (operations.Operation, error)
}

type directory interface {
	Accounts(ctx context.Context, cursor string, limit int32) (projections.AccountsPage, error)
	OwnerOf(ctx context.Context, key portal.KeyID) (portal.AccountID, error)
	Account(ctx context.Context, id portal.AccountID) (projections.Account, error)
	Activity(ctx context.Context, id portal.AccountID, cursor string, limit int32) (projections.ActivityPage, error)
}

type people interface {
	Person(ctx context.Context, account portal.AccountID) (identity.Person, error)
	FindPeople(ctx context.Context, begins string, limit int32) (found []portal.AccountID, more bool, err error)
}

// Admin is what the routes for admins need.
type Admin struct {
	Desk       adminDesk
	Operations administering
	Directory  directory
	People     people
	Members    memberKeeping
	// History is what has happened to accounts.
	History historying
	// Viewing has admins view accounts.
	Viewing  viewingKeeping
	Holders  holding
	Mails    invitationMails
	Drift    drifting
	Licences licensing
	Banners  bannerKeeping
	// Invitations invites several people, or one again.
	Invitations inviting
	// Catalog is what workers last found in the catalog.
	Catalog catalogReports
	// InvitationsNeeded says that only invited people register.
	InvitationsNeeded bool
}

const (
	// adminLimit and maxAdminLimit are the default and the most items on a page of a list for
	// admins.
	adminLimit       = 25
	maxAdminLimit    = 100
	maxParallelReads = 10
)

// PageInput asks for a page of a list.
type PageInput struct {
	Limit  int    `query:"limit" minimum:"1" maximum:"100" default:"25" doc:"How many items the page may have."`
	Cursor string `query:"cursor" maxLength:"200" doc:"Where the page begins. The next of the previous page has it."`
}

// next is the address of the next page, nil if there is none. filters are names and values of other
// query parameters; "" values are left out.
func (p PageInput) next(path, cursor string, filters ...string) *string {
	if cursor == "" {
		return nil
	}
	query := url.Values{"cursor": {cursor}}
	if p.Limit != adminLimit {
		query.Set("limit", strconv.Itoa(p.Limit))
	}
	for i := 0; i+1 < len(filters); i += 2 {
		if filters[i+1] != "" {
			query.Set(filters[i], filters[i+1])
		}
	}
	address := Prefix + adminPath + path + "?" + query.Encode()
	return &address
}

// AdminAccount is an account as admins see it.
type AdminAccount struct {
	Account      string     `json:"account"`
	Status       string     `json:"status" enum:"none,pending,denied,registered,suspended,deleting,deleted"`
	Message      string     `json:"message,omitempty" doc:"Why the account is suspended, or was denied."`
	Email        string     `json:"email,omitempty" doc:"From the latest sign-in or ID token. A deleted account has none."`
	Verified     bool       `json:"email_verified"`
	Name         string     `json:"name,omitempty"`
	RegisteredAt *time.Time `json:"registered_at"`
	Promoted     bool       `json:"promoted" doc:"Whether the account was promoted to admin here. Members of the identity provider's admin group are not counted."`
}

// FoundAccounts is a page of a list of accounts, or the accounts that a search found.
type FoundAccounts struct {
	List[AdminAccount]
	More bool `json:"more" doc:"There are further accounts: on the next page, or, with q, if you give more of the address or name."`
}

// AdminAccountDetail is all that admins see of one account.
type AdminAccountDetail struct {
	AdminAccount
	Keys          []Key          `json:"keys"`
	Subscriptions []Subscription `json:"subscriptions"`
	Activity      []ActivityLine `json:"activity" doc:"The latest 50 lines."`
}

// ActivityLine is a line of an account's activity, as its owner reads it.
type ActivityLine struct {
	At   time.Time `json:"at"`
	Text string    `json:"text"`
}

func (a *service) registerAdmin(api huma.API) {
	huma.Register(api, adminReads("admin-list-accounts", "/accounts", "List or find accounts",
		"Without q, all accounts that ever registered, the latest first. With q, at most 50 accounts: by the beginning of the e-mail address or of a word of the name, by account id, or by key id. more says whether others fit."), a.listAccounts)
	huma.Register(api, adminReads("admin-get-account", "/accounts/{account}", "Get an account", ""), a.getAccount)
	huma.Register(api, adminRequests("admin-suspend", http.MethodPost, "/accounts/{account}/suspend", "Suspend an account",
		"The operation succeeds when API Gateway refuses every key of the account. The account's owner reads the message. Nothing personal should be in it: it stays in the journal for ever."), a.suspend)
	huma.Register(api, adminRequests("admin-reinstate", http.MethodPost, "/accounts/{account}/reinstate", "Reinstate a suspended account",
		"The operation succeeds when API Gateway accepts the keys again that worked before the suspension."), a.reinstate)
	huma.Register(api, adminRequests("admin-delete-account", http.MethodDelete, "/accounts/{account}", "Delete an account",
		"The operation succeeds when API Gateway has no key of the account and its personal data is erased. Nothing brings the account back."), a.deleteOther)
	huma.Register(api, adminReads("admin-list-registrations", "/registrations", "List registrations that wait for approval", ""), a.listRegistrations)
	huma.Register(api, adminRequests("admin-approve-registration", http.MethodPost, "/registrations/{account}/approve", "Approve a registration", ""), a.approveRegistration)
	huma.Register(api, adminRequests("admin-deny-registration", http.MethodPost, "/registrations/{account}/deny", "Deny a registration", "The person reads the message."), a.denyRegistration)
	a.registerMembers(api)
	a.registerNotes(api)
	a.registerViewing(api)
	a.registerProducts(api)
	a.registerDrift(api)
	a.registerLicences(api)
	a.registerBanners(api)
	a.registerEverybodysUsage(api)
	a.registerOverview(api)
	a.registerLetters(api)
}

func (in Asking) adminOf(ctx context.Context) (operations.Caller, error) {
	id, err := admin(ctx)
	return operations.Caller{Account: id.Account, Viewer: library.Viewer(ctx), IdempotencyKey: in.IdempotencyKey, Correlation: RequestID(ctx)}, err
}

// AccountInput names an account.
type AccountInput struct {
	Account string `path:"account" maxLength:"64" doc:"An account's id." example:"01m7x8a0b1c2d3e4f5g6h7j8km"`
}

type accountAsking struct {
	Asking
	AccountInput
}

type messageAsking struct {
	AccountInput
	IdempotencyKey string `header:"Idempotency-Key" maxLength:"255" doc:"Sending the same request again with the same key returns the same operation."`
	Body           struct {
		Message string `json:"message" maxLength:"500" doc:"Why. The account's owner reads it."`
	}
}

func asAdmin(ctx context.Context, key string, ask func(operations.Caller) (operations.Operation, error)) (*acceptedOutput, error) {
	return acceptFrom(ctx, Asking{IdempotencyKey: key}.adminOf, ask)
}

func (a *service) suspend(ctx context.Context, in *messageAsking) (*acceptedOutput, error) {
	id, err := admin(ctx)
	if err != nil {
		return nil, problemOf(ctx, err)
	}
	return asAdmin(ctx, in.IdempotencyKey, func(admin operations.Caller) (operations.Operation, error) {
		return a.admin.Operations.Suspend(ctx, admin, portal.AccountID(in.Account), in.Body.Message, id.ByGroup)
	})
}

func (a *service) reinstate(ctx context.Context, in *accountAsking) (*acceptedOutput, error) {
	return asAdmin(ctx, in.IdempotencyKey, func(admin operations.Caller) (operations.Operation, error) {
		return a.admin.Operations.Reinstate(ctx, admin, portal.AccountID(in.Account))
	})
}

func (a *service) deleteOther(ctx context.Context, in *accountAsking) (*acceptedOutput, error) {
	id, err := admin(ctx)
	if err != nil {
		return nil, problemOf(ctx, err)
	}
	return asAdmin(ctx, in.IdempotencyKey, func(admin operations.Caller) (operations.Operation, error) {
		return a.admin.Operations.DeleteOther(ctx, admin, portal.AccountID(in.Account), id.ByGroup)
	})
}

func (a *service) approveRegistration(ctx context.Context, in *accountAsking) (*acceptedOutput, error) {
	return asAdmin(ctx, in.IdempotencyKey, func(admin operations.Caller) (operations.Operation, error) {
		return a.admin.Operations.ReviewRegistration(ctx, admin, portal.AccountID(in.Account), true, "")
	})
}

func (a *service) denyRegistration(ctx context.Context, in *messageAsking) (*acceptedOutput, error) {
	return asAdmin(ctx, in.IdempotencyKey, func(admin operations.Caller) (operations.Operation, error) {
		return a.admin.Operations.ReviewRegistration(ctx, admin, portal.AccountID(in.Account), false, in.Body.Message)
	})
}

func (a *service) listAccounts(ctx context.Context, in *struct {
	PageInput
	Query string `query:"q" maxLength:"320" doc:"What to look for." example:"ada"`
}) (*struct{ Body FoundAccounts }, error) {
	if _, err := admin(ctx); err != nil {
		return nil, problemOf(ctx, err)
	}
	var ids []portal.AccountID
	var next *string
	more := false
	if in.Query != "" {
		search := administration.AccountSearch{Views: a.admin.Directory, Keys: a.admin.Directory, People: a.admin.People}
		found, others, err := search.Find(ctx, in.Query, maxFound)
		if err != nil {
			return nil, problemOf(ctx, err)
		}
		ids, more = found, others
	} else {
		page, err := a.admin.Directory.Accounts(ctx, in.Cursor, int32(in.Limit))
		if err != nil {
			return nil, problemOf(ctx, err)
		}
		for _, listed := range page.Accounts {
			ids = append(ids, listed.ID)
		}
		next = in.next("/accounts", page.Next)
		more = next != nil
	}
	all, err := a.accounts(ctx, ids)
	if err != nil {
		return nil, problemOf(ctx, err)
	}
	shown := list(all, func(one adminView) AdminAccount { return one.summary })
	shown.Next = next
	return &struct{ Body FoundAccounts }{FoundAccounts{shown, more}}, nil
}

const maxFound = 50

type adminView struct {
	summary AdminAccount
	account projections.Account
}

func (a *service) accounts(ctx context.Context, ids []portal.AccountID) ([]adminView, error) {
	found := make([]adminView, len(ids))
	group, within := errgroup.WithContext(ctx)
	group.SetLimit(maxParallelReads)
	for i, id := range ids {
		group.Go(portal.Guard(func() (err error) {
			found[i], err = a.view(within, id)
			return err
		}))
	}
	return found, group.Wait()
}

func (a *service) view(ctx context.Context, id portal.AccountID) (adminView, error) {
	account, err := a.admin.Directory.Account(ctx, id)
	if err != nil {
		return adminView{}, err
	}
	person, err := a.admin.People.Person(ctx, id)
	if err != nil && portal.CodeOf(err) != portal.NotFound {
		return adminView{}, err
	}
	promoted, err := a.admin.Members.Promoted(ctx, id)
	return adminView{account: account, summary: AdminAccount{
		Account: string(id), Status: account.Profile.Status, Message: account.Profile.Message, Email: person.Email,
		Verified: person.Email != "" && !person.Unverified, Name: person.Name, RegisteredAt: timeOrNull(account.Profile.RegisteredAt), Promoted: promoted,
	}}, err
}

const shownActivity = 50

func (a *service) getAccount(ctx context.Context, in *AccountInput) (*struct{ Body AdminAccountDetail }, error) {
	if _, err := admin(ctx); err != nil {
		return nil, problemOf(ctx, err)
	}
	id := portal.AccountID(in.Account)
	found, err := a.view(ctx, id)
	if err != nil {
		return nil, problemOf(ctx, err)
	}
	if found.summary.Status == projections.StatusNone && found.summary.Email == "" {
		return nil, problemOf(ctx, portal.Fail(portal.NotFound, "There is no such account."))
	}
	activity, err := a.admin.Directory.Activity(ctx, id, "", shownActivity)
	if err != nil {
		return nil, problemOf(ctx, err)
	}
	revealed, err := a.views.LastReveals(ctx, id)
	if err != nil {
		return nil, problemOf(ctx, err)
	}
	shown := AdminAccountDetail{AdminAccount: found.summary, Activity: []ActivityLine{}}
	shown.Keys = ShowKeys(found.account, revealed)
	shown.Subscriptions = list(found.account.Subscriptions, ShowSubscription).Items
	for _, line := range activity.Lines {
		shown.Activity = append(shown.Activity, ActivityLine{At: line.At, Text: line.Text})
	}
	return &struct{ Body AdminAccountDetail }{shown}, nil
}

// Registration is a person who waits for an account.
type Registration struct {
	Account string    `json:"account"`
	AskedAt time.Time `json:"asked_at"`
	Email   string    `json:"email,omitempty"`
	Name    string    `json:"name,omitempty"`
}

func (a *service) listRegistrations(ctx context.Context, in *PageInput) (*struct{ Body List[Registration] }, error) {
	if _, err := admin(ctx); err != nil {
		return nil, problemOf(ctx, err)
	}
	waiting, next, err := a.admin.Members.PendingRegistrations(ctx, in.Cursor, in.Limit)
	if err != nil {
		return nil, problemOf(ctx, err)
	}
	owners, err := ownersOf(ctx, a.admin.People, waiting, func(w members.PendingRegistration) portal.AccountID { return w.Account })
	if err != nil {
		return nil, problemOf(ctx, err)
	}
	shown := list(waiting, func(w members.PendingRegistration) Registration {
		owner := owners[w.Account]
		return Registration{Account: string(w.Account), AskedAt: w.AskedAt, Email: owner.Email, Name: owner.Name}
	})
	shown.Next = in.next("/registrations", next)
	return &struct{ Body List[Registration] }{shown}, nil
}

type memberKeeping interface {
	Promoted(ctx context.Context, account portal.AccountID) (bool, error)
	Invite(ctx context.Context, by members.By, email string) (members.Invitation, error)
	Invitations(ctx context.Context, state, after string, limit int) ([]members.Invitation, string, error)
	RevokeInvitation(ctx context.Context, by members.By, id string) error
	MarkFeedback(ctx context.Context, by members.By, id string, done bool) (members.Feedback, error)
	AllFeedback(ctx context.Context, filter members.FeedbackFilter, before string, limit int) ([]members.Feedback, string, error)
	AddNote(ctx context.Context, by members.By, account portal.AccountID, text string) (members.Note, error)
	Notes(ctx context.Context, account portal.AccountID, before string, limit int) ([]members.Note, string, error)
	Record(ctx context.Context, done members.AuditEntry) error
	PendingRegistrations(ctx context.Context, after string, limit int) ([]members.PendingRegistration, string, error)
	Audit(ctx context.Context, filter members.AuditFilter, before string, limit int) ([]members.AuditEntry, string, error)
}
