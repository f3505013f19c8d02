package web_test

import (
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/PuerkitoBio/goquery"

	"github.com/gatehouse-portal/gatehouse/administration"
	"github.com/gatehouse-portal/gatehouse/deadletters"
	"github.com/gatehouse-portal/gatehouse/portal"
)

var adminPages = []string{"/admin", "/admin/dead-letters", "/admin/dead-letters/l-1", "/admin/confirm-dead-letters?verb=replay", "/admin/approvals", "/admin/invitations", "/admin/feedback", "/admin/products", "/admin/usage", "/admin/drift", "/admin/licences", "/admin/licences/reconcile", "/admin/banners", "/admin/audit"}

func TestOnlyAdminsSeeThePagesForAdmins(t *testing.T) {
	t.Parallel()
	for _, path := range adminPages {
		o := troubled()
		if w := siteOf(&fake{office: o}, &ada).get(path); w.Code != http.StatusForbidden || strings.Contains(w.Body.String(), "does not answer") {
			t.Errorf("%s: another person is answered %d", path, w.Code)
		}
		if w := visit(&fake{office: o}).get(path); w.Code != http.StatusSeeOther || !strings.HasPrefix(w.Header().Get("Location"), "/sign-in?") {
			t.Errorf("%s: a stranger is answered %d to %q", path, w.Code, w.Header().Get("Location"))
		}
		doc := document(t, administered(o).get(path), http.StatusOK)
		one(t, doc, `header nav a[href="/admin"][aria-current="page"]`)
	}
	o := troubled()
	form := url.Values{"verb": {"replay"}, "letter": {"l-1"}}
	if w := siteOf(&fake{office: o}, &ada).post("/admin/dead-letters", form); w.Code != http.StatusForbidden || len(o.orders) > 0 {
		t.Errorf("another person's form is answered %d, and leads to %v", w.Code, o.orders)
	}
	if w := visit(&fake{office: o}).post("/admin/dead-letters", form); w.Code != http.StatusUnauthorized || len(o.orders) > 0 {
		t.Errorf("a stranger's form is answered %d, and leads to %v", w.Code, o.orders)
	}
	none(t, document(t, siteOf(&fake{office: o, account: registered()}, &ada).get("/dashboard"), http.StatusOK), `a[href="/admin"]`)
}

func TestTheOverviewSaysFirstWhatNeedsAnAdmin(t *testing.T) {
	t.Parallel()
	doc := document(t, administered(troubled()).get("/admin"), http.StatusOK)
	needs := text(one(t, doc, `section[aria-labelledby="needs"]`))
	for _, want := range []string{
		"100 or more subscriptions to approve or deny", "1 registration to approve", "3 dead letters of 2 causes, so 2 operations of people failed", "1 replay not handled yet",
		"1 purchase whose payment", "2 purchases that nobody has claimed", "1 account different in API Gateway", "2 keys in API Gateway", "1 problem in the catalog",
		"Usage may not be billed. The usage of the hour from 09:00 UTC waits for AWS Marketplace.",
		"Nothing is known about licences right now. The views do not answer.",
	} {
		if !strings.Contains(needs, want) {
			t.Errorf("it does not say %q: %s", want, needs)
		}
	}
	health := text(one(t, doc, `section[aria-labelledby="health"]`))
	for _, want := range []string{"The last sign of life is from", "Start a worker", "3 streams of 2,140 were not shown", "3.2 of 18.5 tokens", "half the rate", "3 products and 7 plans", "1 problem and 2 warnings"} {
		if !strings.Contains(health, want) {
			t.Errorf("it does not say %q: %s", want, health)
		}
	}
	if row := text(doc.Find("#queues ~ .table-scroll tbody tr").First()); row != "gatehouse-commands.fifo12300" && row != "gatehouse-commands.fifo 12 3 0 0" {
		t.Errorf("the first queue is %q", row)
	}
	says(t, document(t, administered(adminStates()["admin, nothing to do"].site.office).get("/admin"), http.StatusOK), `section[aria-labelledby="needs"]`, "Nothing waits for you.")
}

