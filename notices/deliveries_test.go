package notices_test

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb"

	"github.com/gatehouse-portal/gatehouse/events"
	"github.com/gatehouse-portal/gatehouse/notices"
	"github.com/gatehouse-portal/gatehouse/portal"
	"github.com/gatehouse-portal/gatehouse/schema"
)

func TestAPersonSeesWhereANoticeWentAndHasTheMailSentAgain(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	in := &inbox{}
	hook := w.webhook(in.ServeHTTP)
	w.active()
	w.deliver()
	notice := w.list()[0].ID
	all, err := w.desk.DeliveriesOf(t.Context(), ann, notice)
	if err != nil || len(all) != 2 || all[0].Channel != notices.ChannelMail || all[1].Channel != "webhook/"+hook.ID || all[0].State != notices.Delivered {
		t.Fatalf("it went to %+v, %v", all, err)
	}
	for oldest, want := range map[string]int{notice: 1, "": 1, notice + "~": 0} {
		if mails, err := w.desk.Mails(t.Context(), ann, oldest); err != nil || len(mails) != want || want == 1 && mails[notice].State != notices.Delivered {
			t.Errorf("the mails from %q on are %+v, %v", oldest, mails, err)
		}
	}
	if mails, err := w.desk.Mails(t.Context(), "bob", notice); err != nil || len(mails) != 0 {
		t.Errorf("another account sees the mails %+v, %v", mails, err)
	}
	for n := 1; n <= notices.MaxMailsAgain; n++ {
		w.later(time.Minute)
		if _, err := w.desk.MailAgain(t.Context(), ann, notice); err != nil {
			t.Fatal(err)
		}
		w.deliver()
		if len(w.post.mails) != n+1 || w.post.mails[n].ID == w.post.mails[n-1].ID {
			t.Fatalf("after %d more there are %d mails", n, len(w.post.mails))
		}
	}
	if _, err := w.desk.MailAgain(t.Context(), ann, notice); portal.CodeOf(err) != portal.TooManyRequests {
		t.Errorf("once more: %v", err)
	}
	if len(in.got()) != 1 {
		t.Errorf("the webhook got it %d times", len(in.got()))
	}
	for what, err := range map[string]error{
		"a mail of no notice":         second(w.desk.MailAgain(t.Context(), ann, "none")),
		"another account's mail":      second(w.desk.MailAgain(t.Context(), "bob", notice)),
		"deliveries of no notice":     second(w.desk.DeliveriesOf(t.Context(), ann, "none")),
		"another account's notice":    second(w.desk.DeliveriesOf(t.Context(), "bob", notice)),
		"a notice with a strange id":  second(w.desk.DeliveriesOf(t.Context(), ann, "\x00#../~")),
		"a notice that is no mail's ": second(w.desk.MailAgain(t.Context(), ann, hook.ID)),
	} {
		if portal.CodeOf(err) != portal.NotFound {
			t.Errorf("%s: %v", what, err)
		}
	}
}

func second[T any](_ T, err error) error { return err }

func TestAMailThatIsBeingSentIsNotAskedForAgain(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.active()
	w.post.refuse = func(notices.Mail) error {
		if _, err := w.desk.MailAgain(t.Context(), ann, w.list()[0].ID); portal.CodeOf(err) != portal.Conflict {
			t.Errorf("while it is being sent: %v", err)
		}
		return nil
	}
	w.deliver()
}

func TestAWebhookGetsOnlyTheKindsThatItWants(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	in := &inbox{}
	hook := w.webhook(in.ServeHTTP)
	change := func(kinds ...notices.Kind) error {
		_, err := w.desk.ChangeWebhook(t.Context(), ann, hook.ID, notices.WebhookChange{Kinds: &kinds})
		return err
	}
	for _, bad := range []notices.Kind{"weather", "", "webhook_test", "key_created\n"} {
		if err := change(notices.KeyCreated, bad); portal.CodeOf(err) != portal.Invalid {
			t.Errorf("the kind %q: %v", bad, err)
		}
	}
	if err := change(notices.QuotaExhausted, notices.QuotaReached, notices.QuotaReached); err != nil {
		t.Fatal(err)
	}
	if got := w.find(hook).Kinds; len(got) != 2 {
		t.Errorf("the kinds are %v", got)
	}
	w.active()
	w.deliver()
	if len(in.got()) != 0 {
		t.Fatalf("it got %d notices that it does not want", len(in.got()))
	}
	w.handle(w.fact(events.QuotaThresholdReached{Plan: "plus", Key: "k1", PeriodStart: "2026-11-20", Period: "DAY", Limit: 10, Used: 8, Percent: 80}))
	if _, err := w.desk.TestWebhook(t.Context(), ann, hook.ID); err != nil {
		t.Fatal(err)
	}
	w.deliver()
	if len(in.got()) != 2 {
		t.Errorf("it got %d notices, want that of the quota, and a test", len(in.got()))
	}
	if err := change(); err != nil {
		t.Fatal(err)
	}
	w.handle(w.fact(events.SubscriptionLost{Plan: "plus", Reason: events.LostPlanGone}))
	w.deliver()
	if len(in.got()) != 3 {
		t.Errorf("without kinds it got %d notices, want all", len(in.got()))
	}
}

// The message about a fact may come after the account was erased, and a worker that has read the
// account before may write after it.
func TestAFactThatIsHandledAfterTheErasureLeavesNoRow(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	in := &inbox{}
	w.webhook(in.ServeHTTP)
	w.fact(events.SubscriptionWanted{Plan: "plus", Name: "Plus", Ring: portal.AccountRing})
	f := w.fact(events.SubscriptionActivated{Plan: "plus", Link: events.Link{Wish: 1}})
	if _, err := w.tables.Client.DeleteItem(t.Context(), &dynamodb.DeleteItemInput{TableName: &w.records, Key: schema.Person(ann).Attributes()}); err != nil {
		t.Fatal(err)
	}
	before := w.rowCount()
	w.handle(f, f) // the worker does not know yet that the account is being deleted
	w.deliver()
	if after := w.rowCount(); after != before || len(in.got()) != 0 || len(w.post.mails) != 0 {
		t.Errorf("there are %d rows, and were %d; %d webhooks and %d mails", after, before, len(in.got()), len(w.post.mails))
	}
}

func (w *world) rowCount() int {
	w.t.Helper()
	out, err := w.tables.Client.Scan(w.t.Context(), &dynamodb.ScanInput{TableName: &w.records})
	if err != nil {
		w.t.Fatal(err)
	}
	return len(out.Items)
}

func TestAttemptsHaveOneWebhookIDForeverAndARepeatKeepsIt(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	in := &inbox{status: http.StatusBadGateway}
	hook := w.webhook(in.ServeHTTP)
	w.active()
	w.deliver()
	for range 30 {
		w.later(time.Hour)
		w.wake()
		w.deliver()
	}
	in.status = http.StatusOK
	if _, err := w.desk.Redeliver(t.Context(), ann, hook.ID, w.list()[0].ID); err != nil {
		t.Fatal(err)
	}
	w.deliver()
	ids := map[string]bool{}
	for _, got := range in.got() {
		ids[got.header.Get("webhook-id")] = true
	}
	if len(in.got()) != 9 || len(ids) != 1 || !ids[notices.MessageID(w.list()[0].ID)] {
		t.Errorf("%d attempts have the ids %v", len(in.got()), ids)
	}
	if log := w.deliveries(hook)[0]; log.State != notices.Delivered || !strings.HasPrefix(log.Channel, "webhook/") {
		t.Errorf("the log is %+v", log)
	}
}
