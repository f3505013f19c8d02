package intake_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/gatehouse-portal/gatehouse/events"
	"github.com/gatehouse-portal/gatehouse/marketplace/intake"
	"github.com/gatehouse-portal/gatehouse/marketplace/notice"
	"github.com/gatehouse-portal/gatehouse/portal"
	"github.com/gatehouse-portal/gatehouse/transport"
)

type outbox struct {
	sent []events.Event
	err  error
}

func (o *outbox) Send(_ context.Context, messages ...events.Event) error {
	o.sent = append(o.sent, messages...)
	return o.err
}

const paid = `{"Type":"Notification","MessageId":"m-1","TopicArn":"arn:aws:sns:us-east-1:287250355862:aws-mp-subscription-notification-prod1","Timestamp":"2026-11-27T16:00:00Z",
"Message":"{\"action\":\"subscribe-success\",\"customer-identifier\":\" X01EXAMPLEX\",\"product-code\":\"prod1\"}"}`

func TestANoticeIsPassedOnToItsLicence(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 11, 27, 16, 0, 5, 0, time.UTC)
	out := &outbox{}
	in := intake.Intake{
		Allowed: notice.Allowed{Topics: []string{"arn:aws:sns:us-east-1:287250355862:aws-mp-subscription-notification-prod1"}},
		Sender:  out, Now: func() time.Time { return now },
	}
	for _, id := range []string{"sqs-1", "sqs-2"} {
		if err := in.Handle(t.Context(), transport.RawMessage{ID: id, SentAt: now, Body: []byte(paid)}); err != nil {
			t.Fatal(err)
		}
	}
	if len(out.sent) != 2 || out.sent[0].ID != out.sent[1].ID {
		t.Fatalf("the same notice in two messages became %+v", out.sent)
	}
	got := out.sent[0]
	data, ok := got.Data.(events.MarketplaceNotified)
	if !ok || got.Subject != "legacy/prod1/X01EXAMPLEX" || data.Kind != events.NoticeSubscribed || !data.At.Equal(time.Date(2026, 11, 27, 16, 0, 0, 0, time.UTC)) {
		t.Errorf("it became %+v", got)
	}
}

func TestEachNoticeThatNamesNoLicenceHasALaneOfItsOwn(t *testing.T) {
	t.Parallel()
	topic := "arn:aws:sns:us-east-1:287250355862:aws-mp-subscription-notification-prod1"
	out := &outbox{}
	in := intake.Intake{Allowed: notice.Allowed{Topics: []string{topic}}, Sender: out, Now: time.Now}
	unknown := strings.Replace(paid, "subscribe-success", "subscribe-perhaps", 1)
	nameless := strings.NewReplacer("X01EXAMPLEX", "", "m-1", "m-2").Replace(unknown)
	for _, body := range []string{nameless, strings.Replace(nameless, "m-2", "m-3", 1), nameless} {
		if err := in.Handle(t.Context(), transport.RawMessage{ID: "sqs", SentAt: time.Now(), Body: []byte(body)}); err != nil {
			t.Fatal(err)
		}
	}
	first, second, again := out.sent[0], out.sent[1], out.sent[2]
	if first.Subject.Kind() != portal.KindMarketplace || first.Subject == second.Subject || first.Subject == portal.MarketplaceStream {
		t.Errorf("two notices are of %s and %s", first.Subject, second.Subject)
	}
	if again.Subject != first.Subject || again.ID != first.ID {
		t.Errorf("the first notice again is %s of %s, want %s of %s", again.ID, again.Subject, first.ID, first.Subject)
	}
}

