package web_test

import (
	"net/http"
	"net/url"
	"strconv"
	"testing"

	"github.com/gatehouse-portal/gatehouse/catalog"
	"github.com/gatehouse-portal/gatehouse/portal"
	"github.com/gatehouse-portal/gatehouse/projections"
)

func TestAPersonComparesBothPlansBeforeTheyChange(t *testing.T) {
	t.Parallel()
	product := weather()
	f := &fake{catalog: published(product), account: registered(subscription("plan-free", "Free", projections.SubscriptionActive))}
	doc := document(t, signedIn(f).get("/subscriptions/plan-std/change"), http.StatusOK)
	says(t, doc, "h1", "Change from Free to Standard")
	says(t, doc, "thead", "Now: Free")
	says(t, doc, "thead", "Then: Standard")
	says(t, doc, "tbody", "Quota")
	says(t, doc, "main", "it may answer calls with 403 for a few seconds")
	one(t, doc, `form[method="post"][action="/subscriptions/plan-std/change"] input[name="replaces"][value="plan-free"]`)
	one(t, doc, `form[action="/subscriptions/plan-std/change"] input[name="idempotency_key"]`)
	says(t, doc, "#change", "Change to Standard")
}

func TestAChangeThatNeedsApprovalSaysSo(t *testing.T) {
	t.Parallel()
	product := weather()
	for i := range product.Plans {
		product.Plans[i].Approval = catalog.ApprovalManual
	}
	f := &fake{catalog: published(product), account: registered(subscription("plan-free", "Free", projections.SubscriptionActive))}
	doc := document(t, signedIn(f).get("/subscriptions/plan-std/change"), http.StatusOK)
	says(t, doc, "main", "The operator of this portal has to approve the change. Until then you keep Free.")
	says(t, doc, "#change", "Ask for Standard")
	f.account = registered()
	says(t, document(t, signedIn(f).get("/apis/weather"), http.StatusOK), "#subscribe-plan-free", "Ask for Free")
}

func TestAChangeCountsOnlyTheKeysThatMove(t *testing.T) {
	t.Parallel()
	states := []string{projections.KeyActive, projections.KeyEnded, projections.KeyEnding, projections.KeyReleased, projections.KeyActive}
	for n, want := range map[int]string{4: "Your key keeps its value and moves to Standard.", 5: "Your 2 keys keep their values"} {
		account := registered(subscription("plan-free", "Free", projections.SubscriptionActive))
		account.Keys = nil
		for i, state := range states[:n] {
			id := portal.KeyID("k" + strconv.Itoa(i))
			account.Keys = append(account.Keys, projections.Key{ID: id, Name: string(id), Ring: account.Subscriptions[0].Ring, State: state})
		}
		f := &fake{catalog: published(weather()), account: account}
		says(t, document(t, signedIn(f).get("/subscriptions/plan-std/change"), http.StatusOK), "main", want)
	}
}

func TestWithoutAPlanToChangeFromThePageLeadsToThePlans(t *testing.T) {
	t.Parallel()
	for name, held := range map[string][]projections.Subscription{
		"no plan":             nil,
		"one being set up":    {subscription("plan-free", "Free", projections.SubscriptionPending)},
		"a change under way":  changingTo("plan-std", "plan-free", projections.SubscriptionPending),
		"a change that waits": changingTo("plan-std", "plan-free", projections.SubscriptionAwaitingApproval),
		"the plan itself":     {subscription("plan-std", "Standard", projections.SubscriptionActive)},
	} {
		f := &fake{catalog: published(weather()), account: registered(held...)}
		a := signedIn(f).get("/subscriptions/plan-std/change")
		if a.Code != http.StatusSeeOther || a.Header().Get("Location") != "/apis/weather/plans" {
			t.Errorf("%s: answered %d, %s", name, a.Code, a.Header().Get("Location"))
		}
	}
	f := &fake{catalog: published(weather()), account: registered()}
	document(t, signedIn(f).get("/subscriptions/plan-gone/change"), http.StatusNotFound)
}

func TestChangingAPlanLeadsToTheOperation(t *testing.T) {
	t.Parallel()
	f := &fake{catalog: published(weather()), account: registered()}
	a := signedIn(f).post("/subscriptions/plan-std/change", url.Values{"replaces": {"plan-free"}, "idempotency_key": {"k"}})
	if a.Code != http.StatusSeeOther || a.Header().Get("Location") != "/operations/op-1" {
		t.Errorf("answered %d, %s", a.Code, a.Header().Get("Location"))
	}
	if len(f.asked) != 1 || f.asked[0].What != "change" || f.asked[0].Plan != portal.PlanID("plan-std for plan-free") || f.asked[0].Caller.IdempotencyKey != "k" {
		t.Errorf("asked %+v", f.asked)
	}
}
