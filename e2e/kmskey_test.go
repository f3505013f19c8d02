// This file tests what people and operators read while the KMS key is disabled.

package e2e

import (
	"net/http"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/kms"
)

func TestADisabledKMSKeyIsReportedToPeopleAndOperators(t *testing.T) {
	t.Parallel()
	s := start(t)
	s.waitForCatalog(t)
	p := s.signUp(t, "chien-shiung@example.com")
	p.succeed(p.do(http.MethodPost, "/api/v1/register", ""))
	client := kms.NewFromConfig(s.aws)
	alias, err := client.DescribeKey(t.Context(), &kms.DescribeKeyInput{KeyId: aws.String("alias/gatehouse-keys")})
	if err != nil {
		t.Fatal(err)
	}
	id := alias.KeyMetadata.KeyId
	if _, err := client.DisableKey(t.Context(), &kms.DisableKeyInput{KeyId: id}); err != nil {
		t.Fatal(err)
	}

	accepted := p.do(http.MethodPut, "/api/v1/subscriptions/"+s.Demo.API.FreePlanID, "").want(http.StatusAccepted)
	eventually(t, "the operation says that it waits for the KMS key", func() bool {
		op := decode[operation](p.do(http.MethodGet, accepted.header.Get("Location"), "").want(http.StatusOK))
		return op.Status == "waiting" && op.Reason != nil && op.Reason.Code == "kms_key" && strings.Contains(op.Reason.Message, "KMS key is disabled")
	})
	eventually(t, "the log says what to do", func() bool {
		return strings.Contains(s.logs.String(), "is disabled. Enable it: aws kms enable-key")
	})

	if _, err := client.EnableKey(t.Context(), &kms.EnableKeyInput{KeyId: id}); err != nil {
		t.Fatal(err)
	}
	s.operator(t).says(0, "sweep")
	p.succeed(accepted)
}
