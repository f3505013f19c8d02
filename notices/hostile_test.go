package notices_test

import (
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/gatehouse-portal/gatehouse/events"
	"github.com/gatehouse-portal/gatehouse/notices"
	"github.com/gatehouse-portal/gatehouse/portal"
)

func TestAddressesThatNoWebhookMayHaveAreRefused(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		url     string
		answers [][]string
		says    string
	}{
		"the metadata service by address":    {"https://169.254.169.254/latest/meta-data", nil, "metadata service"},
		"the metadata service by name":       {"https://metadata.test/", [][]string{{"169.254.169.254"}}, "metadata service"},
		"one of two addresses is private":    {"https://half.test/", [][]string{{publicIP, "10.0.0.7"}}, "private network"},
		"this machine":                       {"https://localhost/", [][]string{{"127.0.0.1"}}, "to this machine"},
		"this machine in IPv6":               {"https://[::1]/hooks", nil, "to this machine"},
		"a private address inside IPv6":      {"https://[::ffff:10.0.0.1]/", nil, "private network"},
		"plain http":                         {"http://example.com/hooks", [][]string{{publicIP}}, "must begin with https://"},
		"another protocol":                   {"ftp://example.com/hooks", [][]string{{publicIP}}, "must begin with https://"},
		"a file":                             {"file:///etc/passwd", nil, "full URL"},
		"no URL":                             {"hooks", nil, "full URL"},
		"nothing":                            {"", nil, "full URL"},
		"a name and a password":              {"https://ann:secret@example.com/", [][]string{{publicIP}}, "no user name or password"},
		"a fragment":                         {"https://example.com/#a", [][]string{{publicIP}}, `no "#"`},
		"a host that does not exist":         {"https://nowhere.test/", [][]string{}, "was not found"},
		"an address longer than any browser": {"https://example.com/" + strings.Repeat("a", 3000), [][]string{{publicIP}}, "longer than 2,000"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			w.net.answers = c.answers
			_, secret, err := w.desk.AddWebhook(t.Context(), ann, c.url, "", nil)
			if portal.CodeOf(err) != portal.Invalid || !strings.Contains(portal.MessageOf(err), c.says) || secret != "" {
				t.Errorf("it says %q, want %q", portal.MessageOf(err), c.says)
			}
			if len(w.net.dialed) != 0 {
				t.Errorf("connections went to %v", w.net.dialed)
			}
		})
	}
}

// DNS may give another answer after the webhook was added, or between two look-ups.
func TestAWebhookThatMovesIntoANetworkIsNotCalled(t *testing.T) {
	t.Parallel()
	for _, address := range []string{"169.254.169.254", "127.0.0.1", "10.1.2.3", "fd00:ec2::254"} {
		t.Run(address, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			w.net.answers = [][]string{{publicIP}, {address}}
			hook, _, err := w.desk.AddWebhook(t.Context(), ann, "https://moving.test/hooks", "", nil)
			if err != nil {
				t.Fatal(err)
			}
			w.active()
			w.deliver()
			if len(w.net.dialed) != 0 {
				t.Fatalf("connections went to %v", w.net.dialed)
			}
			log := w.deliveries(hook)[0]
			if log.State != notices.Pending || len(log.Attempts) != 1 || !strings.Contains(log.Attempts[0].Error, "only to public addresses") {
				t.Errorf("the log is %+v", log)
			}
		})
	}
}

func TestARedirectToTheMetadataServiceIsNotFollowed(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	hook := w.webhook(func(rw http.ResponseWriter, _ *http.Request) {
		rw.Header().Set("Location", "http://169.254.169.254/latest/meta-data")
		rw.WriteHeader(http.StatusTemporaryRedirect)
	})
	w.active()
	w.deliver()
	if len(w.net.dialed) != 1 {
		t.Errorf("connections went to %v", w.net.dialed)
	}
	if log := w.deliveries(hook)[0]; log.State != notices.Pending || !strings.Contains(log.Attempts[0].Error, "Redirects are not followed") || log.Attempts[0].Status != 307 {
		t.Errorf("the log is %+v", log)
	}
}

