package app

import (
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sesv2"
)

// From acceptance to what people see: a subscription becomes a notice, a mail and a webhook call.
func TestAPersonIsToldThatTheirSubscriptionIsActive(t *testing.T) {
	t.Parallel()
	d := openDoor(t, "GATEHOUSE_MAIL=ses", "GATEHOUSE_MAIL_FROM=portal@acme.example")
	ses := sesv2.NewFromConfig(d.aws)
	_, err := ses.CreateEmailIdentity(t.Context(), &sesv2.CreateEmailIdentityInput{EmailIdentity: aws.String("acme.example")})
	ok(t, err)

	var mu sync.Mutex
	calls := map[string]http.Header{} // by type
	receiver := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		var event struct{ Type string }
		_ = json.Unmarshal(body, &event)
		mu.Lock()
		defer mu.Unlock()
		calls[event.Type] = r.Header
	}))
	t.Cleanup(receiver.Close)
	added := d.send(d.other, http.MethodPost, "/api/v1/webhooks", `{"url":"`+receiver.URL+`/hooks"}`)
	if added.Code != http.StatusCreated || !strings.Contains(added.Body.String(), `"secret":"whsec_`) {
		t.Fatalf("adding a webhook is answered %d %s", added.Code, added.Body)
	}

	d.succeed(d.other, http.MethodPut, "/api/v1/subscriptions/"+d.ids["plan"])
	eventually(t, "the notice is listed", func() bool {
		return strings.Contains(d.ask(http.MethodGet, "/api/v1/notices", bearer(d.other)).Body.String(), `"kind":"subscription_active"`)
	})
	eventually(t, "the mail is sent", func() bool {
		resp, err := http.DefaultClient.Do(d.request(http.MethodGet, aws.ToString(d.aws.BaseEndpoint)+"/_localaws/mail", nil))
		ok(t, err)
		defer resp.Body.Close()
		page, err := io.ReadAll(resp.Body)
		ok(t, err)
		return strings.Contains(string(page), "is active</a>")
	})
	eventually(t, "the webhook is called", func() bool {
		mu.Lock()
		defer mu.Unlock()
		header := calls["gatehouse.notice.subscription_active"]
		return strings.HasPrefix(header.Get("Webhook-Signature"), "v1,") && strings.HasPrefix(header.Get("Webhook-Id"), "msg_")
	})
}
