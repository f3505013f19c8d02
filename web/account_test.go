package web_test

import (
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"

	"github.com/go-chi/chi/v5"

	"github.com/gatehouse-portal/gatehouse/identity"
	"github.com/gatehouse-portal/gatehouse/portal"
	"github.com/gatehouse-portal/gatehouse/projections"
	"github.com/gatehouse-portal/gatehouse/usage"
)

// accountStates are the pages about a person's own account in every state that looks different.
func accountStates() map[string]shown {
	called := func(name string) site {
		return siteOf(keyring(), &identity.Identity{Account: ada.Account, Name: name, Email: strings.ToLower(longWord) + "@example.com", TimeZone: "America/Argentina/Buenos_Aires", Via: identity.ViaSession})
	}
	refused := keyring()
	refused.askErr = portal.Fail(portal.Invalid, "Write a message of at most 5,000 characters.")
	late := keyring()
	late.askErr = portal.At("expires", portal.Fail(portal.Invalid, "The key cannot end in the past. Choose a time in the future."))
	used := keyring()
	plan := used.account.Subscriptions[0].Plan
	used.counts = []usage.Series{counted(plan, "k-new", usage.Monthly, 10_000, 4000, 210), counted(plan, "k-old", usage.Monthly, 10_000, 9700), counted(plan, "k-ci", usage.Monthly, 10_000, 10_000)}
	uninvited := &fake{catalog: published(weather()), account: unregistered(), mayRegister: portal.Fail(portal.Forbidden, "Only invited people can register at this portal, and "+strings.ToLower(longWord)+"@example.com is not invited. Ask the operator for an invitation, then sign in again.")}
	states := map[string]shown{
		"account":                     {site: called("Ada Lovelace"), path: "/account"},
		"account, long name":          {site: called(longWord), path: "/account?saved"},
		"account, right to left":      {site: called("عائشة 🚢"), path: "/account"},
		"account, wrong confirmation": {site: called("Ada Lovelace"), path: "/account", post: "/account/delete", form: `document.querySelector("#confirmation").value = "yes"`},
		"account, admin":              {site: admin(keyring()), path: "/account"},
		"feedback":                    {site: called("Ada Lovelace"), path: "/feedback?page=/apis/" + longWord},
		"feedback, sent":              {site: called("Ada Lovelace"), path: "/feedback?sent"},
		"feedback, refused":           {site: signedIn(refused), path: "/feedback", post: "/feedback", form: `document.querySelector("#text").value = "x"`},
		"account deleted":             {site: left(projections.Succeeded), path: "/account/deleted"},
		"account to be deleted":       {site: called("Ada Lovelace"), path: "/account/deleted"},
		"deletion, signed out":        {site: left(projections.Succeeded), path: "/operations/op-1"},
		"dashboard, used":             {site: signedIn(used), path: "/dashboard"},
		"dashboard, uninvited":        {site: signedIn(uninvited), path: "/dashboard"},
		"product, uninvited":          {site: signedIn(uninvited), path: "/apis/weather"},
		"keys, field error":           {site: signedIn(late), path: "/keys", post: "/keys", form: `document.querySelector("#name").value = "x", document.querySelector("#expires").value = "2020-01-01T10:00"`},
		"key, field error":            {site: signedIn(keyring()), path: "/keys/k-new", post: "/keys/k-new/rotate", form: `document.querySelector("#overlap-custom").checked = true, document.querySelector("#custom").value = "soon"`},
		"keys, in a time zone":        {site: inZone(dated(), "America/Argentina/Buenos_Aires"), path: "/keys/k-old"},
	}
	for name, path := range map[string]string{"keys": "/keys", "key": "/keys/key-1", "plans": "/apis/harbours/plans", "console": listHarbours, "account": "/account"} {
		states[name+", suspended"] = shown{site: signedIn(locked(projections.StatusSuspended)), path: path}
	}
	for _, status := range []string{projections.StatusSuspended, projections.StatusPending, projections.StatusDenied, projections.StatusDeleting} {
		states["dashboard, "+status] = shown{site: signedIn(locked(status)), path: "/dashboard"}
	}
	return states
}

