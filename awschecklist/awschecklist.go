// Package awschecklist asks an AWS account questions that AWS's documentation does not answer, about behaviour that
// Gatehouse relies on or could rely on. docs/aws-checklist.md lists the questions by number. The package
// reports what the AWS account does, and does not judge it.
package awschecklist

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/apigateway"
	"github.com/aws/smithy-go"
)

// Config says which AWS account is asked, and how.
type Config struct {
	Gateway *apigateway.Client
	// Resolve calls ResolveCustomer of AWS Marketplace in a Region, with an invalid token.
	Resolve func(ctx context.Context, region string) error
	Region  string
	// URL returns the address of an API's stage.
	URL  func(api, stage string) string
	HTTP *http.Client
	// Prefix begins the names of everything that Try makes.
	Prefix string
	// Pause waits before a control-plane call.
	Pause func(ctx context.Context) error
	// Timeout is how long Try waits for a change to take effect. Interval is the time between two looks.
	Timeout, Interval time.Duration
	// Tell gets lines that say what happens now.
	Tell func(what string)
}

// Answer is what the AWS account did. Number is that of the question in docs/aws-checklist.md.
type Answer struct {
	Number   int    `json:"number"`
	Question string `json:"question"`
	Found    string `json:"found"`
}

// regions are those in which ResolveCustomer is called, besides the portal's own.
var regions = []string{"us-east-1", "us-west-2", "eu-west-1", "eu-central-1", "ap-southeast-1"}

// Look asks the questions that need no change in the AWS account.
func Look(ctx context.Context, c Config) []Answer {
	var all []Answer
	asked := regions
	if !slices.Contains(asked, c.Region) {
		asked = append(slices.Clone(asked), c.Region)
	}
	for _, region := range asked {
		c.Tell("calling ResolveCustomer in " + region)
		within, cancel := context.WithTimeout(ctx, 10*time.Second)
		err := c.Resolve(within, region)
		cancel()
		all = append(all, Answer{8, "ResolveCustomer in " + region, resolveAnswer(err)})
	}
	return all
}

func resolveAnswer(err error) string {
	var noHost *net.DNSError
	switch code := codeOf(err); {
	case err == nil:
		return "accepts an invalid token"
	case code == "InvalidTokenException", code == "ExpiredTokenException":
		return "answers (" + code + ")"
	case code == "DisabledApiException":
		return "is disabled (" + code + ")"
	case strings.HasPrefix(code, "AccessDenied"):
		return "may not be called by this role (" + code + "); ask with the seller's"
	case errors.As(err, &noHost):
		return "has no endpoint"
	}
	return answerOf(err)
}

func codeOf(err error) string {
	var api smithy.APIError
	if errors.As(err, &api) {
		return api.ErrorCode()
	}
	return ""
}

// answerOf returns AWS's answer as it is, since the text is what the operator asked for.
func answerOf(err error) string {
	var api smithy.APIError
	switch {
	case err == nil:
		return "accepted"
	case errors.As(err, &api):
		return fmt.Sprintf("%s: %s", api.ErrorCode(), api.ErrorMessage())
	}
	return "no answer: " + err.Error()
}

// Unasked returns the questions that no program can ask.
func Unasked() []Answer {
	const purchase = "needs a listing and a purchase; docs/aws-checklist.md says how to look"
	return []Answer{
		{6, "the order of EventBridge's events around the end of an agreement, and whether SNS still announces purchases of a listing made after June 2026", purchase},
		{7, "the licence's ARN in events and in ResolveCustomer", purchase},
		{9, "whether API Gateway meters a plan with the product code of a new listing", purchase},
	}
}
