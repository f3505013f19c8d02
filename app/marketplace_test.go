package app

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/rs/zerolog"

	"github.com/gatehouse-portal/gatehouse/localaws/localawstest"
	"github.com/gatehouse-portal/gatehouse/outputtest"
	"github.com/gatehouse-portal/gatehouse/portal"
)

// arriving dresses a request as the form that AWS Marketplace sends.
func arriving(token string) func(*http.Request) {
	return func(r *http.Request) {
		body := url.Values{"x-amzn-marketplace-token": {token}}.Encode()
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		r.Header.Set("Origin", "https://aws.amazon.com")
		r.Header.Set("Sec-Fetch-Site", "cross-site")
		r.Body, r.ContentLength = io.NopCloser(strings.NewReader(body)), int64(len(body))
	}
}

func TestABuyerArrivesSignsInAndConfirms(t *testing.T) {
	t.Parallel()
	local := localawstest.Start(t)
	p := testProcessAt(t, local)
	log := &outputtest.Buffer{}
	p.Log = zerolog.New(log)
	d := openDoorOf(t, p)
	d.signIn()
	token, err := local.Metering().IssueToken("seamark-pro-demo", "111122223333", "l-77", "")
	ok(t, err)
	eventually(t, "the plan is sold", func() bool {
		return strings.Contains(d.ask(http.MethodGet, "/api/v1/catalog", nil).Body.String(), `"marketplace":true`)
	})

	arrive := func() *http.Cookie {
		w := d.ask(http.MethodPost, "/marketplace-confirm/"+d.ids["sold"], arriving(token))
		cookies := w.Result().Cookies()
		if w.Code != http.StatusSeeOther || w.Header().Get("Location") != "/marketplace" || len(cookies) != 1 {
			t.Fatalf("the buyer is answered %d to %s with %v: %s", w.Code, w.Header().Get("Location"), cookies, w.Body)
		}
		if c := cookies[0]; !c.HttpOnly || c.SameSite != http.SameSiteLaxMode || c.Secure != strings.HasPrefix(d.base, "https:") || strings.Contains(fmt.Sprint(w.Header()), token) {
			t.Errorf("the answer is %v", w.Header())
		}
		return cookies[0]
	}
	cookie := arrive()
	if again := arrive(); again.Name != cookie.Name {
		t.Errorf("the same token is another claim: %s, then %s", cookie.Name, again.Name)
	}
	with := func(dress func(*http.Request)) func(*http.Request) {
		return func(r *http.Request) {
			r.AddCookie(&http.Cookie{Name: cookie.Name, Value: cookie.Value})
			if dress != nil {
				dress(r)
			}
		}
	}
	if page := d.ask(http.MethodGet, "/marketplace", with(nil)).Body.String(); !strings.Contains(page, "Seamark Pro") || !strings.Contains(page, "1111-2222-3333") || !strings.Contains(page, "return_to=%2fmarketplace") && !strings.Contains(page, "return_to=%2Fmarketplace") {
		t.Errorf("a stranger sees %s", page)
	}
	page := d.ask(http.MethodGet, "/marketplace", with(d.bySession("same-origin"))).Body.String()
	suffix := between(page, `name="purchase" value="`, `"`)
	confirm := func(site string) *httptest.ResponseRecorder {
		return d.ask(http.MethodPost, "/marketplace/confirm", with(func(r *http.Request) {
			d.bySession(site)(r)
			body := url.Values{"purchase": {suffix}, "idempotency_key": {"form-1"}}.Encode()
			r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
			r.Body, r.ContentLength = io.NopCloser(strings.NewReader(body)), int64(len(body))
		}))
	}
	if w := confirm("cross-site"); w.Code != http.StatusForbidden {
		t.Errorf("a page of another site confirms: %d", w.Code)
	}
	w := confirm("same-origin")
	if w.Code != http.StatusSeeOther || !strings.HasPrefix(w.Header().Get("Location"), "/operations/") {
		t.Fatalf("the confirmation is answered %d: %s", w.Code, w.Body)
	}
	var operation struct{ Type string }
	found := d.ask(http.MethodGet, "/api/v1"+w.Header().Get("Location"), bearer(d.owner))
	if ok(t, json.Unmarshal(found.Body.Bytes(), &operation)); operation.Type != "MarketplaceConfirmed" {
		t.Errorf("the operation is %s", found.Body)
	}
	if w := d.ask(http.MethodGet, w.Header().Get("Location"), d.bySession("same-origin")); w.Code != http.StatusOK || !strings.Contains(w.Body.String(), "Seamark Pro") {
		t.Errorf("the operation's page is answered %d: %s", w.Code, w.Body)
	}
	eventually(t, "the purchase waits for AWS", func() bool {
		return d.field(d.owner, "/api/v1/marketplace-subscriptions", "items", "state") == "waiting"
	})
	if page := d.ask(http.MethodGet, "/marketplace", with(d.bySession("same-origin"))).Body.String(); !strings.Contains(page, "Your account has this purchase") {
		t.Errorf("the page of the purchase is %s", page)
	}
	if w := d.send(d.other, http.MethodPut, "/api/v1/marketplace-subscriptions/"+d.ids["sold"], `{"token":"`+token+`"}`); w.Code != http.StatusAccepted {
		t.Errorf("a client's claim is answered %d: %s", w.Code, w.Body)
	}
	d.refusesTokens(token, func(product string) string {
		foreign, err := local.Metering().IssueToken(product, "111122223333", "", "")
		ok(t, err)
		return foreign
	})
	if strings.Contains(log.String(), token) || strings.Contains(log.String(), url.QueryEscape(token)) {
		t.Error("the log has the token")
	}
	d.storesNothingOf(p, token)
}