func TestTheAccountPageShowsNamesAsTheyAre(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct{ name, want string }{
		"emoji":         {"Ada 🚢 <b>", "Ada 🚢 <b>"},
		"right to left": {"عائشة", "عائشة"},
		"long":          {strings.Repeat("n", 10_000), strings.Repeat("n", 10_000)},
		"directions":    {"Ada\u202egnp.exe", "gnp.exe"},
	} {
		id := ada
		id.Name, id.Email = c.name, "ada@example.com"
		w := siteOf(keyring(), &id).get("/account")
		doc := document(t, w, http.StatusOK)
		if got := text(doc.Find("main")); !strings.Contains(got, c.want) {
			t.Errorf("%s: the page lacks the name: %.300s", name, got)
		}
		if strings.ContainsRune(w.Body.String(), '\u202e') {
			t.Errorf("%s: the name turns the text around it", name)
		}
		none(t, doc, "main .profile b")
	}
}

func TestSettingsOfAnAccountAreSavedOrRefusedWithTheReason(t *testing.T) {
	t.Parallel()
	s := signedIn(&fake{account: registered()})
	if w := s.post("/account/time-zone", url.Values{"time_zone": {"Asia/Tokyo"}}); w.Header().Get("Location") != "/account?saved" || s.asked[0].What != "zone Asia/Tokyo" {
		t.Errorf("%d to %q, asked %v", w.Code, w.Header().Get("Location"), s.asked)
	}
	for _, zone := range []string{"Nowhere", "Local", "../../etc/passwd", "🕰", strings.Repeat("x", 10_000)} {
		s := signedIn(&fake{account: registered()})
		doc := document(t, s.post("/account/time-zone", url.Values{"time_zone": {zone}}), http.StatusBadRequest)
		says(t, doc, `[role="alert"]`, "There is no such time zone.")
		if len(s.asked) != 0 {
			t.Errorf("%.20q was stored", zone)
		}
	}
	one(t, document(t, signedIn(&fake{account: registered(), zone: "Antarctica/Troll"}).get("/account"), http.StatusOK), `#time-zone option[selected]`)
}

func TestAnAccountIsDeletedOnlyAfterTheConfirmation(t *testing.T) {
	t.Parallel()
	for _, typed := range []string{"", "yes", "delete", "DELETE MY ACCOUNT!", "<script>", strings.Repeat("x", 10_000)} {
		s := signedIn(&fake{account: registered()})
		doc := document(t, s.post("/account/delete", url.Values{"confirmation": {typed}}), http.StatusBadRequest)
		says(t, doc, `[role="alert"]`, "Nothing was deleted.")
		if got := attr(t, one(t, doc, "main [autofocus]"), "id"); got != "confirmation" {
			t.Errorf("the focus is on %s", got)
		}
		if len(s.asked) != 0 {
			t.Fatalf("%q deletes the account", typed)
		}
	}
	s := signedIn(&fake{account: registered()})
	if w := s.post("/account/delete", url.Values{"confirmation": {" Delete My Account "}}); w.Header().Get("Location") != "/operations/op-1" || s.asked[0].What != "delete" {
		t.Errorf("%d to %q, asked %v", w.Code, w.Header().Get("Location"), s.asked)
	}
	for _, status := range []string{projections.StatusSuspended, projections.StatusDeleting} {
		none(t, document(t, signedIn(locked(status)).get("/account"), http.StatusOK), `form[action="/account/delete"]`)
	}
	none(t, document(t, admin(&fake{account: registered()}).get("/account"), http.StatusOK), `form[action="/account/delete"]`)
}

