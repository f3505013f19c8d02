package stacks

import (
	"errors"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"

	"github.com/gatehouse-portal/gatehouse/deploy/template"
)

// RunMode is how portal and workers run.
type RunMode string

// The ways to run.
const (
	Lambda     RunMode = "lambda"
	Containers RunMode = "containers"
	// Small is one container for portal and worker.
	Small RunMode = "small"
)

// RunModes lists the ways to run, the default first.
func RunModes() []RunMode { return []RunMode{Lambda, Containers, Small} }

// CheckRun says what is wrong with a way to run, if anything. "" leaves it open.
func CheckRun(m RunMode) error {
	if m == "" || slices.Contains(RunModes(), m) {
		return nil
	}
	return fmt.Errorf("the way to run %q must be lambda, containers or small", m)
}

// Settings are what an operator chooses. An empty setting leaves the stacks as they are.
type Settings struct {
	// Name is the name of the data stack, with which all names begin.
	Name string
	Run  RunMode
	// Host is the portal's host name, and Certificate the ARN of its certificate. Without them, a portal
	// on AWS Lambda has an address of API Gateway's.
	Host, Certificate string
	// Zone is the hosted zone in Route 53 that gets the host name's record, or "".
	Zone string
	// Admin is the e-mail address of the first admin.
	Admin string
	// AlarmEmail is who gets alarms.
	AlarmEmail string
	// Issuer and ClientID are another identity provider than a user pool of the portal's own.
	Issuer, ClientID string
	// Zip is the path of the zip for AWS Lambda.
	Zip string
	// Image, VPC and Subnets are for containers.
	Image, VPC string
	Subnets    []string
	Options
	// Parameters are further parameters, by name, of every template that has them.
	Parameters map[string]string
	// Allow lists resources, as stack/resource, that may be replaced or removed although they hold
	// data.
	Allow []string

	// cdn says that CloudFront is in front of the portal, and sells that its AWS account sells on AWS Marketplace.
	// watched says that workers read the queue of changes in API Gateway.
	cdn, sells, watched bool
	// region is the portal's, and alarmsTo who gets its alarms already.
	region, alarmsTo string
	// signInHost is the host name that people return to from the sign-in pages, if it is not Host.
	signInHost string
}

// pendingHost stands for an address of API Gateway's that does not exist yet.
const pendingHost = "pending.invalid"

var (
	nameForm = regexp.MustCompile(`^[a-z][a-z0-9-]{0,39}$`)
	hostForm = regexp.MustCompile(`^[a-z0-9-]+([.][a-z0-9-]+)+$`)
	mailForm = regexp.MustCompile(`^[^@\s]+@[^@\s]+[.][^@\s]+$`)
	certForm = regexp.MustCompile(`^arn:[a-z-]+:acm:([a-z0-9-]+):([0-9]{12}):certificate/.+$`)
)

// CheckName says what is wrong with a portal's name, if anything.
func CheckName(name string) error {
	if !nameForm.MatchString(name) {
		return fmt.Errorf("the stack name %q must be up to 40 lower-case letters, digits and hyphens, and begin with a letter", name)
	}
	return nil
}

// accountFaults says which certificates are not the AWS account's. AWS shares none between accounts.
func (s Settings) accountFaults(account string) error {
	var faults []error
	for _, given := range []string{s.Certificate, s.CDNCertificate} {
		if arn := certForm.FindStringSubmatch(given); arn != nil && arn[2] != account {
			faults = append(faults, fmt.Errorf("the certificate %s is in the AWS account %s, and must be in %s, where the portal is", given, arn[2], account))
		}
	}
	return errors.Join(faults...)
}

