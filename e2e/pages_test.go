// This file tests the pages as a browser without JavaScript uses them.

package e2e

import (
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/gatehouse-portal/gatehouse/demo"
)

// plansTab leads from the demo product's overview to its plans.
const plansTab = `.tabs a[href="/apis/seamark/plans"]`

// signIn goes from any page of the portal to the identity provider's page and back.
func (p *page) signIn(email, password string) *page {
	p.by.t.Helper()
	return p.follow(`header a[href^="/sign-in"]`).wants(http.StatusOK, "Sign in").
		submit("form", "username", email, "password", password)
}

func TestTheJourneyWithoutJavaScript(t *testing.T) {
	t.Parallel()
	s := start(t)
	s.waitForCatalog(t)
	v := s.visitor(t)
	free, account := s.Demo.API.FreePlanID, demo.Accounts[0]

	v.open("/dashboard").wants(http.StatusOK, "Sign in")
	home := v.open("/")
	if home.status != http.StatusOK || !home.has(`main a[href="/apis"]`) {
		t.Fatalf("the front page answers %d", home.status)
	}
	v.open("/apis").wants(http.StatusOK, "APIs").follow(`.card.product a[href="/apis/seamark"]`)
	product := v.open("/apis").follow(`.card.product a[href="/apis/seamark"]`).follow(plansTab)
	if product.has(`form[action^="/subscriptions/"]`) {
		t.Error("a visitor who is not signed in can subscribe")
	}
	if !v.open("/sign-in").has(`.back a[href="` + s.PortalURL + `/"]`) {
		t.Error("the sign-in page has no link back to the portal")
	}
	product = product.signIn(account.Email, account.Password)
	if !strings.HasPrefix(product.at.Path, "/apis/") {
		t.Errorf("signing in on a product's page leads to %s", product.at.Path)
	}
	// Signing in opens the account. Without a script, the visitor reloads.
	eventually(t, "the account is open", func() bool { return !v.open("/dashboard").has("#unregistered") })

	underway := v.open(product.at.Path).submit(`form[action="/subscriptions/` + free + `"]`)
	if !strings.HasPrefix(underway.at.Path, "/operations/") {
		t.Fatalf("subscribing leads to %s", underway.at.Path)
	}
	if underway.has("[data-poll]") && !strings.Contains(underway.body, `http-equiv="refresh"`) {
		t.Error("the page of an open operation does not reload without a script")
	}
	done := underway.reloadUntilDone()
	if !done.has(".outcome.ok") {
		t.Fatalf("the operation ended: %s", done.text("#progress"))
	}

	dashboard := v.open("/dashboard").wants(http.StatusOK, "Dashboard")
	if got := dashboard.text("#subscription-" + free + " .badge"); got != "Active" {
		t.Errorf("the subscription is shown as %q", got)
	}
	shown := dashboard.submit(`form[action$="/reveal"]`)
	value := shown.text("#key-value")
	if shown.header.Get("Cache-Control") != "private, no-store" || strings.Contains(shown.at.String(), value) {
		t.Errorf("the key is shown at %s, with Cache-Control %s", shown.at, shown.header.Get("Cache-Control"))
	}
	if got := s.call(t, value); got != http.StatusOK {
		t.Errorf("with the shown key the API answers %d", got)
	}

	left := v.open("/dashboard").submit(`form[action="/subscriptions/` + free + `/leave"]`).reloadUntilDone()
	if !left.has(".outcome") || left.has(".outcome.bad") {
		t.Errorf("leaving ended: %s", left.text("#progress"))
	}
	if got := s.call(t, value); got != http.StatusForbidden {
		t.Errorf("after leaving the API answers %d", got)
	}

	out := v.open("/dashboard").submit(`form[action="/sign-out"]`)
	if out.at.String() != s.PortalURL+"/" || out.has(`form[action="/sign-out"]`) {
		t.Errorf("signing out leads to %s", out.at)
	}
	v.open("/dashboard").wants(http.StatusOK, "Sign in")
}

func TestANewPersonSignsUpOnThePages(t *testing.T) {
	t.Parallel()
	s := start(t)
	s.waitForCatalog(t)
	v := s.visitor(t)
	form := v.open("/").follow(`header a[href*="screen=sign-up"]`).wants(http.StatusOK, "Sign up")

	weak := form.submit("form", "username", "new@example.com", "name", "New Person", "password", "short")
	if weak.status != http.StatusUnprocessableEntity || weak.text("[role=alert]") == "" {
		t.Errorf("a weak password answers %d", weak.status)
	}
	weak.submit("form", "password", "Correct-horse-1").wants(http.StatusOK, homeHeading)
	eventually(t, "the account is open", func() bool { return !v.open("/dashboard").has("#unregistered") })
	if got := v.open("/").text("header .person"); !strings.Contains(got, "New Person") {
		t.Errorf("the header names %q", got)
	}
	again := s.visitor(t).open("/").follow(`header a[href*="screen=sign-up"]`).
		submit("form", "username", "new@example.com", "password", "Correct-horse-1")
	if again.status != http.StatusUnprocessableEntity {
		t.Errorf("signing up a second time answers %d", again.status)
	}
}

