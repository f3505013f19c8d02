package alarms_test

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/sns"

	"github.com/gatehouse-portal/gatehouse/alarms"
	"github.com/gatehouse-portal/gatehouse/notices"
	"github.com/gatehouse-portal/gatehouse/outbound"
)

var (
	opened = time.Date(2026, 11, 22, 9, 0, 0, 0, time.UTC)
	secret = []byte("0123456789abcdef0123456789abcdef")

	letters = alarms.Message{
		ID: "msg_1", Alarm: alarms.DeadLetters, Phase: alarms.Began, At: opened, Since: opened.Add(-time.Minute), Count: 12,
		Title: "Messages have become dead letters", Text: "12 dead letters are open.", Advice: "Replay them.",
		Link: "https://portal.example.com/admin/dead-letters", Runbook: alarms.RunbookURL + "#dead-letters",
	}
)

func webhookAt(address string) alarms.Webhook {
	return alarms.Webhook{
		URL: address, Secret: func(context.Context) ([]byte, error) { return secret, nil }, Source: "https://portal.example.com",
		Outbound: outbound.Config{AllowPrivate: func(string) bool { return true }}, Now: func() time.Time { return opened },
	}
}

func TestAWebhookGetsASignedCloudEvent(t *testing.T) {
	t.Parallel()
	var header http.Header
	var body []byte
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		header = r.Header
		body, _ = io.ReadAll(r.Body)
		w.WriteHeader(http.StatusAccepted)
	}))
	defer server.Close()
	if err := webhookAt(server.URL).Send(t.Context(), letters); err != nil {
		t.Fatal(err)
	}
	if header.Get("Webhook-Id") != "msg_1" || header.Get("Webhook-Timestamp") != "1795338000" || header.Get("Content-Type") != "application/json" {
		t.Errorf("the header is %v", header)
	}
	if want := notices.Sign(secret, "msg_1", opened, body); header.Get("Webhook-Signature") != want {
		t.Errorf("the signature is %q, want %q", header.Get("Webhook-Signature"), want)
	}
	if _, err := base64.StdEncoding.DecodeString(strings.TrimPrefix(header.Get("Webhook-Signature"), "v1,")); err != nil {
		t.Error(err)
	}
	var got alarms.Payload
	if err := json.Unmarshal(body, &got); err != nil {
		t.Fatal(err)
	}
	if got.SpecVersion != "1.0" || got.ID != "msg_1" || got.Source != "https://portal.example.com" || got.Type != "gatehouse.alarm.dead_letters" || got.Subject != "dead_letters" {
		t.Errorf("the event is %+v", got)
	}
	want := alarms.PayloadData{
		Alarm: alarms.DeadLetters, Phase: alarms.Began, Title: letters.Title, Text: letters.Text, Advice: letters.Advice, Since: letters.Since, Count: 12,
		Link: letters.Link, Runbook: letters.Runbook,
	}
	if got.Data != want {
		t.Errorf("the data is %+v, want %+v", got.Data, want)
	}
	if strings.Contains(string(body), `"ended"`) {
		t.Errorf("an alarm that lasts has an end: %s", body)
	}
}

func TestAWebhookSaysInASentenceWhatIsWrong(t *testing.T) {
	t.Parallel()
	answer := func(status int, header ...string) alarms.Webhook {
		server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			for i := 0; i < len(header); i += 2 {
				w.Header().Set(header[i], header[i+1])
			}
			w.WriteHeader(status)
		}))
		t.Cleanup(server.Close)
		return webhookAt(server.URL + "/hooks/s3cret")
	}
	done := make(chan struct{})
	slow := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { <-done }))
	t.Cleanup(slow.Close)
	t.Cleanup(func() { close(done) })
	late := webhookAt(slow.URL)
	late.Timeout = 50 * time.Millisecond
	gone := httptest.NewServer(http.NotFoundHandler())
	gone.Close()
	unguarded := answer(http.StatusOK)
	guarded := unguarded
	guarded.Outbound = outbound.Config{}
	keyless := answer(http.StatusOK)
	keyless.Secret = func(context.Context) ([]byte, error) { return nil, errors.New("the KMS key is disabled") }
	for name, c := range map[string]struct {
		hook alarms.Webhook
		says string
	}{
		"a server error":          {answer(http.StatusInternalServerError), "the webhook answered 500 Internal Server Error"},
		"a redirect":              {answer(http.StatusFound, "Location", "https://example.com/"), "Redirects are not followed: set its final address"},
		"no answer in time":       {late, "did not answer in time"},
		"nobody listens":          {webhookAt(gone.URL), "refused the connection"},
		"a private address":       {guarded, "GATEHOUSE_OPERATORS_WEBHOOK_PRIVATE=true"},
		"no secret":               {keyless, "the KMS key is disabled"},
		"an address that is none": {webhookAt("://"), "is not a URL"},
	} {
		err := c.hook.Send(t.Context(), letters)
		if err == nil || !strings.Contains(err.Error(), c.says) {
			t.Errorf("%s: %v, want %q", name, err, c.says)
		}
		if u, bad := url.Parse(c.hook.URL); err != nil && bad == nil && strings.Contains(err.Error(), u.Host) {
			t.Errorf("%s: the error names the address: %v", name, err)
		}
	}
}

// published keeps what is published.
type published struct {
	in  []*sns.PublishInput
	err error
}

func (p *published) Publish(_ context.Context, in *sns.PublishInput, _ ...func(*sns.Options)) (*sns.PublishOutput, error) {
	p.in = append(p.in, in)
	return &sns.PublishOutput{}, p.err
}

func TestATopicGetsTextForPeopleAndAttributesForPrograms(t *testing.T) {
	t.Parallel()
	p := &published{}
	long := letters
	long.Title = "Täglich\n" + strings.Repeat("x", 200)
	topic := alarms.Topic{SNS: p, ARN: "arn:aws:sns:us-east-1:111122223333:operators"}
	for _, m := range []alarms.Message{letters, long} {
		if err := topic.Send(t.Context(), m); err != nil {
			t.Fatal(err)
		}
	}
	first := p.in[0]
	if *first.TopicArn != topic.ARN || *first.Subject != "Gatehouse: Messages have become dead letters" || *first.Message != letters.Plain() {
		t.Errorf("published %+v", first)
	}
	for name, want := range map[string]string{"alarm": "dead_letters", "phase": "began", "id": "msg_1", "count": "12"} {
		if got := first.MessageAttributes[name].StringValue; got == nil || *got != want {
			t.Errorf("the attribute %s is %v, want %s", name, got, want)
		}
	}
	if got := *p.in[1].Subject; len(got) != 99 || !strings.HasPrefix(got, "Gatehouse: T?glich?x") {
		t.Errorf("SNS does not take the subject %q", got)
	}
	p.err = errors.New("AuthorizationError")
	topic.Words = func(error) error { return errors.New("the worker may not publish to the topic") }
	if err := topic.Send(t.Context(), letters); err == nil || !strings.Contains(err.Error(), "may not publish") {
		t.Errorf("an error of AWS: %v", err)
	}
}