func TestDeadLettersAreFilteredAndPaged(t *testing.T) {
	t.Parallel()
	o := troubled()
	for i := range 40 {
		o.letters = append(o.letters, deadLetter(fmt.Sprintf("m-%02d", i), "RegisterUser", "redriven", "SQS moved it to a dead-letter queue", time.Duration(i+5)*time.Hour))
	}
	s := administered(o)
	doc := document(t, s.get("/admin/dead-letters?type=RegisterUser"), http.StatusOK)
	says(t, doc, `section[aria-labelledby="causes"]`, "SQS moved it to a dead-letter queue")
	if got := doc.Find(`section[aria-labelledby="letters"] li`).Length(); got != 25 {
		t.Errorf("the page lists %d letters", got)
	}
	next := document(t, s.get(attr(t, one(t, doc, `a[rel="next"]`), "href")), http.StatusOK)
	if back := attr(t, next.Find("nav.paging a").First(), "href"); back != "/admin/dead-letters?type=RegisterUser" {
		t.Errorf("the first page is at %q", back)
	}
	if got := next.Find(`section[aria-labelledby="letters"] li`).Length(); got != 16 {
		t.Errorf("the next page lists %d letters", got)
	}
	for query, want := range map[string]string{
		"cause=unreadable": "could not be read", "type=SubscribeRequested": "the table does not answer", "account=account-ada&newer=1": "account-bob", "cause=NO+PLAN&all=on": "panic: no plan",
	} {
		if got := text(one(t, document(t, s.get("/admin/dead-letters?"+query), http.StatusOK), `section[aria-labelledby="letters"]`)); !strings.Contains(got, want) || strings.Contains(got, "SQS moved") {
			t.Errorf("%s: it lists %s", query, got)
		}
	}
	says(t, document(t, s.get("/admin/dead-letters?cause=nothing"), http.StatusOK), ".empty", "No dead letter matches.")
}

func TestFiltersThatNobodyCanMeanAreRefused(t *testing.T) {
	t.Parallel()
	s := administered(troubled())
	for _, query := range []string{"older=soon", "newer=-1", "older=1e99", "older=2h3", "older=%2B2", "newer=.", "cause=" + strings.Repeat("x", 300), "queue=%ff"} {
		if w := s.get("/admin/dead-letters?" + query); w.Code != http.StatusBadRequest {
			t.Errorf("%s is answered %d", query, w.Code)
		}
	}
	for _, path := range []string{"/admin/confirm-dead-letters", "/admin/confirm-dead-letters?verb=eat&letter=l-1", "/admin/dead-letters/nope", "/admin/confirm-dead-letters?verb=replay&letter=nope"} {
		if w := s.get(path); w.Code != http.StatusNotFound && w.Code != http.StatusConflict {
			t.Errorf("%s is answered %d", path, w.Code)
		}
	}
}

func TestTextOfLettersIsHarmless(t *testing.T) {
	t.Parallel()
	o := troubled()
	evil := deadLetter(`"><script>alert(1)</script>`, "<b>bold</b>", "failed", `</pre><script>alert(2)</script>`, time.Hour)
	evil.Body = []byte(`</pre><img src=x onerror=alert(3)>` + "\x1b[31m")
	o.letters = []deadletters.Letter{evil}
	s := administered(o)
	for _, path := range []string{"/admin/dead-letters", "/admin/dead-letters/" + url.PathEscape(evil.ID), "/admin/confirm-dead-letters?verb=replay"} {
		doc := document(t, s.get(path), http.StatusOK)
		none(t, doc, "main script, main img, main b")
		if path != "/admin/confirm-dead-letters?verb=replay" && !strings.Contains(text(doc.Find("main")), "alert(2)") {
			t.Errorf("%s does not show the error", path)
		}
	}
}

