package notices_test

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/gatehouse-portal/gatehouse/events"
	"github.com/gatehouse-portal/gatehouse/notices"
	"github.com/gatehouse-portal/gatehouse/portal"
)

func TestAFactBecomesANoticeAMailAndAWebhookCall(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	in := &inbox{}
	hook := w.webhook(in.ServeHTTP)
	w.active()
	w.deliver()

	list := w.list()
	if len(list) != 1 || list[0].Kind != notices.SubscriptionActive || list[0].Title != "Plus is active" || list[0].Link != "/dashboard" {
		t.Fatalf("the notices are %+v", list)
	}
	if len(w.post.mails) != 1 {
		t.Fatalf("%d mails were sent", len(w.post.mails))
	}
	m := w.post.mails[0]
	if m.To.Address != "ann@example.com" || m.Subject != "Plus is active" || !strings.Contains(m.Text, "https://portal.example/dashboard") ||
		!strings.Contains(m.HTML, "Plus is active") || m.Unsubscribe != "https://portal.example/account/notices" {
		t.Errorf("the mail is %+v", m)
	}
	calls := in.got()
	if len(calls) != 1 {
		t.Fatalf("the webhook got %d requests", len(calls))
	}
	var body notices.Payload
	if err := json.Unmarshal(calls[0].body, &body); err != nil {
		t.Fatal(err)
	}
	if body.Type != "gatehouse.notice.subscription_active" || body.ID != calls[0].header.Get("webhook-id") || body.Data.Account != ann ||
		body.Data.Link != "https://portal.example/dashboard" || body.SpecVersion != "1.0" {
		t.Errorf("the body is %s", calls[0].body)
	}
	if !signedWith(t, calls[0], hook, 1) {
		t.Errorf("the signature %q does not fit", calls[0].header.Get("webhook-signature"))
	}
	log := w.deliveries(hook)
	if len(log) != 1 || log[0].State != notices.Delivered || len(log[0].Attempts) != 1 || log[0].Attempts[0].Status != 200 || log[0].Attempts[0].Answer != "thanks" {
		t.Errorf("the log is %+v", log)
	}
}

// signedWith verifies a request as a receiver does that knows only the Standard Webhooks
// specification.
func signedWith(t *testing.T, r received, hook notices.Webhook, generation int) bool {
	t.Helper()
	secret, err := secrets{}.WebhookSecret(t.Context(), hook.KMSKey, ann, hook.ID, generation)
	if err != nil {
		t.Fatal(err)
	}
	mac := hmac.New(sha256.New, secret)
	fmt.Fprintf(mac, "%s.%s.%s", r.header.Get("webhook-id"), r.header.Get("webhook-timestamp"), r.body)
	want := "v1," + base64.StdEncoding.EncodeToString(mac.Sum(nil))
	for _, signature := range strings.Fields(r.header.Get("webhook-signature")) {
		if hmac.Equal([]byte(signature), []byte(want)) {
			return true
		}
	}
	return false
}

func TestAFactThatArrivesTenTimesIsToldOnce(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	in := &inbox{}
	hook := w.webhook(in.ServeHTTP)
	f := w.active()
	for range 9 {
		w.handle(f)
		w.deliver()
	}
	if len(w.list()) != 1 || len(w.post.mails) != 1 || len(in.got()) != 1 || len(w.deliveries(hook)) != 1 {
		t.Errorf("there are %d notices, %d mails, %d calls, %d deliveries", len(w.list()), len(w.post.mails), len(in.got()), len(w.deliveries(hook)))
	}
}

func TestTwoWorkersAtOnceTellAFactOnce(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	in := &inbox{}
	hook := w.webhook(in.ServeHTTP)
	w.fact(events.SubscriptionWanted{Plan: "plus", Name: "Plus", Ring: portal.AccountRing})
	f := w.fact(events.SubscriptionActivated{Plan: "plus", Link: events.Link{Wish: 1}})
	parallel(8, func() {
		for w.notifier.Handle(t.Context(), f) != nil { // a conflict is a reason to come again
		}
	})
	w.mu.Lock()
	wakeUps := w.sent
	w.mu.Unlock()
	if len(wakeUps) != 2 {
		t.Fatalf("%d messages ask for deliveries, want one per channel", len(wakeUps))
	}
	parallel(8, func() {
		for _, msg := range wakeUps {
			if err := w.deliverer.Handle(t.Context(), msg); err != nil {
				t.Error(err)
			}
		}
	})
	if len(w.list()) != 1 || len(w.post.mails) != 1 || len(in.got()) != 1 || len(w.deliveries(hook)) != 1 {
		t.Errorf("there are %d notices, %d mails, %d calls, %d deliveries", len(w.list()), len(w.post.mails), len(in.got()), len(w.deliveries(hook)))
	}
}

func parallel(n int, do func()) {
	var group sync.WaitGroup
	for range n {
		group.Go(do)
	}
	group.Wait()
}

