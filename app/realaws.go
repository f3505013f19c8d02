package app

import (
	"context"
	"net/http"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/apigateway"
	"github.com/aws/aws-sdk-go-v2/service/marketplacemetering"

	"github.com/gatehouse-portal/gatehouse/portal"
	"github.com/gatehouse-portal/gatehouse/realaws"
)

// betweenCalls leaves three quarters of API Gateway's control-plane quota to others.
const betweenCalls = 400 * time.Millisecond

// AskOptions of AskAWS.
type AskOptions struct {
	// Try makes a REST API, usage plans and API keys to ask about, and deletes them.
	Try bool
	// Timeout is how long it waits for each change to take effect.
	Timeout time.Duration
	Tell    func(what string)
}

// Asked is what an AWS account answered.
type Asked struct {
	Place   string           `json:"place"`
	At      time.Time        `json:"at"`
	Answers []realaws.Answer `json:"answers"`
	// Left are the questions that need a purchase on AWS Marketplace.
	Left []realaws.Answer `json:"left"`
}

// AskAWS asks the AWS account the questions of docs/aws-checklist.md. If it returns answers and an error,
// it could not delete all that it has made.
func AskAWS(ctx context.Context, p Process, options AskOptions) (Asked, error) {
	e, err := openEstateWithin(ctx, p)
	if err != nil {
		return Asked{}, err
	}
	plane := newClients(p.AWS).dataPlane()
	c := realaws.Config{
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
	asked := Asked{Place: e.place(), At: p.now()().UTC(), Answers: realaws.Look(ctx, c), Left: realaws.Unasked()}
	if options.Try {
		var found []realaws.Answer
		found, err = realaws.Try(ctx, c)
		asked.Answers = append(asked.Answers, found...)
	}
	return asked, err
}