func TestNothingHappensBeforeAnAdminConfirms(t *testing.T) {
	t.Parallel()
	o := troubled()
	s := administered(o)
	doc := document(t, s.get("/admin/confirm-dead-letters?verb=replay&cause=failed&older=1"), http.StatusOK)
	if got := text(one(t, doc, "h1")); got != "Replay 1 dead letter?" {
		t.Errorf("it asks %q", got)
	}
	says(t, doc, `section[aria-labelledby="what"]`, "nothing: there is a newer choice, which stays")
	if len(o.orders) > 0 {
		t.Fatalf("looking leads to %v", o.orders)
	}
	form := url.Values{}
	doc.Find(`form[action="/admin/dead-letters"] input`).Each(func(_ int, input *goquery.Selection) { form.Set(attr(t, input, "name"), attr(t, input, "value")) })
	w := s.post("/admin/dead-letters", form)
	if w.Code != http.StatusSeeOther || w.Header().Get("Location") != "/admin/dead-letters?cause=failed&older=1&ordered=replay" {
		t.Fatalf("%d to %q", w.Code, w.Header().Get("Location"))
	}
	if len(o.orders) != 1 || o.orders[0].Verb != administration.Replay || o.orders[0].By != root.Account || o.orders[0].Choice.Cause != "failed" || !o.orders[0].Choice.Before.Equal(now.Add(-time.Hour)) {
		t.Errorf("the orders are %+v", o.orders)
	}
	says(t, document(t, s.get(w.Header().Get("Location")), http.StatusOK), `[role="status"].notice`, "Your replay is ordered")
	o.orders = nil
	says(t, document(t, s.get(w.Header().Get("Location")), http.StatusOK), `[role="status"].notice`, "A worker has replayed")
}

// Letters that failed since the admin read the confirmation are not part of the order.
func TestAnOrderIsAboutTheLettersThatTheAdminConfirmed(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		query, asOf string
		want        time.Time
	}{
		"all letters":                  {"verb=discard", "2026-11-22T08:50:00.5Z", now.Add(-10*time.Minute + time.Second/2)},
		"letters of an age":            {"verb=discard&older=1", "2026-11-22T08:50:00Z", now.Add(-70 * time.Minute)},
		"a time that has not come yet": {"verb=discard", "2026-11-22T09:10:00Z", now},
	} {
		o := troubled()
		s := administered(o)
		doc := document(t, s.get("/admin/confirm-dead-letters?"+c.query), http.StatusOK)
		form := url.Values{}
		doc.Find(`form[action="/admin/dead-letters"] input`).Each(func(_ int, input *goquery.Selection) { form.Set(attr(t, input, "name"), attr(t, input, "value")) })
		if got := form.Get("as_of"); got != "2026-11-22T09:00:00Z" {
			t.Errorf("%s: the confirmation is as of %q", name, got)
		}
		form.Set("as_of", c.asOf)
		form.Set("reason", "Sent by hand.")
		if w := s.post("/admin/dead-letters", form); w.Code != http.StatusSeeOther || len(o.orders) != 1 || !o.orders[0].Choice.Before.Equal(c.want) {
			t.Errorf("%s: %d, ordered are letters before %v, want %s", name, w.Code, o.orders, c.want)
		}
	}
}

func TestDiscardingNeedsAReason(t *testing.T) {
	t.Parallel()
	o := troubled()
	s := administered(o)
	form := url.Values{"verb": {"discard"}, "letter": {"l-1"}, "reason": {" "}}
	doc := document(t, s.post("/admin/dead-letters", form), http.StatusBadRequest)
	says(t, doc, `[role="alert"]`, "Give a reason.")
	form.Set("reason", "Sent by hand.")
	if w := s.post("/admin/dead-letters", form); w.Code != http.StatusSeeOther || len(o.orders) != 1 || o.orders[0].Reason != "Sent by hand." || o.orders[0].Letter != "l-1" {
		t.Errorf("%d, ordered %+v", w.Code, o.orders)
	}
}

