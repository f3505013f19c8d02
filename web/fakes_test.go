package web_test

import (
	"cmp"
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/PuerkitoBio/goquery"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/go-chi/chi/v5"

	"github.com/gatehouse-portal/gatehouse/api"
	"github.com/gatehouse-portal/gatehouse/banners"
	"github.com/gatehouse-portal/gatehouse/catalog"
	"github.com/gatehouse-portal/gatehouse/identity"
	"github.com/gatehouse-portal/gatehouse/library"
	"github.com/gatehouse-portal/gatehouse/members"
	"github.com/gatehouse-portal/gatehouse/operations"
	"github.com/gatehouse-portal/gatehouse/portal"
	"github.com/gatehouse-portal/gatehouse/projections"
	"github.com/gatehouse-portal/gatehouse/tryit"
	"github.com/gatehouse-portal/gatehouse/usage"
	"github.com/gatehouse-portal/gatehouse/web"
)

var now = time.Date(2026, 11, 22, 9, 0, 0, 0, time.UTC)

const (
	requestID = "req-1234567890"
	keyValue  = "gatehouseKeyValueThatMayBeSeenOnceOnly0123456789"
)

var ada = identity.Identity{Account: "account-ada", Name: "Ada Lovelace", Via: identity.ViaSession}

// asked is one call of a fake.
type asked struct {
	What   string
	Caller operations.Caller
	Plan   portal.PlanID
}

// fake is operations and views.
type fake struct {
	catalog projections.Catalog
	// blobs are what the catalog names by hash.
	blobs map[string]string
	// exchange is what a try-it request leads to.
	exchange tryit.Exchange
	// tried is the last attempt, tryErr the error of attempts.
	tried      *tryit.Attempt
	tryErr     error
	account    projections.Account
	activity   []projections.Activity
	operations map[portal.OperationID]operations.Operation
	reveals    map[portal.KeyID]time.Time
	// counts are all days of usage.
	counts   []usage.Series
	countErr error
	// recent are the account's newest operations, newest first.
	recent []operations.Operation
	// err is returned by every call, askErr by every request.
	err, askErr error
	// ended says that the person's session has ended, and gone is the account if it was deleted.
	ended   bool
	gone    portal.AccountID
	goneErr error
	// plansPerKey is how many plans a key can be in, 0 for the default.
	plansPerKey int
	// keysPerRing is how many keys a person may have, 0 for 1.
	keysPerRing int
	// carries says that a new key takes over what ended keys have used.
	carries bool

	told fakeNotices
	// mayRegister is why the person may not register, zone their time zone, said their feedback.
	mayRegister error
	zone        string
	said        members.Feedback
	// market is what the pages for buyers from AWS Marketplace need; without it there are none.
	market *web.Marketplace
	// office is the desk of admins; without it there are no pages for them.
	office *fakeAdmin

	mu    sync.Mutex
	asked []asked
	// accountReads counts the calls of Account, and accountsRead are those that they were about.
	accountReads int
	accountsRead []portal.AccountID
}

func (f *fake) ask(what string, caller operations.Caller, plan portal.PlanID) (operations.Operation, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.asked = append(f.asked, asked{what, caller, plan})
	return operations.Operation{ID: "op-1"}, cmp.Or(f.askErr, f.err)
}

func (f *fake) Register(_ context.Context, caller operations.Caller) (operations.Operation, error) {
	return f.ask("register", caller, "")
}

func (f *fake) Subscribe(_ context.Context, caller operations.Caller, plan portal.PlanID) (operations.Operation, error) {
	if f.err == nil && plan == "unknown" {
		return operations.Operation{}, portal.Fail(portal.NotFound, "There is no such plan.")
	}
	return f.ask("subscribe", caller, plan)
}

func (f *fake) ChangePlan(_ context.Context, caller operations.Caller, plan, replaces portal.PlanID) (operations.Operation, error) {
	return f.ask("change", caller, plan+" for "+replaces)
}

func (f *fake) Unsubscribe(_ context.Context, caller operations.Caller, plan portal.PlanID) (operations.Operation, error) {
	return f.ask("leave", caller, plan)
}

