package web_test

import (
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/gatehouse-portal/gatehouse/catalog"
	"github.com/gatehouse-portal/gatehouse/notices"
	"github.com/gatehouse-portal/gatehouse/portal"
	"github.com/gatehouse-portal/gatehouse/projections"
	"github.com/gatehouse-portal/gatehouse/usage"
)

func TestPagesSayWhatANewKeyHasOfAQuota(t *testing.T) {
	t.Parallel()
	for carries, want := range map[bool]struct{ create, rotate string }{
		true:  {"the new key takes over what they have used", "the new key gets what this one has left of it"},
		false: {"A new key begins with a whole quota.", "the new key begins with a whole one"},
	} {
		f := keyring()
		f.carries = carries
		says(t, document(t, signedIn(f).get("/keys"), http.StatusOK), `section[aria-labelledby="create"]`, want.create)
		says(t, document(t, signedIn(f).get("/keys/k-new"), http.StatusOK), `section[aria-labelledby="rotate"]`, want.rotate)
	}
}

// replacing is a person with two keys of one name, one of which the other has replaced.
func replacing() *fake {
	f := keyring()
	f.account.Keys = f.account.Keys[:2]
	f.account.Keys[0].ReplacedAt = now.Add(-10 * time.Minute)
	return f
}

func TestAReplacedKeyIsNamedWithItsDay(t *testing.T) {
	t.Parallel()
	f := replacing()
	plan := f.account.Subscriptions[0].Plan
	f.counts = []usage.Series{counted(plan, "k-new", usage.Monthly, 1000, 40), counted(plan, "k-old", usage.Monthly, 1000, 900)}
	want := portal.KeyLabels(f.account.NamedKeys())["k-old"]
	if !strings.HasPrefix(want, "Default key (replaced ") {
		t.Fatalf("the label is %q", want)
	}
	says(t, document(t, signedIn(f).get("/dashboard"), http.StatusOK), ".used", want+": 900 of 1,000 requests this month, 90 %.")
	doc := document(t, signedIn(f).get("/keys/k-old"), http.StatusOK)
	says(t, doc, "h1", want)
	says(t, doc, `.crumbs [aria-current="page"]`, want)
	if got := doc.Find("title").Text(); !strings.HasPrefix(got, want) {
		t.Errorf("the title is %q", got)
	}
	if got := attr(t, one(t, doc, "#name"), "value"); got != "Default key" {
		t.Errorf("the form to rename it has %q", got)
	}
}

func TestAKeyIsRevokedByTheNameThatThePersonGaveIt(t *testing.T) {
	t.Parallel()
	f := keyring()
	f.account.Keys = f.account.Keys[1:2]
	second := f.account.Keys[0]
	second.ID, second.Replaces = "k-second", ""
	f.account.Keys = append(f.account.Keys, second)
	doc := document(t, signedIn(f).get("/keys/k-second"), http.StatusOK)
	says(t, doc, "h1", "Default key (2)")
	says(t, doc, `#revoking label[for="confirm"]`, "Type Default key to confirm")
	if w := signedIn(f).post("/keys/k-second/revoke", url.Values{"confirm": {"Default key"}}); w.Code != http.StatusSeeOther {
		t.Errorf("typing the name answers %d", w.Code)
	}
}

func TestAPlanThatNeedsApprovalSaysSoBeforeOneSubscribes(t *testing.T) {
	t.Parallel()
	product := weather()
	for i := range product.Plans {
		product.Plans[i].Approval = catalog.ApprovalManual
	}
	const said = "The operator of this portal approves each subscription to this plan."
	for name, s := range map[string]site{
		"a visitor":                          visit(&fake{catalog: published(product)}),
		"a person who is not registered":     signedIn(&fake{catalog: published(product), account: unregistered()}),
		"a person":                           signedIn(&fake{catalog: published(product), account: registered()}),
		"a person with another of its plans": signedIn(&fake{catalog: published(product), account: registered(subscription("plan-std", "Standard", projections.SubscriptionActive))}),
	} {
		if got := text(one(t, document(t, s.get("/apis/weather/plans"), http.StatusOK), "#plan-plan-free")); strings.Count(got, said) != 1 {
			t.Errorf("%s reads %q", name, got)
		}
	}
	sold := signedIn(&fake{catalog: published(product), account: registered(subscription("plan-free", "Free", projections.SubscriptionActive))})
	if got := text(one(t, document(t, sold.get("/apis/weather/plans"), http.StatusOK), "#plan-plan-free")); strings.Contains(got, said) {
		t.Errorf("of a plan that one has, the page says %q", got)
	}
}

func TestASuspensionIsReadOnce(t *testing.T) {
	t.Parallel()
	f := locked(projections.StatusSuspended)
	f.told.notices = []notices.Notice{
		{ID: "n-1", Kind: notices.AccountSuspended, Importance: notices.Act, About: notices.AboutAccount, Title: "Your account is suspended", Text: "The operator of this portal has suspended your account.", Link: "/dashboard", At: now},
		{ID: "n-2", Kind: notices.QuotaReached, Importance: notices.Warn, About: "quota/1", Title: "CI has used 80 % of Free", Text: "It has.", Link: "/usage", At: now},
	}
	doc := document(t, signedIn(f).get("/dashboard"), http.StatusOK)
	if n := strings.Count(text(doc.Find("main")), "Your account is suspended."); n != 0 {
		t.Errorf("the notice is shown %d times below the reason", n)
	}
	says(t, doc, `section[aria-labelledby="needs-you"]`, "CI has used 80 % of Free")
	says(t, document(t, signedIn(f).get("/account/notices"), http.StatusOK), `section[aria-labelledby="all-notices"]`, "Your account is suspended")
}
