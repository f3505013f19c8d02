package web_test

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/PuerkitoBio/goquery"

	"github.com/gatehouse-portal/gatehouse/catalog"
	"github.com/gatehouse-portal/gatehouse/events"
	"github.com/gatehouse-portal/gatehouse/identity"
	"github.com/gatehouse-portal/gatehouse/marketplace/arrival"
	"github.com/gatehouse-portal/gatehouse/marketplace/metering"
	"github.com/gatehouse-portal/gatehouse/marketplace/seller"
	"github.com/gatehouse-portal/gatehouse/notices"
	"github.com/gatehouse-portal/gatehouse/operations"
	"github.com/gatehouse-portal/gatehouse/portal"
	"github.com/gatehouse-portal/gatehouse/projections"
	"github.com/gatehouse-portal/gatehouse/web"
)

const secretToken = "secret-registration-token+/="

// bazaar is a marketplace in memory. A claim's secret is "secret-" and its id.
type bazaar struct {
	received []string
	claims   map[string]arrival.Claim
	owners   map[portal.Stream]portal.AccountID
	// err is returned by Receive, lost by Find and Keep, and refusal by ConfirmPurchase.
	err, lost, refusal error
	confirmed          []operations.Caller
}

func (b *bazaar) Receive(_ context.Context, target, token string, trial bool) (arrival.Claim, error) {
	b.received = append(b.received, target+" "+token)
	return purchaseOf("plan-market", trial), b.err
}

func purchaseOf(plan portal.PlanID, trial bool) arrival.Claim {
	return arrival.Claim{
		ID: "0123456789-" + string(plan), Licence: "licence/l-1", Plan: plan, Expires: now.Add(time.Hour),
		Purchase: events.Purchase{Product: "abc", Buyer: "111122223333", FreeTrial: trial},
	}
}

func (b *bazaar) Keep(_ context.Context, claim arrival.Claim) (string, error) {
	if b.lost != nil {
		return "", b.lost
	}
	b.claims["secret-"+claim.ID] = claim
	return "secret-" + claim.ID, nil
}

func (b *bazaar) Find(_ context.Context, secret string) (arrival.Claim, bool, error) {
	claim, ok := b.claims[secret]
	return claim, ok, b.lost
}

func (b *bazaar) Confirmed(_ context.Context, secret string, account portal.AccountID, operation portal.OperationID) error {
	claim := b.claims[secret]
	claim.Operation, claim.Account = operation, account
	b.claims[secret] = claim
	return nil
}

func (b *bazaar) SetCookie(w http.ResponseWriter, name, suffix, value string, ttl time.Duration) {
	age := int(ttl / time.Second)
	if ttl == 0 {
		age = -1
	}
	http.SetCookie(w, &http.Cookie{Name: name + "_" + suffix, Value: value, Path: "/", MaxAge: age, HttpOnly: true})
}

func (b *bazaar) Cookies(r *http.Request, name string) map[string]string {
	values := map[string]string{}
	for _, c := range r.Cookies() {
		if suffix, ok := strings.CutPrefix(c.Name, name+"_"); ok {
			values[suffix] = c.Value
		}
	}
	return values
}

func (b *bazaar) ConfirmPurchase(_ context.Context, caller operations.Caller, _ arrival.Claim) (operations.Operation, error) {
	b.confirmed = append(b.confirmed, caller)
	return operations.Operation{ID: "op-1"}, b.refusal
}

func (b *bazaar) Licence(_ context.Context, licence portal.Stream) (projections.Licence, bool, error) {
	owner, found := b.owners[licence]
	return projections.Licence{Stream: licence, Account: owner}, found, nil
}

// selling is a fake whose catalog has the plan Fleet of Harbours, which AWS Marketplace sells.
func selling() (*fake, *bazaar) {
	product := weather()
	product.ID, product.Name = "harbours", "Harbours"
	product.Plans = []catalog.Plan{{
		ID: "plan-market", Name: "Fleet", Price: "From 400 $ a month", Marketplace: true, Throttle: &catalog.Throttle{Rate: 200, Burst: 400},
		Listing: &catalog.Listing{Product: "abc", URL: "https://aws.amazon.com/marketplace/pp/prodview-1", Meter: catalog.MeterNone},
	}}
	b := &bazaar{claims: map[string]arrival.Claim{}, owners: map[portal.Stream]portal.AccountID{}}
	f := &fake{catalog: published(product), account: projections.Account{Profile: projections.Profile{Status: projections.StatusRegistered}}}
	f.market = &web.Marketplace{Desk: b, Claims: b, Cookies: b, Confirm: b, Licences: b, Limit: func(next http.Handler) http.Handler { return next }}
	return f, b
}

// sent is the form that AWS Marketplace sends.
func sent() *http.Request {
	r := httptest.NewRequest(http.MethodPost, "/marketplace-confirm/plan-market", strings.NewReader(url.Values{"x-amzn-marketplace-token": {secretToken}}.Encode()))
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	return r
}

// holding asks for a page with the cookie of each purchase.
func (s site) holding(path string, claims ...arrival.Claim) *httptest.ResponseRecorder {
	r := httptest.NewRequest(http.MethodGet, path, nil)
	for _, claim := range claims {
		r.AddCookie(&http.Cookie{Name: "gatehouse_purchase_" + claim.ID[:8], Value: "secret-" + claim.ID})
	}
	return s.do(r)
}

func TestABuyerIsReceivedAndSeesThePurchase(t *testing.T) {
	t.Parallel()
	f, b := selling()
	s := visit(f)
	r := sent()
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded; charset=UTF-8")
	w := s.do(r)
	if w.Code != http.StatusSeeOther || w.Header().Get("Location") != "/marketplace" {
		t.Fatalf("%d to %q, want 303 to /marketplace", w.Code, w.Header().Get("Location"))
	}
	if len(b.received) != 1 || b.received[0] != "plan-market "+secretToken {
		t.Errorf("it resolved %q", b.received)
	}
	cookies := w.Result().Cookies()
	if len(cookies) != 1 || cookies[0].MaxAge != int(arrival.Kept/time.Second) || strings.Contains(fmt.Sprint(w.Result().Header), secretToken) {
		t.Fatalf("the answer sets %v", cookies)
	}
	page := httptest.NewRequest(http.MethodGet, "/marketplace", nil)
	page.AddCookie(cookies[0])
	answer := s.do(page)
	doc := document(t, answer, http.StatusOK)
	text := one(t, doc, ".purchase").Text()
	for _, want := range []string{"Harbours Fleet", "1111-2222-3333", "200"} {
		if !strings.Contains(text, want) {
			t.Errorf("the purchase does not show %q: %s", want, text)
		}
	}
	for name, screen := range map[string]string{"Sign up": "&screen=sign-up", "Sign in": ""} {
		link := one(t, doc, ".purchase a.button:contains('"+name+"')")
		if got := attr(t, link, "href"); got != "/sign-in?return_to=%2Fmarketplace"+screen {
			t.Errorf("%s leads to %s", name, got)
		}
	}
	if doc.Find(`.purchase form`).Length() > 0 || answer.Header().Get("Cache-Control") != "private, no-store" || doc.Find(`meta[name="robots"][content="noindex"]`).Length() != 1 {
		t.Errorf("a stranger's page can be confirmed or kept: %v", answer.Header())
	}
}