func (f *fake) Find(_ context.Context, account portal.AccountID, id portal.OperationID) (operations.Operation, error) {
	operation, ok := f.operations[id]
	if !ok || operation.Actor != portal.AccountActor(account) {
		return operations.Operation{}, portal.Fail(portal.NotFound, "There is no such operation.")
	}
	return operation, nil
}

func (f *fake) FindAny(_ context.Context, id portal.OperationID) (operations.Operation, error) {
	operation, ok := f.operations[id]
	if !ok {
		return operations.Operation{}, portal.Fail(portal.NotFound, "There is no such operation.")
	}
	return operation, f.err
}

func (f *fake) Recent(_ context.Context, account portal.AccountID, limit int) ([]operations.Operation, error) {
	var list []operations.Operation
	for _, operation := range f.recent {
		if operation.Actor == portal.AccountActor(account) && len(list) < limit {
			list = append(list, operation)
		}
	}
	return list, f.err
}

func (f *fake) Reveal(_ context.Context, caller operations.Caller, key portal.KeyID) (string, error) {
	for _, k := range f.account.Keys {
		if k.ID == key {
			return keyValue, f.err
		}
	}
	return "", portal.Fail(portal.NotFound, "There is no such key.")
}

func (f *fake) Catalog(context.Context) (projections.Catalog, error) { return f.catalog, f.err }

func (f *fake) Account(_ context.Context, id portal.AccountID) (projections.Account, error) {
	f.mu.Lock()
	f.accountReads++
	f.accountsRead = append(f.accountsRead, id)
	f.mu.Unlock()
	return f.account, f.err
}

func (f *fake) Try(_ context.Context, _ tryit.Caller, attempt tryit.Attempt) (tryit.Exchange, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.tried = &attempt
	return f.exchange, f.tryErr
}

func (f *fake) LoadBlob(_ context.Context, hash string) ([]byte, error) {
	body, ok := f.blobs[hash]
	if !ok {
		return nil, errors.New("there is no blob " + hash)
	}
	return []byte(body), nil
}

// put stores a blob and returns its hash.
func (f *fake) put(text string) string {
	if f.blobs == nil {
		f.blobs = map[string]string{}
	}
	hash := catalog.HashOf([]byte(text))
	f.blobs[hash] = text
	return hash
}

// Activity returns the newest line first, like the views.
func (f *fake) Activity(_ context.Context, _ portal.AccountID, cursor string, limit int32) (projections.ActivityPage, error) {
	skip := 0
	if cursor != "" {
		var err error
		if skip, err = strconv.Atoi(cursor); err != nil {
			return projections.ActivityPage{}, portal.Fail(portal.Invalid, "This page of the activity does not exist.")
		}
	}
	page := projections.ActivityPage{Lines: f.activity[min(skip, len(f.activity)):]}
	if len(page.Lines) >= int(limit) {
		page.Lines, page.Next = page.Lines[:limit], strconv.Itoa(skip+int(limit))
	}
	return page, f.err
}

func (f *fake) LastReveals(context.Context, portal.AccountID) (map[portal.KeyID]time.Time, error) {
	return f.reveals, f.err
}

func (f *fake) PastKeys(_ context.Context, _ portal.AccountID, keys []portal.KeyID) ([]portal.NamedKey, error) {
	return pastOf(keys), f.err
}

// pastOf knows one key that ended long ago.
func pastOf(keys []portal.KeyID) []portal.NamedKey {
	if slices.Contains(keys, "key-past") {
		return []portal.NamedKey{{ID: "key-past", Name: "Default key", ReplacedAt: now.AddDate(0, 0, -30)}}
	}
	return nil
}

// site is the pages over fakes, as one person sees them.
type site struct {
	*fake
	handler http.Handler
}

// visit is the site without a sign-in.
func visit(f *fake) site { return siteOf(f, nil) }

// signedIn is the site for Ada.
func signedIn(f *fake) site { return siteOf(f, &ada) }

