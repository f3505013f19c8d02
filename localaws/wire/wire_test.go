package wire_test

import (
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"regexp"
	"testing"

	"github.com/gatehouse-portal/gatehouse/localaws/wire"
)

func TestTheCallerIsReadFromTheCredentialScope(t *testing.T) {
	t.Parallel()
	signed := "AWS4-HMAC-SHA256 Credential=AKID/20261122/eu-west-1/apigateway/aws4_request, SignedHeaders=host, Signature=0"
	for header, want := range map[string]wire.Caller{
		signed:                            {AccessKeyID: "AKID", Region: "eu-west-1", Service: "apigateway"},
		"":                                {},
		"Bearer token":                    {},
		"AWS4-HMAC-SHA256 Credential=a/b": {},
	} {
		r := httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/", http.NoBody)
		r.Header.Set("Authorization", header)
		if got := wire.CallerOf(r); got != want {
			t.Errorf("%q is %+v, want %+v", header, got, want)
		}
	}
}

func TestIDsHaveAWSsShapeAndDiffer(t *testing.T) {
	t.Parallel()
	uuid := regexp.MustCompile(`^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-a[0-9a-f]{3}-[0-9a-f]{12}$`)
	seen := map[string]bool{}
	for range 50 {
		id := wire.NewUUID()
		if !uuid.MatchString(id) || seen[id] {
			t.Errorf("%q is not a new UUID", id)
		}
		seen[id] = true
	}
	for _, n := range []int{1, 9, 10} {
		if id := wire.NewID(n); len(id) != n || !regexp.MustCompile(`^[0-9a-f]+$`).MatchString(id) {
			t.Errorf("an id of %d characters is %q", n, id)
		}
	}
}

func TestIsCodeComparesTheCodeOfAWSErrors(t *testing.T) {
	t.Parallel()
	err := fmt.Errorf("finding it: %w", wire.Errorf("NotFound", "no"))
	if !wire.IsCode(err, "NotFound") || wire.IsCode(err, "Conflict") || wire.IsCode(errors.New("NotFound"), "NotFound") || wire.IsCode(nil, "NotFound") {
		t.Error("IsCode gave a wrong answer")
	}
	if arn := (wire.Env{Account: "000000000000", Region: "us-east-1"}).ARN("sqs", "q"); arn != "arn:aws:sqs:us-east-1:000000000000:q" {
		t.Errorf("the ARN is %s", arn)
	}
}
