package stacks_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation"

	"github.com/gatehouse-portal/gatehouse/deploy/stacks"
)

// contained are the settings of a portal in containers.
func (a *account) contained(name string) stacks.Settings {
	s := a.settings(name)
	s.Run, s.Image, s.VPC, s.Subnets, s.Zip = stacks.Containers, "000000000000.dkr.ecr.us-east-1.amazonaws.com/gatehouse:1", "vpc-1", []string{"subnet-1", "subnet-2"}, ""
	return s
}

// parameters are those that a stack has now.
func (a *account) parameters(stack string) map[string]string {
	a.t.Helper()
	out, err := cloudformation.NewFromConfig(a.AWSConfig()).DescribeStacks(a.t.Context(), &cloudformation.DescribeStacksInput{StackName: &stack})
	ok(a.t, err)
	all := map[string]string{}
	for _, p := range out.Stacks[0].Parameters {
		all[aws.ToString(p.ParameterKey)] = aws.ToString(p.ParameterValue)
	}
	return all
}

func (a *account) outputs(stack string) map[string]string {
	a.t.Helper()
	out, err := cloudformation.NewFromConfig(a.AWSConfig()).DescribeStacks(a.t.Context(), &cloudformation.DescribeStacksInput{StackName: &stack})
	ok(a.t, err)
	all := map[string]string{}
	for _, o := range out.Stacks[0].Outputs {
		all[aws.ToString(o.OutputKey)] = aws.ToString(o.OutputValue)
	}
	return all
}

func planned(plan stacks.Plan, name string) stacks.StackPlan {
	i := slices.IndexFunc(plan.Stacks, func(s stacks.StackPlan) bool { return s.Name == name })
	if i < 0 {
		return stacks.StackPlan{}
	}
	return plan.Stacks[i]
}

func TestCloudFrontIsPutInFrontOfAPortal(t *testing.T) {
	t.Parallel()
	a := newAccount(t)
	s := a.contained("acme")
	s.Zone = "Z1"
	_, err := a.deploy(s)
	ok(t, err)
	s = stacks.Settings{Name: "acme", Options: stacks.Options{CDNCertificate: certificate}}
	_, err = a.deploy(s)
	if err == nil || !strings.Contains(err.Error(), "needs --parameter AllowedPrefixListId=… and --parameter TrustedProxies=…") {
		t.Fatalf("without CloudFront's addresses it says %v", err)
	}
	s.Parameters = map[string]string{"AllowedPrefixListId": "pl-1", "TrustedProxies": "private,130.176.0.0/17"}
	plan, err := a.deployer().Diff(t.Context(), s)
	ok(t, err)
	if cdn := planned(plan, "acme-cdn"); cdn.Action != stacks.Create || len(cdn.Changes) == 0 || planned(plan, "acme-containers").Action != stacks.Update {
		t.Errorf("the plan is %+v", plan)
	}
	// AWS refuses a target group that is to belong to two load balancers.
	for _, resource := range []string{"LoadBalancer", "TargetGroup"} {
		if !slices.ContainsFunc(planned(plan, "acme-containers").Changes, func(c stacks.Change) bool { return c.Resource == resource && c.Kind == stacks.Replace }) {
			t.Errorf("%s is not replaced", resource)
		}
	}
	result, err := a.deploy(s)
	ok(t, err)
	p, cdn := a.parameters("acme-containers"), a.parameters("acme-cdn")
	if p["LoadBalancerScheme"] != "internal" || p["HostedZoneId"] != "" || cdn["CdnHostedZoneId"] != "Z1" || cdn["DomainName"] != host || cdn["LoadBalancerArn"] != a.outputs("acme-containers")["LoadBalancerArn"] {
		t.Errorf("the stacks have %v and %v", p, cdn)
	}
	if result.Address != "https://"+host || result.DNSTarget != "" {
		t.Errorf("the result is %+v", result)
	}
	public := stacks.Settings{Name: "acme", Parameters: map[string]string{"LoadBalancerScheme": "internet-facing"}}
	if _, err := a.deploy(public); err == nil || !strings.Contains(err.Error(), "delete-stack --region us-east-1 --stack-name acme-cdn") {
		t.Errorf("a public load balancer behind CloudFront is answered %v", err)
	}
	again, err := a.deploy(stacks.Settings{Name: "acme"})
	if err != nil || again.Changed {
		t.Errorf("a second time it says %v, %+v", err, again)
	}
	status, err := a.deployer().Status(t.Context(), "acme", "")
	ok(t, err)
	if !slices.ContainsFunc(status.Stacks, func(s stacks.StackStatus) bool { return s.Name == "acme-cdn" && s.Problem == "" }) {
		t.Errorf("the status is %+v", status.Stacks)
	}
	a.told = nil
	ok(t, a.deployer().Destroy(t.Context(), "acme", false, nil))
	if left := a.left(); len(left) > 0 {
		t.Errorf("there is still %q", left)
	}
	at := slices.Index(a.told, "Deleting the stack acme-cdn.")
	if at < 0 || slices.Contains(a.told[at+1:], "Deleting the stack acme-cdn.") || at > slices.Index(a.told, "Deleting the stack acme-containers.") {
		t.Errorf("CloudFront is not deleted once, before the load balancer:\n%s", strings.Join(a.told, "\n"))
	}
}