// with returns the site with another page.
func (s site) with(path string, h http.HandlerFunc) site {
	mux := http.NewServeMux()
	mux.Handle("/", s.handler)
	mux.Handle(path, h)
	return site{s.fake, mux}
}

func siteOf(f *fake, id *identity.Identity) site {
	router := chi.NewRouter()
	router.Use(func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if id != nil {
				r = r.WithContext(identity.With(r.Context(), *id))
			}
			next.ServeHTTP(w, r)
		})
	})
	config := web.Config{
		Operations: f, Views: f, Library: library.New(library.Config{Views: f, Blobs: f}), Usage: f, Try: f, Notices: f, Status: api.Status, Now: func() time.Time { return now },
		Correlation:    func(context.Context) string { return requestID },
		SessionEnded:   func(*http.Request) bool { return f.ended },
		AccountDeleted: func(*http.Request) (portal.AccountID, bool, error) { return f.gone, f.gone != "", f.goneErr },
		MayRegister:    func(context.Context) error { return f.mayRegister },
		PlansPerKey:    f.plansPerKey, KeysPerRing: f.keysPerRing, CarriesUsage: f.carries,
		// Tests say what a page does, not how long this machine takes.
		ReadTime: time.Minute,
	}
	if f.office != nil {
		config.Banners = banners.NewBoard(&bannerRow{f.office}, func() time.Time { return now })
	}
	pages := web.New(config)
	if f.market != nil {
		pages.WithMarketplace(*f.market)
	}
	if f.office != nil {
		pages.WithAdmin(web.Admin{Desk: f.office, Approvals: f.office, Registrations: f.office, People: f.office, Answers: answerer{f}, Directory: f.office, Accounts: answerer{f}, Members: f.office, History: histories{&f.office.fakeInbox}, Audit: f.office, Operations: f, Invitations: f.office.invitations(), Feedback: f.office, Catalog: f.office, Syncs: answerer{f}, Usage: f.office, Cookies: f.office, Drift: f.office, Licences: f.office, Banners: &bannerRow{f.office}, Viewers: f.office.viewers()})
	}
	pages.WithMine(f.mine()).Routes(router)
	return site{f, router}
}

func (s site) do(r *http.Request) *httptest.ResponseRecorder {
	w := httptest.NewRecorder()
	s.handler.ServeHTTP(w, r)
	return w
}

func (s site) get(path string) *httptest.ResponseRecorder {
	return s.do(httptest.NewRequest(http.MethodGet, path, nil))
}

func (s site) post(path string, form url.Values) *httptest.ResponseRecorder {
	r := httptest.NewRequest(http.MethodPost, path, strings.NewReader(form.Encode()))
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	return s.do(r)
}

// document parses a response, which must have that status.
func document(t *testing.T, w *httptest.ResponseRecorder, status int) *goquery.Document {
	t.Helper()
	if w.Code != status {
		t.Fatalf("status %d, want %d:\n%s", w.Code, status, w.Body)
	}
	doc, err := goquery.NewDocumentFromReader(strings.NewReader(w.Body.String()))
	if err != nil {
		t.Fatal(err)
	}
	return doc
}

// one returns the only element that matches.
func one(t *testing.T, doc *goquery.Document, selector string) *goquery.Selection {
	t.Helper()
	found := doc.Find(selector)
	if found.Length() != 1 {
		t.Fatalf("%d elements match %s, want 1", found.Length(), selector)
	}
	return found
}

func none(t *testing.T, doc *goquery.Document, selector string) {
	t.Helper()
	if found := doc.Find(selector); found.Length() != 0 {
		html, _ := goquery.OuterHtml(found.First())
		t.Errorf("%s is there and should not be: %s", selector, html)
	}
}

// text returns an element's text with single spaces.
func text(s *goquery.Selection) string { return strings.Join(strings.Fields(s.Text()), " ") }

// says checks that the text of the only element that matches contains a text.
func says(t *testing.T, doc *goquery.Document, selector, want string) {
	t.Helper()
	if got := text(one(t, doc, selector)); !strings.Contains(got, want) {
		t.Errorf("%s says %q, want %q in it", selector, got, want)
	}
}

