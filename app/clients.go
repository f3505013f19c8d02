package app

import (
	"context"
	"errors"
	"fmt"
	"os"
	"regexp"
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	awsconfig "github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/service/apigateway"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/kms"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/sns"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/aws-sdk-go-v2/service/sts"
	"github.com/aws/smithy-go/middleware"

	"github.com/gatehouse-portal/gatehouse/awsclient"
	"github.com/gatehouse-portal/gatehouse/catalog"
	"github.com/gatehouse-portal/gatehouse/gateway"
)

// LoadAWSIn is LoadAWS for a command with the flag --region. If region is "", the Region of AWS's own
// configuration counts. It also checks the endpoints that replace AWS's own, and reports all faults at once.
func LoadAWSIn(ctx context.Context, region string) (aws.Config, error) {
	cfg, err := readAWS(ctx)
	if err != nil {
		return cfg, err
	}
	if region != "" {
		cfg.Region = region
	}
	_, endpointFault := endpointOverrides(os.Environ(), cfg)
	return cfg, errors.Join(checkRegion(cfg.Region), endpointFault, checkCredentials(ctx, cfg))
}

func checkRegion(region string) error {
	switch {
	case region == "":
		return errors.New("the Region is missing. Give --region, such as --region eu-west-1, or set AWS_REGION")
	case !regionForm.MatchString(region):
		return fmt.Errorf("%q is not a Region of AWS. Correct --region or AWS_REGION: want one like eu-west-1; `aws account list-regions` lists them", region)
	}
	return nil
}

// LoadAWS reads the AWS SDK's own configuration. It fails without a Region or usable credentials.
func LoadAWS(ctx context.Context) (aws.Config, error) {
	cfg, err := readAWS(ctx)
	if err != nil {
		return cfg, err
	}
	if cfg.Region == "" {
		return cfg, errors.New("AWS_REGION is missing: the Region that Gatehouse runs in")
	}
	return cfg, checkCredentials(ctx, cfg)
}

var regionForm = regexp.MustCompile(`^[a-z]{2,4}(-[a-z]+)+-[0-9]+$`)

func readAWS(ctx context.Context) (aws.Config, error) {
	cfg, err := awsconfig.LoadDefaultConfig(ctx, awsconfig.WithHTTPClient(awsclient.HTTPClient()),
		awsconfig.WithAPIOptions([]func(*middleware.Stack) error{awsclient.PlainBodies}))
	var profile awsconfig.SharedConfigProfileNotExistError
	if errors.As(err, &profile) {
		return cfg, fmt.Errorf("there is no AWS profile %q. Correct AWS_PROFILE; `aws configure list-profiles` lists the profiles", profile.Profile)
	}
	if err != nil && strings.Contains(err.Error(), "partial credentials") {
		return cfg, errors.New("the AWS profile has only half of its credentials. Give it both aws_access_key_id and aws_secret_access_key")
	}
	if err != nil {
		return cfg, fmt.Errorf("reading AWS's configuration: %w", err)
	}
	return cfg, nil
}

// endpointOverrides lists the endpoints that the environment sets in place of AWS's own. Plain http to another
// machine is an error, since key values are computed from KMS's answers.
func endpointOverrides(environ []string, cfg aws.Config) ([]string, error) {
	var overrides []string
	var faults []error
	note := func(name, url, override string) {
		if plainHTTP(url) {
			faults = append(faults, fmt.Errorf("%s is %s, perhaps left over from a test: want https; http is for loopback addresses only", name, url))
		}
		overrides = append(overrides, override)
	}
	if base := aws.ToString(cfg.BaseEndpoint); base != "" {
		note("AWS_ENDPOINT_URL", base, base)
	}
	if slices.Contains(environ, "AWS_IGNORE_CONFIGURED_ENDPOINT_URLS=true") {
		environ = nil
	}
	for _, pair := range environ {
		if name, value, _ := strings.Cut(pair, "="); strings.HasPrefix(name, "AWS_ENDPOINT_URL_") && value != "" {
			note(name, value, pair)
		}
	}
	if len(faults) > 0 {
		return nil, errors.Join(faults...)
	}
	return overrides, nil
}

type clients struct {
	config     aws.Config
	dynamodb   *dynamodb.Client
	sqs        *sqs.Client
	sns        *sns.Client
	kms        *kms.Client
	sts        *sts.Client
	apigateway *apigateway.Client
	s3         *s3.Client
}

func newClients(cfg aws.Config) clients {
	return clients{
		config: cfg, dynamodb: dynamodb.NewFromConfig(cfg), sqs: sqs.NewFromConfig(cfg), sns: sns.NewFromConfig(cfg),
		kms: kms.NewFromConfig(cfg), sts: sts.NewFromConfig(cfg), apigateway: gateway.Client(cfg),
		// A replacement for AWS may not have a host name for each bucket.
		s3: s3.NewFromConfig(cfg, func(o *s3.Options) { o.UsePathStyle = cfg.BaseEndpoint != nil }),
	}
}

func (c clients) dataPlane() catalog.Endpoint {
	if base := aws.ToString(c.config.BaseEndpoint); base != "" {
		return catalog.OverrideEndpoint(strings.TrimSuffix(base, "/"))
	}
	return catalog.AWSEndpoint(c.config.Region)
}

// topicARN builds the ARN, since SNS cannot look up a topic by name.
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