func TestAnEndpointThatNeverAnswersIsGivenUpAndTriedAgain(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.deliverer.Webhooks.Timeout = 50 * time.Millisecond
	release := make(chan struct{})
	hook := w.webhook(func(http.ResponseWriter, *http.Request) { <-release })
	t.Cleanup(func() { close(release) }) // before the server closes
	w.active()
	w.deliver()
	log := w.deliveries(hook)[0]
	if log.State != notices.Pending || !strings.Contains(log.Attempts[0].Error, "no answer within") || !log.NextAt.Equal(noon.Add(time.Minute)) {
		t.Errorf("the log is %+v", log)
	}
}

func TestOnlyAKilobyteOfAnAnswerIsKept(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	hook := w.webhook(func(rw http.ResponseWriter, _ *http.Request) {
		for range 10 << 10 { // 10 MB; the connection closes long before
			if _, err := io.WriteString(rw, strings.Repeat("\xffa", 512)); err != nil {
				return
			}
		}
	})
	w.active()
	w.deliver()
	log := w.deliveries(hook)[0]
	if log.State != notices.Delivered || len(log.Attempts[0].Answer) > 3<<10 || !strings.HasPrefix(log.Attempts[0].Answer, "\ufffda") {
		t.Errorf("the state is %s, and %d bytes are kept", log.State, len(log.Attempts[0].Answer))
	}
}

func TestAWebhookThatIsGoneIsSwitchedOffAtOnceAndItsOwnerIsTold(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	in := &inbox{status: http.StatusGone}
	hook := w.webhook(in.ServeHTTP)
	w.active()
	w.deliver()
	if found := w.find(hook); found.On() || !strings.Contains(found.Why, "410") {
		t.Errorf("the webhook is %+v", found)
	}
	if needs := notices.NeedsYou(w.list()); len(needs) != 1 || needs[0].Kind != notices.WebhookPaused {
		t.Errorf("it needs %+v", needs)
	}
	if subject := w.post.mails[len(w.post.mails)-1].Subject; subject != "Your webhook at inside.test is off" {
		t.Errorf("the mail says %q", subject)
	}
	// The next notices wait for the webhook.
	w.later(time.Minute)
	w.handle(w.fact(events.SubscriptionLost{Plan: "plus", Reason: events.LostPlanGone}))
	w.deliver()
	log := w.deliveries(hook)
	if len(in.got()) != 1 || log[0].State != notices.Held {
		t.Fatalf("it got %d requests; the log is %+v", len(in.got()), log)
	}
	if _, err := w.desk.Redeliver(t.Context(), ann, hook.ID, log[0].Notice); portal.CodeOf(err) != portal.Conflict {
		t.Errorf("redelivering to a webhook that is off: %v", err)
	}
	// Once it is on again, it gets what it missed.
	on := true
	if _, err := w.desk.ChangeWebhook(t.Context(), ann, hook.ID, notices.WebhookChange{On: &on}); err != nil {
		t.Fatal(err)
	}
	in.status = http.StatusOK
	n, err := w.desk.RedeliverSince(t.Context(), ann, hook.ID, noon, w.now())
	w.deliver()
	if err != nil || n != 3 {
		t.Errorf("%d are sent again (%v), want 3: active, paused, lost", n, err)
	}
	for _, d := range w.deliveries(hook) {
		if d.State != notices.Delivered {
			t.Errorf("%s is %s", d.Title, d.State)
		}
	}
}

func TestRetryAfterIsRespected(t *testing.T) {
	t.Parallel()
	for value, want := range map[string]time.Duration{
		"7200": 2 * time.Hour, noon.Add(3 * time.Hour).Format(http.TimeFormat): 3 * time.Hour,
		"5": time.Minute, "-3": time.Minute, "soon": time.Minute, "": time.Minute, "99999999999999999999": time.Minute,
		"31536000": 24 * time.Hour,
	} {
		t.Run(value, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			hook := w.webhook(func(rw http.ResponseWriter, _ *http.Request) {
				rw.Header().Set("Retry-After", value)
				rw.WriteHeader(http.StatusTooManyRequests)
			})
			w.active()
			w.deliver()
			if log := w.deliveries(hook)[0]; !log.NextAt.Equal(noon.Add(want)) || log.State != notices.Pending {
				t.Errorf("it is tried next at %v, want %v later", log.NextAt, want)
			}
		})
	}
}

