package stacks_test

import (
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation"

	"github.com/gatehouse-portal/gatehouse/deploy/stacks"
)

func (a *account) parameter(stack, name string) string {
	a.t.Helper()
	out, err := cloudformation.NewFromConfig(a.AWSConfig()).DescribeStacks(a.t.Context(), &cloudformation.DescribeStacksInput{StackName: &stack})
	ok(a.t, err)
	for _, p := range out.Stacks[0].Parameters {
		if aws.ToString(p.ParameterKey) == name {
			return aws.ToString(p.ParameterValue)
		}
	}
	return ""
}

func TestAPortalNeedsNoHostNameOfItsOwn(t *testing.T) {
	t.Parallel()
	a := newAccount(t)
	s := stacks.Settings{Name: "acme", Admin: admin, Zip: a.zip}
	result, err := a.deploy(s)
	ok(t, err)
	host := strings.TrimPrefix(result.Address, "https://")
	if !strings.HasSuffix(host, ".execute-api.us-east-1.amazonaws.com") || result.DNSTarget != "" || a.parameter("acme-identity", "DomainName") != host {
		t.Errorf("the result is %+v, and people return to %s", result, a.parameter("acme-identity", "DomainName"))
	}
	again, err := a.deploy(s)
	if err != nil || again.Changed || again.Address != result.Address {
		t.Errorf("a second time it says %v, %+v", err, again)
	}
	s.Host = "portal.example.com"
	if _, err = a.deploy(s); err == nil || !strings.Contains(err.Error(), "needs --certificate") {
		t.Errorf("a host name without a certificate says %v", err)
	}
	s.Certificate = certificate
	own, err := a.deploy(s)
	if err != nil || own.Address != "https://portal.example.com" || a.parameter("acme-identity", "DomainName") != s.Host {
		t.Errorf("with a host name it says %v, %+v, and people return to %s", err, own, a.parameter("acme-identity", "DomainName"))
	}
}

func TestAnInterruptionBeforeTheAddressIsKnownIsMadeUpFor(t *testing.T) {
	t.Parallel()
	a := newAccount(t)
	s := stacks.Settings{Name: "acme", Zip: a.zip}
	a.CloudFormation().Fail("acme-identity", "Client", "No")
	if _, err := a.deploy(s); err == nil {
		t.Fatal("the identity stack was created")
	}
	a.CloudFormation().Fail("acme-operations", "Alarms", "No")
	if _, err := a.deploy(s); err == nil {
		t.Fatal("the operations stack was created")
	}
	result, err := a.deploy(s)
	ok(t, err)
	if host := a.parameter("acme-identity", "DomainName"); "https://"+host != result.Address {
		t.Errorf("people return to %s", host)
	}
}

// The next run takes the settings of a stack whose creation failed from that stack.
func TestSettingsOfAFailedStackAreKept(t *testing.T) {
	t.Parallel()
	a := newAccount(t)
	a.CloudFormation().Fail("acme-lambda", "HttpApiDomain", "No")
	if _, err := a.deploy(a.settings("acme")); err == nil {
		t.Fatal("the stack was created")
	}
	result, err := a.deploy(stacks.Settings{Name: "acme", Zip: a.zip})
	if err != nil || result.Address != "https://"+host {
		t.Errorf("it says %v, %+v", err, result)
	}
}
