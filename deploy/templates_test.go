package deploy_test

import (
	"encoding/json"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"os/exec"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/gatehouse-portal/gatehouse/deploy"
	"github.com/gatehouse-portal/gatehouse/deploy/deploytest"
	"github.com/gatehouse-portal/gatehouse/deploy/template"
)

// names lists the templates.
func names(t *testing.T) []string {
	t.Helper()
	files, err := fs.Glob(deploy.Templates, "cloudformation/*.yaml")
	ok(t, err)
	var all []string
	for _, file := range files {
		all = append(all, strings.TrimSuffix(strings.TrimPrefix(file, "cloudformation/"), ".yaml"))
	}
	return all
}

// variants are the stacks in which all resources and branches of each template appear. "" stands for
// the stack with the least parameters.
var variants = map[string]map[string]map[string]string{
	"data": {
		"":             {},
		"an older key": {"KmsKeyArn": exampleKey},
		"everything":   {"KeyUsers": "arn:aws:iam::111122223333:role/a", "MarketplaceTopics": "arn:aws:sns:us-east-1:1:a", "MarketplaceAccounts": "111122223333"},
	},
	"permissions": {
		"": {"DataStack": "acme", "KmsKeyArn": exampleKey},
		"everything": {
			"DataStack": "acme", "KmsKeyArn": exampleKey, "FormerKmsKeyArns": exampleKey, "CatalogBucket": "docs", "CatalogPrefix": "portal",
			"SesIdentityArn": "arn:aws:ses:eu-west-1:111122223333:identity/example.com", "OperatorsTopicArn": exampleTopic,
			"MarketplaceRoleArn": "arn:aws:iam::444455556666:role/seller", "Seller": "true", "AdoptedKeys": "true", "Trail": "on",
		},
		"a whole bucket": {"DataStack": "acme", "KmsKeyArn": exampleKey, "CatalogBucket": "docs"},
	},
	"identity": {
		"": {"DomainName": "portal.example.com"},
		"everything": {
			"DomainName": "portal.example.com", "DomainPrefix": "acme", "SelfSignUp": "false", "AdminEmail": "admin@example.com",
			"SesIdentityArn": "arn:aws:ses:eu-west-1:111122223333:identity/example.com", "MailFrom": "Acme <portal@example.com>",
		},
	},
	"containers": {
		"":                      containers(nil),
		"small":                 containers(map[string]string{"Size": "small", "Metrics": "cloudwatch"}),
		"everything":            containers(everything),
		"small with everything": containers(with(everything, map[string]string{"Size": "small"})),
		"private":               containers(private),
		"with stopped workers":  containers(map[string]string{"Workers": "stopped"}),
		"stopped and small":     containers(map[string]string{"Workers": "stopped", "Size": "small"}),
		"behind CloudFront":     containers(with(private, map[string]string{"AllowedPrefixListId": "pl-3b927c52", "TrustedProxies": "private,130.176.0.0/17"})),
	},
	"lambda": {
		"":           functions(nil),
		"everything": functions(with(everythingOnLambda(), map[string]string{"Architecture": "x86_64"})),
		// The least parameters have a domain, so that most tests see one.
		"without a domain":     functions(map[string]string{"DomainName": "", "CertificateArn": ""}),
		"with stopped workers": functions(map[string]string{"Workers": "stopped"}),
	},
	"cdn": {
		"": {
			"LoadBalancerArn": "arn:aws:elasticloadbalancing:eu-west-1:111122223333:loadbalancer/app/acme/0123456789abcdef", "DnsTarget": "internal-acme-1.eu-west-1.elb.amazonaws.com",
			"DomainName": "portal.example.com", "CdnCertificateArn": "arn:aws:acm:us-east-1:111122223333:certificate/1",
		},
		"everything": {
			"LoadBalancerArn": "arn:aws:elasticloadbalancing:eu-west-1:111122223333:loadbalancer/app/acme/0123456789abcdef", "DnsTarget": "internal-acme-1.eu-west-1.elb.amazonaws.com",
			"DomainName": "portal.example.com", "CdnCertificateArn": "arn:aws:acm:us-east-1:111122223333:certificate/1", "CdnHostedZoneId": "Z1",
			"WebAclArn": "arn:aws:wafv2:us-east-1:111122223333:global/webacl/acme/1", "PriceClass": "PriceClass_All",
		},
	},
	"endpoints": {
		"": {"VpcId": "vpc-1", "VpcCidr": "10.0.0.0/16", "SubnetIds": "subnet-1,subnet-2", "RouteTableIds": "rtb-1,rtb-2"},
	},
	"demo": {"": {}},
	"operations": {
		"":                     {"DataStack": "acme", "PortalLogGroup": "portal", "WorkerLogGroup": "worker"},
		"with a load balancer": {"DataStack": "acme", "PortalLogGroup": "portal", "WorkerLogGroup": "worker", "LoadBalancerName": "app/acme/0123456789abcdef", "AlarmEmail": "ops@example.com"},
		"with an HTTP API":     {"DataStack": "acme", "PortalLogGroup": "portal", "WorkerLogGroup": "worker", "HttpApiId": "a1b2c3", "WorkerFunctionName": "acme-worker"},
		"with a trail":         {"DataStack": "acme", "PortalLogGroup": "portal", "WorkerLogGroup": "worker", "Trail": "on"},
	},
	"trail": {
		"":                    {"DataStack": "acme"},
		"without the workers": {"DataStack": "acme", "WorkerRoles": "acme-lambda-WorkerRole-", "TrailQueueVisibility": "30"},
	},
	"marketplace": {
		"":                                {"MarketplaceQueueArn": "arn:aws:sqs:eu-west-1:111122223333:acme-marketplace"},
		"a portal of another AWS account": {"MarketplaceQueueArn": "arn:aws:sqs:eu-west-1:444455556666:acme-marketplace"},
		"an older listing": {
			"MarketplaceQueueArn":  "arn:aws:sqs:eu-west-1:111122223333:acme-marketplace",
			"SubscriptionTopicArn": "arn:aws:sns:us-east-1:287250355862:aws-mp-subscription-notification-1",
			"EntitlementTopicArn":  "arn:aws:sns:us-east-1:287250355862:aws-mp-entitlement-notification-1", "AlarmEmail": "ops@example.com",
		},
	},
}