func attr(t *testing.T, s *goquery.Selection, name string) string {
	t.Helper()
	value, ok := s.Attr(name)
	if !ok {
		t.Fatalf("%s has no attribute %s", goquery.NodeName(s), name)
	}
	return value
}

var weatherStages = []portal.Stage{{API: "weather", Stage: "prod"}}

func published(products ...catalog.Product) projections.Catalog {
	return projections.Catalog{Document: catalog.Document{Products: products}, Hash: "hash", Sequence: 1}
}

func weather() catalog.Product {
	return catalog.Product{
		ID: "weather", Name: "Weather", Description: "Forecasts for every place.",
		Plans: []catalog.Plan{
			{
				ID: "plan-free", Name: "Free", Description: "To try it out.", Stages: weatherStages,
				Throttle: &catalog.Throttle{Rate: 0.5, Burst: 1}, Quota: &catalog.Quota{Limit: 1000, Period: "DAY"},
			},
			{
				ID: "plan-std", Name: "Standard", Stages: weatherStages,
				Throttle: &catalog.Throttle{Rate: 50, Burst: 100}, Quota: &catalog.Quota{Limit: 1000000, Period: "MONTH"},
			},
			{ID: "plan-max", Name: "Unlimited", Stages: weatherStages},
		},
		APIs: []catalog.API{{ID: "weather", Name: "Forecast", Version: "2.1", Stage: "prod", Endpoint: "https://weather.example/prod"}},
	}
}

func rates() catalog.Product {
	return catalog.Product{
		ID: "rates", Name: "Exchange rates", Description: "What a currency costs.",
		Plans: []catalog.Plan{{ID: "plan-rates", Name: "Basic", Stages: []portal.Stage{{API: "rates", Stage: "prod"}}}},
	}
}

func registered(subscriptions ...projections.Subscription) projections.Account {
	return projections.Account{
		Profile:       projections.Profile{Status: projections.StatusRegistered, RegisteredAt: now.Add(-time.Hour)},
		Keys:          []projections.Key{{ID: "key-1", Ring: portal.AccountRing, Name: "Default key", State: projections.KeyActive, CreatedAt: now.Add(-time.Hour)}},
		Subscriptions: subscriptions,
	}
}

func unregistered() projections.Account {
	return projections.Account{Profile: projections.Profile{Status: projections.StatusNone}}
}

func subscription(plan portal.PlanID, name, state string, ops ...portal.OperationID) projections.Subscription {
	sub := projections.Subscription{Plan: plan, Name: name, Ring: portal.AccountRing, State: state, Since: now.Add(-time.Minute)}
	for _, op := range ops {
		sub.Operation = op
	}
	return sub
}

// noDatabase is a database that does not answer.
type noDatabase struct{}

func (noDatabase) GetItem(context.Context, *dynamodb.GetItemInput, ...func(*dynamodb.Options)) (*dynamodb.GetItemOutput, error) {
	return nil, errors.New("no database")
}

func (noDatabase) Query(context.Context, *dynamodb.QueryInput, ...func(*dynamodb.Options)) (*dynamodb.QueryOutput, error) {
	return nil, errors.New("no database")
}

func (noDatabase) TransactWriteItems(context.Context, *dynamodb.TransactWriteItemsInput, ...func(*dynamodb.Options)) (*dynamodb.TransactWriteItemsOutput, error) {
	return nil, errors.New("no database")
}

func (noDatabase) PutItem(context.Context, *dynamodb.PutItemInput, ...func(*dynamodb.Options)) (*dynamodb.PutItemOutput, error) {
	return nil, errors.New("no database")
}

func (noDatabase) UpdateItem(context.Context, *dynamodb.UpdateItemInput, ...func(*dynamodb.Options)) (*dynamodb.UpdateItemOutput, error) {
	return nil, errors.New("no database")
}

func (noDatabase) DeleteItem(context.Context, *dynamodb.DeleteItemInput, ...func(*dynamodb.Options)) (*dynamodb.DeleteItemOutput, error) {
	return nil, errors.New("no database")
}
