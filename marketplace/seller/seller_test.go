package seller_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"

	"github.com/gatehouse-portal/gatehouse/events"
	"github.com/gatehouse-portal/gatehouse/localaws/localawstest"
	"github.com/gatehouse-portal/gatehouse/marketplace/seller"
	"github.com/gatehouse-portal/gatehouse/portal"
)

const buyer = "111122223333"

// answering is an AWS that answers every call alike. A "%s" in the body becomes the request's body.
func answering(t *testing.T, status int, body string) *seller.Seller {
	t.Helper()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		sent, _ := io.ReadAll(r.Body)
		w.Header().Set("Content-Type", "application/x-amz-json-1.1")
		w.WriteHeader(status)
		_, _ = io.WriteString(w, strings.ReplaceAll(body, "%s", strings.ReplaceAll(string(sent), `"`, "'")))
	}))
	t.Cleanup(server.Close)
	return seller.New(config(server.URL), seller.Options{})
}

func config(endpoint string) aws.Config {
	return aws.Config{
		Region: "eu-west-1", BaseEndpoint: &endpoint, RetryMaxAttempts: 1,
		Credentials: credentials.NewStaticCredentialsProvider("local", "local", ""),
	}
}

func TestATokenIsResolved(t *testing.T) {
	t.Parallel()
	local := localawstest.Start(t)
	s := seller.New(local.AWSConfig(), seller.Options{})
	for name, customer := range map[string]string{"a new listing": "", "an older listing": "X01EXAMPLEX"} {
		token, err := local.Metering().IssueToken("seamarkpro"+customer, buyer, "", customer)
		if err != nil {
			t.Fatal(err)
		}
		for range 2 {
			got, err := s.Resolve(t.Context(), " "+token+"\n")
			if err != nil {
				t.Fatal(err)
			}
			want := events.Purchase{Product: portal.ProductCode("seamarkpro" + customer), Buyer: buyer, Customer: customer, ARN: got.ARN}
			if got != want || !strings.Contains(got.ARN, ":license:l-") {
				t.Errorf("%s: resolved to %+v, want %+v with a licence", name, got, want)
			}
		}
	}
}

func TestATokenThatAWSDoesNotKnowIsInvalid(t *testing.T) {
	t.Parallel()
	s := seller.New(localawstest.Start(t).AWSConfig(), seller.Options{})
	for _, token := range []string{"", "  ", "two words", "a\x00b", "no-such-token", strings.Repeat("a", seller.MaxToken+1)} {
		_, err := s.Resolve(t.Context(), token)
		if !errors.Is(err, seller.ErrInvalidToken) || portal.CodeOf(err) != portal.Invalid {
			t.Errorf("for %.20q the error is %v, want ErrInvalidToken", token, err)
		}
	}
}

func TestErrorsOfAWSAreTranslatedAndNeverShowTheToken(t *testing.T) {
	t.Parallel()
	const token = "secret-registration-token"
	said := func(code string) string {
		return `{"__type":"com.amazonaws.marketplacemetering#` + code + `","message":"You sent %s"}`
	}
	for name, test := range map[string]struct {
		status int
		body   string
		is     error
		code   portal.Code
	}{
		"an invalid token":             {400, said("InvalidTokenException"), seller.ErrInvalidToken, portal.Invalid},
		"a token that AWS cannot read": {400, said("ValidationException"), seller.ErrInvalidToken, portal.Invalid},
		"an expired token":             {400, said("ExpiredTokenException"), seller.ErrExpiredToken, portal.Invalid},
		"expired credentials":          {400, `{"__type":"ExpiredTokenException","message":"The security token included in the request is expired"}`, seller.ErrDenied, portal.Unavailable},
		"a disabled API":               {400, said("DisabledApiException"), seller.ErrDisabled, portal.Unavailable},
		"a missing permission":         {400, said("AccessDeniedException"), seller.ErrDenied, portal.Unavailable},
		"throttling":                   {400, said("ThrottlingException"), seller.ErrThrottled, portal.Unavailable},
		"a fault of AWS":               {500, said("InternalServiceErrorException"), seller.ErrDown, portal.Unavailable},
		"an answer that is no JSON":    {502, "<html>%s</html>", seller.ErrDown, portal.Unavailable},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := answering(t, test.status, test.body).Resolve(t.Context(), token)
			if !errors.Is(err, test.is) || portal.CodeOf(err) != test.code {
				t.Errorf("the error is %v (%s), want %v (%s)", err, portal.CodeOf(err), test.is, test.code)
			}
			if text := fmt.Sprintf("%v %+v %#v", err, err, err); strings.Contains(text, token) {
				t.Errorf("the error has the token: %s", text)
			}
		})
	}
}