const (
	exampleKey   = "arn:aws:kms:eu-west-1:111122223333:key/mrk-0123456789abcdef0123456789abcdef"
	exampleTopic = "arn:aws:sns:eu-west-1:111122223333:acme-operations-Alarms-1"
)

var everything = map[string]string{
	"HostedZoneId": "Z1", "LoadBalancerSubnetIds": "subnet-3,subnet-4", "OidcClientSecretArn": "arn:aws:secretsmanager:eu-west-1:111122223333:secret:s",
	"OidcSignUpUrl": "https://login.example.com/signup", "OidcSignOutUrl": "https://login.example.com/logout", "SecurityContact": "security@example.com",
	"CatalogBucket": "docs", "CatalogPrefix": "portal", "MailFrom": "Acme <portal@example.com>", "MarketplaceRoleArn": "arn:aws:iam::444455556666:role/seller",
	"MarketplaceTopics": "arn:aws:sns:us-east-1:444455556666:topic", "MarketplaceAccounts": "444455556666", "Metrics": "cloudwatch",
	"TracesEndpoint": "http://localhost:4318", "TracesRatio": "0.1", "OperatorsTopicArn": exampleTopic, "OperatorsWebhook": "https://alarms.example.com/gatehouse", "Trail": "on",
}

var private = map[string]string{"LoadBalancerScheme": "internal", "AssignPublicIp": "DISABLED"}