func TestAPersonConfirmsAPurchase(t *testing.T) {
	t.Parallel()
	f, b := selling()
	claim := purchaseOf("plan-market", true)
	b.claims["secret-"+claim.ID] = claim
	s := signedIn(f)
	doc := document(t, s.holding("/marketplace", claim), http.StatusOK)
	form := one(t, doc, ".purchase form")
	if text := doc.Find("main").Text(); !strings.Contains(text, "Ada Lovelace") || !strings.Contains(text, "Free trial") {
		t.Errorf("the page says %s", text)
	}
	fields := url.Values{}
	form.Find("input").Each(func(_ int, input *goquery.Selection) { fields.Set(attr(t, input, "name"), attr(t, input, "value")) })
	r := httptest.NewRequest(http.MethodPost, attr(t, form, "action"), strings.NewReader(fields.Encode()))
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	r.AddCookie(&http.Cookie{Name: "gatehouse_purchase_" + claim.ID[:8], Value: "secret-" + claim.ID})
	w := s.do(r)
	if w.Code != http.StatusSeeOther || w.Header().Get("Location") != "/operations/op-1" {
		t.Fatalf("%d to %q, want 303 to the operation", w.Code, w.Header().Get("Location"))
	}
	if len(b.confirmed) != 1 || b.confirmed[0].Account != ada.Account || b.confirmed[0].IdempotencyKey == "" {
		t.Errorf("it confirmed for %+v", b.confirmed)
	}
	doc = document(t, s.holding("/marketplace", claim), http.StatusOK)
	if link := one(t, doc, ".purchase .hint a"); attr(t, link, "href") != "/operations/op-1" || doc.Find(".purchase form").Length() > 0 {
		t.Error("the page does not say that the purchase is confirmed")
	}
	other := identity.Identity{Account: "account-bob", Name: "Bob", Via: identity.ViaSession}
	if doc = document(t, siteOf(f, &other).holding("/marketplace", claim), http.StatusOK); doc.Find(".purchase").Length() > 0 {
		t.Error("another account sees it")
	}
}

func TestAClaimedPurchaseIsShownOnlyToItsAccount(t *testing.T) {
	t.Parallel()
	bob := identity.Identity{Account: "account-bob", Name: "Bob", Via: identity.ViaSession}
	const buyer = "1111-2222-3333"
	for name, c := range map[string]struct {
		reader    *identity.Identity
		confirmed bool
		owner     portal.AccountID
		shown     bool
		says      string
	}{
		"a visitor, confirmed here":                 {nil, true, "", false, "If you have confirmed your purchase already, sign in to see it."},
		"a visitor, claimed elsewhere":              {nil, false, ada.Account, false, "An account of this portal uses this purchase already. Sign in with that account."},
		"a visitor, confirmed here and claimed":     {nil, true, ada.Account, false, "If you have confirmed your purchase already, sign in to see it."},
		"another account, confirmed here":           {&bob, true, "", false, "There is no purchase to confirm"},
		"another account, claimed elsewhere":        {&bob, false, ada.Account, false, "Another account of this portal uses this purchase already. Sign in with that account."},
		"its account, before the purchase is shown": {&ada, true, "", true, "You have confirmed it."},
		"its account":                 {&ada, true, ada.Account, true, "Your account has this purchase."},
		"its account, arriving again": {&ada, false, ada.Account, true, "Your account has this purchase."},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f, b := selling()
			claim := purchaseOf("plan-market", false)
			if c.confirmed {
				claim.Operation, claim.Account = "op-1", ada.Account
			}
			if c.owner != "" {
				b.owners[claim.Licence] = c.owner
			}
			b.claims["secret-"+claim.ID] = claim
			main := one(t, document(t, siteOf(f, c.reader).holding("/marketplace", claim), http.StatusOK), "main")
			said := text(main)
			if shown := main.Find(".purchase").Length() == 1; shown != c.shown || strings.Contains(said, buyer) != c.shown || !strings.Contains(said, c.says) {
				t.Errorf("it is shown: %t, want %t with %q: %s", shown, c.shown, c.says, said)
			}
			if strings.Contains(text(main.Find("h1")), "Confirm your") || strings.Contains(said, "Your purchase waits") || strings.Contains(said, "Confirm that this account") {
				t.Errorf("the page asks to confirm what is claimed: %s", said)
			}
		})
	}
}

func TestOnlyPurchasesThatWaitCountAsToConfirm(t *testing.T) {
	t.Parallel()
	f, b := selling()
	waiting, mine := purchaseOf("plan-market", false), purchaseOf("plan-market", false)
	mine.ID, mine.Licence = "abcdefgh-2", "licence/l-2"
	b.owners[mine.Licence] = ada.Account
	b.claims["secret-"+waiting.ID], b.claims["secret-"+mine.ID] = waiting, mine
	doc := document(t, signedIn(f).holding("/marketplace", waiting, mine), http.StatusOK)
	if got := text(one(t, doc, "h1")); got != "Confirm your purchase" || doc.Find(".purchase").Length() != 2 || !strings.Contains(text(doc.Find("main")), "Your purchase waits.") {
		t.Errorf("with one of two that waits, the page is %s", text(doc.Find("main")))
	}
}

func TestAConfirmedPurchaseLeavesTheBrowser(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		refusal error
		leaves  bool
	}{"confirmed": {nil, true}, "refused": {portal.Fail(portal.TooManyRequests, "No."), false}} {
		f, b := selling()
		b.refusal = c.refusal
		claim := purchaseOf("plan-market", false)
		b.claims["secret-"+claim.ID] = claim
		r := httptest.NewRequest(http.MethodPost, "/marketplace/confirm", strings.NewReader("purchase=01234567"))
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		r.AddCookie(&http.Cookie{Name: "gatehouse_purchase_01234567", Value: "secret-" + claim.ID})
		cookies := signedIn(f).do(r).Result().Cookies()
		leaves := slices.ContainsFunc(cookies, func(c *http.Cookie) bool { return c.Name == "gatehouse_purchase_01234567" && c.MaxAge < 0 })
		if leaves != c.leaves {
			t.Errorf("%s: the answer sets %v", name, cookies)
		}
	}
}

func TestOnlyTheBrowserThatHasAPurchaseConfirmsIt(t *testing.T) {
	t.Parallel()
	f, b := selling()
	claim := purchaseOf("plan-market", false)
	b.claims["secret-"+claim.ID] = claim
	for name, cookie := range map[string]*http.Cookie{
		"without a cookie":           {Name: "other", Value: "x"},
		"with another secret":        {Name: "gatehouse_purchase_01234567", Value: "secret-x"},
		"with the cookie of another": {Name: "gatehouse_purchase_76543210", Value: "secret-" + claim.ID},
	} {
		r := httptest.NewRequest(http.MethodPost, "/marketplace/confirm", strings.NewReader("purchase=01234567"))
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		r.AddCookie(cookie)
		if w := signedIn(f).do(r); w.Code != http.StatusNotFound || len(b.confirmed) > 0 {
			t.Errorf("%s: %d, confirmed for %v", name, w.Code, b.confirmed)
		}
	}
	if w := visit(f).post("/marketplace/confirm", url.Values{"purchase": {"01234567"}}); w.Code != http.StatusUnauthorized {
		t.Errorf("without a sign-in: %d", w.Code)
	}
}

