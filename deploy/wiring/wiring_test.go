package wiring_test

import (
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/apigateway"

	"github.com/gatehouse-portal/gatehouse/deploy/wiring"
	"github.com/gatehouse-portal/gatehouse/gateway"
	"github.com/gatehouse-portal/gatehouse/localaws/localawstest"
)

func ok(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func TestSetUpAndPurgeWorkOnThePortal(t *testing.T) {
	local := localawstest.Start(t)
	for name, value := range map[string]string{"AWS_ENDPOINT_URL": local.Endpoint(), "AWS_ACCESS_KEY_ID": "local", "AWS_SECRET_ACCESS_KEY": "local"} {
		t.Setenv(name, value)
	}
	ctx := t.Context()
	d, err := wiring.Deployer(ctx, "us-east-1")
	ok(t, err)
	ok(t, d.Prepare(ctx, "acme", ""))
	client := apigateway.NewFromConfig(local.AWSConfig())
	for _, prefix := range []string{"acme", "other"} {
		name := gateway.KeyName(prefix, "acct-1", "key-1")
		_, err := client.CreateApiKey(ctx, &apigateway.CreateApiKeyInput{Name: &name, Description: aws.String(gateway.Description(name))})
		ok(t, err)
	}
	deleted := 0
	ok(t, d.Purge(ctx, "acme", func(done, _ int) { deleted = done }))
	left, err := client.GetApiKeys(ctx, &apigateway.GetApiKeysInput{})
	ok(t, err)
	if deleted != 1 || len(left.Items) != 1 || !strings.HasPrefix(aws.ToString(left.Items[0].Name), "other/") {
		t.Errorf("%d keys were deleted, and there are %v", deleted, left.Items)
	}
}

func TestAWrongRegionIsRefused(t *testing.T) {
	for region, part := range map[string]string{"europe": "is not a Region of AWS", "": "Give --region"} {
		t.Setenv("AWS_REGION", "")
		t.Setenv("AWS_CONFIG_FILE", t.TempDir()+"/none")
		t.Setenv("AWS_ACCESS_KEY_ID", "local")
		t.Setenv("AWS_SECRET_ACCESS_KEY", "local")
		if _, err := wiring.Deployer(t.Context(), region); err == nil || !strings.Contains(err.Error(), part) {
			t.Errorf("the Region %q says %v", region, err)
		}
	}
}