func TestAnAWSThatDoesNotAnswerIsDown(t *testing.T) {
	t.Parallel()
	server := httptest.NewServer(http.NotFoundHandler())
	server.Close()
	_, err := seller.New(config(server.URL), seller.Options{}).Resolve(t.Context(), "token")
	if !errors.Is(err, seller.ErrDown) || portal.CodeOf(err) != portal.Unavailable {
		t.Errorf("the error is %v, want ErrDown", err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, err = answering(t, 200, "{}").Resolve(ctx, "token")
	if !errors.Is(err, context.Canceled) || portal.CodeOf(err) != portal.Unavailable {
		t.Errorf("the error of a cancelled call is %v", err)
	}
}

func TestAnAnswerWithoutALicenceOrProductIsRefused(t *testing.T) {
	t.Parallel()
	for _, body := range []string{`{}`, `{"ProductCode":"p"}`, `{"CustomerIdentifier":"c","LicenseArn":"arn"}`} {
		got, err := answering(t, 200, body).Resolve(t.Context(), "token")
		if portal.CodeOf(err) != portal.Unavailable {
			t.Errorf("for %s it returns %+v, %v", body, got, err)
		}
	}
}

// roles answers AssumeRole, and any other call with the error of a token.
type roles struct {
	mu       sync.Mutex
	assumed  []string
	identity []string
}

func (s *roles) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if strings.HasPrefix(r.Header.Get("Content-Type"), "application/x-www-form-urlencoded") {
		s.assumed = append(s.assumed, r.FormValue("RoleArn"))
		w.Header().Set("Content-Type", "text/xml")
		_, _ = io.WriteString(w, `<AssumeRoleResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/"><AssumeRoleResult><Credentials>
<AccessKeyId>SELLER</AccessKeyId><SecretAccessKey>s</SecretAccessKey><SessionToken>t</SessionToken><Expiration>`+time.Now().Add(time.Hour).UTC().Format(time.RFC3339)+`</Expiration>
</Credentials></AssumeRoleResult></AssumeRoleResponse>`)
		return
	}
	signed := r.Header.Get("Authorization")
	s.identity = append(s.identity, signed)
	w.Header().Set("Content-Type", "application/x-amz-json-1.1")
	w.WriteHeader(http.StatusBadRequest)
	_, _ = io.WriteString(w, `{"__type":"InvalidTokenException"}`)
}

func TestTheSellersRoleIsAssumedInItsRegion(t *testing.T) {
	t.Parallel()
	answers := &roles{}
	server := httptest.NewServer(answers)
	t.Cleanup(server.Close)
	const role = "arn:aws:iam::123456789012:role/seller"
	s := seller.New(config(server.URL), seller.Options{Role: role})
	for range 2 {
		if _, err := s.Resolve(t.Context(), "token"); !errors.Is(err, seller.ErrInvalidToken) {
			t.Fatal(err)
		}
	}
	if len(answers.assumed) != 1 || answers.assumed[0] != role {
		t.Errorf("it assumed %v, want %s once", answers.assumed, role)
	}
	if len(answers.identity) != 2 || !strings.Contains(answers.identity[0], "SELLER/") || !strings.Contains(answers.identity[0], "/us-east-1/") {
		t.Errorf("it signed with %v, want the role's credentials in us-east-1", answers.identity)
	}
	if got := seller.New(config(server.URL), seller.Options{Region: "us-west-2"}).Region(); got != "us-west-2" {
		t.Errorf("the Region is %s", got)
	}
}