func TestAPageSaysWhyAPurchaseCannotBeConfirmed(t *testing.T) {
	t.Parallel()
	claim := purchaseOf("plan-market", false)
	for name, c := range map[string]struct {
		change func(*fake, *bazaar, *arrival.Claim)
		says   string
	}{
		"another account has it":      {func(_ *fake, b *bazaar, _ *arrival.Claim) { b.owners["licence/l-1"] = "account-bob" }, "Another account of this portal uses this purchase already"},
		"the account has it":          {func(_ *fake, b *bazaar, _ *arrival.Claim) { b.owners["licence/l-1"] = ada.Account }, "Your account has this purchase"},
		"the plan is gone":            {func(_ *fake, _ *bazaar, c *arrival.Claim) { c.Plan = "plan-gone" }, "no longer sold here"},
		"another listing sells it":    {func(_ *fake, _ *bazaar, c *arrival.Claim) { c.Product = "xyz" }, "no longer sold here"},
		"the account is suspended":    {func(f *fake, _ *bazaar, _ *arrival.Claim) { f.account.Profile.Status = projections.StatusSuspended }, "Your account is suspended"},
		"the account does not exist":  {func(f *fake, _ *bazaar, _ *arrival.Claim) { f.account.Profile.Status = projections.StatusNone }, "Your account is not registered yet"},
		"the registration is pending": {func(f *fake, _ *bazaar, _ *arrival.Claim) { f.account.Profile.Status = projections.StatusPending }, "Your registration waits for approval"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f, b := selling()
			held := claim
			c.change(f, b, &held)
			b.claims["secret-"+held.ID] = held
			doc := document(t, signedIn(f).holding("/marketplace", held), http.StatusOK)
			if doc.Find(".purchase form").Length() > 0 || !strings.Contains(doc.Find("main").Text(), c.says) {
				t.Errorf("it can be confirmed, or does not say %q: %s", c.says, doc.Find("main").Text())
			}
		})
	}
}

func TestABrowserMayHaveSeveralPurchases(t *testing.T) {
	t.Parallel()
	f, b := selling()
	first, second := purchaseOf("plan-market", false), purchaseOf("plan-market", false)
	second.ID, second.Licence, second.Buyer, second.Expires = "abcdefgh-2", "licence/l-2", "", now.Add(2*time.Hour)
	for _, claim := range []arrival.Claim{first, second} {
		b.claims["secret-"+claim.ID] = claim
	}
	doc := document(t, signedIn(f).holding("/marketplace", first, second), http.StatusOK)
	if forms := doc.Find(".purchase form"); forms.Length() != 2 || attr(t, forms.First().Find(`[name="purchase"]`), "value") != "abcdefgh" {
		t.Errorf("the page has %d forms, want the newest purchase first", forms.Length())
	}
}

func TestWithoutAPurchaseThePageSaysHowToGetThere(t *testing.T) {
	t.Parallel()
	f, _ := selling()
	for _, s := range []site{visit(f), signedIn(f)} {
		doc := document(t, s.get("/marketplace"), http.StatusOK)
		if href := attr(t, doc.Find("main a.button").First(), "href"); !strings.HasPrefix(href, "https://console.aws.amazon.com/marketplace/") {
			t.Errorf("the first button leads to %s", href)
		}
	}
	if w := visit(f).get("/marketplace-confirm/plan-market"); w.Code != http.StatusSeeOther || w.Header().Get("Location") != "/marketplace" {
		t.Errorf("opening the address of buyers leads to %d %s", w.Code, w.Header().Get("Location"))
	}
}

func TestADashboardNamesWhatWaitsForConfirmation(t *testing.T) {
	t.Parallel()
	f, b := selling()
	claim := purchaseOf("plan-market", false)
	b.claims["secret-"+claim.ID] = claim
	s := signedIn(f)
	if text := one(t, document(t, s.holding("/dashboard", claim), http.StatusOK), "#purchases").Text(); !strings.Contains(text, "Harbours Fleet") {
		t.Errorf("it says %s", text)
	}
	claim.Operation, claim.Account = "op-1", ada.Account
	b.claims["secret-"+claim.ID] = claim
	if document(t, s.holding("/dashboard", claim), http.StatusOK).Find("#purchases").Length() > 0 {
		t.Error("a confirmed purchase still waits")
	}
}

func TestWhileAPurchaseWaitsThePagesNameItInsteadOfPlansToPick(t *testing.T) {
	t.Parallel()
	claim := purchaseOf("plan-market", false)
	for name, c := range map[string]struct {
		licence *projections.Licence
		claimed bool
		says    string
		leads   string
	}{
		"for the person":     {nil, false, "Your purchase of Harbours Fleet waits for your confirmation. You get its key after that.", "/marketplace"},
		"for AWS":            {&projections.Licence{State: projections.LicenceWaiting}, true, "Your purchase of Fleet waits for AWS Marketplace to confirm the payment. You get its key after that.", "/dashboard#bought"},
		"after a failure":    {&projections.Licence{State: projections.LicenceFailed}, true, "Your purchase of Fleet waits, because AWS Marketplace could not take the payment. You get its key once AWS confirms the payment.", "/dashboard#bought"},
		"and nothing waits":  {nil, true, "", ""},
		"and it never began": {&projections.Licence{State: projections.LicenceEnded, NotBegun: true}, true, "", ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f, b := selling()
			f.account = registered()
			f.account.Keys = nil
			held := claim
			if c.claimed {
				held.Operation, held.Account = "op-1", ada.Account
			}
			b.claims["secret-"+held.ID] = held
			if l := c.licence; l != nil {
				f.account.Licences = []projections.Licence{{Stream: held.Licence, Plan: held.Plan, Name: "Fleet", State: l.State, NotBegun: l.NotBegun, Since: now}}
			}
			for page, parts := range map[string]struct{ selector, otherwise string }{
				"/keys": {`section[aria-labelledby="your-keys"] .empty`, "You have no key. Create one here, or subscribe to a plan to get one."},
			} {
				doc := document(t, signedIn(f).holding(page, held), http.StatusOK)
				empty := one(t, doc, parts.selector)
				if c.says == "" {
					says(t, doc, parts.selector, parts.otherwise)
					continue
				}
				if said := text(empty); !strings.Contains(said, c.says) || strings.Contains(said, parts.otherwise) || empty.Find(`a[href="`+c.leads+`"]`).Length() != 1 {
					t.Errorf("%s says %q, want %q and a link to %s", page, said, c.says, c.leads)
				}
			}
			doc := document(t, signedIn(f).holding("/dashboard", held), http.StatusOK)
			if c.says == "" {
				says(t, doc, `section[aria-labelledby="subscriptions"] .empty`, "You have no subscriptions yet. Find an API and pick a plan")
				return
			}
			none(t, doc, `section[aria-labelledby="subscriptions"]`)
			one(t, doc, "#purchases, #bought")
			says(t, doc, `section[aria-labelledby="keys"] .empty`, "You have no key yet. You get it with your purchase.")
		})
	}
}