func TestTheHostNameOfCloudFrontPointsToIt(t *testing.T) {
	t.Parallel()
	a := newAccount(t)
	s := a.contained("acme")
	s.Options = stacks.Options{CDNCertificate: certificate}
	s.Parameters = map[string]string{"AllowedPrefixListId": "pl-1", "TrustedProxies": "private,130.176.0.0/17"}
	result, err := a.deploy(s)
	ok(t, err)
	if target := a.outputs("acme-cdn")["CdnTarget"]; result.DNSTarget != target || target == "" {
		t.Errorf("the result is %+v, and CloudFront is at %q", result, target)
	}
}

func TestVPCEndpointsAreAddedForContainers(t *testing.T) {
	t.Parallel()
	a := newAccount(t)
	s := a.contained("acme")
	s.Options = stacks.Options{VPCCIDR: "10.0.0.0/16", RouteTables: []string{"rtb-1", "rtb-2"}}
	_, err := a.deploy(s)
	ok(t, err)
	if p := a.parameters("acme-endpoints"); p["VpcId"] != "vpc-1" || p["SubnetIds"] != "subnet-1,subnet-2" || p["RouteTableIds"] != "rtb-1,rtb-2" || p["VpcCidr"] != "10.0.0.0/16" {
		t.Errorf("the endpoints have %v", p)
	}
	ok(t, a.deployer().Destroy(t.Context(), "acme", false, nil))
	if left := a.left(); len(left) > 0 {
		t.Errorf("there is still %q", left)
	}
}

func TestOptionsThatDoNotFitAreRefused(t *testing.T) {
	t.Parallel()
	a := newAccount(t)
	for name, c := range map[string]struct {
		options stacks.Options
		says    string
	}{
		"CloudFront before AWS Lambda":    {stacks.Options{CDNCertificate: certificate}, "CloudFront needs --run containers"},
		"a certificate of another Region": {stacks.Options{CDNCertificate: "arn:aws:acm:eu-west-1:000000000000:certificate/1"}, "in us-east-1, where CloudFront looks for it"},
		"VPC endpoints for AWS Lambda":    {stacks.Options{VPCCIDR: "10.0.0.0/16", RouteTables: []string{"rtb-1"}}, "VPC endpoints are for containers"},
		"VPC endpoints without routes":    {stacks.Options{VPCCIDR: "10.0.0.0/16"}, "both the VPC's addresses and the route tables"},
		"addresses that are none":         {stacks.Options{VPCCIDR: "vpc", RouteTables: []string{"rtb-1"}}, `"vpc" must be a range like 10.0.0.0/16`},
		"a session as a user of API keys": {stacks.Options{KeyUsers: []string{"arn:aws:sts::111122223333:assumed-role/a/b"}}, "must be the ARN of a role or user"},
	} {
		s := a.settings("acme")
		s.Options = c.options
		if _, err := a.deploy(s); err == nil || !strings.Contains(err.Error(), c.says) || len(a.left()) > 0 {
			t.Errorf("%s: it says %v", name, err)
		}
	}
}

func TestAPortalThatSellsGetsItsNotices(t *testing.T) {
	t.Parallel()
	a := newAccount(t)
	s := a.settings("acme")
	s.Marketplace = true
	_, err := a.deploy(s)
	ok(t, err)
	market, data, running := a.outputs("acme-marketplace"), a.parameters("acme"), a.parameters("acme-lambda")
	for _, name := range []string{"MarketplaceTopics", "MarketplaceAccounts"} {
		if market[name] == "" || data[name] != market[name] || running[name] != market[name] {
			t.Errorf("%s is %q for the notices, %q for the queue and %q for portal and workers", name, market[name], data[name], running[name])
		}
	}
	if a.parameters("acme-permissions")["Seller"] != "true" || a.parameters("acme-marketplace")["AlarmEmail"] != "ops@example.com" {
		t.Errorf("the permissions have %v", a.parameters("acme-permissions"))
	}
	// A topic of another listing that an operator has added stays.
	other := "arn:aws:sns:us-east-1:287250355862:aws-mp-subscription-notification-1"
	s = stacks.Settings{Name: "acme", Zip: a.zip, Parameters: map[string]string{"MarketplaceTopics": market["MarketplaceTopics"] + "," + other}}
	_, err = a.deploy(s)
	ok(t, err)
	again, err := a.deploy(stacks.Settings{Name: "acme", Zip: a.zip})
	ok(t, err)
	if topics := a.parameters("acme-lambda")["MarketplaceTopics"]; again.Changed || !strings.Contains(topics, other) || a.parameters("acme")["MarketplaceTopics"] != topics {
		t.Errorf("it changes something: %t. The topics are %q", again.Changed, topics)
	}
	ok(t, a.deployer().Destroy(t.Context(), "acme", false, nil))
	if left := a.left(); len(left) > 0 {
		t.Errorf("there is still %q", left)
	}
}

