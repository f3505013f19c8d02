package web_test

import (
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/gatehouse-portal/gatehouse/notices"
	"github.com/gatehouse-portal/gatehouse/operations"
	"github.com/gatehouse-portal/gatehouse/portal"
	"github.com/gatehouse-portal/gatehouse/projections"
)

func TestTheDashboardShowsFirstWhatNeedsThePerson(t *testing.T) {
	t.Parallel()
	f := informed()
	doc := document(t, signedIn(f).get("/dashboard"), http.StatusOK)
	lines := doc.Find(`section[aria-labelledby="needs-you"] li`)
	if lines.Length() != 2 || !strings.Contains(text(lines.First()), "has ended") || !strings.Contains(text(lines.Last()), "was refused") {
		t.Errorf("it shows %q", text(lines))
	}
	if got := text(doc.Find("#account h2").First()); got != "What needs you first" {
		t.Errorf("the first heading is %q", got)
	}
	one(t, doc, `form[action="/notices/n-2/dismiss"] button`)
	none(t, document(t, signedIn(subscribed()).get("/dashboard"), http.StatusOK), `section[aria-labelledby="needs-you"]`)
}

func TestADismissedNoticeLeadsBackToItsPage(t *testing.T) {
	t.Parallel()
	for back, want := range map[string]string{"/dashboard": "/dashboard", "/account/notices": "/account/notices", "https://evil.example": "/dashboard", "": "/dashboard"} {
		f := informed()
		w := signedIn(f).post("/notices/n-2/dismiss", url.Values{"back": {back}})
		if w.Code != http.StatusSeeOther || w.Header().Get("Location") != want || f.asked[0].What != "dismiss n-2" || f.asked[0].Caller.Account != ada.Account {
			t.Errorf("from %q: %d to %q, asked %v", back, w.Code, w.Header().Get("Location"), f.asked)
		}
	}
}

func TestWhatIsNotCheckedIsSwitchedOff(t *testing.T) {
	t.Parallel()
	f := informed()
	doc := document(t, signedIn(f).get("/account/notices"), http.StatusOK)
	boxes := doc.Find(`.settings input[type="checkbox"]`)
	if boxes.Length() != 3*len(notices.KindsFor(false)) || boxes.Filter("[checked]").Length() != boxes.Length()-1 {
		t.Errorf("%d of %d boxes are checked", boxes.Filter("[checked]").Length(), boxes.Length())
	}
	none(t, doc, `input[value="key_created mail"][checked]`)
	w := signedIn(f).post("/account/notices", url.Values{"on": {"key_created mail", "nonsense", "key_created pigeon"}})
	if w.Code != http.StatusSeeOther || w.Header().Get("Location") != "/account/notices?saved" {
		t.Fatalf("%d to %q", w.Code, w.Header().Get("Location"))
	}
	for _, k := range notices.KindsFor(false) {
		for _, channel := range notices.Channels() {
			if want := k.Kind == notices.KeyCreated && channel == notices.ChannelMail; f.told.settings.Wants(k.Kind, channel) != want {
				t.Errorf("%s by %s is on: %t", k.Kind, channel, !want)
			}
		}
	}
}

func TestASecretIsShownOnceAndInNoAddress(t *testing.T) {
	t.Parallel()
	for path, form := range map[string]url.Values{"/webhooks": {"url": {"https://example.com/hooks"}}, "/webhooks/w-1/rotate-secret": {}} {
		f := informed()
		w := signedIn(f).post(path, form)
		says(t, document(t, w, http.StatusOK), "#webhook-secret", webhookSecret)
		if got := w.Header().Get("Cache-Control"); !strings.Contains(got, "no-store") {
			t.Errorf("%s may be cached: %q", path, got)
		}
		for _, page := range []string{"/webhooks", "/webhooks/w-1"} {
			if strings.Contains(signedIn(f).get(page).Body.String(), webhookSecret) {
				t.Errorf("%s shows the secret", page)
			}
		}
	}
}