func TestABuyerWhoCannotBeReceivedIsToldWhatToDo(t *testing.T) {
	t.Parallel()
	of := func(code portal.Code, cause error) error {
		return &portal.Error{Code: code, Message: "This is the message.", Err: fmt.Errorf("resolving: %w", cause)}
	}
	for name, c := range map[string]struct {
		change  func(*http.Request)
		err     error
		status  int
		heading string
		asked   bool
	}{
		"a missing token":               {func(r *http.Request) { *r = *withBody(r, "a=b") }, nil, http.StatusBadRequest, "Your purchase did not arrive", false},
		"an empty token":                {func(r *http.Request) { *r = *withBody(r, "x-amzn-marketplace-token=+") }, nil, http.StatusBadRequest, "Your purchase did not arrive", false},
		"two tokens":                    {func(r *http.Request) { *r = *withBody(r, "x-amzn-marketplace-token=a&x-amzn-marketplace-token=b") }, nil, http.StatusBadRequest, "Your purchase did not arrive", false},
		"a token in the address":        {func(r *http.Request) { *r = *withBody(r, ""); r.URL.RawQuery = "x-amzn-marketplace-token=a" }, nil, http.StatusBadRequest, "Your purchase did not arrive", false},
		"a form that is broken":         {func(r *http.Request) { *r = *withBody(r, "x-amzn-marketplace-token=%zz") }, nil, http.StatusBadRequest, "Your purchase did not arrive", false},
		"a form that is too large":      {func(r *http.Request) { *r = *withBody(r, "x-amzn-marketplace-token="+strings.Repeat("a", 17<<10)) }, nil, http.StatusRequestEntityTooLarge, "Your purchase did not arrive", false},
		"JSON":                          {func(r *http.Request) { r.Header.Set("Content-Type", "application/json") }, nil, http.StatusUnsupportedMediaType, "Your purchase did not arrive", false},
		"no type":                       {func(r *http.Request) { r.Header.Del("Content-Type") }, nil, http.StatusUnsupportedMediaType, "Your purchase did not arrive", false},
		"a token that AWS refuses":      {nil, of(portal.Invalid, seller.ErrInvalidToken), http.StatusBadRequest, "Your purchase did not arrive", true},
		"an expired token":              {nil, of(portal.Invalid, seller.ErrExpiredToken), http.StatusBadRequest, "The link has expired", true},
		"another product's token":       {nil, of(portal.Invalid, arrival.ErrForeign), http.StatusBadRequest, "This purchase belongs elsewhere", true},
		"an API that is disabled":       {nil, of(portal.Unavailable, seller.ErrDisabled), http.StatusServiceUnavailable, "We cannot look up your purchase", true},
		"a role that is denied":         {nil, of(portal.Unavailable, seller.ErrDenied), http.StatusServiceUnavailable, "We cannot look up your purchase", true},
		"an API that throttles":         {nil, of(portal.Unavailable, seller.ErrThrottled), http.StatusServiceUnavailable, "We cannot look up your purchase right now", true},
		"an API that is down":           {nil, of(portal.Unavailable, seller.ErrDown), http.StatusServiceUnavailable, "We cannot look up your purchase right now", true},
		"a plan that AWS has not named": {nil, of(portal.Unavailable, arrival.ErrUndecided), http.StatusServiceUnavailable, "We cannot look up your purchase right now", true},
		"a portal that sells nothing":   {nil, portal.Fail(portal.NotFound, "This portal sells nothing on AWS Marketplace."), http.StatusNotFound, "There is nothing here", true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f, b := selling()
			b.err = c.err
			r := sent()
			if c.change != nil {
				c.change(r)
			}
			w := visit(f).do(r)
			doc := document(t, w, c.status)
			if got := doc.Find("h1").Text(); got != c.heading {
				t.Errorf("the heading is %q, want %q", got, c.heading)
			}
			if doc.Find("main a.button").Length() == 0 || (len(b.received) > 0) != c.asked || len(w.Result().Cookies()) > 0 {
				t.Errorf("the page leads nowhere, or AWS was asked %d times, or a cookie was set", len(b.received))
			}
			own := errors.Is(c.err, seller.ErrInvalidToken) || errors.Is(c.err, seller.ErrExpiredToken)
			if c.err != nil && !own && portal.CodeOf(c.err) != portal.NotFound && !strings.Contains(doc.Text(), "This is the message.") {
				t.Error("the page lacks the message")
			}
			if (c.status == http.StatusServiceUnavailable) != (w.Header().Get("Retry-After") != "") {
				t.Errorf("Retry-After is %q", w.Header().Get("Retry-After"))
			}
			if strings.Contains(w.Body.String(), secretToken) || strings.Contains(fmt.Sprint(w.Header()), secretToken) {
				t.Error("the answer has the token")
			}
		})
	}
}

func withBody(r *http.Request, body string) *http.Request {
	changed := httptest.NewRequest(r.Method, r.URL.Path, strings.NewReader(body))
	changed.Header = r.Header
	return changed
}

func TestAPurchaseThatCannotBeKeptIsNotLost(t *testing.T) {
	t.Parallel()
	f, b := selling()
	b.lost = &portal.Error{Code: portal.Unavailable, Message: "Not now.", Err: errors.New("the table is down")}
	w := visit(f).do(sent())
	if doc := document(t, w, http.StatusServiceUnavailable); len(w.Result().Cookies()) > 0 || !strings.Contains(doc.Text(), "Your purchase is safe with AWS") {
		t.Errorf("it says %s", doc.Find("main").Text())
	}
	claim := purchaseOf("plan-market", false)
	document(t, visit(f).holding("/marketplace", claim), http.StatusServiceUnavailable)
}

func TestAPurchaseThatIsRefusedSaysSo(t *testing.T) {
	t.Parallel()
	for code, status := range map[portal.Code]int{portal.NotFound: http.StatusNotFound, portal.Conflict: http.StatusConflict, portal.NotRegistered: http.StatusConflict, portal.TooManyRequests: http.StatusTooManyRequests} {
		f, b := selling()
		b.refusal = portal.Fail(code, "No.")
		claim := purchaseOf("plan-market", false)
		b.claims["secret-"+claim.ID] = claim
		r := httptest.NewRequest(http.MethodPost, "/marketplace/confirm", strings.NewReader("purchase=01234567"))
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		r.AddCookie(&http.Cookie{Name: "gatehouse_purchase_01234567", Value: "secret-" + claim.ID})
		if w := signedIn(f).do(r); w.Code != status || b.claims["secret-"+claim.ID].Operation != "" {
			t.Errorf("%s: %d, want %d", code, w.Code, status)
		}
	}
}