func TestWorkersAreToldOfChangesInAPIGateway(t *testing.T) {
	t.Parallel()
	a := newAccount(t)
	_, err := a.deploy(a.settings("acme"))
	ok(t, err)
	if is := a.parameters("acme-lambda")["Trail"]; is == "on" {
		t.Errorf("without the option, Trail is %q", is)
	}
	s := stacks.Settings{Name: "acme", Zip: a.zip}
	s.Trail = true
	_, err = a.deploy(s)
	ok(t, err)
	if roles := a.parameters("acme-trail")["WorkerRoles"]; roles != "acme-lambda-WorkerRole-" {
		t.Errorf("the rule leaves out the roles %q", roles)
	}
	for _, stack := range []string{"acme-lambda", "acme-permissions", "acme-operations"} {
		if is := a.parameters(stack)["Trail"]; is != "on" {
			t.Errorf("Trail of %s is %q", stack, is)
		}
	}
	again, err := a.deploy(stacks.Settings{Name: "acme", Zip: a.zip})
	ok(t, err)
	if again.Changed || a.parameters("acme-lambda")["Trail"] != "on" {
		t.Errorf("without the option again, it changes something: %t", again.Changed)
	}
	ok(t, a.deployer().Destroy(t.Context(), "acme", false, nil))
	if left := a.left(); len(left) > 0 {
		t.Errorf("there is still %q", left)
	}
}

func TestNoticesThatCouldNotBeDeliveredOutliveThePortal(t *testing.T) {
	t.Parallel()
	a := newAccount(t)
	s := a.settings("acme")
	s.Marketplace = true
	_, err := a.deploy(s)
	ok(t, err)
	queue := a.outputs("acme-marketplace")["DeadLetterQueueName"]
	a.send(queue)
	ok(t, a.deployer().Destroy(t.Context(), "acme", false, nil))
	if left := a.left(); len(left) != 1 || !strings.Contains(left[0], queue) || !a.hasTold("could not be delivered: "+queue+" in us-east-1") {
		t.Errorf("there is %q, and it told:\n%s", left, strings.Join(a.told, "\n"))
	}
}

func TestOnlyNamedOperatorsAndThePortalComputeAPIKeys(t *testing.T) {
	t.Parallel()
	a := newAccount(t)
	const operator, me = "arn:aws:iam::000000000000:role/operator", "arn:aws:iam::000000000000:user/local"
	users := func() []string { return strings.Split(a.parameters("acme")["KeyUsers"], ",") }
	_, err := a.deploy(a.settings("acme"))
	ok(t, err)
	if got := users(); got[0] != "" {
		t.Errorf("without being asked, only these may compute API keys: %q", got)
	}
	s := stacks.Settings{Name: "acme", Zip: a.zip, Options: stacks.Options{KeyUsers: []string{operator}}}
	plan, err := a.deployer().Diff(t.Context(), s)
	ok(t, err)
	if data := planned(plan, "acme"); data.Action != stacks.Update || data.Changes[0].Resource != "KmsKey" {
		t.Errorf("the plan is %+v", data)
	}
	_, err = a.deploy(s)
	ok(t, err)
	first := strings.Split(a.outputs("acme-lambda")["KeyUsers"], ",")
	if got, want := users(), append(slices.Clone(first), operator, me); !slices.Equal(got, want) {
		t.Errorf("these may compute API keys: %q, want %q", got, want)
	}
	// A portal that comes back has other roles.
	ok(t, a.deployer().Destroy(t.Context(), "acme", true, nil))
	_, err = a.deploy(a.settings("acme"))
	ok(t, err)
	second := strings.Split(a.outputs("acme-lambda")["KeyUsers"], ",")
	if got, want := users(), append(slices.Clone(second), operator, me); !slices.Equal(got, want) || slices.Equal(first, second) {
		t.Errorf("these may compute API keys afterwards: %q, want %q", got, want)
	}
	if again, err := a.deploy(stacks.Settings{Name: "acme", Zip: a.zip}); err != nil || again.Changed {
		t.Errorf("a third time it says %v, %+v", err, again)
	}
}
