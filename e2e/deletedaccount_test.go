// This file tests what the browser of a deleted account is shown.

package e2e

import (
	"net/http"
	"strings"
	"testing"

	"github.com/gatehouse-portal/gatehouse/web"
)

func TestAfterDeletingTheAccountTheBrowserIsToldSoAndNotToSignIn(t *testing.T) {
	t.Parallel()
	s := start(t)
	s.waitForCatalog(t)
	v := s.visitor(t)
	v.open("/").follow(`header a[href*="screen=sign-up"]`).
		submit("form", "username", "ada@example.com", "password", password).wants(http.StatusOK, homeHeading)
	eventually(t, "the account is open", func() bool { return !v.open("/dashboard").has("#unregistered") })
	product := v.open("/apis/seamark/plans")
	product.submit(`form[action="/subscriptions/` + s.Demo.API.FreePlanID + `"]`).reloadUntilDone()
	account := v.open("/account").text("main code")

	done := v.open("/account").submit(`form[action="/account/delete"]`, "confirmation", web.Confirmation).reloadUntilDone()
	if done.status != http.StatusOK || done.heading() != "The account is deleted" || done.has(`form[action="/sign-out"]`) {
		t.Fatalf("the operation's page answers %d %q: %s", done.status, done.heading(), done.text("main"))
	}
	done.follow(`.outcome a`).wants(http.StatusOK, "Your account is deleted")
	for _, path := range []string{"/dashboard", "/keys", "/account", "/usage"} {
		if got := v.open(path).wants(http.StatusOK, "Your account is deleted"); got.at.Path != "/account/deleted" {
			t.Errorf("%s leads to %s", path, got.at.Path)
		}
	}

	again := v.open("/account/deleted").follow(`main a[href^="/sign-in"]`)
	if again.heading() == "Sign in" {
		again = again.submit("form", "username", "ada@example.com", "password", password)
	}
	again.wants(http.StatusOK, "Dashboard")
	if got := v.open("/account").text("main code"); got == account || strings.TrimSpace(got) == "" {
		t.Errorf("signing in opens the account %q, and the old one was %q", got, account)
	}
}
