package api_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/go-chi/chi/v5"
	"github.com/rs/zerolog"

	"github.com/gatehouse-portal/gatehouse/api"
	"github.com/gatehouse-portal/gatehouse/approvals"
	"github.com/gatehouse-portal/gatehouse/catalog"
	"github.com/gatehouse-portal/gatehouse/events"
	"github.com/gatehouse-portal/gatehouse/identity"
	"github.com/gatehouse-portal/gatehouse/library"
	"github.com/gatehouse-portal/gatehouse/marketplace/arrival"
	"github.com/gatehouse-portal/gatehouse/marketplace/metering"
	"github.com/gatehouse-portal/gatehouse/notices"
	"github.com/gatehouse-portal/gatehouse/operations"
	"github.com/gatehouse-portal/gatehouse/portal"
	"github.com/gatehouse-portal/gatehouse/projections"
	"github.com/gatehouse-portal/gatehouse/tryit"
	"github.com/gatehouse-portal/gatehouse/usage"
)

var now = time.Date(2026, 11, 22, 9, 0, 0, 0, time.UTC)

const keyValue = "gatehouseKeyValueThatMayBeSeenOnceOnly0123456789"

var ada = identity.Identity{Account: "account-ada", Name: "Ada Lovelace", Email: "ada@example.com", Groups: []string{"admins"}}

// asked is one call of a fake.
type asked struct {
	What   string
	Caller operations.Caller
	Name   string
}

// fake is operations and views.
type fake struct {
	catalog   projections.Catalog
	account   projections.Account
	reveals   map[portal.KeyID]time.Time
	operation operations.Operation
	exchange  tryit.Exchange
	approvals approvals.Page
	noticed   []notices.Notice
	settings  notices.Settings
	hooks     []notices.Webhook
	sent      []notices.Delivery
	// err is returned by every call; panics is the value that every call panics with.
	err    error
	panics any
	// laterErr is returned for every page but the first.
	laterErr error
	// received are the targets and tokens that were resolved.
	received []string
	// crowded refuses registration tokens.
	crowded error

	mu    sync.Mutex
	asked []asked
	tried []tried
	// answers are what admins answered.
	answers []operations.Answer
}

func (f *fake) ask(what string, caller operations.Caller, name string) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.asked = append(f.asked, asked{what, caller, name})
	if f.panics != nil {
		panic(f.panics)
	}
	return f.err
}

func (f *fake) Register(_ context.Context, caller operations.Caller) (operations.Operation, error) {
	return f.operation, f.ask("register", caller, "")
}

func (f *fake) Subscribe(_ context.Context, caller operations.Caller, plan portal.PlanID) (operations.Operation, error) {
	return f.operation, f.ask("subscribe", caller, string(plan))
}

func (f *fake) ChangePlan(_ context.Context, caller operations.Caller, plan, replaces portal.PlanID) (operations.Operation, error) {
	return f.operation, f.ask("change", caller, string(plan)+" for "+string(replaces))
}

func (f *fake) Review(_ context.Context, admin operations.Caller, answer operations.Answer) (operations.Operation, error) {
	f.mu.Lock()
	f.answers = append(f.answers, answer)
	f.mu.Unlock()
	return f.operation, f.ask("review", admin, string(answer.Plan))
}

func (f *fake) Page(_ context.Context, cursor string, limit int) (approvals.Page, error) {
	return f.approvals, f.ask("approvals", operations.Caller{}, fmt.Sprintf("%s %d", cursor, limit))
}

func (f *fake) Unsubscribe(_ context.Context, caller operations.Caller, plan portal.PlanID) (operations.Operation, error) {
	return f.operation, f.ask("unsubscribe", caller, string(plan))
}

func (f *fake) Receive(_ context.Context, target, token string, freeTrial bool) (arrival.Claim, error) {
	bought := events.Purchase{Product: "abc", FreeTrial: freeTrial}
	return arrival.Claim{Licence: "licence/l-1", Plan: portal.PlanID(target), Purchase: bought}, f.receive(target + " " + token)
}

func (f *fake) receive(what string) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.received = append(f.received, what)
	return f.err
}

func (f *fake) ConfirmPurchase(_ context.Context, caller operations.Caller, claim arrival.Claim) (operations.Operation, error) {
	return f.operation, f.ask("confirm", caller, fmt.Sprintf("%s %s %t", claim.Licence, claim.Plan, claim.FreeTrial))
}

func (f *fake) Reveal(_ context.Context, caller operations.Caller, key portal.KeyID) (string, error) {
	return keyValue, f.ask("reveal", caller, string(key))
}

func (f *fake) Find(_ context.Context, account portal.AccountID, id portal.OperationID) (operations.Operation, error) {
	return f.operation, f.ask("find", operations.Caller{Account: account}, string(id))
}

