package app

import (
	"context"
	"net/http"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/apigateway"
	"github.com/aws/aws-sdk-go-v2/service/marketplacemetering"

	"github.com/gatehouse-portal/gatehouse/awschecklist"
	"github.com/gatehouse-portal/gatehouse/portal"
)

// betweenCalls leaves three quarters of API Gateway's control-plane quota to others.
const betweenCalls = 400 * time.Millisecond

// AWSChecklistOptions of RunAWSChecklist.
type AWSChecklistOptions struct {
	// Try makes a REST API, usage plans and API keys to ask about, and deletes them.
	Try bool
	// Timeout is how long it waits for each change to take effect.
	Timeout time.Duration
	Tell    func(what string)
}

// AWSAnswers is what an AWS account answered.
type AWSAnswers struct {
	Place   string                `json:"place"`
	At      time.Time             `json:"at"`
	Answers []awschecklist.Answer `json:"answers"`
	// Left are the questions that need a purchase on AWS Marketplace.
	Left []awschecklist.Answer `json:"left"`
}

// RunAWSChecklist asks the AWS account the questions of docs/aws-checklist.md. If it returns answers and an error,
// it could not delete all that it has made.
func RunAWSChecklist(ctx context.Context, p Process, options AWSChecklistOptions) (AWSAnswers, error) {
	e, err := openEstateWithin(ctx, p)
	if err != nil {
		return AWSAnswers{}, err
	}
	plane := newClients(p.AWS).dataPlane()
	c := awschecklist.Config{
		Gateway: apigateway.NewFromConfig(p.AWS), Region: p.AWS.Region, Prefix: NamesFor(p.Config.Prefix).KeyNamePrefix(),
		URL:  func(api, stage string) string { return plane(portal.Stage{API: api, Stage: stage}) },
		HTTP: &http.Client{Timeout: 10 * time.Second}, Timeout: options.Timeout, Interval: 200 * time.Millisecond, Tell: options.Tell,
		Pause: func(ctx context.Context) error {
			if aws.ToString(p.AWS.BaseEndpoint) != "" {
				return ctx.Err() // not AWS
			}
			return wait(ctx, betweenCalls)
		},
		Resolve: func(ctx context.Context, region string) error {
			_, err := marketplacemetering.NewFromConfig(p.AWS, func(o *marketplacemetering.Options) { o.Region = region }).
				ResolveCustomer(ctx, &marketplacemetering.ResolveCustomerInput{RegistrationToken: aws.String("not-a-token")})
			return err
		},
	}
	asked := AWSAnswers{Place: e.place(), At: p.now()().UTC(), Answers: awschecklist.Look(ctx, c), Left: awschecklist.Unasked()}
	if options.Try {
		var found []awschecklist.Answer
		found, err = awschecklist.Try(ctx, c)
		asked.Answers = append(asked.Answers, found...)
	}
	return asked, err
}