func containers(more map[string]string) map[string]string {
	return with(map[string]string{
		"DataStack": "acme", "KmsKeyArn": exampleKey, "PortalPolicyArns": "portal-policy", "WorkerPolicyArns": "worker-policy,control-plane-policy",
		"Image": "111122223333.dkr.ecr.eu-west-1.amazonaws.com/gatehouse:1", "DomainName": "portal.example.com",
		"CertificateArn": "arn:aws:acm:eu-west-1:111122223333:certificate/1", "VpcId": "vpc-1", "SubnetIds": "subnet-1,subnet-2",
		"OidcIssuer": "https://login.example.com", "OidcClientId": "client",
	}, more)
}

func functions(more map[string]string) map[string]string {
	all := containers(map[string]string{"CodeBucket": "programs", "CodeKey": "gatehouse/lambda.zip"})
	for _, name := range []string{"Image", "VpcId", "SubnetIds"} {
		delete(all, name)
	}
	return with(all, more)
}

func everythingOnLambda() map[string]string {
	all := maps.Clone(everything)
	delete(all, "LoadBalancerSubnetIds")
	delete(all, "OidcClientSecretArn")
	all["TracesLayerArn"] = "arn:aws:lambda:eu-west-1:901920570463:layer:collector:1"
	return all
}

func with(a, b map[string]string) map[string]string {
	all := maps.Clone(a)
	maps.Copy(all, b)
	return all
}

// stackOf resolves a variant of a template for a stack of the template's name after a prefix.
func stackOf(t *testing.T, name, variant, prefix string) *template.Resolved {
	t.Helper()
	parameters := maps.Clone(variants[name][variant])
	if _, needed := parameters["DataStack"]; needed {
		parameters["DataStack"] = prefix
	}
	return deploytest.Resolve(t, name, template.Stack{Name: prefix + "-" + name, Account: "111122223333", Region: "us-east-1", Parameters: parameters})
}

// each calls check for every variant of every template.
func each(t *testing.T, check func(t *testing.T, name string, r *template.Resolved)) {
	t.Helper()
	for _, name := range names(t) {
		if variants[name] == nil {
			t.Errorf("the tests have no variants of %s", name)
		}
		for variant := range variants[name] {
			t.Run(strings.TrimSpace(name+" "+variant), func(t *testing.T) {
				t.Parallel()
				check(t, name, stackOf(t, name, variant, "acme"))
			})
		}
	}
}

func TestEveryResourceAndOutputOfEveryTemplateIsResolved(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, _ string, r *template.Resolved) {
		for _, resource := range r.Resources {
			deploytest.Properties(t, r, resource)
		}
		_, err := r.Outputs()
		ok(t, err)
	})
}

func TestTheVariantsHaveEveryResourceOfTheTemplates(t *testing.T) {
	t.Parallel()
	for _, name := range names(t) {
		seen := map[string]bool{}
		for variant := range variants[name] {
			for _, resource := range stackOf(t, name, variant, "acme").Resources {
				seen[resource] = true
			}
		}
		for resource := range deploytest.Read(t, name).Resources {
			if !seen[resource] {
				t.Errorf("no variant of %s has %s", name, resource)
			}
		}
	}
}

func TestCfnLintFindsNothing(t *testing.T) {
	t.Parallel()
	if _, err := exec.LookPath("cfn-lint"); err != nil {
		if slices.Contains(strings.Split(os.Getenv("GATEHOUSE_REQUIRE"), ","), "cfn-lint") {
			t.Fatalf("cfn-lint is required and not installed: %v", err)
		}
		t.Skip("NOT RUN: cfn-lint is not installed")
	}
	files, err := fs.Glob(os.DirFS("."), "cloudformation/*.yaml")
	ok(t, err)
	if out, err := exec.CommandContext(t.Context(), "cfn-lint", files...).CombinedOutput(); err != nil || len(out) > 0 {
		t.Errorf("cfn-lint says (%v):\n%s", err, out)
	}
}