func TestALetterThatCannotBeReplayedCanBeDiscarded(t *testing.T) {
	t.Parallel()
	o := troubled()
	o.outlook = administration.ReplayOutlook{Outlook: administration.NotReplayable, Text: "No worker can read it."}
	doc := document(t, administered(o).get("/admin/dead-letters/l-unread"), http.StatusOK)
	none(t, doc, `a[href*="verb=replay"]`)
	one(t, doc, `a[href*="verb=discard"]`)
	says(t, doc, "pre.answer", "ff 00 3c")
	o.err = portal.Fail(portal.Unavailable, "The portal cannot read its data right now. Try again in a moment.")
	o.inboxErr, o.guestErr, o.shopErr, o.sumErr = o.err, o.err, o.err, o.err
	for _, path := range adminPages {
		if w := administered(o).get(path); w.Code != http.StatusServiceUnavailable {
			t.Errorf("%s: without its data the portal answers %d", path, w.Code)
		}
	}
}

func TestAReplayOfAllSaysWhatCannotBeReplayed(t *testing.T) {
	t.Parallel()
	o := troubled()
	doc := document(t, administered(o).get("/admin/confirm-dead-letters?verb=replay"), http.StatusOK)
	says(t, doc, "h1", "Replay 2 dead letters?")
	says(t, doc, `section[aria-labelledby="left"]`, "1 dead letter cannot be replayed and will stay open")
	says(t, doc, `section[aria-labelledby="left"] li`, "1 letter: No worker can read it.")
	says(t, doc, "form .actions", "Replay 2 dead letters")
	if got := doc.Find(`a[href="/admin/dead-letters/l-unread"]`).Length(); got != 0 {
		t.Errorf("the letter is among those that are replayed, %d times", got)
	}
	doc = document(t, administered(o).get("/admin/confirm-dead-letters?verb=replay&cause=unreadable"), http.StatusOK)
	says(t, doc, "h1", "No dead letter can be replayed")
	none(t, doc, "main form")
	doc = document(t, administered(o).get("/admin/confirm-dead-letters?verb=discard"), http.StatusOK)
	says(t, doc, "h1", "Discard 3 dead letters?")
	none(t, doc, `section[aria-labelledby="left"]`)
}

func TestAnAdminWhoseLetterIsGoneIsLedToTheList(t *testing.T) {
	t.Parallel()
	s := administered(troubled())
	for path, status := range map[string]int{
		"/admin/dead-letters/nope": http.StatusNotFound, "/admin/confirm-dead-letters?verb=discard&letter=nope": http.StatusConflict, "/admin/confirm-dead-letters?verb=replay&cause=none": http.StatusConflict,
	} {
		doc := document(t, s.get(path), status)
		one(t, doc, `.failure a[href="/admin/dead-letters"]`)
		if got := text(doc.Find(".failure")); strings.Contains(got, "another account") || strings.Contains(got, "what is in the way") {
			t.Errorf("%s: it says %s", path, got)
		}
	}
}

func TestAPageSaysThatItShowsAPartOfABody(t *testing.T) {
	t.Parallel()
	o := troubled()
	o.letters[0].Body = []byte(strings.Repeat("x", 200_000))
	doc := document(t, administered(o).get("/admin/dead-letters/l-1"), http.StatusOK)
	says(t, doc, "dl.facts", "200,000 bytes; the first 65,536 bytes are shown here")
	if got := doc.Find("pre.answer").Text(); len(got) != 65_536 {
		t.Errorf("it shows %d bytes", len(got))
	}
	if got := text(document(t, administered(o).get("/admin/dead-letters/l-2"), http.StatusOK).Find("dl.facts")); strings.Contains(got, "first") {
		t.Errorf("a short body: %s", got)
	}
}

func TestAConfirmationSpeaksOfOneLetterOrOfMany(t *testing.T) {
	t.Parallel()
	for path, want := range map[string]string{
		"verb=discard&letter=l-1": "A worker closes it", "verb=replay&letter=l-1": "A worker sends it", "verb=discard": "A worker closes them", "verb=replay": "A worker sends them",
	} {
		says(t, document(t, administered(troubled()).get("/admin/confirm-dead-letters?"+path), http.StatusOK), "main", want)
	}
}