func TestAFailingDeliveryIsTriedEightTimesInADay(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	in := &inbox{status: http.StatusInternalServerError}
	hook := w.webhook(in.ServeHTTP)
	w.active()
	w.deliver()
	for range 24 * 60 {
		w.later(time.Minute)
		if w.wake() > 0 {
			w.deliver()
		}
	}
	log := w.deliveries(hook)[0]
	if len(in.got()) != 8 || log.State != notices.Failed || len(log.Attempts) != 8 {
		t.Errorf("it was called %d times in a day, and is %s", len(in.got()), log.State)
	}
	if found := w.find(hook); !found.On() || found.FailingSince.IsZero() {
		t.Errorf("after a day the webhook is %+v", found)
	}
	w.later(48 * time.Hour)
	w.handle(w.fact(events.SubscriptionLost{Plan: "plus", Reason: events.LostPlanGone}))
	w.deliver()
	if found := w.find(hook); found.On() || !strings.Contains(found.Why, "3 days") {
		t.Errorf("after three days the webhook is %+v", found)
	}
}

func TestASuccessEndsTheCountOfDaysOfFailure(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	in := &inbox{status: http.StatusInternalServerError}
	hook := w.webhook(in.ServeHTTP)
	w.active()
	w.deliver()
	in.status = http.StatusOK
	w.later(2 * time.Minute)
	w.wake()
	w.deliver()
	if found := w.find(hook); !found.FailingSince.IsZero() {
		t.Errorf("it fails since %v", found.FailingSince)
	}
}

func TestForADayAReplacedSecretSignsAsWell(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	in := &inbox{}
	hook := w.webhook(in.ServeHTTP)
	_, fresh, err := w.desk.RotateSecret(t.Context(), ann, hook.ID)
	if err != nil || !strings.HasPrefix(fresh, "whsec_") {
		t.Fatal(err)
	}
	for i, c := range []struct {
		after time.Duration
		old   bool
	}{{0, true}, {23 * time.Hour, true}, {time.Hour, false}} {
		w.later(c.after)
		if _, err := w.desk.TestWebhook(t.Context(), ann, hook.ID); err != nil {
			t.Fatal(err)
		}
		w.deliver()
		got := in.got()[i]
		if !signedWith(t, got, hook, 2) || signedWith(t, got, hook, 1) != c.old {
			t.Errorf("request %d has the signatures %q, with the old secret: want %t", i, got.header.Get("webhook-signature"), c.old)
		}
	}
	if len(w.list()) != 0 {
		t.Errorf("tests are shown as notices: %+v", w.list())
	}
}

func TestAnAccountHasTenWebhooksAtMost(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	var first string
	for i := range notices.MaxWebhooks {
		hook, _, err := w.desk.AddWebhook(t.Context(), ann, fmt.Sprintf("https://example.com/%d", i), "", nil)
		if err != nil {
			t.Fatal(err)
		}
		if i == 0 {
			first = hook.ID
		}
	}
	if _, _, err := w.desk.AddWebhook(t.Context(), ann, "https://example.com/3", "", nil); portal.CodeOf(err) != portal.Conflict {
		t.Errorf("the same address twice: %v", err)
	}
	if _, _, err := w.desk.AddWebhook(t.Context(), ann, "https://example.com/more", "", nil); portal.CodeOf(err) != portal.LimitReached {
		t.Errorf("an eleventh: %v", err)
	}
	if err := w.desk.DeleteWebhook(t.Context(), ann, first); err != nil {
		t.Fatal(err)
	}
	if err := w.desk.DeleteWebhook(t.Context(), ann, first); portal.CodeOf(err) != portal.NotFound {
		t.Errorf("deleting it again: %v", err)
	}
	if _, _, err := w.desk.AddWebhook(t.Context(), ann, "https://example.com/more", "", nil); err != nil {
		t.Errorf("after deleting one: %v", err)
	}
	if _, err := w.desk.FindWebhook(t.Context(), "bob", first); portal.CodeOf(err) != portal.NotFound {
		t.Errorf("another account: %v", err)
	}
}

