// Package sqstest gives tests of transport a local SQS and SNS, an SQS client whose calls they
// can see and change, and functions that wait.
package sqstest

import (
	"context"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/aws/retry"
	"github.com/aws/aws-sdk-go-v2/service/sns"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/aws-sdk-go-v2/service/sqs/types"

	"github.com/gatehouse-portal/gatehouse/localaws"
	"github.com/gatehouse-portal/gatehouse/localaws/faults"
	"github.com/gatehouse-portal/gatehouse/localaws/localawstest"
)

// Cloud is a local AWS with real clients. Its SQS client is Hooked.
type Cloud struct {
	T testing.TB
	*Hooked
	Server *localaws.Server
	Config aws.Config
	Topics *sns.Client
}

// Start starts a local AWS that ends with the test.
func Start(t testing.TB) *Cloud {
	t.Helper()
	srv := localawstest.Start(t)
	cfg := srv.AWSConfig()
	transport := &http.Transport{MaxIdleConnsPerHost: 256}
	cfg.HTTPClient = &http.Client{Transport: transport}
	cfg.Retryer = func() aws.Retryer {
		return retry.NewStandard(func(o *retry.StandardOptions) { o.MaxBackoff = 20 * time.Millisecond })
	}
	t.Cleanup(transport.CloseIdleConnections)
	return &Cloud{
		T: t, Hooked: &Hooked{Client: sqs.NewFromConfig(cfg)}, Server: srv, Config: cfg, Topics: sns.NewFromConfig(cfg),
	}
}

// Queue creates a queue and returns its name. The suffix .fifo makes it a FIFO queue.
func (c *Cloud) Queue(name string) string {
	c.T.Helper()
	in := &sqs.CreateQueueInput{QueueName: aws.String(name), Attributes: map[string]string{}}
	if strings.HasSuffix(name, ".fifo") {
		in.Attributes["FifoQueue"] = "true"
		in.Attributes["DeduplicationScope"] = "messageGroup"
		in.Attributes["FifoThroughputLimit"] = "perMessageGroupId"
	}
	if _, err := c.CreateQueue(context.Background(), in); err != nil {
		c.T.Fatalf("creating queue %s: %v", name, err)
	}
	return name
}

// Attributes returns a queue's URL and attributes.
func (c *Cloud) Attributes(queue string) (url string, attributes map[string]string) {
	c.T.Helper()
	found, err := c.Client.GetQueueUrl(context.Background(), &sqs.GetQueueUrlInput{QueueName: aws.String(queue)})
	if err != nil {
		c.T.Fatal(err)
	}
	out, err := c.Client.GetQueueAttributes(context.Background(), &sqs.GetQueueAttributesInput{
		QueueUrl: found.QueueUrl, AttributeNames: []types.QueueAttributeName{types.QueueAttributeNameAll},
	})
	if err != nil {
		c.T.Fatal(err)
	}
	return *found.QueueUrl, out.Attributes
}

// Left counts a queue's messages that can be received now, and those leased or delayed.
func (c *Cloud) Left(queue string) (visible, hidden string) {
	c.T.Helper()
	_, attributes := c.Attributes(queue)
	return attributes["ApproximateNumberOfMessages"], attributes["ApproximateNumberOfMessagesNotVisible"]
}

// Suffer makes the local SQS misbehave, or without rules behave again.
func (c *Cloud) Suffer(seed uint64, rules ...faults.Rule) {
	c.T.Helper()
	for i := range rules {
		rules[i].Service = "sqs"
	}
	if err := c.Server.SetFaults(faults.Plan{Seed: seed, Rules: rules}); err != nil {
		c.T.Fatal(err)
	}
}

// Suffered counts the faults of a kind so far.
func (c *Cloud) Suffered(kind faults.Kind) int {
	sum := 0
	for _, count := range c.Server.Counts()["sqs"] {
		sum += count.Faults[kind]
	}
	return sum
}
