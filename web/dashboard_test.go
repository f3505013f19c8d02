package web_test

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/gatehouse-portal/gatehouse/portal"
	"github.com/gatehouse-portal/gatehouse/projections"
)

func TestTheDashboardShowsTheAccount(t *testing.T) {
	t.Parallel()
	waiting := subscription("plan-rates", "Basic", projections.SubscriptionPending, "op-7")
	waiting.Waiting = "aws"
	f := &fake{
		catalog: published(weather(), rates()),
		account: registered(
			subscription("plan-free", "Free", projections.SubscriptionActive, ""), waiting,
			subscription("plan-gone", "Beta", projections.SubscriptionEnding, "op-8"),
			subscription("plan-max", "Unlimited", projections.SubscriptionEnded, "")),
		activity: []projections.Activity{{At: now.Add(-3 * time.Hour), Text: "You signed up."}},
	}
	f.account.Keys = append(f.account.Keys,
		projections.Key{ID: "key-2", Name: "Second key", State: projections.KeyPending},
		projections.Key{ID: "key-3", Name: "Third key", State: projections.KeyDisabled, CreatedAt: now},
		projections.Key{ID: "key-4", Name: "Fourth key", State: projections.KeyReleased, CreatedAt: now})
	f.reveals = map[portal.KeyID]time.Time{"key-1": now.Add(-2 * time.Minute)}
	doc := document(t, signedIn(f).get("/dashboard"), http.StatusOK)

	if got := doc.Find(".attention li").Length(); got != 2 {
		t.Errorf("%d things want attention, want the waiting and the ending one", got)
	}
	says(t, doc, ".attention li:nth-child(1)", "Basic of Exchange rates is waiting. API Gateway does not take it right now. We try again by ourselves")
	one(t, doc, `.attention li:nth-child(1) a[href="/operations/op-7"]`)
	says(t, doc, ".attention li:nth-child(2)", "You are leaving Beta.")
	one(t, doc, `#account[data-poll="/dashboard/fragment"]`)

	says(t, doc, "#subscription-plan-free .badge", "Active")
	says(t, doc, "#subscription-plan-free .limits", "1,000 requests a day")
	says(t, doc, "#call-plan-free", "curl -H 'x-api-key: YOUR_API_KEY' 'https://weather.example/prod'")
	one(t, doc, `#subscription-plan-free form[method="post"][action="/subscriptions/plan-free/leave"] input[name="idempotency_key"]`)
	says(t, doc, "#subscription-plan-gone", "This plan is no longer offered")
	none(t, doc, "#subscription-plan-gone form")
	none(t, doc, "#subscription-plan-max")
	says(t, doc, "#past", "Past subscriptions (1)")

	says(t, doc, "#key-key-1", "Default key")
	says(t, doc, "#key-key-1", "Created 1 hour ago · Last shown 2 minutes ago")
	one(t, doc, `#key-key-1 form[method="post"][action="/keys/key-1/reveal"]`)
	says(t, doc, "#key-key-2 .badge", "Being created")
	none(t, doc, "#key-key-2 form")
	says(t, doc, "#key-key-3 .badge", "Disabled by the operator")
	none(t, doc, "#key-key-3 form")
	says(t, doc, "#key-key-4 .badge", "Put away until you subscribe again")
	none(t, doc, "#key-key-4 form")

	says(t, doc, ".activity li", "You signed up. 3 hours ago")
	none(t, doc, "#unregistered")
}

func TestAQuietDashboardIsNotAskedForAgain(t *testing.T) {
	t.Parallel()
	f := &fake{catalog: published(weather()), account: registered(subscription("plan-free", "Free", projections.SubscriptionActive, ""))}
	doc := document(t, signedIn(f).get("/dashboard"), http.StatusOK)
	none(t, doc, ".attention, [data-poll], head noscript")
}

func TestSomebodyWithoutAnAccountIsOfferedToRegister(t *testing.T) {
	t.Parallel()
	doc := document(t, signedIn(&fake{account: unregistered()}).get("/dashboard"), http.StatusOK)
	says(t, doc, "#unregistered", "Your account is not open yet")
	one(t, doc, `#unregistered form[method="post"][action="/register"] button`)
	one(t, doc, "[data-poll]")
	says(t, doc, ".empty:has(a)", "You have no subscriptions yet.")
}

func TestTheDashboardsFragmentIsThePartThatChanges(t *testing.T) {
	t.Parallel()
	f := &fake{catalog: published(weather()), account: registered(subscription("plan-free", "Free", projections.SubscriptionPending, "op-7"))}
	s := signedIn(f)
	fragment := document(t, s.get("/dashboard/fragment"), http.StatusOK)
	none(t, fragment, "header, main, script")
	before := attr(t, one(t, fragment, "body > #account"), "data-version")
	if page := attr(t, one(t, document(t, s.get("/dashboard"), http.StatusOK), "#account"), "data-version"); page != before {
		t.Errorf("page and fragment have versions %s and %s", page, before)
	}
	f.account = registered(subscription("plan-free", "Free", projections.SubscriptionActive, ""))
	if after := attr(t, one(t, document(t, s.get("/dashboard/fragment"), http.StatusOK), "#account"), "data-version"); after == before {
		t.Error("another state leaves the version as it was")
	}
	if strings.Contains(s.get("/dashboard/fragment").Body.String(), "data-poll") {
		t.Error("nothing is open, and it is still asked for again")
	}
}