func TestNothingIsWrittenForAnAccountThatWasErased(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	if _, _, err := w.desk.AddWebhook(t.Context(), "erased", "https://example.com/hooks", "", nil); portal.CodeOf(err) != portal.Unauthorized {
		t.Errorf("adding a webhook: %v", err)
	}
	if err := w.desk.SetSettings(t.Context(), "erased", notices.Settings{}); portal.CodeOf(err) != portal.Unauthorized {
		t.Errorf("writing settings: %v", err)
	}
}

func TestNoNameReachesAHeaderOfAMail(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	person := w.people[ann]
	person.Name = "Ann\r\nBcc: everybody@example.com"
	w.people[ann] = person
	w.fact(events.SubscriptionWanted{Plan: "plus", Name: "Plus\r\nBcc: all@example.com\u202e" + strings.Repeat("x", 10_000), Ring: portal.AccountRing})
	w.handle(w.fact(events.SubscriptionActivated{Plan: "plus", Link: events.Link{Wish: 1}}))
	w.deliver()
	m := w.post.mails[0]
	if strings.ContainsAny(m.Subject+m.To.String(), "\r\n\u202e") || len(m.Subject) > 300 {
		t.Errorf("the subject is %.200q, to %q", m.Subject, m.To.String())
	}
	if strings.Contains(m.HTML, "\u202e") {
		t.Error("the HTML has a direction override")
	}
}

func TestAMailThatIsRefusedForGoodIsNotTriedAgain(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		email      string
		unverified bool
		refuse     error
		says       string
	}{
		"no address":            {says: "not valid"},
		"an unverified address": {email: "ann@example.com", unverified: true, says: "not verified"},
		"two addresses":         {email: "ann@example.com, bob@example.com", says: "not valid"},
		"an injected header":    {email: "ann@example.com\r\nBcc: bob@example.com", says: "not valid"},
		"the service refuses":   {email: "ann@example.com", refuse: &notices.RefusedMail{Reason: "The sender is not verified."}, says: "The sender is not verified."},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			person := w.people[ann]
			person.Email, person.Unverified = c.email, c.unverified
			w.people[ann] = person
			w.post.refuse = func(notices.Mail) error { return c.refuse }
			w.active()
			w.deliver()
			d, err := w.mailOf(w.list()[0])
			if err != nil || d.State != notices.Failed || !strings.Contains(d.Attempts[0].Error, c.says) || len(w.post.mails) != 0 {
				t.Errorf("the delivery is %+v (%v)", d, err)
			}
			w.later(48 * time.Hour)
			if n := w.wake(); n != 0 {
				t.Errorf("%d rows ask for it again", n)
			}
		})
	}
}

func TestAThrottledMailWaitsAndIsNoAttempt(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.post.refuse = func(notices.Mail) error { return &portal.Postponed{Reason: "SES throttles"} }
	w.active()
	msg := w.sent[0]
	if err := w.deliverer.Handle(t.Context(), msg); err == nil {
		t.Fatal("a throttled mail is done")
	}
	w.post.refuse = nil
	if err := w.deliverer.Handle(t.Context(), msg); err != nil { // at once: the lease has ended
		t.Fatal(err)
	}
	d, err := w.mailOf(w.list()[0])
	if err != nil || d.State != notices.Delivered || len(d.Attempts) != 1 || len(w.post.mails) != 1 {
		t.Errorf("the delivery is %+v (%v)", d, err)
	}
}

func TestASwitchedOffKindGoesNowhere(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	in := &inbox{}
	w.webhook(in.ServeHTTP)
	set := func(off map[string][]notices.Kind) error {
		return w.desk.SetSettings(t.Context(), ann, notices.Settings{Off: off})
	}
	for _, bad := range []map[string][]notices.Kind{{"pigeon": {notices.KeyCreated}}, {"mail": {"birthday"}}} {
		if err := set(bad); portal.CodeOf(err) != portal.Invalid {
			t.Errorf("%v: %v", bad, err)
		}
	}
	all := []notices.Kind{notices.SubscriptionActive, notices.SubscriptionActive}
	if err := set(map[string][]notices.Kind{"mail": all, "webhook": all, "dashboard": all}); err != nil {
		t.Fatal(err)
	}
	f := w.active()
	w.deliver()
	if len(w.list()) != 0 || len(w.post.mails) != 0 || len(in.got()) != 0 {
		t.Errorf("there are %d notices, %d mails, %d calls", len(w.list()), len(w.post.mails), len(in.got()))
	}
	// Switching it on again does not tell the past.
	if err := set(nil); err != nil {
		t.Fatal(err)
	}
	w.handle(f)
	w.deliver()
	if len(w.list()) != 0 || len(w.post.mails) != 0 || len(in.got()) != 0 {
		t.Error("a fact of the past is told")
	}
}