// unique are the properties that are names in the AWS account, or in the Region.
var unique = []string{
	"AliasName", "AlarmName", "ClusterName", "DashboardName", "Domain", "Family", "FunctionName", "GroupName", "LogGroupName", "ManagedPolicyName", "Name", "QueueName",
	"RepositoryName", "RoleName", "ServiceName", "TableName", "TopicName", "UserPoolName", "MetricNamespace",
}

// Names that only have to be unique within something else of the stack.
var inner = []string{
	"AWS::EC2::VPCEndpoint", "AWS::ServiceDiscovery::Service", "AWS::Cognito::UserPoolGroup", "AWS::Cognito::UserPoolUserToGroupAttachment", "AWS::Route53::RecordSet",
}

func TestTwoStacksLiveSideBySide(t *testing.T) {
	t.Parallel()
	for _, name := range names(t) {
		for variant, parameters := range variants[name] {
			one, two := stackOf(t, name, variant, "one"), stackOf(t, name, variant, "two")
			for _, resource := range one.Resources {
				if slices.Contains(inner, one.Type(resource)) {
					continue
				}
				first, second := deploytest.Properties(t, one, resource), deploytest.Properties(t, two, resource)
				for _, property := range unique {
					given := slices.Contains(slices.Collect(maps.Values(parameters)), fmt.Sprint(first[property]))
					if first[property] != nil && !given && fmt.Sprint(first[property]) == fmt.Sprint(second[property]) {
						t.Errorf("%s: %s has the fixed %s %v", name, resource, property, first[property])
					}
				}
			}
		}
	}
}

func TestNothingReservesConcurrency(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, _ string, r *template.Resolved) {
		for _, resource := range r.Resources {
			if text := fmt.Sprint(deploytest.Properties(t, r, resource)); strings.Contains(text, "ReservedConcurrentExecutions") {
				t.Errorf("%s does: %s", resource, text)
			}
		}
	})
}

// stateful are the types whose resources hold what cannot be made again.
var stateful = []string{"AWS::DynamoDB::Table", "AWS::SQS::Queue", "AWS::KMS::Key", "AWS::KMS::Alias", "AWS::Cognito::UserPool", "AWS::Cognito::UserPoolClient"}

func TestWhatHoldsDataOutlivesItsStack(t *testing.T) {
	t.Parallel()
	for _, name := range names(t) {
		for resource, r := range deploytest.Read(t, name).Resources {
			if name == "trail" {
				continue // what an event told of is found without it
			}
			if (name == "data" || slices.Contains(stateful, r.Type)) && (r.DeletionPolicy != "Retain" || r.UpdateReplacePolicy != "Retain") {
				t.Errorf("%s: %s is deleted with the stack", name, resource)
			}
		}
	}
}

