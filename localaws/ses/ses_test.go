package ses_test

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sesv2"
	"github.com/aws/aws-sdk-go-v2/service/sesv2/types"
	"github.com/aws/smithy-go"

	"github.com/gatehouse-portal/gatehouse/localaws"
	"github.com/gatehouse-portal/gatehouse/localaws/localawstest"
	"github.com/gatehouse-portal/gatehouse/localaws/ses"
)

func start(t *testing.T, verified ...string) (*localaws.Server, *sesv2.Client) {
	t.Helper()
	noon := time.Date(2026, 11, 27, 12, 0, 0, 0, time.UTC)
	server := localawstest.Start(t, func(o *localaws.Options) { o.Now = func() time.Time { return noon } })
	client := sesv2.NewFromConfig(server.AWSConfig(), func(o *sesv2.Options) { o.RetryMaxAttempts = 1 })
	for _, identity := range verified {
		out, err := client.CreateEmailIdentity(t.Context(), &sesv2.CreateEmailIdentityInput{EmailIdentity: &identity})
		if err != nil || !out.VerifiedForSendingStatus {
			t.Fatal(err)
		}
	}
	return server, client
}

func mail(from, to, subject string) *sesv2.SendEmailInput {
	text := func(s string) *types.Content { return &types.Content{Data: aws.String(s)} }
	return &sesv2.SendEmailInput{
		FromEmailAddress: &from, Destination: &types.Destination{ToAddresses: []string{to}},
		Content: &types.EmailContent{Simple: &types.Message{
			Subject: text(subject), Body: &types.Body{Text: text("Hello"), Html: text("<script>alert(1)</script><p>Hello</p>")},
			Headers: []types.MessageHeader{{Name: aws.String("List-Unsubscribe"), Value: aws.String("<https://portal.example/account/notices>")}},
		}},
	}
}

func code(err error) string {
	var api smithy.APIError
	if errors.As(err, &api) {
		return api.ErrorCode() + ": " + api.ErrorMessage()
	}
	return fmt.Sprint(err)
}

func TestAMailIsCaptured(t *testing.T) {
	t.Parallel()
	server, client := start(t, "acme.example")
	out, err := client.SendEmail(t.Context(), mail(`"Acme" <portal@acme.example>`, `"Ann" <ann@example.com>`, "=?utf-8?q?=C3=9Cber?="))
	if err != nil {
		t.Fatal(err)
	}
	mails, err := server.Mail().Mails()
	if err != nil || len(mails) != 1 || mails[0].ID != *out.MessageId || mails[0].Subject != "Über" || mails[0].Text != "Hello" || len(mails[0].Headers) != 1 {
		t.Errorf("captured are %+v (%v)", mails, err)
	}
}

func TestAMailThatSESWouldRefuseIsRefused(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		from, to, subject, want string
	}{
		"an unverified sender":   {"portal@other.example", "ann@example.com", "Hello", "MessageRejected: Email address is not verified. The following identities failed the check in region US-EAST-1: portal@other.example"},
		"a sender that is none":  {"portal", "ann@example.com", "Hello", "BadRequestException: Missing or malformed from address"},
		"a receiver without dot": {"portal@acme.example", "ann@localhost", "Hello", "BadRequestException: Invalid domain name: 'ann@localhost'"},
		"no subject":             {"portal@acme.example", "ann@example.com", "", "BadRequestException: A message needs a subject and a body"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			server, client := start(t, "acme.example")
			_, err := client.SendEmail(t.Context(), mail(c.from, c.to, c.subject))
			if got := code(err); got != c.want {
				t.Errorf("it answers %q, want %q", got, c.want)
			}
			if mails, err := server.Mail().Mails(); err != nil || len(mails) != 0 {
				t.Errorf("captured are %+v (%v)", mails, err)
			}
		})
	}
}

func TestTooManyMailsInASecondAreThrottled(t *testing.T) {
	t.Parallel()
	_, client := start(t, "portal@acme.example")
	for i := range ses.MaxSendRate + 1 {
		_, err := client.SendEmail(t.Context(), mail("portal@acme.example", "ann@example.com", "Hello"))
		if i < ses.MaxSendRate && err != nil || i == ses.MaxSendRate && code(err) != "TooManyRequestsException: Maximum sending rate exceeded." {
			t.Errorf("mail %d: %v", i+1, err)
		}
	}
}

func TestTheInboxShowsHTMLWithoutScripts(t *testing.T) {
	t.Parallel()
	server, client := start(t, "acme.example")
	out, err := client.SendEmail(t.Context(), mail("portal@acme.example", "ann@example.com", "<b>Bold</b>"))
	if err != nil {
		t.Fatal(err)
	}
	get := func(path string) (*http.Response, string) {
		t.Helper()
		request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, server.Endpoint()+path, nil)
		if err != nil {
			t.Fatal(err)
		}
		resp, err := http.DefaultClient.Do(request)
		if err != nil {
			t.Fatal(err)
		}
		defer resp.Body.Close()
		body, err := io.ReadAll(resp.Body)
		if err != nil {
			t.Fatal(err)
		}
		return resp, string(body)
	}
	if _, page := get(ses.InboxPath); !strings.Contains(page, "&lt;b&gt;Bold&lt;/b&gt;</a>") {
		t.Errorf("the list is %s", page)
	}
	one := ses.InboxPath + "/" + *out.MessageId
	if _, page := get(one); !strings.Contains(page, "<iframe sandbox") || strings.Contains(page, "alert(1)") || !strings.Contains(page, "List-Unsubscribe") {
		t.Errorf("the mail is %s", page)
	}
	resp, page := get(one + "/html")
	if policy := resp.Header.Get("Content-Security-Policy"); !strings.Contains(policy, "sandbox") || !strings.Contains(policy, "default-src 'none'") || !strings.Contains(page, "<p>Hello</p>") {
		t.Errorf("the HTML has the policy %q: %s", policy, page)
	}
	if resp, _ := get(ses.InboxPath + "/unknown"); resp.StatusCode != http.StatusNotFound {
		t.Errorf("an unknown mail is answered %d", resp.StatusCode)
	}
}
