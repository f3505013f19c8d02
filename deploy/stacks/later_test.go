package stacks_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/gatehouse-portal/gatehouse/deploy/stacks"
)

// This file tests what operators add to a portal, or change, after its first deployment.

func (a *account) inContainers(run stacks.RunMode) stacks.Settings {
	s := a.settings("acme")
	s.Run, s.Image, s.VPC, s.Subnets = run, "000000000000.dkr.ecr.us-east-1.amazonaws.com/gatehouse:1", "vpc-1", []string{"subnet-1", "subnet-2"}
	return s
}

func TestEndpointsAreAddedLaterInTheVPCOfTheContainers(t *testing.T) {
	t.Parallel()
	a := newAccount(t)
	_, err := a.deploy(a.inContainers(stacks.Containers))
	ok(t, err)
	_, err = a.deploy(stacks.Settings{Name: "acme", Options: stacks.Options{VPCCIDR: "10.0.0.0/16", RouteTables: []string{"rtb-1"}}})
	ok(t, err)
	if is := a.parameters("acme-endpoints"); is["VpcId"] != "vpc-1" || is["SubnetIds"] != "subnet-1,subnet-2" {
		t.Errorf("the endpoints have %v", is)
	}
}

func TestNoticesAddedLaterAlarmWhoGetsTheOtherAlarms(t *testing.T) {
	t.Parallel()
	a := newAccount(t)
	_, err := a.deploy(a.settings("acme"))
	ok(t, err)
	_, err = a.deploy(stacks.Settings{Name: "acme", Zip: a.zip, Options: stacks.Options{Marketplace: true}})
	ok(t, err)
	if is := a.parameters("acme-marketplace")["AlarmEmail"]; is != "ops@example.com" {
		t.Errorf("alarms about notices go to %q", is)
	}
}

// The dashboard shows the load balancer if there is one, and otherwise the HTTP API.
func TestTheAlarmsForgetALoadBalancerThatIsGone(t *testing.T) {
	t.Parallel()
	a := newAccount(t)
	_, err := a.deploy(a.inContainers(stacks.Containers))
	ok(t, err)
	if a.parameters("acme-operations")["LoadBalancerName"] == "" {
		t.Fatal("no load balancer is watched")
	}
	_, err = a.deploy(stacks.Settings{Name: "acme", Run: stacks.Small})
	ok(t, err)
	if is := a.parameters("acme-operations"); is["LoadBalancerName"] != "" || is["HttpApiId"] == "" {
		t.Errorf("the alarms watch %v", is)
	}
	again, err := a.deploy(stacks.Settings{Name: "acme"})
	if err != nil || again.Changed {
		t.Errorf("a second time it says %v, %+v", err, again)
	}
}

func TestANewPortalSaysWhatIsLeftToDo(t *testing.T) {
	t.Parallel()
	a := newAccount(t)
	s := a.settings("acme")
	s.Trail = true
	result, err := a.deploy(s)
	ok(t, err)
	said := strings.Join(result.Warnings, "\n")
	for _, part := range []string{
		"--parameter SesIdentityArn=…", "AWS has sent ops@example.com a mail with a link", "docs/deploy.md#offer-a-plan", "AWS CloudTrail needs a trail",
	} {
		if !strings.Contains(said, part) {
			t.Errorf("it does not say %q:\n%s", part, said)
		}
	}
	again, err := a.deploy(stacks.Settings{Name: "acme", Zip: a.zip})
	ok(t, err)
	if said := strings.Join(again.Warnings, "\n"); strings.Contains(said, "a mail with a link") || strings.Contains(said, "offer-a-plan") || strings.Contains(said, "CloudTrail") {
		t.Errorf("a second time it says %s", said)
	}
}

func TestADestroyedPortalThatKeepsItsDataComesBackByTheCommandThatIsPrinted(t *testing.T) {
	t.Parallel()
	a := newAccount(t)
	s := a.inContainers(stacks.Small)
	s.Trail = true
	s.Parameters = map[string]string{"Offer": "all", "MailFrom": "Acme <portal@example.com>", "SesIdentityArn": "arn:aws:ses:us-east-1:000000000000:identity/example.com"}
	_, err := a.deploy(s)
	ok(t, err)
	before := a.parameters("acme-containers")
	ok(t, a.deployer().Destroy(t.Context(), "acme", true, nil))
	said := strings.Join(a.told, "\n")
	for _, part := range []string{
		"gatehouse deploy --region us-east-1 --stack acme --run small --host portal.example.com --certificate " + certificate, " --image " + s.Image, "--vpc vpc-1 --subnet subnet-1 --subnet subnet-2",
		"--alarm-email ops@example.com", "--trail", "--parameter Offer=all", "--parameter 'MailFrom=Acme <portal@example.com>'",
	} {
		if !strings.Contains(said, part) {
			t.Errorf("it does not say %q:\n%s", part, said)
		}
	}
	for _, derived := range []string{"KmsKeyArn", "OidcClientId", "PolicyArns", "DataStack", "WorkerRoles", "Trail=", "Workers="} {
		if strings.Contains(said, "--parameter "+derived) || strings.Contains(said, "'"+derived) {
			t.Errorf("it says %s:\n%s", derived, said)
		}
	}
	if slices.Contains(a.left(), "stack acme-containers") {
		t.Fatal("the portal runs still")
	}
	s.Trail = false // SQS does not give the name of a deleted queue again for a minute
	_, err = a.deploy(s)
	ok(t, err)
	for name, was := range before {
		if is := a.parameters("acme-containers")[name]; is != was && name != "Trail" && !strings.HasSuffix(name, "PolicyArns") {
			t.Errorf("%s was %q and is %q", name, was, is)
		}
	}
}

func TestCommandsThatAreToBeRunNameTheRegion(t *testing.T) {
	t.Parallel()
	a := newAccount(t)
	_, err := a.deploy(a.settings("acme"))
	ok(t, err)
	_, err = a.deploy(stacks.Settings{Name: "acme", Run: stacks.Small})
	if err == nil || !strings.Contains(err.Error(), "aws cloudformation delete-stack --region us-east-1 --stack-name acme-lambda") {
		t.Errorf("it says %v", err)
	}
	ok(t, a.deployer().Destroy(t.Context(), "acme", false, nil))
	if !a.hasTold("aws kms cancel-key-deletion --region us-east-1 --key-id") {
		t.Errorf("it told %q", a.told)
	}
}