func TestAPlanOfAWSMarketplaceLeadsToItsListing(t *testing.T) {
	t.Parallel()
	f, _ := selling()
	for _, s := range []site{visit(f), signedIn(f)} {
		card := one(t, document(t, s.get("/apis/harbours/plans"), http.StatusOK), "#plan-plan-market")
		link := card.Find("a.button")
		if link.Length() != 1 || attr(t, link, "href") != "https://aws.amazon.com/marketplace/pp/prodview-1" || card.Find("form").Length() > 0 || !strings.Contains(card.Text(), "Sold on AWS Marketplace") {
			t.Errorf("the card is %s", card.Text())
		}
	}
	if w := signedIn(f).get("/subscriptions/plan-market/change"); w.Code != http.StatusSeeOther {
		t.Errorf("the page of the change answers %d", w.Code)
	}
	f.account.Subscriptions = []projections.Subscription{{Plan: "plan-market", Name: "Fleet", State: projections.SubscriptionActive, Ring: "licence/l-1", Since: now}}
	for _, path := range []string{"/apis/harbours/plans", "/dashboard"} {
		doc := document(t, signedIn(f).get(path), http.StatusOK)
		if doc.Find(".leave").Length() > 0 || !strings.Contains(doc.Find("main").Text(), "on AWS Marketplace") || !strings.Contains(strings.ToLower(doc.Find("main").Text()), "cancel it there") {
			t.Errorf("%s lets people leave what they pay for elsewhere, or does not say where to cancel", path)
		}
	}
}

// purchasing is the site of a browser with a purchase that can be confirmed, and one that another
// account has.
func purchasing(id *identity.Identity) site {
	f, b := selling()
	first, second := purchaseOf("plan-market", true), purchaseOf("plan-market", false)
	second.ID, second.Licence = "abcdefgh-2", "licence/l-2"
	b.owners["licence/l-2"] = "account-bob"
	for _, claim := range []arrival.Claim{first, second} {
		b.claims["secret-"+claim.ID] = claim
	}
	s := siteOf(f, id)
	return site{f, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		for _, claim := range []arrival.Claim{first, second} {
			r.AddCookie(&http.Cookie{Name: "gatehouse_purchase_" + claim.ID[:8], Value: "secret-" + claim.ID})
		}
		s.handler.ServeHTTP(w, r)
	})}
}

// unsold is the site of a browser without a purchase.
func unsold() site {
	f, _ := selling()
	return visit(f)
}

type fakeLedger struct {
	metering.Summary
	err error
}

func (f fakeLedger) Summaries(_ context.Context, licences ...portal.Stream) (map[portal.Stream]metering.Summary, error) {
	return map[portal.Stream]metering.Summary{licences[0]: f.Summary}, f.err
}

func TestTheDashboardSaysHowMuchOfAPurchaseIsBilled(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		ledger      fakeLedger
		want, lacks string
	}{
		"an active purchase":               {fakeLedger{Summary: metering.Summary{Billed: 1250, Last: now.Add(-time.Hour)}}, "1,250 requests billed so far, last reported", "The last usage"},
		"a purchase that is over":          {fakeLedger{Summary: metering.Summary{Billed: 1, Last: now.Add(-time.Hour), Closed: now}}, "1 request billed. The last usage was reported", "so far"},
		"a purchase that was not metered":  {fakeLedger{}, "l-01", "billed"},
		"a ledger that cannot be read now": {fakeLedger{Summary: metering.Summary{Billed: 1250, Last: now}, err: errors.New("down")}, "l-01", "billed"},
	} {
		f, _ := selling()
		f.account = registered()
		f.account.Licences = []projections.Licence{{Stream: "licence/l-01", State: projections.LicenceActive, Name: "Max", Since: now}}
		f.market.Ledger = c.ledger
		page := signedIn(f).get("/dashboard").Body.String()
		if !strings.Contains(page, c.want) || strings.Contains(page, c.lacks) {
			t.Errorf("%s: the dashboard lacks %q or has %q", name, c.want, c.lacks)
		}
	}
}

func TestTheDashboardSaysWhatBecameOfAPurchaseAndWhatToDo(t *testing.T) {
	t.Parallel()
	const payments, listing, console = "https://console.aws.amazon.com/billing/home#/paymentpreferences", "https://aws.amazon.com/marketplace/pp/prodview-1", "https://console.aws.amazon.com/marketplace/home#/subscriptions"
	for name, c := range map[string]struct {
		licence    projections.Licence
		badge, say string
		links      []string
	}{
		"waiting":   {projections.Licence{State: projections.LicenceWaiting, Operation: "op-1"}, "Waiting for AWS", "There is nothing you need to do.", []string{"/operations/op-1"}},
		"failed":    {projections.Licence{State: projections.LicenceFailed, Operation: "op-1"}, "Payment failed", "You get your key once AWS confirms the payment.", []string{payments, "/operations/op-1"}},
		"not begun": {projections.Licence{State: projections.LicenceEnded, NotBegun: true, Operation: "op-1"}, "Payment failed", "ended the purchase before it became active", []string{payments, listing}},
		"again":     {projections.Licence{State: projections.LicenceEnded, Again: true, Operation: "op-1"}, "Waiting for AWS", "There is nothing you need to do.", []string{"/operations/op-1"}},
		"confirmed": {projections.Licence{State: projections.LicenceActive}, "Being set up", "AWS Marketplace has confirmed the payment, and your key is being set up.", nil},
		"cancelled": {projections.Licence{State: projections.LicenceActive, Cancelled: true, Until: now.AddDate(0, 1, 0)}, "Cancelled", "It works until AWS Marketplace ends it", []string{listing}},
		"ending":    {projections.Licence{State: projections.LicenceEnding}, "Ending", "AWS bills the last usage within about an hour", []string{listing}},
		"ended":     {projections.Licence{State: projections.LicenceEnded}, "Ended", "Buy it again", []string{listing}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f, _ := selling()
			f.account = registered()
			c.licence.Stream, c.licence.Plan, c.licence.Name, c.licence.Buyer, c.licence.Since = "licence/l-0123456789abcdef", "plan-market", "Fleet", "111122223333", now
			f.account.Licences = []projections.Licence{c.licence}
			doc := document(t, signedIn(f).get("/dashboard"), http.StatusOK)
			card := one(t, doc, `section[aria-labelledby="bought"] .card`)
			says(t, doc, `section[aria-labelledby="bought"] h3`, "Harbours Fleet")
			for _, want := range []string{c.badge, c.say, "Licence l-0123456789…, bought by AWS account 1111-2222-3333."} {
				if !strings.Contains(text(card), want) {
					t.Errorf("the purchase lacks %q: %s", want, text(card))
				}
			}
			var links []string
			for _, a := range card.Find("p a").EachIter() {
				links = append(links, a.AttrOr("href", ""))
			}
			if !slices.Equal(links, c.links) {
				t.Errorf("it leads to %v, want %v", links, c.links)
			}
			over := name == "ending" || name == "ended" || name == "not begun"
			if doc.Find(`section[aria-labelledby="bought"] .hint a[href="`+console+`"]`).Length() != map[bool]int{false: 1}[over] {
				t.Error("the page does not say where to change and cancel purchases, or says so of one that is over")
			}
		})
	}
}