func (d *door) refusesTokens(token string, issue func(product string) string) {
	d.t.Helper()
	for name, c := range map[string]struct{ plan, token string }{
		"another product's token":  {d.ids["sold"], issue("another-product")},
		"a token at a free plan":   {d.ids["plan"], token},
		"a token at no plan":       {"no-such-plan", token},
		"a token that AWS refuses": {d.ids["sold"], "no-such-token"},
	} {
		if w := d.ask(http.MethodPost, "/marketplace-confirm/"+c.plan, arriving(c.token)); w.Code != http.StatusBadRequest || len(w.Result().Cookies()) > 0 || strings.Contains(w.Body.String(), c.token) {
			d.t.Errorf("%s is answered %d: %s", name, w.Code, w.Body)
		}
		if w := d.send(d.owner, http.MethodPut, "/api/v1/marketplace-subscriptions/"+c.plan, `{"token":"`+c.token+`"}`); w.Code != http.StatusBadRequest || strings.Contains(w.Body.String(), c.token) {
			d.t.Errorf("%s of a client is answered %d: %s", name, w.Code, w.Body)
		}
	}
	for _, path := range []string{"/subscriptions/" + d.ids["sold"], "/api/v1/subscriptions/" + d.ids["sold"]} {
		method := http.MethodPut
		if !strings.HasPrefix(path, "/api") {
			method = http.MethodPost
		}
		if w := d.ask(method, path, bearer(d.owner)); w.Code != http.StatusConflict {
			d.t.Errorf("%s %s is answered %d", method, path, w.Code)
		}
	}
}

// storesNothingOf looks for a text in every table.
func (d *door) storesNothingOf(p Process, text string) {
	d.t.Helper()
	db := dynamodb.NewFromConfig(p.AWS)
	for _, table := range NamesFor(p.Config.Prefix).Tables() {
		all, err := db.Scan(d.t.Context(), &dynamodb.ScanInput{TableName: &table})
		ok(d.t, err)
		for _, item := range all.Items {
			stored, err := json.Marshal(item)
			ok(d.t, err)
			if strings.Contains(string(stored), text) || strings.Contains(string(stored), url.QueryEscape(text)) {
				d.t.Errorf("the table %s has %s", table, stored)
			}
		}
	}
}

func TestBuyersAreLimitedPerClientAddress(t *testing.T) {
	t.Parallel()
	clock := time.Now()
	l, err := newSignInLimiter([]string{"private"}, func() time.Time { return clock })
	ok(t, err)
	var refused error
	received := 0
	handler := l.limitArrivals(func(_ http.ResponseWriter, _ *http.Request, err error) { refused = err })(
		http.HandlerFunc(func(http.ResponseWriter, *http.Request) { received++ }))
	from := func(address string) {
		r := httptest.NewRequest(http.MethodPost, "/marketplace-confirm/plan", nil)
		r.RemoteAddr = netip.MustParseAddr(address).String() + ":999"
		handler.ServeHTTP(httptest.NewRecorder(), r)
	}
	for range 2 * signInsAtOnce {
		from("203.0.113.7")
	}
	if received != signInsAtOnce || portal.CodeOf(refused) != portal.TooManyRequests {
		t.Errorf("%d buyers of one address were received, and then: %v", received, refused)
	}
	if from("203.0.113.8"); received != signInsAtOnce+1 {
		t.Error("a buyer of another address was not received")
	}
}