func TestARefusedAddressIsShownWithTheReason(t *testing.T) {
	t.Parallel()
	f := informed()
	f.askErr = portal.Fail(portal.Invalid, "The address must begin with https://.")
	const entered = `http://example.com/"><script>`
	doc := document(t, signedIn(f).post("/webhooks", url.Values{"url": {entered}, "description": {"Mine"}}), http.StatusBadRequest)
	says(t, doc, `[role="alert"]`, "must begin with https://")
	if got := attr(t, one(t, doc, "#url-new"), "value"); got != entered {
		t.Errorf("the field has %q", got)
	}
	if got := attr(t, one(t, doc, "#description-new"), "value"); got != "Mine" {
		t.Errorf("the description is %q", got)
	}
}

func TestAWebhooksPageShowsWhatWasSent(t *testing.T) {
	t.Parallel()
	doc := document(t, signedIn(informed()).get("/webhooks/w-1"), http.StatusOK)
	log := text(doc.Find(`section[aria-labelledby="deliveries"]`))
	for _, want := range []string{"Retrying", "Next try on 22 November 2026 at 10:00 UTC", "It answered 500 Internal Server Error.", "Delivered", "It answered 204.", "Failed", "The host was not found.", "Not sent"} {
		if !strings.Contains(log, want) {
			t.Errorf("the log lacks %q: %s", want, log)
		}
	}
	none(t, doc, "pre script")
	if got := doc.Find(`form[action$="/redeliver"] button`).Length(); got != 4 { // three deliveries and the range
		t.Errorf("%d forms send something again", got)
	}
	document(t, signedIn(informed()).get("/webhooks/unknown"), http.StatusNotFound)
	none(t, document(t, signedIn(informed()).get("/webhooks/w-2"), http.StatusOK), `form[action$="/redeliver"]`)
}

func TestARefusedTestSaysOnThePageWhenTheNextOneMayGo(t *testing.T) {
	t.Parallel()
	f := informed()
	refused := portal.Fail(portal.TooManyRequests, "You can send the next one in 42 seconds.")
	refused.After = 42 * time.Second
	f.askErr = refused
	w := signedIn(f).post("/webhooks/w-1/test", nil)
	if got := w.Header().Get("Retry-After"); got != "42" {
		t.Errorf("Retry-After is %q", got)
	}
	doc := document(t, w, http.StatusTooManyRequests)
	says(t, doc, `[role="alert"]`, "You can send the next one in 42 seconds.")
	says(t, doc, "h1", "https://example.com/")
}

func TestADeliveryThatIsSentAgainSaysSo(t *testing.T) {
	t.Parallel()
	f := informed()
	f.told.deliveries[0].Round, f.told.deliveries[0].AskedAt = 1, now.Add(-2*time.Minute)
	doc := document(t, signedIn(f).get("/webhooks/w-1"), http.StatusOK)
	says(t, doc, `section[aria-labelledby="deliveries"] .card:first-child`, "You had it sent again 2 minutes ago")
	if got := text(doc.Find(`section[aria-labelledby="deliveries"] .card`).Eq(1)); strings.Contains(got, "sent again") {
		t.Errorf("another one reads %q", got)
	}
}

func TestFormsOfAWebhookAskForWhatTheySay(t *testing.T) {
	t.Parallel()
	for path, c := range map[string]struct {
		form       url.Values
		asks, goes string
	}{
		"/webhooks/w-1":                          {url.Values{"state": {"off"}}, "change w-1", "/webhooks/w-1?done=changed"},
		"/webhooks/w-1/test":                     {nil, "test w-1", "/webhooks/w-1?done=tested"},
		"/webhooks/w-1/delete":                   {nil, "delete w-1", "/webhooks"},
		"/webhooks/w-1/deliveries/n-2/redeliver": {nil, "redeliver w-1 n-2", "/webhooks/w-1?done=again"},
		"/webhooks/w-1/redeliver":                {url.Values{"since": {"2026-11-20T09:00"}, "until": {"2026-11-21T10:30"}}, "range w-1", "/webhooks/w-1?sent=3"},
	} {
		f := informed()
		w := signedIn(f).post(path, c.form)
		if w.Code != http.StatusSeeOther || w.Header().Get("Location") != c.goes || len(f.asked) != 1 || f.asked[0].What != c.asks || f.asked[0].Caller.Account != ada.Account {
			t.Errorf("%s: %d to %q, asked %v", path, w.Code, w.Header().Get("Location"), f.asked)
		}
		if strings.HasPrefix(c.asks, "range") && (!f.told.since.Equal(time.Date(2026, 11, 20, 9, 0, 0, 0, time.UTC)) || f.told.until.Sub(f.told.since) < 25*time.Hour+30*time.Minute) {
			t.Errorf("the range is %v to %v", f.told.since, f.told.until)
		}
		if path == "/webhooks/w-1" && (f.told.change.On == nil || *f.told.change.On || f.told.change.URL != nil) {
			t.Errorf("the change is %+v", f.told.change)
		}
	}
	f := informed()
	doc := document(t, signedIn(f).post("/webhooks/w-1/redeliver", url.Values{"since": {"yesterday"}, "until": {"2026-11-21T10:30"}}), http.StatusBadRequest)
	says(t, doc, `[role="alert"]`, "Give both times like")
	if len(f.asked) != 0 || attr(t, one(t, doc, "#since"), "value") != "yesterday" {
		t.Errorf("asked %v", f.asked)
	}
}