func TestAPurchaseAndItsSubscriptionAreOneCard(t *testing.T) {
	t.Parallel()
	until := now.AddDate(0, 1, 0)
	sub := func(state, plan string, change func(*projections.Subscription)) projections.Subscription {
		s := projections.Subscription{Plan: portal.PlanID(plan), Name: "Fleet", State: state, Ring: "licence/l-1", Since: now.Add(-time.Hour)}
		if change != nil {
			change(&s)
		}
		return s
	}
	active := projections.Licence{State: projections.LicenceActive, Until: until}
	key := projections.Key{ID: "k-1", Name: "Key", Ring: "licence/l-1", State: projections.KeyActive}
	for name, c := range map[string]struct {
		licence       projections.Licence
		subscriptions []projections.Subscription
		keys          []projections.Key
		badge, say    string
		next          string
		polls         bool
	}{
		"active":                  {active, []projections.Subscription{sub(projections.SubscriptionActive, "plan-market", nil)}, []projections.Key{key}, "Active", "It ends on 22 December 2026 at 09:00 UTC unless it is renewed.", "#key-k-1", false},
		"active, with two keys":   {active, []projections.Subscription{sub(projections.SubscriptionActive, "plan-market", nil)}, []projections.Key{key, {ID: "k-2", Ring: "licence/l-1", State: projections.KeyPending}}, "Active", "", "#keys", false},
		"active, without a key":   {active, []projections.Subscription{sub(projections.SubscriptionActive, "plan-market", nil)}, []projections.Key{{ID: "k-2", Ring: "licence/l-1", State: projections.KeyEnded}}, "Active", "", "/keys", false},
		"being set up":            {active, []projections.Subscription{sub(projections.SubscriptionPending, "plan-market", func(s *projections.Subscription) { s.Operation = "op-7" })}, nil, "Being set up", "There is nothing you need to do.", "/operations/op-7", true},
		"waiting for API Gateway": {active, []projections.Subscription{sub(projections.SubscriptionPending, "plan-market", func(s *projections.Subscription) { s.Waiting = "aws" })}, nil, "Waiting", "API Gateway is not accepting the change right now.", "", true},
		"changing its plan": {active, []projections.Subscription{
			sub(projections.SubscriptionActive, "plan-free", func(s *projections.Subscription) { s.ChangesTo = "plan-market" }),
			sub(projections.SubscriptionPending, "plan-market", func(s *projections.Subscription) { s.Replaces = "plan-free" }),
		}, nil, "Changing", "Your keys are moving from Free.", "", true},
		"lost": {projections.Licence{State: projections.LicenceActive, Since: now.Add(-2 * time.Hour)}, []projections.Subscription{sub(projections.SubscriptionEnded, "plan-market", nil)}, nil, "Not working", "Tell the operator of this portal", "", false},
		"bought again, and the account does not know yet": {projections.Licence{State: projections.LicenceActive, Since: now}, []projections.Subscription{sub(projections.SubscriptionEnded, "plan-market", nil)}, nil, "Being set up", "", "", true},
		"ended": {projections.Licence{State: projections.LicenceEnded}, []projections.Subscription{sub(projections.SubscriptionEnded, "plan-market", nil)}, nil, "Ended", "Buy it again", "https://aws.amazon.com/marketplace/pp/prodview-1", false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f, _ := selling()
			f.catalog = published(append(f.catalog.Products, weather())...)
			f.account = registered(c.subscriptions...)
			f.account.Keys = c.keys
			c.licence.Stream, c.licence.Plan, c.licence.Name, c.licence.Product = "licence/l-1", "plan-market", "Fleet", "code"
			f.account.Licences = []projections.Licence{c.licence}
			doc := document(t, signedIn(f).get("/dashboard"), http.StatusOK)
			card := one(t, doc, "#account .card:not(.key)")
			if said := text(card); text(card.Find(".badge")) != c.badge || !strings.Contains(said, c.say) {
				t.Errorf("the card says %q", said)
			}
			none(t, doc, "#under-way, #past")
			if next := card.Find("p.paging a").First().AttrOr("href", ""); next != c.next {
				t.Errorf("the next step is %q, want %q", next, c.next)
			}
			if polls := doc.Find("#account[data-poll][data-announce]").Length() == 1; polls != c.polls {
				t.Errorf("the page says that something is in progress: %t", polls)
			}
			if uses := card.Find("#call-plan-market-"+portal.DeriveID("licence/l-1")[:8]).Length() == 1; uses != (c.next == "#key-k-1" || c.next == "#keys") {
				t.Errorf("it shows a first call: %t", uses)
			}
		})
	}
}

// renewed is a person who has renewed a purchase twice, and bought another product once.
func renewed() *fake {
	f, _ := selling()
	f.account = registered(projections.Subscription{Plan: "plan-market", Name: "Fleet", State: projections.SubscriptionActive, Ring: "licence/l-3", Since: now})
	f.account.Keys = []projections.Key{{ID: "k-3", Name: "Key for Fleet", Ring: "licence/l-3", State: projections.KeyActive, CreatedAt: now}}
	for i, l := range []projections.Licence{
		{Stream: "licence/l-1", State: projections.LicenceEnded}, {Stream: "licence/l-2", State: projections.LicenceActive, Cancelled: true, Renews: "licence/l-1"},
		{Stream: "licence/l-3", State: projections.LicenceActive, Renews: "licence/l-2"}, {Stream: "licence/l-0", State: projections.LicenceEnded, Product: "other", Name: "Max"},
	} {
		l.Plan, l.Name, l.Product = "plan-market", cmp.Or(l.Name, "Fleet"), portal.ProductCode(cmp.Or(string(l.Product), "code"))
		l.Since, l.ClaimedAt = now.Add(-time.Hour), now.Add(time.Duration(i-9)*time.Hour)
		f.account.Licences = append(f.account.Licences, l)
	}
	return f
}

func TestAfterARenewalNobodyIsSentToBuyAgain(t *testing.T) {
	t.Parallel()
	f := renewed()
	doc := document(t, signedIn(f).get("/dashboard"), http.StatusOK)
	var cards []string
	for _, card := range doc.Find(`section[aria-labelledby="bought"] .card`).EachIter() {
		cards = append(cards, text(card.Find("span[title]"))+" "+text(card.Find(".badge")))
		if again := strings.Contains(text(card), "Buy it again"); again != strings.Contains(text(card), "l-0") {
			t.Errorf("it sends people to buy again: %s", text(card))
		}
	}
	if want := []string{"l-3 Active", "l-2 Cancelled", "l-0 Ended"}; !slices.Equal(cards, want) {
		t.Errorf("the cards are %v, want %v", cards, want)
	}
	says(t, doc, "#past-purchases summary", "Earlier purchases (1)")
	says(t, doc, "#past-purchases li", "Harbours Fleet: Ended Licence l-1. Since 1 hour ago. Renewed by licence l-2.")
}

