package localaws_test

import (
	"errors"
	"net/http"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/apigateway"
	"github.com/aws/aws-sdk-go-v2/service/apigateway/types"

	"github.com/gatehouse-portal/gatehouse/localaws"
	"github.com/gatehouse-portal/gatehouse/localaws/faults"
	"github.com/gatehouse-portal/gatehouse/localaws/localawstest"
)

func TestAWSLimitsEnforceAWSQuotasAndCountThrottledCalls(t *testing.T) {
	t.Parallel()
	srv := localawstest.Start(t, func(o *localaws.Options) { o.Limits = localaws.AWSLimits() })
	cfg := srv.AWSConfig()
	cfg.RetryMaxAttempts = 1
	client := apigateway.NewFromConfig(cfg)
	throttled := 0
	for range 60 {
		_, err := client.CreateApiKey(t.Context(), &apigateway.CreateApiKeyInput{Name: aws.String("key")})
		var tooMany *types.TooManyRequestsException
		switch {
		case errors.As(err, &tooMany):
			throttled++
		case err != nil:
			t.Fatal(err)
		}
	}
	if throttled == 0 {
		t.Error("60 keys were created at once")
	}
	n := srv.Counts().Of("apigateway", "CreateApiKey")
	if n.Requests != 60 || n.Faults[faults.Throttled] != throttled {
		t.Errorf("counted %+v, want 60 requests and %d throttled", n, throttled)
	}

	srv.SetLimits(localaws.Limits{})
	for range 60 {
		if _, err := client.CreateApiKey(t.Context(), &apigateway.CreateApiKeyInput{Name: aws.String("key")}); err != nil {
			t.Fatalf("without limits: %v", err)
		}
	}

	srv.SetLimits(localaws.Limits{Keys: 1})
	_, err := client.CreateApiKey(t.Context(), &apigateway.CreateApiKeyInput{Name: aws.String("key")})
	var limit *types.LimitExceededException
	if !errors.As(err, &limit) {
		t.Errorf("beyond the limit of keys the error is %v", err)
	}
}

func TestUnknownPagesAreCountedAsUnknown(t *testing.T) {
	t.Parallel()
	srv := localawstest.Start(t)
	for _, path := range []string{"/nothing/here", "/nor/here"} {
		res, err := http.Get(srv.Endpoint() + path)
		if err != nil {
			t.Fatal(err)
		}
		_ = res.Body.Close()
	}
	if n := srv.Counts().Of("cognito-idp", "Unknown").Requests; n != 2 {
		t.Errorf("counted %v, want 2 unknown pages", srv.Counts())
	}
}
