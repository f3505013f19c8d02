package awschecklist

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/apigateway"
	"github.com/aws/smithy-go"

	"github.com/gatehouse-portal/gatehouse/localaws"
	"github.com/gatehouse-portal/gatehouse/localaws/faults"
	"github.com/gatehouse-portal/gatehouse/localaws/localawstest"
)

func account(t *testing.T) (Config, *localaws.Server) {
	t.Helper()
	server := localawstest.Start(t)
	return Config{
		Gateway: apigateway.NewFromConfig(server.AWSConfig()), Region: localaws.Region, Prefix: "acme", HTTP: http.DefaultClient,
		URL: func(api, stage string) string {
			return fmt.Sprintf("%s/restapis/%s/%s/_user_request_", server.Endpoint(), api, stage)
		},
		Resolve: func(context.Context, string) error { return &smithy.GenericAPIError{Code: "InvalidTokenException"} },
		Pause:   func(ctx context.Context) error { return ctx.Err() }, Timeout: 5 * time.Second, Interval: 10 * time.Millisecond, Tell: func(string) {},
	}, server
}

// leftOver counts what exists in API Gateway.
func leftOver(t *testing.T, c Config) string {
	t.Helper()
	keys, err := c.Gateway.GetApiKeys(t.Context(), &apigateway.GetApiKeysInput{Limit: aws.Int32(500)})
	if err != nil {
		t.Fatal(err)
	}
	plans, err := c.Gateway.GetUsagePlans(t.Context(), &apigateway.GetUsagePlansInput{})
	if err != nil {
		t.Fatal(err)
	}
	apis, err := c.Gateway.GetRestApis(t.Context(), &apigateway.GetRestApisInput{})
	if err != nil {
		t.Fatal(err)
	}
	return fmt.Sprintf("%d keys, %d plans, %d APIs", len(keys.Items), len(plans.Items), len(apis.Items))
}

func TestTheLocalAWSAnswersEveryQuestion(t *testing.T) {
	t.Parallel()
	c, _ := account(t)
	answers, err := Try(t.Context(), c)
	if err != nil {
		t.Fatal(err)
	}
	numbers := map[int]int{}
	text := ""
	for _, a := range answers {
		numbers[a.Number]++
		text += fmt.Sprintf("%d. %s: %s\n", a.Number, a.Question, a.Found)
	}
	t.Log("\n" + text)
	for number, least := range map[int]int{1: 5, 2: 2, 3: 5, 4: 4, 5: 3, 10: 1} {
		if numbers[number] < least {
			t.Errorf("question %d has %d answers, want at least %d", number, numbers[number], least)
		}
	}
	for _, says := range []string{
		"attaching a key again to its plan: ConflictException", "attaching it to another plan of the same stage: ConflictException",
		"the entry is called by the key's", "nameQuery with the beginning of a name: 50 keys",
	} {
		if !strings.Contains(text, says) {
			t.Errorf("no answer says %q", says)
		}
	}
	if strings.Contains(text, "not asked") || strings.Contains(text, "not within") {
		t.Error("a question was not answered")
	}
	if left := leftOver(t, c); left != "0 keys, 0 plans, 0 APIs" {
		t.Errorf("there are %s left", left)
	}
}

func TestWhatInterruptedRunsLeftIsDeletedAndNothingElse(t *testing.T) {
	t.Parallel()
	c, _ := account(t)
	for _, name := range []string{"acme/probe-aws/older/1", "acme/01account/key", "acme-other/probe-aws/x"} {
		if _, err := c.Gateway.CreateApiKey(t.Context(), &apigateway.CreateApiKeyInput{Name: &name}); err != nil {
			t.Fatal(err)
		}
	}
	for _, name := range []string{"acme/probe-aws/older/quota", "Free"} {
		if _, err := c.Gateway.CreateUsagePlan(t.Context(), &apigateway.CreateUsagePlanInput{Name: &name}); err != nil {
			t.Fatal(err)
		}
	}
	for _, name := range []string{"acme/probe-aws/older", "Orders"} {
		if _, err := c.Gateway.CreateRestApi(t.Context(), &apigateway.CreateRestApiInput{Name: &name}); err != nil {
			t.Fatal(err)
		}
	}
	if err := (&trial{Config: c, base: "acme/probe-aws/", run: "acme/probe-aws/now"}).cleanUp(t.Context()); err != nil {
		t.Fatal(err)
	}
	if left := leftOver(t, c); left != "2 keys, 1 plans, 1 APIs" {
		t.Errorf("there are %s left", left)
	}
}

func TestAnInterruptedRunCleansUp(t *testing.T) {
	t.Parallel()
	c, _ := account(t)
	ctx, stop := context.WithCancel(t.Context())
	c.Tell = func(what string) {
		if strings.HasPrefix(what, "waiting for API Gateway") {
			stop()
		}
	}
	if _, err := Try(ctx, c); !errors.Is(err, context.Canceled) {
		t.Errorf("the error is %v", err)
	}
	if left := leftOver(t, c); left != "0 keys, 0 plans, 0 APIs" {
		t.Errorf("there are %s left", left)
	}
}

func TestARefusalInTheMiddleIsSaidAndLeavesNothing(t *testing.T) {
	t.Parallel()
	for _, operation := range []string{"CreateRestApi", "CreateDeployment", "CreateUsagePlan", "CreateApiKey"} {
		c, server := account(t)
		plan := faults.Plan{Rules: []faults.Rule{{Service: "apigateway", Operation: operation, Kind: faults.Error, Error: faults.Unavailable, Rate: 1}}}
		if err := server.SetFaults(plan); err != nil {
			t.Fatal(err)
		}
		if _, err := Try(t.Context(), c); err == nil || codeOf(err) == "" {
			t.Errorf("%s: the error is %v", operation, err)
		}
		if left := leftOver(t, c); left != "0 keys, 0 plans, 0 APIs" {
			t.Errorf("%s: there are %s left", operation, left)
		}
	}
}

func TestAnswersOfResolveCustomerAreToldApart(t *testing.T) {
	t.Parallel()
	for want, err := range map[string]error{
		"answers (InvalidTokenException)":                                               &smithy.GenericAPIError{Code: "InvalidTokenException"},
		"is disabled (DisabledApiException)":                                            &smithy.GenericAPIError{Code: "DisabledApiException"},
		"may not be called by this role (AccessDeniedException); ask with the seller's": &smithy.GenericAPIError{Code: "AccessDeniedException"},
		"has no endpoint":                    fmt.Errorf("sending: %w", &net.DNSError{Err: "no such host", Name: "metering.marketplace.moon-1.amazonaws.com"}),
		"ThrottlingException: Rate exceeded": &smithy.GenericAPIError{Code: "ThrottlingException", Message: "Rate exceeded"},
		"accepts an invalid token":           nil,
	} {
		c, _ := account(t)
		c.Resolve = func(context.Context, string) error { return err }
		c.Region = "eu-north-1"
		answers := Look(t.Context(), c)
		if len(answers) != len(regions)+1 || answers[0].Found != want || answers[len(answers)-1].Question != "ResolveCustomer in eu-north-1" {
			t.Errorf("%v: %+v", err, answers)
		}
	}
}