// The old licence works until AWS ends it, whether AWS says that it was cancelled or not.
func TestTheCardOfARenewedPurchaseLeadsToTheNewOne(t *testing.T) {
	t.Parallel()
	const words = "This purchase was renewed, and AWS Marketplace made a new licence with a key of its own."
	for name, change := range map[string]func(old *projections.Licence, f *fake){
		"still active": oldKeyWorks,
		"until a time": func(old *projections.Licence, f *fake) {
			oldKeyWorks(old, f)
			old.Until = now.AddDate(0, 1, 0)
		},
		"cancelled": func(*projections.Licence, *fake) {},
		"told by a notice, too": func(_ *projections.Licence, f *fake) {
			f.told.notices = []notices.Notice{{ID: "1", Kind: notices.Purchase, Importance: notices.Warn, About: "licence/l-2", Title: "Your purchase was renewed", Text: words, Link: "/dashboard#bought", At: now}}
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := renewed()
			change(&f.account.Licences[1], f)
			doc := document(t, signedIn(f).get("/dashboard"), http.StatusOK)
			page := text(doc.Find("#account"))
			if n := strings.Count(page, words); n != 1 {
				t.Errorf("the page says %d times that the purchase was renewed: %s", n, page)
			}
			if strings.Contains(page, "unless it is renewed") {
				t.Errorf("it says that a renewed purchase may be renewed: %s", page)
			}
			next := one(t, doc, `.purchase:contains("l-2") a.more`)
			if target := doc.Find(next.AttrOr("href", "none")); text(next) != "Go to the new purchase: Fleet, licence l-2" || target.Length() != 1 || !strings.Contains(text(target.Closest("li")), "Licence l-3") {
				t.Errorf("the next step is %q and leads to %q", text(next), text(target))
			}
			if old := doc.Find(`.purchase:contains("l-2") a[href="#key-k-2"]`).Length() == 1; old != !f.account.Licences[1].Cancelled {
				t.Errorf("the card leads to the old key: %t", old)
			}
			says(t, doc, `.purchase:contains("l-2") .meta`, "Renewed by licence l-3.")
			if new := text(doc.Find(`.purchase`).First()); !strings.Contains(new, "Licence l-3") || strings.Contains(strings.ToLower(new), "renewed") {
				t.Errorf("the card of the new purchase says %q", new)
			}
		})
	}
}

func oldKeyWorks(old *projections.Licence, f *fake) {
	old.Cancelled = false
	f.account.Subscriptions = append(f.account.Subscriptions, projections.Subscription{Plan: "plan-market", Name: "Fleet", State: projections.SubscriptionActive, Ring: "licence/l-2", Since: now})
	f.account.Keys = append(f.account.Keys, projections.Key{ID: "k-2", Name: "Key for Fleet", Ring: "licence/l-2", State: projections.KeyActive, CreatedAt: now})
}

func TestADashboardSaysWhatANoticeSaysOnlyOnce(t *testing.T) {
	t.Parallel()
	f, _ := selling()
	f.account = registered()
	f.account.Licences = []projections.Licence{{Stream: "licence/l-1", Plan: "plan-market", Name: "Fleet", State: projections.LicenceFailed, Since: now}}
	f.told.notices = []notices.Notice{{
		ID: "1", Kind: notices.Purchase, Importance: notices.Act, About: "licence/l-1", Title: "The payment for Fleet failed", Link: "/dashboard#bought", At: now,
		Text: "AWS Marketplace could not take the payment for Fleet (licence l-1).", Advice: "Check the payment method of the AWS account that bought it.",
	}}
	page := text(document(t, signedIn(f).get("/dashboard"), http.StatusOK).Find("#account"))
	for _, once := range []string{"could not take the payment", "Check the payment method"} {
		if n := strings.Count(page, once); n != 1 {
			t.Errorf("the page says %q %d times: %s", once, n, page)
		}
	}
}

func TestWithALocalMarketplaceEveryLinkOfAPurchaseLeadsToIt(t *testing.T) {
	t.Parallel()
	f := bought()
	f.market.Simulator = simulatorPage
	f.operations = map[portal.OperationID]operations.Operation{}
	for id, status := range map[portal.OperationID]projections.Status{"op-1": projections.Waiting, "op-2": projections.Rejected} {
		one := about("plan-market", "MarketplaceConfirmed", status, map[portal.OperationID]string{"op-1": "payment_failed", "op-2": "agreement_ended"}[id])
		one.ID = id
		f.operations[id] = one
	}
	s, leads := signedIn(f), 0
	for _, path := range []string{"/dashboard", "/apis/harbours/plans", "/marketplace", "/operations/op-1", "/operations/op-2", "/account", "/account/deleted", "/keys"} {
		body := s.get(path).Body.String()
		if strings.Contains(body, "aws.amazon.com") {
			t.Errorf("%s leads to AWS itself", path)
		}
		leads += strings.Count(body, `href="`+simulatorPage+`"`)
	}
	empty := httptest.NewRequest(http.MethodPost, "/marketplace-confirm/plan-market", nil)
	empty.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	if body := s.do(empty).Body.String(); strings.Contains(body, "aws.amazon.com") || !strings.Contains(body, simulatorPage) {
		t.Errorf("the page about a purchase that did not arrive leads elsewhere: %s", body)
	}
	if leads < 8 {
		t.Errorf("only %d links lead to the local AWS Marketplace", leads)
	}
}

func TestAPurchaseOfAPlanThatIsNoLongerSoldLeadsToAWS(t *testing.T) {
	t.Parallel()
	f := &fake{account: registered()}
	f.account.Licences = []projections.Licence{{Stream: "legacy/code/customer-1", State: projections.LicenceEnded, Name: "Max", Since: now}}
	doc := document(t, signedIn(f).get("/dashboard"), http.StatusOK)
	one(t, doc, `section[aria-labelledby="bought"] a[href="https://console.aws.amazon.com/marketplace/home#/subscriptions"]`)
}

// twice is a person with two purchases of one plan.
func twice() *fake {
	f, _ := selling()
	f.account = registered()
	f.account.Keys = nil
	for _, stream := range []portal.Stream{"licence/l-aaaaaaaaaaaaaaaa", "licence/l-bbbbbbbbbbbbbbbb"} {
		buyer := portal.AWSAccount("111122223333")
		if len(f.account.Licences) > 0 {
			buyer = "444455556666"
		}
		f.account.Licences = append(f.account.Licences, projections.Licence{Stream: stream, Plan: "plan-market", Name: "Fleet", State: projections.LicenceActive, Since: now, Buyer: buyer})
		f.account.Subscriptions = append(f.account.Subscriptions, projections.Subscription{Plan: "plan-market", Name: "Fleet", State: projections.SubscriptionActive, Ring: portal.Ring(stream), Since: now})
		f.account.Keys = append(f.account.Keys, projections.Key{ID: portal.KeyID("k-" + stream[len(stream)-1:]), Name: "Key for Fleet", Ring: portal.Ring(stream), State: projections.KeyActive, CreatedAt: now})
	}
	f.keysPerRing = 3
	return f
}