func (f *fake) Account(_ context.Context, id portal.AccountID) (projections.Account, error) {
	return f.account, f.ask("account", operations.Caller{Account: id}, "")
}

func (f *fake) LastReveals(_ context.Context, id portal.AccountID) (map[portal.KeyID]time.Time, error) {
	return f.reveals, f.ask("reveals", operations.Caller{Account: id}, "")
}

// PastKeys knows one key that ended long ago.
func (f *fake) PastKeys(_ context.Context, _ portal.AccountID, keys []portal.KeyID) ([]portal.NamedKey, error) {
	if slices.Contains(keys, "key-past") {
		return []portal.NamedKey{{ID: "key-past", Name: "Default key", ReplacedAt: now.AddDate(0, 0, -30)}}, nil
	}
	return nil, nil
}

// Report has a day with a quota and one without.
func (f *fake) Report(_ context.Context, account portal.AccountID, q usage.Query) (usage.Report, error) {
	limit, left := int64(1000), int64(880)
	return usage.Report{Query: q, AsOf: now, Series: []usage.Series{{Plan: "plan-free", Key: "key-1", Days: []usage.Day{
		{Day: q.Last, Used: 120, Limit: &limit, Remaining: &left, Period: usage.Daily, AsOf: now},
	}}, {Plan: "plan-gone", Key: "key-9", Days: []usage.Day{{Day: q.Last, Used: 3, AsOf: now}}}}}, f.ask("usage", operations.Caller{Account: account}, string(q.Plan)+"/"+string(q.Key))
}

func (f *fake) ReportOf(ctx context.Context, account portal.AccountID, q usage.Query, keys []portal.GatewayKeyID) (usage.Report, error) {
	report, err := f.Report(ctx, account, q)
	if keys != nil {
		err = errors.Join(err, f.askBy("usage of keys", account, fmt.Sprint(keys)))
	}
	return report, err
}

// unusedPlan is a plan without keys.
const unusedPlan = "plan-unused"

// plansOf lists the keys of plans. fake.Page is that of approvals.
type plansOf struct{ *fake }

func (p plansOf) Page(_ context.Context, plan portal.PlanID, after string, limit int) ([]projections.Holder, string, error) {
	if plan == unusedPlan {
		return nil, "", nil
	}
	all := []projections.Holder{{Account: "account-grace", Plan: plan, GatewayID: "g1"}, {Account: "account-bob", Plan: plan, GatewayID: "g2"}, {Account: "account-grace", Plan: plan, GatewayID: "g3"}}
	return all, "g3", p.askBy("holders", "", fmt.Sprintf("%s %s %d", plan, after, limit))
}

func (f *fake) Catalog(context.Context) (projections.Catalog, error) {
	return f.catalog, f.ask("catalog", operations.Caller{}, "")
}

// LoadBlob returns the blobs of full.
func (f *fake) LoadBlob(_ context.Context, hash string) ([]byte, error) {
	for _, body := range []string{definition, picture, archive} {
		if catalog.HashOf([]byte(body)) == hash {
			return []byte(body), nil
		}
	}
	return nil, errors.New("there is no such blob")
}

const (
	definition = `{"openapi":"3.0.1","info":{"title":"Forecast","version":"2.1"},"servers":[{"url":"https://weather.execute-api.example/prod"}],"paths":{"/places":{"get":{"operationId":"listPlaces","summary":"List places","responses":{"200":{"description":"All places."}}}}}}`
	picture    = `<svg xmlns="http://www.w3.org/2000/svg"/>`
	archive    = "PK a zip archive"
)

func (f *fake) Try(_ context.Context, caller tryit.Caller, attempt tryit.Attempt) (tryit.Exchange, error) {
	f.mu.Lock()
	f.tried = append(f.tried, tried{caller, attempt})
	f.mu.Unlock()
	return f.exchange, f.ask("try", operations.Caller{Account: caller.Account}, attempt.Product+" "+attempt.API)
}

// tried is one call of Try.
type tried struct {
	Caller  tryit.Caller
	Attempt tryit.Attempt
}

