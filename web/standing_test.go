package web_test

import (
	"net/http"
	"strings"
	"testing"

	"github.com/gatehouse-portal/gatehouse/portal"
	"github.com/gatehouse-portal/gatehouse/projections"
)

// locked is a person with a key, a subscription and a request that waits, whose account cannot be used.
func locked(status string) *fake {
	f := subscribed()
	f.account.Profile = projections.Profile{Status: status, Message: "Unpaid bills. <b>"}
	f.account.Keys[0].State = projections.KeyBlocked
	waiting := subscription("plan-rates", "Basic", projections.SubscriptionAwaitingApproval)
	f.account.Subscriptions = append(f.account.Subscriptions, waiting)
	f.catalog.Products = append(f.catalog.Products, weather(), rates())
	f.keysPerRing = 3
	return f
}

func TestALockedAccountIsExplainedAndOffersNothingThatIsRefused(t *testing.T) {
	t.Parallel()
	for status, c := range map[string]struct{ title, caller, locked, reason string }{
		projections.StatusSuspended: {"Your account is suspended", "only they can reinstate it", "while your account is suspended", "The operator's reason: Unpaid bills. <b>"},
		projections.StatusPending:   {"Your registration waits for approval", "Next, the operator of this portal decides", "before your registration is approved", ""},
		projections.StatusDenied:    {"Your registration was denied", "ask the operator of this portal", "since your registration was denied", "The operator's reason: Unpaid bills. <b>"},
		projections.StatusDeleting:  {"Your account is being deleted", "", "since your account is being deleted", ""},
	} {
		for _, path := range []string{"/dashboard", "/dashboard/fragment", "/keys", "/keys/key-1", "/apis/harbours/plans", "/apis/weather", "/apis/weather/fragment"} {
			s := signedIn(locked(status))
			doc := document(t, s.get(path), http.StatusOK)
			for _, want := range []string{c.title, c.caller, c.locked, c.reason} {
				if got := text(doc.Find("body")); !strings.Contains(got, want) {
					t.Errorf("%s of a %s account lacks %q: %s", path, status, want, got)
				}
			}
			if asks := doc.Find(`#standing a[href="/feedback?topic=account"]`).Length() == 1; asks != (status != projections.StatusDeleting) {
				t.Errorf("%s of a %s account leads to the operator: %t", path, status, asks)
			}
			for _, form := range doc.Find(`main form, body > #account form, body > #offers form`).EachIter() {
				if status == projections.StatusSuspended && form.AttrOr("action", "") == "/keys/key-1/revoke" {
					continue // what leaked must never work again
				}
				t.Errorf("%s of a %s account offers %s", path, status, form.AttrOr("action", ""))
			}
			none(t, doc, `main a[href$="/change"], #standing b`)
		}
		revocable := document(t, signedIn(locked(status)).get("/keys/key-1"), http.StatusOK).Find(`form[action="/keys/key-1/revoke"]`).Length() == 1
		if revocable != (status == projections.StatusSuspended) {
			t.Errorf("a key of a %s account can be revoked: %t", status, revocable)
		}
		says(t, document(t, signedIn(locked(status)).get(listHarbours), http.StatusOK), "#try", "This operation needs an API key. Your ")
		none(t, document(t, signedIn(locked(status)).get(listHarbours), http.StatusOK), "#try form")
		if w := signedIn(locked(status)).get("/subscriptions/plan-std/change"); w.Header().Get("Location") != "/apis/weather/plans" {
			t.Errorf("changing a plan of a %s account leads to %q", status, w.Header().Get("Location"))
		}
	}
}

func TestAPersonWhoIsNotInvitedIsToldWhoInvites(t *testing.T) {
	t.Parallel()
	refused := portal.Fail(portal.Forbidden, "Only invited people can register at this portal, and ada@example.com is not invited. Ask the operator for an invitation, then sign in again.")
	for _, path := range []string{"/dashboard", "/apis/weather"} {
		f := &fake{catalog: published(weather()), account: unregistered(), mayRegister: refused}
		doc := document(t, signedIn(f).get(path), http.StatusOK)
		says(t, doc, "#unregistered", "This portal is for invited people")
		says(t, doc, "#unregistered", "ada@example.com is not invited")
		says(t, doc, "#unregistered", "The operator of this portal invites people.")
		one(t, doc, `#unregistered a[href="/feedback?topic=account"]`)
		none(t, doc, `form[action="/register"], form[action^="/subscriptions/"], [data-poll]`)

		one(t, document(t, admin(f).get(path), http.StatusOK), `form[action="/register"]`)
		f.mayRegister = nil
		one(t, document(t, signedIn(f).get(path), http.StatusOK), `form[action="/register"]`)
		f.mayRegister = portal.Fail(portal.Unavailable, "The portal cannot read its data right now.")
		document(t, signedIn(f).get(path), http.StatusServiceUnavailable)
	}
}

func TestAWaitingRegistrationSaysWhoActsNext(t *testing.T) {
	t.Parallel()
	f := &fake{}
	f.operations = ended()
	f.operations["op-1"] = about("", "RegisterUser", projections.Waiting, "approval", step("RegistrationPending", projections.Waiting, 0))
	doc := document(t, signedIn(f).get("/operations/op-1"), http.StatusOK)
	says(t, doc, ".ahead", "Next: the operator of this portal decides about your registration")
	if strings.Contains(text(doc.Find("main")), "withdraw") {
		t.Error("the page promises that a registration can be withdrawn")
	}
}