func TestEveryParameterIsDescribedAndRefusesNonsense(t *testing.T) {
	t.Parallel()
	for _, name := range names(t) {
		for parameter, p := range deploytest.Read(t, name).Parameters {
			if !strings.HasSuffix(p.Description, ".") {
				t.Errorf("%s: %s is described as %q", name, parameter, p.Description)
			}
			if p.AllowedPattern != "" && p.ConstraintDescription == "" {
				t.Errorf("%s: %s does not say what it allows", name, parameter)
			}
		}
	}
	for _, c := range []struct{ template, parameter, value string }{
		{"data", "KmsKeyArn", "alias/acme-keys"},
		{"permissions", "DataStack", "acme_portal"},
		{"permissions", "DataStack", strings.Repeat("a", 41)},
		{"permissions", "DataStack", "*"},
		{"permissions", "KmsKeyArn", "*"},
		{"permissions", "SesIdentityArn", "*"},
		{"permissions", "CatalogPrefix", "/portal"},
		{"permissions", "CatalogPrefix", "portal/"},
		{"permissions", "CatalogPrefix", "por*tal"},
		{"permissions", "MarketplaceRoleArn", "arn:aws:iam::444455556666:user/seller"},
		{"identity", "DomainName", "https://portal.example.com"},
		{"identity", "DomainName", "portal.example.com/"},
		{"identity", "DomainName", "portal"},
		{"identity", "DomainPrefix", "Acme"},
		{"identity", "SesIdentityArn", "example.com"},
		{"containers", "DomainName", "Portal.example.com"},
		{"containers", "OidcIssuer", "http://login.example.com"},
		{"containers", "OidcClientId", ""},
		{"containers", "Size", "tiny"},
		{"containers", "KeysPerRing", "21"},
		{"containers", "QuotaShare", "1.5"},
		{"containers", "LogRetentionDays", "31"},
		{"containers", "AllowedCidr", "::/0"},
		{"containers", "AllowedPrefixListId", "sg-1"},
		{"containers", "LoadBalancerScheme", "private"},
		{"cdn", "CdnCertificateArn", "arn:aws:acm:eu-west-1:111122223333:certificate/1"},
		{"cdn", "LoadBalancerArn", "app/acme/0123456789abcdef"},
		{"cdn", "DnsTarget", "https://internal-acme-1.eu-west-1.elb.amazonaws.com"},
		{"cdn", "DomainName", "*"},
		{"cdn", "WebAclArn", "arn:aws:wafv2:eu-west-1:111122223333:regional/webacl/acme/1"},
		{"endpoints", "VpcCidr", "10.0.0.0"},
		{"lambda", "CodeBucket", "s3://programs"},
		{"lambda", "CodeBucket", "Programs"},
		{"lambda", "CodeKey", ""},
		{"lambda", "CodeKey", "/lambda.zip"},
		{"lambda", "Architecture", "amd64"},
		{"lambda", "MaxConcurrency", "1"},
		{"lambda", "DomainName", "Portal.example.com"},
		{"data", "QueueVisibility", "29"},
		{"data", "QueueVisibility", "901"},
		{"operations", "PortalLogGroup", ""},
		{"operations", "AlarmEmail", "ops"},
		{"marketplace", "MarketplaceQueueArn", "arn:aws:sqs:eu-west-1:111122223333:acme.fifo"},
		{"marketplace", "SubscriptionTopicArn", "arn:aws:sns:eu-west-1:287250355862:aws-mp-subscription-notification-1"},
	} {
		parameters := with(variants[c.template][""], map[string]string{c.parameter: c.value})
		_, err := deploytest.Read(t, c.template).Resolve(template.Stack{Name: "acme", Account: "111122223333", Region: "us-east-1", Parameters: parameters})
		if err == nil || !strings.Contains(err.Error(), "parameter "+c.parameter) {
			t.Errorf("%s with %s=%q: %v", c.template, c.parameter, c.value, err)
		}
	}
}

func TestTheMarketplaceStackBelongsIntoItsRegion(t *testing.T) {
	t.Parallel()
	_, err := deploytest.Read(t, "marketplace").Resolve(template.Stack{Name: "acme", Region: "eu-west-1", Parameters: variants["marketplace"][""]})
	if err == nil || !strings.Contains(err.Error(), "us-east-1") {
		t.Errorf("in another Region: %v", err)
	}
}

func TestMailBySESNeedsASender(t *testing.T) {
	t.Parallel()
	parameters := with(variants["identity"]["everything"], map[string]string{"MailFrom": ""})
	_, err := deploytest.Read(t, "identity").Resolve(template.Stack{Name: "acme", Parameters: parameters})
	if err == nil || !strings.Contains(err.Error(), "SesIdentityArn needs MailFrom") {
		t.Errorf("without a sender: %v", err)
	}
}

