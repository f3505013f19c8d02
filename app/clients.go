package app

import (
	"context"
	"fmt"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	awsconfig "github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/service/apigateway"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/kms"
	"github.com/aws/aws-sdk-go-v2/service/sns"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/aws-sdk-go-v2/service/sts"
	"github.com/aws/smithy-go/middleware"

	"github.com/gatehouse-portal/gatehouse/awsclient"
	"github.com/gatehouse-portal/gatehouse/catalog"
	"github.com/gatehouse-portal/gatehouse/gateway"
)

// LoadAWS reads AWS's own configuration: environment, files, the machine's role. It asks
// AWS nothing, but finds out whether there are credentials.
func LoadAWS(ctx context.Context) (aws.Config, error) {
	cfg, err := awsconfig.LoadDefaultConfig(ctx, awsconfig.WithHTTPClient(awsclient.HTTPClient()),
		awsconfig.WithAPIOptions([]func(*middleware.Stack) error{awsclient.PlainBodies}))
	if err != nil {
		return cfg, fmt.Errorf("reading AWS's configuration: %w", err)
	}
	if cfg.Region == "" {
		return cfg, fmt.Errorf("AWS_REGION is missing: the Region that Gatehouse runs in")
	}
	return cfg, checkCredentials(ctx, cfg)
}

// clients are the AWS clients of one process.
type clients struct {
	config     aws.Config
	dynamodb   *dynamodb.Client
	sqs        *sqs.Client
	sns        *sns.Client
	kms        *kms.Client
	sts        *sts.Client
	apigateway *apigateway.Client
}

func newClients(cfg aws.Config) clients {
	return clients{
		config: cfg, dynamodb: dynamodb.NewFromConfig(cfg), sqs: sqs.NewFromConfig(cfg), sns: sns.NewFromConfig(cfg),
		kms: kms.NewFromConfig(cfg), sts: sts.NewFromConfig(cfg), apigateway: gateway.Client(cfg),
	}
}

// dataPlane is where the APIs are called: on AWS, or at the endpoint that stands in
// for it.
func (c clients) dataPlane() catalog.Endpoint {
	if base := aws.ToString(c.config.BaseEndpoint); base != "" {
		return catalog.OverrideEndpoint(strings.TrimSuffix(base, "/"))
	}
	return catalog.AWSEndpoint(c.config.Region)
}

// topicARN is the ARN of a topic of this account. SNS has no look-up by name.
func (c clients) topicARN(ctx context.Context, name string) (string, error) {
	me, err := c.sts.GetCallerIdentity(ctx, &sts.GetCallerIdentityInput{})
	if err != nil {
		return "", fmt.Errorf("finding topic %s: %w", name, err)
	}
	partition := "aws"
	if parts := strings.SplitN(aws.ToString(me.Arn), ":", 3); len(parts) == 3 {
		partition = parts[1]
	}
	return fmt.Sprintf("arn:%s:sns:%s:%s:%s", partition, c.config.Region, aws.ToString(me.Account), name), nil
}
