package stacks_test

import (
	"context"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/apigateway"

	"github.com/gatehouse-portal/gatehouse/deploy/stacks"
)

// demoAnswer asks the only API of the account for a path, with a key of the plan.
func (a *account) demoAnswer(path string) (status int, body string) {
	a.t.Helper()
	ctx, client := a.t.Context(), apigateway.NewFromConfig(a.AWSConfig())
	apis, err := client.GetRestApis(ctx, &apigateway.GetRestApisInput{})
	ok(a.t, err)
	plans, err := client.GetUsagePlans(ctx, &apigateway.GetUsagePlansInput{})
	ok(a.t, err)
	if len(apis.Items) != 1 || len(plans.Items) != 2 || plans.Items[0].Tags["gatehouse:offer"] != "true" {
		a.t.Fatalf("there are %d APIs and the plans %+v", len(apis.Items), plans.Items)
	}
	key, err := client.CreateApiKey(ctx, &apigateway.CreateApiKeyInput{Name: aws.String("k"), Enabled: true})
	ok(a.t, err)
	_, err = client.CreateUsagePlanKey(ctx, &apigateway.CreateUsagePlanKeyInput{UsagePlanId: plans.Items[0].Id, KeyId: key.Id, KeyType: aws.String("API_KEY")})
	ok(a.t, err)
	defer func() {
		_, err := client.DeleteApiKey(ctx, &apigateway.DeleteApiKeyInput{ApiKey: key.Id})
		ok(a.t, err)
	}()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, a.Endpoint()+"/restapis/"+*apis.Items[0].Id+"/v1/_user_request_"+path, nil)
	ok(a.t, err)
	req.Header.Set("X-Api-Key", *key.Value)
	res, err := http.DefaultClient.Do(req)
	ok(a.t, err)
	defer res.Body.Close()
	text, err := io.ReadAll(res.Body)
	ok(a.t, err)
	return res.StatusCode, string(text)
}

func TestTheDemoAPIAnswersByItself(t *testing.T) {
	t.Parallel()
	a := newAccount(t)
	var read []string
	deploy := func(s stacks.Settings) stacks.Result {
		t.Helper()
		d := a.deployer()
		d.Prepare = nil
		d.ReadCatalog = func(_ context.Context, name string) error { read = append(read, name); return nil }
		result, err := d.Deploy(t.Context(), s)
		ok(t, err)
		return result
	}
	s := a.settings("acme")
	s.Demo = true
	plan, err := a.deployer().Diff(t.Context(), s)
	ok(t, err)
	if last := plan.Stacks[len(plan.Stacks)-1]; last.Name != "acme-demo" || last.Action != stacks.Create {
		t.Errorf("the plan ends with %+v", last)
	}
	deploy(s)
	if status, body := a.demoAnswer("/harbours/corrie-sound"); status != http.StatusOK || !strings.Contains(body, "Corrie Sound") {
		t.Errorf("it answers %d %s", status, body)
	}
	if again := deploy(stacks.Settings{Name: "acme", Zip: a.zip}); again.Changed || len(read) != 1 || read[0] != "acme" {
		t.Errorf("a second time, the result is %+v, and the catalog was read for %q", again, read)
	}
	status, err := a.deployer().Status(t.Context(), "acme", a.zip)
	ok(t, err)
	if last := status.Stacks[len(status.Stacks)-1]; last.Name != "acme-demo" || last.Problem != "" {
		t.Errorf("the last stack is %+v", last)
	}
	ok(t, a.deployer().Destroy(t.Context(), "acme", false, nil))
	apis, err := apigateway.NewFromConfig(a.AWSConfig()).GetRestApis(t.Context(), &apigateway.GetRestApisInput{})
	ok(t, err)
	if left := a.left(); len(left) > 0 || len(apis.Items) > 0 {
		t.Errorf("there is still %q, and %d APIs", left, len(apis.Items))
	}
}