// full is a fake with data in every view.
func full() *fake {
	offered := catalog.Document{Products: []catalog.Product{{
		ID: "weather", Name: "Weather", Description: "Forecasts for every place.",
		Plans: []catalog.Plan{
			{
				ID: "plan-free", Name: "Free", Description: "To try it out.", Stages: []portal.Stage{{API: "weather", Stage: "prod"}},
				Throttle: &catalog.Throttle{Rate: 0.5, Burst: 1}, Quota: &catalog.Quota{Limit: 1000, Period: "DAY"},
			},
			{ID: "plan-max", Name: "Unlimited", Stages: []portal.Stage{{API: "weather", Stage: "prod"}}},
		},
		APIs: []catalog.API{{
			ID: "weather", Slug: "forecast", Name: "Forecast", Version: "2.1", Stage: "prod", Endpoint: "https://weather.example/prod", Kind: catalog.REST,
			Definition: catalog.HashOf([]byte(definition)), SDKs: []catalog.SDK{{Type: "java", Hash: catalog.HashOf([]byte(archive)), File: "forecast-java.zip"}},
		}},
		Image: &catalog.Image{Hash: catalog.HashOf([]byte(picture)), Type: "image/svg+xml", Alt: "A cloud."},
	}}}
	return &fake{
		catalog: projections.Catalog{Document: offered.Canonical(), Hash: "hash", Sequence: 1},
		account: projections.Account{
			Profile: projections.Profile{Status: projections.StatusRegistered},
			Keys: []projections.Key{
				{ID: "key-1", Name: "Default key", State: projections.KeyActive, CreatedAt: now, Ends: now.Add(24 * time.Hour), EndsFor: "rotated", ReplacedBy: "key-2"},
				{ID: "key-2", Name: "Another", State: projections.KeyPending, Replaces: "key-1", Waiting: "capacity"},
				{ID: "key-3", Name: "Third", State: projections.KeyDisabled, CreatedAt: now},
				{ID: "key-4", Name: "Fourth", State: projections.KeyReleased, CreatedAt: now},
			},
			Licences: []projections.Licence{
				{Stream: "licence/l-1", Plan: "plan-max", Name: "Unlimited", State: projections.LicenceWaiting, Since: now, ClaimedAt: now, Buyer: "111122223333", Operation: "op-1"},
				{Stream: "legacy/abc/X01", Plan: "plan-max", Name: "Unlimited", State: projections.LicenceActive, Since: now, Until: now.Add(24 * time.Hour), FreeTrial: true, Cancelled: true},
			},
			Subscriptions: []projections.Subscription{
				{Plan: "plan-free", Name: "Free", Offered: true, State: projections.SubscriptionActive, Since: now},
				{Plan: "plan-max", Name: "Unlimited", Offered: true, State: projections.SubscriptionPending, Waiting: "aws", Since: now, Operation: "op-1"},
				{Plan: "plan-gone", Name: "Gone", State: projections.SubscriptionEnded, Lost: "plan_gone", Since: now},
			},
		},
		exchange: tryit.Exchange{
			Request:  tryit.Sent{Method: "GET", URL: "https://weather.example/prod/now", Headers: []tryit.Header{{Name: "X-Api-Key", Value: tryit.Mask}}, Dropped: []string{}},
			Response: &tryit.Response{Status: 403, Reason: "Forbidden", Protocol: "HTTP/2.0", Headers: []tryit.Header{}, Body: tryit.Body{Kind: tryit.KindNone}},
			TookMS:   7, Explanation: "The request had no key.",
		},
		reveals: map[portal.KeyID]time.Time{"key-1": now.Add(time.Minute)},
		noticed: []notices.Notice{lost}, hooks: []notices.Webhook{hook}, sent: []notices.Delivery{sent},
		settings: notices.Settings{Off: map[string][]notices.Kind{notices.ChannelMail: {notices.KeyCreated}}},
		operation: operations.Operation{
			ID: "op-1", Actor: portal.AccountActor(ada.Account), Subject: portal.AccountStream(ada.Account), Type: "SubscribeRequested", Plan: "plan-max", CreatedAt: now,
			Progress: projections.Progress{
				Status: projections.Waiting, Code: "aws", Message: "AWS is busy.", UpdatedAt: now.Add(time.Second),
				Steps: []projections.Step{{Sequence: 3, Name: "SubscriptionWanted", At: now, Detail: "The subscription is wanted."}},
			},
		},
	}
}

// site is the API over fakes as one person sees it, behind the portal's middleware.
type site struct {
	t testing.TB
	*fake
	handler http.Handler
	log     *logged
}

// visit is the site without a sign-in.
func visit(t testing.TB, f *fake) site { return siteOf(t, f, nil) }

// signedIn is the site for Ada.
func signedIn(t testing.TB, f *fake) site { return siteOf(t, f, &ada) }

func siteOf(t testing.TB, f *fake, id *identity.Identity) site {
	log := &logged{}
	router := chi.NewRouter()
	router.Use(api.RequestIDs(zerolog.New(log), nil), api.Recover(api.WriteProblem), func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if id != nil {
				r = r.WithContext(identity.With(r.Context(), *id))
			}
			next.ServeHTTP(w, r)
		})
	})
	mount(t, router, f)
	router.MethodNotAllowed(api.MethodNotAllowed)
	return site{t, f, router, log}
}