// bought is a person with purchases in every state.
func bought() *fake {
	f := twice()
	for i, l := range []projections.Licence{
		{State: projections.LicenceWaiting, Operation: "op-1"}, {State: projections.LicenceFailed, Operation: "op-1"}, {State: projections.LicenceEnded, NotBegun: true, Operation: "op-1"},
		{State: projections.LicenceActive, Cancelled: true}, {State: projections.LicenceEnding}, {State: projections.LicenceEnded}, {State: projections.LicenceActive, Until: now.AddDate(0, 1, 0), FreeTrial: true},
	} {
		l.Stream, l.Plan, l.Name, l.Buyer, l.Since = portal.Stream("licence/l-"+strings.Repeat(string(rune('0'+i)), 16)), "plan-market", "Fleet of "+longName, "777788889999", now.Add(-time.Hour)
		f.account.Licences = append(f.account.Licences, l)
	}
	return f
}

const simulatorPage = "http://localhost:4566/_localaws/marketplace/subscriptions"

// simulated is a visitor of a portal with a local AWS Marketplace.
func simulated() site {
	f, _ := selling()
	f.market.Simulator, f.catalog.Products[0].Plans[0].Listing.URL = simulatorPage, ""
	return visit(f)
}

func TestTwoPurchasesOfOnePlanCanBeToldApart(t *testing.T) {
	t.Parallel()
	first, second := "licence l-aaaaaaaaaa…, AWS account 1111-2222-3333", "licence l-bbbbbbbbbb…, AWS account 4444-5555-6666"
	doc := document(t, signedIn(twice()).get("/dashboard"), http.StatusOK)
	for i, want := range []string{"Licence l-aaaaaaaaaa…, bought by AWS account 1111-2222-3333", "Licence l-bbbbbbbbbb…, bought by AWS account 4444-5555-6666"} {
		if got := text(doc.Find(".subscription").Eq(i)); !strings.Contains(got, want) {
			t.Errorf("the subscription lacks %q: %s", want, got)
		}
	}
	if n := doc.Find("#account .limits").Length(); n != 1 || strings.Count(text(doc.Find("#account")), "YOUR_API_KEY") != 1 {
		t.Errorf("the limits of the plan are said %d times, or the first call is shown again", n)
	}
	for i, want := range []string{first, second} {
		if got := text(doc.Find("#account .key").Eq(i)); !strings.Contains(got, "For Fleet, "+want) {
			t.Errorf("on the dashboard the key lacks %q: %s", want, got)
		}
	}
	doc = document(t, signedIn(twice()).get("/keys"), http.StatusOK)
	for i, want := range []string{first, second} {
		if got := text(doc.Find(".key").Eq(i)); !strings.Contains(got, "For Fleet, "+want) {
			t.Errorf("the key lacks %q: %s", want, got)
		}
		licence := "licence/l-" + strings.Repeat(string("ab"[i]), 16)
		if got := doc.Find("#plan option").Eq(i); text(got) != "Fleet, "+want || got.AttrOr("value", "") != licence {
			t.Errorf("the choice of a plan is %q", text(got))
		}
	}
	says(t, document(t, signedIn(twice()).get("/keys/k-b"), http.StatusOK), "main", "For Fleet, "+second)
	refused := twice()
	refused.askErr = portal.Fail(portal.NotFound, "Your account has no such purchase.")
	doc = document(t, signedIn(refused).post("/keys", url.Values{"idempotency_key": {"form-1"}, "name": {"CI"}, "plan": {"licence/l-bbbbbbbbbbbbbbbb"}}), http.StatusNotFound)
	if got := doc.Find("#plan option[selected]").AttrOr("value", ""); got != "licence/l-bbbbbbbbbbbbbbbb" {
		t.Errorf("after a refusal the form has chosen %q", got)
	}
}

func TestADashboardAsksOnlyForWhatCanBeConfirmed(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		owner portal.AccountID
		waits bool
	}{"nobody has it": {"", true}, "the account has it": {ada.Account, false}, "another account has it": {"account-bob", false}} {
		f, b := selling()
		claim := purchaseOf("plan-market", false)
		b.claims["secret-"+claim.ID] = claim
		if c.owner != "" {
			b.owners[claim.Licence] = c.owner
		}
		if waits := document(t, signedIn(f).holding("/dashboard", claim), http.StatusOK).Find("#purchases").Length() == 1; waits != c.waits {
			t.Errorf("%s: the dashboard says that it waits: %t", name, waits)
		}
	}
}

func TestADashboardTellsOnceWhatAPurchaseWaitsFor(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		status projections.Status
		code   string
		state  string
	}{
		"waiting": {projections.Waiting, "payment", projections.LicenceWaiting},
		"failed":  {projections.Waiting, "payment_failed", projections.LicenceFailed},
		"over":    {projections.Rejected, "agreement_ended", projections.LicenceFailed},
	} {
		f, _ := selling()
		f.account = registered()
		f.recent = []operations.Operation{about("plan-market", "MarketplaceConfirmed", c.status, c.code)}
		doc := document(t, signedIn(f).get("/dashboard"), http.StatusOK)
		if doc.Find("#under-way, #unmet").Length() != 1 {
			t.Errorf("%s: before the purchase is shown, the dashboard does not tell of the operation", name)
		}
		f.account.Licences = []projections.Licence{{Stream: "licence/l-1", Plan: "plan-market", Name: "Fleet", State: c.state, Operation: f.recent[0].ID, Since: now}}
		doc = document(t, signedIn(f).get("/dashboard"), http.StatusOK)
		none(t, doc, "#under-way, #unmet")
		one(t, doc, `section[aria-labelledby="bought"] .card`)
	}
}

func TestALocalMarketplaceSaysHowToBuy(t *testing.T) {
	t.Parallel()
	const command = "gatehouse marketplace simulate --buyer"
	for name, c := range map[string]struct {
		simulated bool
		listing   string
		want      bool
	}{"a local one": {true, "", true}, "a local one with a listing": {true, "https://aws.amazon.com/marketplace/pp/prodview-1", true}, "AWS's": {false, "", false}} {
		f, _ := selling()
		f.catalog.Products[0].Plans[0].Listing.URL = c.listing
		if c.simulated {
			f.market.Simulator = simulatorPage
		}
		card := one(t, document(t, visit(f).get("/apis/harbours/plans"), http.StatusOK), "#plan-plan-market")
		if says := strings.Contains(text(card), command); says != c.want {
			t.Errorf("%s: the plan says %q", name, text(card))
		}
		if c.simulated {
			one(t, document(t, visit(f).get("/apis/harbours/plans"), http.StatusOK), `#plan-plan-market a[href="`+simulatorPage+`"]`)
		}
		main := document(t, visit(f).get("/marketplace"), http.StatusOK).Find("main")
		if says := strings.Contains(text(main), command); says != c.simulated {
			t.Errorf("%s: the page of purchases says %q", name, text(main))
		}
	}
}
