// Package realaws asks an AWS account what AWS's documentation leaves open and what Gatehouse relies on, or
// could rely on. docs/aws-checklist.md lists the questions by number. The answers go by what the AWS account
// does; nothing here decides whether they are right.
package realaws

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
	// Resolve calls ResolveCustomer of AWS Marketplace in a Region, with a token that is none.
	Resolve func(ctx context.Context, region string) error
	Region  string
	// URL returns the address of a stage.
	URL  func(api, stage string) string
	HTTP *http.Client
	// Prefix begins the names of everything that Try makes.
	Prefix string
	// Pause waits between two calls of the control plane.
	Pause func(ctx context.Context) error
	// Patience is how long Try waits for something to happen, and Interval how often it looks.
	Patience, Interval time.Duration
	// Tell says what happens now, for people who wait.
	Tell func(what string)
}

// Answer is what the AWS account did.
type Answer struct {
	Number   int    `json:"number"`
	Question string `json:"question"`
	Found    string `json:"found"`
}

// Regions in which ResolveCustomer is called, beside the portal's own.
var regions = []string{"us-east-1", "us-west-2", "eu-west-1", "eu-central-1", "ap-southeast-1"}

// Look asks what can be asked without changing anything.
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
		all = append(all, Answer{8, "ResolveCustomer in " + region, resolving(err)})
	}
	return all
}

func resolving(err error) string {
	var noHost *net.DNSError
	switch code := codeOf(err); {
	case err == nil:
		return "accepts a token that is none"
	case code == "InvalidTokenException", code == "ExpiredTokenException":
		return "answers (" + code + ")"
	case code == "DisabledApiException":
		return "is disabled (" + code + ")"
	case strings.HasPrefix(code, "AccessDenied"):
		return "may not be called by this role (" + code + "); ask with the seller's"
	case errors.As(err, &noHost):
		return "has no endpoint"
	}
	return said(err)
}

func codeOf(err error) string {
	var api smithy.APIError
	if errors.As(err, &api) {
		return api.ErrorCode()
	}
	return ""
}

// said is an answer of AWS as it is, since its text is what was asked for.
func said(err error) string {
	var api smithy.APIError
	switch {
	case err == nil:
		return "accepted"
	case errors.As(err, &api):
		return fmt.Sprintf("%s: %s", api.ErrorCode(), api.ErrorMessage())
	}
	return "no answer: " + err.Error()
}

// Left are the questions that no program can ask.
func Left() []Answer {
	const purchase = "needs a listing and a purchase; docs/aws-checklist.md says how to look"
	return []Answer{
		{6, "the order of EventBridge's events around the end of an agreement, and whether SNS still tells of a listing made after June 2026", purchase},
		{7, "the licence's ARN in events and in ResolveCustomer", purchase},
		{9, "whether API Gateway meters a plan with the product code of a new listing", purchase},
	}
}