// Check says everything that is wrong with the settings by themselves, for a Region.
func (s Settings) Check(region string) error {
	faults := []error{CheckName(s.Name), CheckRun(s.Run)}
	wrong := func(format string, args ...any) { faults = append(faults, fmt.Errorf(format, args...)) }
	if s.Host != "" && !hostForm.MatchString(s.Host) {
		wrong("the host name %q must be lower-case and without https:// and a path, like portal.example.com", s.Host)
	}
	if arn := certForm.FindStringSubmatch(s.Certificate); s.Certificate != "" && arn == nil {
		wrong("the certificate %q must be an ARN of AWS Certificate Manager", s.Certificate)
	} else if arn != nil && arn[1] != region {
		wrong("the certificate is in %s, and must be in %s, where the portal is", arn[1], region)
	}
	if s.Admin != "" && !mailForm.MatchString(s.Admin) {
		wrong("the first admin %q must be an e-mail address", s.Admin)
	}
	// Alarms go to the first admin unless another address is given.
	if s.AlarmEmail != "" && s.AlarmEmail != s.Admin && !mailForm.MatchString(s.AlarmEmail) {
		wrong("the receiver of alarms %q must be an e-mail address", s.AlarmEmail)
	}
	for _, c := range []struct {
		flag, begins string
		given        []string
	}{{"--vpc", "vpc-", []string{s.VPC}}, {"--subnet", "subnet-", s.Subnets}, {"--route-table", "rtb-", s.RouteTables}} {
		for _, id := range c.given {
			if id != "" && !strings.HasPrefix(id, c.begins) {
				wrong("%s %q must be an id of AWS that begins with %s", c.flag, id, c.begins)
			}
		}
	}
	if (s.Issuer == "") != (s.ClientID == "") {
		wrong("another identity provider needs both its issuer and the portal's client id")
	}
	faults = append(faults, s.Options.faults()...)
	known := map[string]bool{}
	for _, l := range allLayers {
		t, err := l.read()
		if err != nil {
			return err
		}
		for name := range t.Parameters {
			known[name] = true
		}
	}
	for _, name := range slices.Sorted(maps.Keys(s.Parameters)) {
		if !known[name] {
			wrong("no template has a parameter %s; docs/deploy.md#reference lists them", name)
		}
	}
	for _, one := range s.Allow {
		if stack, resource, ok := strings.Cut(one, "/"); !ok || stack == "" || resource == "" {
			wrong("%q must name a stack and a resource in it, like acme/JournalTable", one)
		}
	}
	return errors.Join(faults...)
}

// flagsOf are the flags that become parameters and that Check leaves to the templates.
var flagsOf = map[string]string{"HostedZoneId": "--zone", "CdnHostedZoneId": "--zone", "Image": "--image", "OidcIssuer": "--issuer", "OidcClientId": "--client-id"}

// parameterFaults says which values the templates refuse of the stacks that the settings want. A parameter that
// several templates have is named once.
func (s Settings) parameterFaults(all []stack) error {
	var faults []error
	seen := map[string]bool{}
	for _, have := range all {
		if !s.wants(have.layer, have.exists()) {
			continue
		}
		t, err := have.read()
		if err != nil {
			return err
		}
		given := s.parameters(have.layer, t, !have.usable())
		for _, name := range slices.Sorted(maps.Keys(given)) {
			what := "--parameter " + name + "="
			if _, chosen := s.Parameters[name]; !chosen {
				if what = flagsOf[name]; what == "" {
					continue
				}
				what += " "
			}
			if fault := t.Parameters[name].Fault(given[name]); fault != "" && !seen[what] {
				seen[what] = true
				faults = append(faults, fmt.Errorf("%s%q %s", what, given[name], fault))
			}
		}
	}
	return errors.Join(faults...)
}

// parameters are the parameters of a layer that the operator has chosen. created says that the stack
// is new.
func (s Settings) parameters(l layer, t template.Template, created bool) map[string]string {
	own := map[string]string{
		"DomainName": s.Host, "CertificateArn": s.Certificate, "HostedZoneId": s.Zone, "AlarmEmail": s.AlarmEmail,
		"OidcIssuer": s.Issuer, "OidcClientId": s.ClientID, "Image": s.Image, "VpcId": s.VPC, "SubnetIds": strings.Join(s.Subnets, ","),
	}
	if l.template == "containers" && s.Run == Small {
		own["Size"] = "small"
	}
	if l.template == "containers" && s.Run == Containers {
		own["Size"] = "standard"
	}
	// An interrupted destruction may have stopped them.
	own[workersParameter] = workersRunning
	// AWS recommends to hide messages longer than a function may take.
	if l.template == "data" && created && s.Run == Lambda {
		own["QueueVisibility"] = "60"
	}
	if l.template == "identity" && (s.Host == "" || s.signInHost != "") {
		own["DomainName"] = s.signInHost
		if created && s.signInHost == "" {
			own["DomainName"] = pendingHost
		}
	}
	if l.template == marketplaceLayer.template && created && s.AlarmEmail == "" {
		own["AlarmEmail"] = s.alarmsTo
	}
	maps.Copy(own, s.Options.parameters())
	if l.template == "permissions" && s.sells {
		own["Seller"] = "true"
	}
	if slices.Contains([]string{"permissions", "lambda", "containers", "operations"}, l.template) && s.watched {
		own["Trail"] = "on"
	}
	own["WorkerRoles"] = s.workerRoles()
	if s.cdn {
		own["LoadBalancerScheme"], own["CdnHostedZoneId"] = "internal", s.Zone
	}
	maps.Copy(own, s.Parameters)
	maps.DeleteFunc(own, func(name, value string) bool {
		_, known := t.Parameters[name]
		_, given := s.Parameters[name]
		return !known || value == "" && !given
	})
	if s.cdn && l.template == "containers" {
		own["HostedZoneId"] = "" // the record belongs to the stack of CloudFront
	}
	return own
}