func TestAPersonIsToldThatAWSBillsPurchasesAfterTheAccountIsDeleted(t *testing.T) {
	t.Parallel()
	const bills, atAWS = "AWS goes on billing", `main a[href="https://console.aws.amazon.com/marketplace/home#/subscriptions"]`
	for name, c := range map[string]struct {
		licences []projections.Licence
		told     bool
	}{
		"no purchase":         {nil, false},
		"an active one":       {[]projections.Licence{{State: projections.LicenceEnded}, {State: projections.LicenceActive}}, true},
		"one that waits":      {[]projections.Licence{{State: projections.LicenceWaiting}}, true},
		"one bought again":    {[]projections.Licence{{State: projections.LicenceEnded, Again: true}}, true},
		"ended and ending":    {[]projections.Licence{{State: projections.LicenceEnded}, {State: projections.LicenceEnding}}, false},
		"one that is no more": {[]projections.Licence{{State: projections.LicenceEnded, NotBegun: true}}, false},
	} {
		account := registered()
		account.Licences = c.licences
		for _, path := range []string{"/account", "/account/deleted"} {
			doc := document(t, signedIn(&fake{account: account}).get(path), http.StatusOK)
			if told := strings.Contains(text(doc.Find("main")), bills) && doc.Find(atAWS).Length() == 1; told != c.told {
				t.Errorf("%s: %s tells %t", name, path, told)
			}
		}
	}
	// A person who is signed out may have had purchases.
	doc := document(t, left(projections.Succeeded).get("/account/deleted"), http.StatusOK)
	says(t, doc, "main", "If you bought a plan on AWS Marketplace")
	one(t, doc, atAWS)
}

func TestSessionsAreEndedOneOrAll(t *testing.T) {
	t.Parallel()
	doc := document(t, signedIn(&fake{account: registered()}).get("/account"), http.StatusOK)
	if got := doc.Find(`form[action^="/account/sessions/s-"]`).Length(); got != 1 {
		t.Errorf("%d sessions can be ended, want the other one", got)
	}
	for path, c := range map[string]struct{ asks, goes string }{
		"/account/sessions/s-2/end":    {"end session s-2", "/account#sessions"},
		"/account/sessions/%2e%2e/end": {"end session ..", "/account#sessions"},
		"/account/sessions/end":        {"end sessions", "/"},
	} {
		s := signedIn(&fake{account: registered()})
		if w := s.post(path, nil); w.Header().Get("Location") != c.goes || len(s.asked) != 1 || s.asked[0].What != c.asks || s.asked[0].Caller.Account != ada.Account {
			t.Errorf("%s: %d to %q, asked %v", path, w.Code, w.Header().Get("Location"), s.asked)
		}
	}
	gone := &fake{account: registered(), askErr: portal.Fail(portal.NotFound, "There is no such session.")}
	if w := signedIn(gone).post("/account/sessions/s-9/end", nil); w.Code != http.StatusSeeOther {
		t.Errorf("a session that has ended answers %d", w.Code)
	}
}

func TestFeedbackIsSentOrKeptWithTheReason(t *testing.T) {
	t.Parallel()
	s := signedIn(&fake{})
	if w := s.post("/feedback", url.Values{"topic": {"api"}, "page": {"/apis"}, "text": {"Fine 🚢\r\nمرحبا"}}); w.Header().Get("Location") != "/feedback?sent" {
		t.Errorf("%d to %q", w.Code, w.Header().Get("Location"))
	}
	if s.said.Text != "Fine 🚢\nمرحبا" || s.said.Topic != "api" || s.said.Page != "/apis" || s.said.Account != ada.Account {
		t.Errorf("the operator gets %+v", s.said)
	}
	long := strings.Repeat("n", 10_000)
	for _, code := range []portal.Code{portal.Invalid, portal.TooManyRequests} {
		s := signedIn(&fake{askErr: portal.Fail(code, "Write less <b>.")})
		w := s.post("/feedback", url.Values{"topic": {"account"}, "page": {`/"><script>`}, "text": {long}})
		doc := document(t, w, w.Code)
		says(t, doc, `[role="alert"]`, "Write less <b>.")
		if got := one(t, doc, "#text").Text(); got != long {
			t.Errorf("%s: the message is lost: %.40q", code, got)
		}
		if got := attr(t, one(t, doc, "#page"), "value"); got != `/"><script>` {
			t.Errorf("%s: the page is lost: %q", code, got)
		}
		one(t, doc, `#topic option[value="account"][selected]`)
	}
	for asked, want := range map[string]string{"/apis": "/apis", "https://evil.example": "", "//evil.example/x": "", "javascript:alert(1)": "", "/" + strings.Repeat("x", 10_000): ""} {
		doc := document(t, signedIn(&fake{}).get("/feedback?"+url.Values{"page": {asked}, "topic": {"<b>"}}.Encode()), http.StatusOK)
		if got := one(t, doc, "#page").AttrOr("value", ""); got != want {
			t.Errorf("the form for the page %.30q has %q", asked, got)
		}
	}
}