func TestWithoutASignInThereAreNoNotices(t *testing.T) {
	t.Parallel()
	for _, path := range []string{"/account/notices", "/webhooks", "/webhooks/w-1"} {
		if w := visit(informed()).get(path); w.Code != http.StatusSeeOther || !strings.HasPrefix(w.Header().Get("Location"), "/sign-in") {
			t.Errorf("%s answers %d", path, w.Code)
		}
		f := informed()
		if w := visit(f).post(path, nil); w.Code != http.StatusUnauthorized || len(f.asked) != 0 {
			t.Errorf("a form to %s is answered %d", path, w.Code)
		}
	}
}

func TestARefusalIsToldOnce(t *testing.T) {
	t.Parallel()
	const reason = "Your key is in another plan of this API."
	refused := about("plan-std", "SubscribeRequested", projections.Rejected, "conflict")
	refused.Message, refused.CreatedAt, refused.UpdatedAt = reason, now, now
	notice := notices.Notice{
		ID: "n-1", Kind: notices.SubscriptionRejected, Importance: notices.Warn, About: "plan/plan-std", Operation: refused.ID, At: now, Link: "/operations/op-1",
		Title: "Your request about Standard was refused", Text: "Your request about Standard was refused. " + reason,
	}
	dismissed, pending, other := notice, notice, notice
	dismissed.DismissedAt, pending.Importance, other.Operation = now, notices.Info, "op-9"
	for name, c := range map[string]struct {
		told  []notices.Notice
		times int
	}{
		"a notice tells it": {[]notices.Notice{notice}, 1}, "no notice tells it": {nil, 1}, "the notice was dismissed": {[]notices.Notice{dismissed}, 0},
		"the notice is about another request": {[]notices.Notice{other}, 2}, "the notice only tells that it waits": {[]notices.Notice{pending}, 1},
	} {
		f := &fake{catalog: published(weather()), account: registered(), recent: []operations.Operation{refused}}
		f.told.notices = c.told
		doc := document(t, signedIn(f).get("/dashboard"), http.StatusOK)
		if got := strings.Count(text(doc.Find(".attention")), reason); got != c.times {
			t.Errorf("%s: the dashboard tells the reason %d times, want %d: %s", name, got, c.times, text(doc.Find(".attention")))
		}
		if got := strings.Count(text(doc.Find(".attention p b")), "was refused"); got > 1 {
			t.Errorf("%s: the title stands %d times", name, got)
		}
	}
}

func TestANoticeDoesNotRepeatItsTitle(t *testing.T) {
	t.Parallel()
	for full, want := range map[string]string{
		"It was refused. Because.":            "It was refused. Because.",
		"It was refused, and you keep yours.": "It was refused. You keep yours.",
		"It was refused.":                     "It was refused.",
		"Something else.":                     "It was refused. Something else.",
	} {
		f := informed()
		f.told.notices = []notices.Notice{{ID: "n-1", Importance: notices.Warn, Title: "It was refused", Text: full, At: now, Link: "/apis"}}
		got := text(document(t, signedIn(f).get("/account/notices"), http.StatusOK).Find(".attention p").First())
		if got != want {
			t.Errorf("%q is shown as %q, want %q", full, got, want)
		}
	}
}