func TestANoticeThatAWorkerDidNotFinishIsSentByItsDueRow(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	in := &inbox{}
	hook := w.webhook(in.ServeHTTP)
	w.active()
	w.sent = nil // the messages are lost
	if rows := w.due(); len(rows) != 0 {
		t.Fatalf("%d rows are due at once", len(rows))
	}
	w.later(2 * time.Minute)
	if n := w.wake(); n != 2 {
		t.Fatalf("%d rows are due after two minutes, want one per channel", n)
	}
	w.deliver()
	if len(w.post.mails) != 1 || len(in.got()) != 1 || w.deliveries(hook)[0].State != notices.Delivered {
		t.Errorf("there are %d mails and %d calls", len(w.post.mails), len(in.got()))
	}
	w.later(time.Hour)
	if n := w.wake(); n != 0 {
		t.Errorf("%d rows are still there", n)
	}
}

// A worker that stops between sending and recording leaves a lease. The webhook gets the notice
// again, under the same id.
func TestANoticeWhoseOutcomeWasLostIsSentAgainUnderTheSameID(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	in := &inbox{}
	hook := w.webhook(in.ServeHTTP)
	w.active()
	stopping := &notices.Deliverer{
		Store: notices.NewStore(deaf{w.tables.Client, new(int)}, w.records), Notifier: w.notifier, Sender: w, Now: w.now,
		Mail: w.deliverer.Mail, Webhooks: w.deliverer.Webhooks,
	}
	for _, msg := range w.sent {
		if err := stopping.Handle(t.Context(), msg); err == nil {
			t.Error("an outcome that cannot be written is no error")
		}
	}
	w.deliver() // the leases still hold
	if len(in.got()) != 1 || len(w.post.mails) != 1 {
		t.Fatalf("during the lease there are %d calls and %d mails", len(in.got()), len(w.post.mails))
	}
	w.later(3 * time.Minute)
	w.wake()
	w.deliver()
	calls := in.got()
	if len(calls) != 2 || calls[0].header.Get("webhook-id") != calls[1].header.Get("webhook-id") || len(w.post.mails) != 2 || w.post.mails[0].ID != w.post.mails[1].ID {
		t.Fatalf("there are %d calls and %d mails", len(calls), len(w.post.mails))
	}
	if log := w.deliveries(hook); len(log) != 1 || log[0].State != notices.Delivered {
		t.Errorf("the log is %+v", log)
	}
}

func TestAFactWhoseMessageWasLostIsToldWithTheNext(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.fact(events.KeyWanted{Key: "k1", Ring: portal.AccountRing, Name: "Default key"})
	w.fact(events.KeyCreated{Key: "k1", GatewayID: "g"}) // its message is lost
	w.active()
	if list := w.list(); len(list) != 2 || list[1].Kind != notices.KeyCreated {
		t.Errorf("the notices are %+v", list)
	}
	w.fact(events.SubscriptionLost{Plan: "plus", Reason: events.LostPlanGone}) // so is this one
	w.handle(events.Event{Subject: portal.AccountStream(ann), Data: events.TellRequested{}})
	if list := w.list(); len(list) != 3 || list[0].Kind != notices.SubscriptionLost {
		t.Errorf("after a wake-up the notices are %+v", list)
	}
	if told, err := w.notifier.Told(t.Context(), ann); err != nil || told != int64(len(w.facts)) {
		t.Errorf("it was told up to %d of %d (%v)", told, len(w.facts), err)
	}
}

func TestAFactThatOnlyNewerWorkersKnowIsLeftToThem(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.active()
	w.facts = append(w.facts, events.Event{ID: "new", Subject: portal.AccountStream(ann), Sequence: 3, Time: noon, Data: events.Unknown{}})
	w.handle(w.fact(events.SubscriptionLost{Plan: "plus", Reason: events.LostPlanGone}))
	if told, err := w.notifier.Told(t.Context(), ann); err != nil || told != 2 || len(w.list()) != 1 {
		t.Errorf("it was told up to %d (%v)", told, err)
	}
}

func TestWhoGetsNoticesForTheFirstTimeIsNotToldThePast(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.fact(events.KeyCreated{Key: "k1", GatewayID: "g"})
	w.later(4 * 24 * time.Hour)
	w.active()
	if list := w.list(); len(list) != 1 || list[0].Kind != notices.SubscriptionActive {
		t.Errorf("the notices are %+v", list)
	}
}

func TestAnAccountThatIsBeingDeletedIsToldNothing(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.fact(events.SubscriptionWanted{Plan: "plus", Name: "Plus", Ring: portal.AccountRing})
	f := w.fact(events.SubscriptionActivated{Plan: "plus"})
	w.fact(events.AccountDeleting{})
	w.handle(f)
	if told, err := w.notifier.Told(t.Context(), ann); err != nil || told != 0 || len(w.list()) != 0 || len(w.sent) != 0 {
		t.Errorf("it was told up to %d (%v), %+v", told, err, w.list())
	}
}