func TestDaysOfUsageTheWrongWayRoundAreRefused(t *testing.T) {
	t.Parallel()
	for _, days := range []url.Values{
		{"start": {"2026-11-20"}, "end": {"2026-11-01"}}, {"start": {"🚢"}, "end": {"2026-11-01"}}, {"start": {strings.Repeat("9", 10_000)}, "end": {""}},
	} {
		w := signedIn(counting()).get("/usage?" + days.Encode())
		says(t, document(t, w, http.StatusBadRequest), `[role="alert"]`, ".")
	}
}

func TestAnAccountsPagesNeedASignIn(t *testing.T) {
	t.Parallel()
	for _, path := range []string{"/account", "/feedback"} {
		if w := visit(&fake{}).get(path); w.Code != http.StatusSeeOther || !strings.HasPrefix(w.Header().Get("Location"), "/sign-in") {
			t.Errorf("%s answers %d", path, w.Code)
		}
	}
	for _, path := range []string{"/account/time-zone", "/account/delete", "/account/sessions/end", "/account/sessions/s-1/end", "/feedback"} {
		s := visit(&fake{})
		if w := s.post(path, url.Values{"confirmation": {"delete my account"}}); w.Code != http.StatusUnauthorized || len(s.asked) != 0 {
			t.Errorf("%s answers %d, asked %v", path, w.Code, s.asked)
		}
	}
}

// noPages are parts of the routes of files and of parts of pages, and redirects the routes that lead to
// another page.
var noPages, redirects = []string{
	"/assets/", "/branding", "/favicon.ico", "/robots.txt", "/.well-known/", "/schemas/", "/problems/", "/fragment", "/files/", "/image",
}, []string{"/apis/{product}/docs", "/sign-up"}

// The walk for accessibility has every page that a person can open.
func TestEveryPageIsInTheWalkForAccessibility(t *testing.T) {
	t.Parallel()
	router, ok := siteOf(&fake{office: &fakeAdmin{}}, &root).handler.(chi.Router)
	if !ok {
		t.Fatal("the site is no router")
	}
	all := states()
	for _, more := range []map[string]shown{documentationStates(), informedStates(), keyStates(), usageStates(), accountStates(), adminStates()} {
		maps.Copy(all, more)
	}
	seen := map[string]bool{}
	for _, state := range all {
		path, _, _ := strings.Cut(state.path, "?")
		match := chi.NewRouteContext()
		if router.Match(match, http.MethodGet, path) {
			seen[match.RoutePattern()] = true
		}
	}
	err := chi.Walk(router, func(method, route string, _ http.Handler, _ ...func(http.Handler) http.Handler) error {
		skip := slices.ContainsFunc(noPages, func(part string) bool { return strings.Contains(route, part) })
		if method == http.MethodGet && !skip && !seen[route] && !slices.Contains(redirects, route) {
			t.Errorf("no state of the walk shows %s", route)
		}
		return nil
	})
	if err != nil || len(seen) < 20 {
		t.Errorf("%d routes are seen: %v", len(seen), err)
	}
}
