package main

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"os"
	"os/exec"
	"strings"
	"sync"
	"syscall"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/apigateway"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/eventbridge"
	ebtypes "github.com/aws/aws-sdk-go-v2/service/eventbridge/types"
	"github.com/aws/aws-sdk-go-v2/service/sns"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/smithy-go/middleware"

	"github.com/gatehouse-portal/gatehouse/app"
	"github.com/gatehouse-portal/gatehouse/awsclient"
	"github.com/gatehouse-portal/gatehouse/bench/program"
	"github.com/gatehouse-portal/gatehouse/demo"
	"github.com/gatehouse-portal/gatehouse/journal"
	"github.com/gatehouse-portal/gatehouse/localaws"
	"github.com/gatehouse-portal/gatehouse/localaws/buyers"
	"github.com/gatehouse-portal/gatehouse/localaws/marketplace"
)

// The product codes of the two listings. Notices about older name a customer, those about newer a licence.
const newer, older = "newer", "older"

// bench is an installation on a local AWS in another process, and the worker that is measured.
type bench struct {
	settings
	dir       string
	aws       *exec.Cmd
	awsConfig aws.Config
	config    app.Config
	names     app.Names
	market    *buyers.Client
	queues    *sqs.Client
	journal   *journal.Journal
	demo      demo.Installed
	calls     *callCounter
	// unknown are the bodies that this version cannot read, and that no listing sent.
	unknown []string
	repeats int
}

// callCounter counts the worker's requests by the service of AWS and the call.
type callCounter struct {
	http.RoundTripper
	mu    sync.Mutex
	calls map[string]int
}

func (c *callCounter) RoundTrip(r *http.Request) (*http.Response, error) {
	// Credential=<key>/<day>/<region>/<service>/aws4_request
	scope, _, _ := strings.Cut(r.Header.Get("Authorization"), "/aws4_request")
	service := scope[strings.LastIndex(scope, "/")+1:]
	if service == "aws-marketplace" {
		call := r.Header.Get("X-Amz-Target") + r.URL.Path
		service += " " + strings.TrimRight(call[strings.LastIndexAny(strings.TrimRight(call, "/"), "./")+1:], "/")
	}
	c.mu.Lock()
	c.calls[service]++
	c.mu.Unlock()
	return c.RoundTripper.RoundTrip(r)
}

func (c *callCounter) soFar() map[string]int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return maps.Clone(c.calls)
}

func newBench(ctx context.Context, s settings) (_ *bench, err error) {
	b := &bench{settings: s, calls: &callCounter{RoundTripper: awsclient.HTTPClient().GetTransport(), calls: map[string]int{}}}
	defer func() {
		if err != nil {
			b.close()
		}
	}()
	if b.dir, err = os.MkdirTemp("", "gatehouse-marketplace-"); err != nil {
		return nil, fmt.Errorf("creating a folder: %w", err)
	}
	var endpoint string
	b.aws, endpoint, err = program.StartAWS(ctx, b.dir)
	if err != nil {
		return nil, err
	}
	b.awsConfig = aws.Config{
		Region: localaws.Region, BaseEndpoint: &endpoint, HTTPClient: awsclient.HTTPClient(),
		Credentials: credentials.NewStaticCredentialsProvider("local", "local", ""),
		APIOptions:  []func(*middleware.Stack) error{awsclient.PlainBodies},
	}
	old := marketplace.Product{Code: older}
	b.config, err = app.LoadConfig([]string{
		"GATEHOUSE_MARKETPLACE_ACCOUNTS=" + localaws.Account,
		"GATEHOUSE_MARKETPLACE_TOPICS=" + old.SubscriptionTopic() + "," + old.EntitlementTopic(),
	})
	if err != nil {
		return nil, err
	}
	if err := app.Setup(ctx, b.awsConfig, b.config); err != nil {
		return nil, err
	}
	b.names, b.market, b.queues = app.NamesFor(b.config.Prefix), buyers.New(endpoint), sqs.NewFromConfig(b.awsConfig)
	b.journal = journal.New(dynamodb.NewFromConfig(b.awsConfig), b.names.Journal, b.names.Records)
	if b.demo, err = demo.Install(ctx, apigateway.NewFromConfig(b.awsConfig), endpoint+"/demo"); err != nil {
		return nil, err
	}
	return b, b.createListings(ctx)
}

// createListings makes both listings, and has their notices sent to the queue.
func (b *bench) createListings(ctx context.Context) error {
	queue := "arn:aws:sqs:" + localaws.Region + ":" + localaws.Account + ":" + b.names.Marketplace
	for _, p := range []marketplace.Product{
		{Code: newer, ID: "prod-newer", Kind: marketplace.EventBridge, Dimensions: []string{"requests"}},
		{Code: older, ID: "prod-older", Kind: marketplace.SNS, Dimensions: []string{"requests"}, ContractDimensions: []string{"seats"}},
	} {
		if _, err := b.market.PutProduct(ctx, p); err != nil {
			return err
		}
	}
	old, topics := marketplace.Product{Code: older}, sns.NewFromConfig(b.awsConfig)
	for _, topic := range []string{old.SubscriptionTopic(), old.EntitlementTopic()} {
		if _, err := topics.Subscribe(ctx, &sns.SubscribeInput{TopicArn: &topic, Protocol: aws.String("sqs"), Endpoint: &queue}); err != nil {
			return fmt.Errorf("subscribing to %s: %w", topic, err)
		}
	}
	bus, rule := eventbridge.NewFromConfig(b.awsConfig), aws.String("marketplace")
	if _, err := bus.PutRule(ctx, &eventbridge.PutRuleInput{Name: rule, EventPattern: aws.String(`{"source":["aws.agreement-marketplace"]}`)}); err != nil {
		return fmt.Errorf("making a rule: %w", err)
	}
	out, err := bus.PutTargets(ctx, &eventbridge.PutTargetsInput{Rule: rule, Targets: []ebtypes.Target{{Id: aws.String("queue"), Arn: &queue}}})
	if err == nil && out.FailedEntryCount > 0 {
		err = errors.New(aws.ToString(out.FailedEntries[0].ErrorMessage))
	}
	if err != nil {
		return fmt.Errorf("sending events to the queue: %w", err)
	}
	return nil
}

func (b *bench) close() {
	if b.aws != nil && b.aws.Process != nil {
		_ = b.aws.Process.Signal(syscall.SIGTERM)
		_ = b.aws.Wait()
	}
	_ = os.RemoveAll(b.dir)
}