func TestADismissedOrReplacedNoticeNoLongerNeedsThePerson(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.active()
	w.later(time.Minute)
	w.handle(w.fact(events.SubscriptionLost{Plan: "plus", Reason: events.LostPlanGone}))
	needs := func() []notices.Notice { return notices.NeedsYou(w.list()) }
	if n := needs(); len(n) != 1 || n[0].Kind != notices.SubscriptionLost {
		t.Fatalf("it needs %+v", n)
	}
	id := needs()[0].ID
	for range 2 {
		if n, err := w.desk.Dismiss(t.Context(), ann, id); err != nil || n.DismissedAt.IsZero() {
			t.Fatal(err)
		}
		w.later(time.Minute)
	}
	if len(needs()) != 0 || len(w.list()) != 2 {
		t.Errorf("after dismissing it needs %+v", needs())
	}
	if first := w.list()[0].DismissedAt; !first.Equal(noon.Add(time.Minute)) {
		t.Errorf("it was dismissed at %v, want the first time", first)
	}
	for _, unknown := range []string{"nothing", "", "001-x"} {
		if _, err := w.desk.Dismiss(t.Context(), ann, unknown); portal.CodeOf(err) != portal.NotFound {
			t.Errorf("dismissing %q: %v", unknown, err)
		}
	}
	// A newer notice about the same plan replaces the old one.
	w.handle(w.fact(events.RequestRejected{Decides: events.Decides{Scopes: []portal.Scope{portal.PlanScope("plus")}}, Code: portal.Conflict, Message: "Leave Free first."}))
	w.later(time.Minute)
	w.handle(w.fact(events.SubscriptionActivated{Plan: "plus"}))
	if n := needs(); len(n) != 0 {
		t.Errorf("it needs %+v", n)
	}
}

func TestAFactOfLongAgoIsNotTold(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.fact(events.SubscriptionWanted{Plan: "plus", Name: "Plus", Ring: portal.AccountRing})
	f := w.fact(events.SubscriptionActivated{Plan: "plus"})
	w.later(31 * 24 * time.Hour)
	w.handle(f)
	if len(w.list()) != 0 || len(w.sent) != 0 {
		t.Errorf("there are %d notices", len(w.list()))
	}
}

func TestARangeOfDeliveriesIsChecked(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	hook := w.webhook((&inbox{}).ServeHTTP)
	for name, c := range map[string]struct {
		since, until time.Time
		says         string
	}{
		"the wrong way round":     {noon, noon.Add(-time.Hour), "before its beginning"},
		"without an end":          {noon, time.Time{}, "both times"},
		"ten years":               {noon.AddDate(-10, 0, 0), noon, "90 days"},
		"before time was counted": {time.Time{}, noon, "both times"},
	} {
		n, err := w.desk.RedeliverSince(t.Context(), ann, hook.ID, c.since, c.until)
		if portal.CodeOf(err) != portal.Invalid || !strings.Contains(portal.MessageOf(err), c.says) || n != 0 {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestAWebhookWithAPublicAddressNeedsTLS(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	server := httptest.NewServer(http.NotFoundHandler()) // it does not speak TLS
	t.Cleanup(server.Close)
	w.net.server = server.Listener.Addr().String()
	hook, _, err := w.desk.AddWebhook(t.Context(), ann, "https://plain.test/hooks", "", nil)
	if err != nil {
		t.Fatal(err)
	}
	w.active()
	w.deliver()
	if log := w.deliveries(hook)[0]; !strings.Contains(log.Attempts[0].Error, "does not speak TLS") {
		t.Errorf("the log is %+v", log)
	}
}