// IAM refuses a managed policy of more than 6,144 characters, not counting spaces
// (https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_iam-quotas.html).
func TestPoliciesFitIntoIAM(t *testing.T) {
	t.Parallel()
	parameters := with(variants["permissions"]["everything"], map[string]string{
		"DataStack": strings.Repeat("a", 40), "CatalogBucket": strings.Repeat("b", 63), "CatalogPrefix": strings.Repeat("p", 200),
		"FormerKmsKeyArns": strings.Repeat(exampleKey+",", 4) + exampleKey, "MarketplaceRoleArn": "arn:aws:iam::444455556666:role/" + strings.Repeat("r", 64),
	})
	r := deploytest.Resolve(t, "permissions", template.Stack{Name: "acme", Account: "111122223333", Region: "ap-southeast-2", Partition: "aws-us-gov", Parameters: parameters})
	for _, resource := range r.Named("AWS::IAM::ManagedPolicy") {
		text, err := json.Marshal(deploytest.Properties(t, r, resource)["PolicyDocument"])
		ok(t, err)
		if size := len(strings.ReplaceAll(string(text), " ", "")); size > 6144 || size < 1000 {
			t.Errorf("%s has %d characters", resource, size)
		}
	}
}

// CloudFormation takes a template of at most 51,200 bytes directly; larger ones would need a bucket.
func TestTemplatesNeedNoBucket(t *testing.T) {
	t.Parallel()
	for _, name := range names(t) {
		info, err := fs.Stat(deploy.Templates, "cloudformation/"+name+".yaml")
		ok(t, err)
		if info.Size() > 51200 {
			t.Errorf("%s has %d bytes", name, info.Size())
		}
	}
}

var (
	shellBlock = regexp.MustCompile("(?s)\n```sh\n(.*?)\n```")
	stackLine  = regexp.MustCompile(`(?m)^(?:[A-Z_]+=\S+ )*stack acme\S* ([a-z]+)(.*)$`)
	given      = regexp.MustCompile(`([A-Z][A-Za-z]+)=`)
)

func TestTheCommandsOfThePageFitTheTemplates(t *testing.T) {
	t.Parallel()
	text, err := os.ReadFile("../docs/deploy.md")
	ok(t, err)
	used := map[string]bool{}
	for _, block := range shellBlock.FindAllStringSubmatch(string(text), -1) {
		commands := strings.ReplaceAll(block[1], "\\\n", " ")
		check := exec.CommandContext(t.Context(), "bash", "-n")
		check.Stdin = strings.NewReader(commands)
		if out, err := check.CombinedOutput(); err != nil {
			t.Errorf("bash cannot read this (%v, %s):\n%s", err, out, commands)
		}
		for _, line := range stackLine.FindAllStringSubmatch(commands, -1) {
			used[line[1]] = true
			parameters := deploytest.Read(t, line[1]).Parameters
			for _, parameter := range given.FindAllStringSubmatch(line[2], -1) {
				if _, known := parameters[parameter[1]]; !known {
					t.Errorf("%s.yaml has no parameter %s", line[1], parameter[1])
				}
			}
		}
	}
	for _, name := range names(t) {
		if !used[name] {
			t.Errorf("no command creates a stack of %s.yaml", name)
		}
	}
}

var listedName = regexp.MustCompile("(?m)^\\| `([A-Za-z]+)` \\|")

// docs/deploy.md has a chapter "### <name>.yaml" with three tables for each template.
func TestThePageListsParametersConditionsAndOutputs(t *testing.T) {
	t.Parallel()
	text, err := os.ReadFile("../docs/deploy.md")
	ok(t, err)
	for _, name := range names(t) {
		_, chapter, found := strings.Cut(string(text), "\n### "+name+".yaml\n")
		if !found {
			t.Errorf("the page has no chapter for %s.yaml", name)
			continue
		}
		chapter, _, _ = strings.Cut(chapter, "\n##")
		read := deploytest.Read(t, name)
		var want, got []string
		for _, all := range [][]string{slices.Sorted(maps.Keys(read.Parameters)), slices.Sorted(maps.Keys(read.Conditions)), slices.Sorted(maps.Keys(read.Outputs))} {
			want = append(want, all...)
		}
		for _, found := range listedName.FindAllStringSubmatch(chapter, -1) {
			got = append(got, found[1])
		}
		slices.Sort(want)
		slices.Sort(got)
		if !slices.Equal(got, want) {
			t.Errorf("%s.yaml has\n%q, and the page lists\n%q", name, want, got)
		}
	}
}