func TestSigningUpOnTheWayToAPlanNeedsNoSecondStep(t *testing.T) {
	t.Parallel()
	s := start(t)
	s.waitForCatalog(t)
	v := s.visitor(t)
	free := s.Demo.API.FreePlanID
	product := v.open("/apis").follow(`.card.product a[href="/apis/seamark"]`).follow(plansTab)
	back := product.follow("#plan-"+free+` a[href^="/sign-in"]`).wants(http.StatusOK, "Sign in").
		follow("main .card a").wants(http.StatusOK, "Sign up").
		submit("form", "username", "straight@example.com", "password", password)
	if back.at.Path != product.at.Path {
		t.Fatalf("signing up leads to %s", back.at.Path)
	}
	if back.has(`form[action="/register"]`) {
		t.Error("the page asks to register an account that is being opened")
	}
	done := back.submit(`form[action="/subscriptions/` + free + `"]`).reloadUntilDone()
	if !done.has(".outcome.ok") {
		t.Errorf("the operation ended: %s", done.text("#progress"))
	}
	if !v.open("/dashboard").has(`.activity a[href="` + done.at.Path + `"]`) {
		t.Error("no line of the activity links to the operation")
	}
}

func TestAnEndedSessionIsExplainedBeforeSignIn(t *testing.T) {
	t.Parallel()
	s := start(t)
	v := s.visitor(t)
	dashboard := v.open("/dashboard").submit("form", "username", demo.Accounts[0].Email, "password", demo.Accounts[0].Password)
	at, err := dashboard.at.Parse("/")
	if err != nil {
		t.Fatal(err)
	}
	cookies := v.client.Jar.Cookies(at)
	dashboard.submit(`form[action="/sign-out"]`)
	v.open("/dashboard").wants(http.StatusOK, "Sign in")
	v.client.Jar.SetCookies(at, cookies)
	told := v.open("/dashboard").wants(http.StatusUnauthorized, "Please sign in")
	if got := told.text("main .lead"); !strings.Contains(got, "Your session has ended") {
		t.Errorf("the page says %q", got)
	}
	told.follow(`main a[href^="/sign-in"]`).submit("form", "username", demo.Accounts[0].Email, "password", demo.Accounts[0].Password).
		wants(http.StatusOK, "Dashboard")
}

func TestNobodySeesThePagesOfAnotherAccount(t *testing.T) {
	t.Parallel()
	s := start(t)
	s.waitForCatalog(t)
	free := s.Demo.API.FreePlanID
	owner := s.visitor(t)
	owner.open("/apis").signIn(demo.Accounts[0].Email, demo.Accounts[0].Password)
	eventually(t, "the account is open", func() bool { return !owner.open("/dashboard").has("#unregistered") })
	product := owner.open("/apis").follow(`.card.product a[href="/apis/seamark"]`).follow(plansTab)
	operation := product.submit(`form[action="/subscriptions/` + free + `"]`).reloadUntilDone()
	reveal, _ := owner.open("/dashboard").form(`form[action$="/reveal"]`)

	other := s.visitor(t)
	other.open("/apis").signIn(demo.Accounts[1].Email, demo.Accounts[1].Password)
	for name, got := range map[string]*page{
		"the operation":            other.open(operation.at.Path),
		"the operation's fragment": other.open(operation.at.Path + "/fragment"),
		"the key":                  other.visit(http.MethodPost, reveal, url.Values{}),
		"an unknown operation":     other.open("/operations/01m80000000000000000000000"),
		"an unknown plan":          other.visit(http.MethodPost, reveal.JoinPath("../../../subscriptions/nope"), url.Values{}),
		"an unknown product":       other.open("/apis/nope"),
		"an unknown page":          other.open("/nope"),
		"leaving an unknown plan":  other.visit(http.MethodPost, reveal.JoinPath("../../../subscriptions/nope/leave"), url.Values{}),
	} {
		if got.status != http.StatusNotFound || got.heading() == "" {
			t.Errorf("%s answers another person %d %q", name, got.status, got.heading())
		}
	}
	stranger := s.visitor(t).visit(http.MethodPost, reveal, url.Values{})
	if stranger.status != http.StatusUnauthorized {
		t.Errorf("the key answers a stranger %d", stranger.status)
	}
}

func TestAFormSubmittedTwiceIsOneOperation(t *testing.T) {
	t.Parallel()
	s := start(t)
	s.waitForCatalog(t)
	v := s.visitor(t)
	v.open("/apis").signIn(demo.Accounts[0].Email, demo.Accounts[0].Password)
	eventually(t, "the account is open", func() bool { return !v.open("/dashboard").has("#unregistered") })
	product := v.open("/apis").follow(`.card.product a[href="/apis/seamark"]`).follow(plansTab)
	form := `form[action="/subscriptions/` + s.Demo.API.FreePlanID + `"]`
	if first, second := product.submit(form), product.submit(form); first.at.Path != second.at.Path {
		t.Errorf("two clicks are %s and %s", first.at.Path, second.at.Path)
	}
}
