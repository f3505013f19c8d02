package app

import (
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/apigateway"
)

func TestTheOwnerOfAKeyIsFoundWithItsState(t *testing.T) {
	t.Parallel()
	value := strings.Repeat("x", longestID)
	for name, c := range map[string]struct {
		by       func(gatewayID string) string
		enabled  bool
		searches int
	}{
		"an enabled key by API Gateway's id": {func(id string) string { return id }, true, 0},
		"a disabled key by API Gateway's id": {func(id string) string { return id }, false, 0},
		"an enabled key by the portal's id":  {func(string) string { return "k1" }, true, 1},
		"a disabled key by the portal's id":  {func(string) string { return "k1" }, false, 1},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			h := healthy(t)
			created, err := apigateway.NewFromConfig(h.AWS).CreateApiKey(t.Context(), &apigateway.CreateApiKeyInput{
				Name: aws.String(h.names.KeyNamePrefix() + "/ann/k1"), Value: &value, Enabled: c.enabled,
			})
			ok(t, err)
			desk, err := OpenDesk(h.Process)
			ok(t, err)
			searches := 0
			owner, err := desk.FindKey(t.Context(), c.by(*created.Id), func() { searches++ })
			ok(t, err)
			if owner.Account != "ann" || owner.Key != "k1" || owner.Disabled == c.enabled || searches != c.searches {
				t.Errorf("the owner is %+v after %d searches, want %d", owner, searches, c.searches)
			}
		})
	}
}