func TestWhatIsNoNoticeBecomesADeadLetter(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct{ body, says string }{
		"no JSON":                      {"hello", "This is not a notice of AWS Marketplace"},
		"a topic that is not listed":   {strings.ReplaceAll(paid, "287250355862", "111122223333"), "GATEHOUSE_MARKETPLACE_TOPICS does not list"},
		"an event of another source":   {`{"source":"aws.s3","detail-type":"x","id":"1","time":"2026-11-27T16:00:00Z","account":"111122223333","detail":{}}`, "aws.s3"},
		"an event of another account":  {`{"source":"aws.agreement-marketplace","detail-type":"x","id":"1","time":"2026-11-27T16:00:00Z","account":"111122223333","detail":{}}`, "GATEHOUSE_MARKETPLACE_ACCOUNTS does not list"},
		"an id that is no stream name": {strings.ReplaceAll(paid, "X01EXAMPLEX", "../../etc"), "customer"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			out := &outbox{}
			in := intake.Intake{Allowed: notice.Allowed{Topics: []string{"arn:aws:sns:us-east-1:287250355862:aws-mp-subscription-notification-prod1"}}, Sender: out, Now: time.Now}
			err := in.Handle(t.Context(), transport.RawMessage{ID: "sqs-1", SentAt: time.Now(), Body: []byte(c.body)})
			if portal.CodeOf(err) != portal.Invalid || !strings.Contains(portal.MessageOf(err), c.says) || len(out.sent) > 0 {
				t.Errorf("got %v and sent %+v", err, out.sent)
			}
		})
	}
}

func TestANoticeComesAgainIfItCannotBePassedOn(t *testing.T) {
	t.Parallel()
	in := intake.Intake{
		Allowed: notice.Allowed{Topics: []string{"arn:aws:sns:us-east-1:287250355862:aws-mp-subscription-notification-prod1"}},
		Sender:  &outbox{err: errors.New("no")}, Now: time.Now,
	}
	var later *portal.Postponed
	if err := in.Handle(t.Context(), transport.RawMessage{ID: "sqs-1", SentAt: time.Now(), Body: []byte(paid)}); !errors.As(err, &later) {
		t.Errorf("got %v", err)
	}
}

func TestANoticeAboutAnAgreementHasTheAgreementsRead(t *testing.T) {
	t.Parallel()
	const event = `{"source":"aws.agreement-marketplace","detail-type":"DETAIL - Proposer","id":"e-1","time":"2026-11-27T16:00:00Z","account":"111122223333",
"detail":{"agreement":{"id":"agmt-1","status":"CANCELLED"},"license":{"arn":"arn:l-1"},"product":{"code":"c"},"acceptor":{"accountId":"444455556666"}}}`
	for detail, demands := range map[string]int{"Purchase Agreement Created": 1, "Purchase Agreement Ended": 1, "License Updated": 0, "License Mislaid": 0} {
		out := &outbox{}
		in := intake.Intake{
			Allowed: notice.Allowed{Accounts: []portal.AWSAccount{"111122223333"}}, Sender: out, Now: time.Now,
			Demand: func(at time.Time) events.Event {
				return events.Event{ID: "demand", Time: at, Data: events.JobRequested{Job: "marketplace"}}
			},
		}
		if err := in.Handle(t.Context(), transport.RawMessage{ID: "sqs-1", Body: []byte(strings.Replace(event, "DETAIL", detail, 1))}); err != nil {
			t.Fatal(err)
		}
		if len(out.sent) != 1+demands || demands == 1 && out.sent[1].ID != "demand" {
			t.Errorf("%s: it sent %+v", detail, out.sent)
		}
	}
}

func TestANoticeOfTheFutureIsOfNow(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 11, 27, 16, 0, 5, 0, time.UTC)
	out := &outbox{}
	in := intake.Intake{
		Allowed: notice.Allowed{Topics: []string{"arn:aws:sns:us-east-1:287250355862:aws-mp-subscription-notification-prod1"}},
		Sender:  out, Now: func() time.Time { return now },
	}
	body := strings.Replace(paid, "2026-11-27T16:00:00Z", "2099-01-01T00:00:00Z", 1)
	if err := in.Handle(t.Context(), transport.RawMessage{ID: "sqs-1", SentAt: now, Body: []byte(body)}); err != nil {
		t.Fatal(err)
	}
	if at := out.sent[0].Data.(events.MarketplaceNotified).At; !at.Equal(now) {
		t.Errorf("the notice is of %s, want %s", at, now)
	}
}