// mount mounts the API over a fake.
func mount(t testing.TB, router chi.Router, f *fake, guard ...func(http.Handler) http.Handler) {
	shelves := library.New(library.Config{Views: f, Blobs: f})
	t.Cleanup(func() {
		if err := shelves.Close(); err != nil {
			t.Error(err)
		}
	})
	api.Mount(router, api.Config{
		Operations: f, Views: f, Library: shelves, Console: f, Notices: f, Usage: f, Approvals: f, Now: func() time.Time { return now }, Version: "1.2.3",
		Admin:       api.Admin{Desk: fakeAdmin{f}, Operations: f, Directory: f, People: f, Members: memberStore{f}, Mails: f, Invitations: fakeInvitations{f}, Catalog: f, Holders: plansOf{f}, Drift: f, History: histories{f}, Licences: licenceDesk{f}, Banners: bannerDesk{f}, Viewing: viewings{f}, InvitationsNeeded: true},
		Mine:        api.Mine{Operations: f, Sessions: f, Settings: memberStore{f}, Feedback: memberStore{f}, Export: f},
		Marketplace: api.Marketplace{Operations: f, Desk: f, Ledger: f, Admit: func(*http.Request) error { return f.crowded }},
	}, guard...)
}

// guardedBy returns the site with that guard.
func (s site) guardedBy(guard func(http.Handler) http.Handler) site {
	router := chi.NewRouter()
	router.Use(api.RequestIDs(zerolog.New(s.log), nil))
	mount(s.t, router, s.fake, guard)
	s.handler = router
	return s
}

// do sends a request to a path under the prefix; headers are pairs of name and value.
func (s site) do(method, path string, body io.Reader, headers ...string) answer {
	s.t.Helper()
	r := httptest.NewRequest(method, api.Prefix+path, body)
	if body != nil {
		r.Header.Set("Content-Type", "application/json")
	}
	for i := 0; i < len(headers); i += 2 {
		r.Header.Set(headers[i], headers[i+1])
	}
	w := httptest.NewRecorder()
	s.handler.ServeHTTP(w, r)
	return answer{s.t, w}
}

func (s site) get(path string, headers ...string) answer {
	s.t.Helper()
	return s.do(http.MethodGet, path, nil, headers...)
}

// logged is a log for concurrent writers.
type logged struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (l *logged) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.Write(p)
}

func (l *logged) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.String()
}

// line returns the only log line with that message.
func (l *logged) line(t testing.TB, message string) map[string]any {
	t.Helper()
	var found []map[string]any
	for text := range strings.SplitSeq(strings.TrimSpace(l.String()), "\n") {
		var line map[string]any
		if err := json.Unmarshal([]byte(text), &line); err != nil {
			t.Fatalf("the log has %q: %v", text, err)
		}
		if line["message"] == message {
			found = append(found, line)
		}
	}
	if len(found) != 1 {
		t.Fatalf("%d lines say %q, want 1:\n%s", len(found), message, l)
	}
	return found[0]
}

type answer struct {
	t testing.TB
	*httptest.ResponseRecorder
}

// want fails the test on another status.
func (a answer) want(status int) answer {
	a.t.Helper()
	if a.Code != status {
		a.t.Fatalf("status %d, want %d: %s", a.Code, status, a.Body)
	}
	return a
}

// json decodes the body.
func (a answer) json() any {
	a.t.Helper()
	var body any
	if err := json.Unmarshal(a.Body.Bytes(), &body); err != nil {
		a.t.Fatalf("%v: %s", err, a.Body)
	}
	return body
}

// problem decodes the body, which must be a problem with that code.
func (a answer) problem(code string) api.Problem {
	a.t.Helper()
	var p api.Problem
	if err := json.Unmarshal(a.Body.Bytes(), &p); err != nil {
		a.t.Fatalf("%v: %s", err, a.Body)
	}
	if p.Type != "/problems/"+code || p.Status != a.Code || p.Title != http.StatusText(a.Code) || p.Detail == "" {
		a.t.Errorf("answered %d with %s, want /problems/%s", a.Code, a.Body, code)
	}
	if id := a.Header().Get(api.RequestIDHeader); p.RequestID != id || id == "" {
		a.t.Errorf("the request id is %q in the body and %q in the header", p.RequestID, id)
	}
	if got := a.Header().Get("Content-Type"); got != "application/problem+json" {
		a.t.Errorf("the content type of a problem is %q", got)
	}
	if got := a.Header().Get("Cache-Control"); got != "no-store" {
		a.t.Errorf("Cache-Control of a problem is %q", got)
	}
	return p
}

func (f *fake) Summaries(context.Context, ...portal.Stream) (map[portal.Stream]metering.Summary, error) {
	return map[portal.Stream]metering.Summary{"legacy/abc/X01": {Billed: 1250, Last: time.Date(2026, 11, 22, 8, 45, 0, 0, time.UTC)}}, f.err
}
