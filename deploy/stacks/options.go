package stacks

import (
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"

	"github.com/gatehouse-portal/gatehouse/deploy/template"
)

// Options are the stacks that a portal may have beside those that every portal has. A portal that has one keeps it.
type Options struct {
	// Demo adds the demo API with its plans.
	Demo bool
	// CDNCertificate adds CloudFront. It is the ARN of the host name's certificate in us-east-1.
	CDNCertificate string
	// VPCCIDR and RouteTables add VPC endpoints. They are the VPC's addresses, and the route tables of the subnets.
	VPCCIDR     string
	RouteTables []string
	// Marketplace adds the way of AWS Marketplace's notices to the portal, whose AWS account is the seller.
	Marketplace bool
	// Trail adds the queue and the rule by which workers notice changes that are made directly in API Gateway.
	Trail bool
	// KeyUsers are the ARNs of operators who may compute API keys, beside the caller and the portal's roles. Then
	// nobody else may. Without any, the policies of the AWS account decide, or what the data stack has already.
	KeyUsers []string
}

// wants reports whether an option adds the stack of a layer.
func (o Options) wants(l layer) bool {
	switch l.template {
	case "demo":
		return o.Demo
	case "cdn":
		return o.CDNCertificate != ""
	case "endpoints":
		return o.VPCCIDR != "" || len(o.RouteTables) > 0
	case "marketplace":
		return o.Marketplace
	case "trail":
		return o.Trail
	}
	return false
}

var (
	cdnCertForm   = regexp.MustCompile(`^arn:[a-z-]+:acm:us-east-1:[0-9]{12}:certificate/.+$`)
	cidrForm      = regexp.MustCompile(`^[0-9.]+/[0-9]+$`)
	principalForm = regexp.MustCompile(`^arn:[a-z-]+:iam::[0-9]{12}:(role|user)/.+$`)
)

// faults says everything that is wrong with the options by themselves.
func (o Options) faults() (all []error) {
	wrong := func(format string, args ...any) { all = append(all, fmt.Errorf(format, args...)) }
	if o.CDNCertificate != "" && !cdnCertForm.MatchString(o.CDNCertificate) {
		wrong("the certificate %q for CloudFront must be an ARN of AWS Certificate Manager in us-east-1, where CloudFront looks for it", o.CDNCertificate)
	}
	if (o.VPCCIDR == "") != (len(o.RouteTables) == 0) {
		wrong("VPC endpoints need both the VPC's addresses and the route tables of its subnets")
	}
	if o.VPCCIDR != "" && !cidrForm.MatchString(o.VPCCIDR) {
		wrong("the VPC's addresses %q must be a range like 10.0.0.0/16", o.VPCCIDR)
	}
	for _, arn := range o.KeyUsers {
		if !principalForm.MatchString(arn) {
			wrong("the key user %q must be the ARN of a role or user, like arn:aws:iam::111122223333:role/operator, and not that of a session", arn)
		}
	}
	return all
}

// parameters are the parameters by which the options become part of the stacks.
func (o Options) parameters() map[string]string {
	return map[string]string{"CdnCertificateArn": o.CDNCertificate, "VpcCidr": o.VPCCIDR, "RouteTableIds": strings.Join(o.RouteTables, ",")}
}

// behindCDN reports whether CloudFront is, or will be, in front of the portal.
func (s Settings) behindCDN(all []stack) bool {
	return slices.ContainsFunc(all, func(one stack) bool { return one.template == "cdn" && s.wants(one.layer, one.exists()) })
}

// watchesTrail reports whether the portal has, or will have, the queue of changes in API Gateway.
func (s Settings) watchesTrail(all []stack) bool {
	return slices.ContainsFunc(all, func(one stack) bool { return one.template == "trail" && s.wants(one.layer, one.exists()) })
}

// longestRole is what a role's name may have at most, and randomPart what AWS CloudFormation adds to it: a hyphen and
// random characters.
const longestRole, randomPart = 64, 14

// workerRoles is how the name of the workers' role begins. It is "" if AWS CloudFormation would cut the name.
func (s Settings) workerRoles() string {
	begins := map[RunMode]string{Lambda: "-lambda-WorkerRole", Containers: "-containers-WorkerRole", Small: "-containers-SmallRole"}[s.Run]
	if begins == "" || len(s.Name+begins)+randomPart > longestRole {
		return ""
	}
	return s.Name + begins + "-"
}

// sellsHere reports whether the portal's AWS account is the seller on AWS Marketplace, and no role in another one.
func (s Settings) sellsHere(all []stack) bool {
	role := s.Parameters["MarketplaceRoleArn"]
	sells := false
	for _, one := range all {
		if one.template == "permissions" && role == "" {
			role = one.parameters["MarketplaceRoleArn"]
		}
		sells = sells || one.template == marketplaceLayer.template && s.wants(one.layer, one.exists())
	}
	return sells && role == ""
}

// optionFaults says what the options need and the portal does not have.
func (s Settings) optionFaults(all []stack, running stack) (faults []error) {
	wrong := func(format string, args ...any) { faults = append(faults, fmt.Errorf(format, args...)) }
	if s.Run != Containers && s.Options.wants(layer{template: "cdn"}) {
		wrong("CloudFront needs --run containers: it cannot be in front of a portal that runs as %s", s.Run)
	}
	if s.Run == Lambda && s.Options.wants(layer{template: "endpoints"}) {
		wrong("VPC endpoints are for containers: a portal on AWS Lambda is in no VPC")
	}
	if !s.behindCDN(all) || s.Run != Containers {
		return faults
	}
	if s.Parameters["LoadBalancerScheme"] == "internet-facing" {
		wrong("this portal is behind CloudFront, so its load balancer must be internal. To do without CloudFront, first delete its stack:\naws cloudformation delete-stack --region %s --stack-name %s-cdn", s.region, s.Name)
	}
	var missing []string
	for _, name := range []string{"AllowedPrefixListId", "TrustedProxies"} {
		have := running.parameters[name]
		if name == "TrustedProxies" && have == "private" {
			have = "" // the template's default
		}
		if s.Parameters[name] == "" && have == "" {
			missing = append(missing, "--parameter "+name+"=…")
		}
	}
	if len(missing) > 0 {
		wrong("a portal behind CloudFront also needs %s, with CloudFront's addresses. docs/deploy.md#behind-cloudfront has the commands that list them", strings.Join(missing, " and "))
	}
	return faults
}

// marketLists are parameters that the marketplace stack has as outputs. Operators may have added further ones.
var marketLists = []string{"MarketplaceTopics", "MarketplaceAccounts"}

// joined is a list with the members of another list that it lacks. Commas separate members.
func joined(list, more string) string {
	var all []string
	for _, one := range strings.Split(list+","+more, ",") {
		if one = strings.TrimSpace(one); one != "" && !slices.Contains(all, one) {
			all = append(all, one)
		}
	}
	return strings.Join(all, ",")
}

// ownRole matches the roles of a portal's stacks, which have other names after each time that they are made.
func ownRole(name string) *regexp.Regexp {
	return regexp.MustCompile(`:role/` + regexp.QuoteMeta(name) + `-(lambda|containers)-(Portal|Worker|Small)Role-[A-Za-z0-9]+$`)
}

// keyUsers says who may compute API keys. It is "" if that is not limited: if neither the settings nor the data
// stack name anybody. had are those whom the data stack names; roles of the portal that no longer exist are left
// out, since KMS refuses a policy with them.
func (s Settings) keyUsers(had, roles, me string) string {
	if len(s.Options.KeyUsers) == 0 && had == "" {
		return ""
	}
	operators := s.Options.KeyUsers
	if len(operators) == 0 {
		own := ownRole(s.Name)
		operators = slices.DeleteFunc(strings.Split(had, ","), own.MatchString)
	}
	return joined(joined(roles, strings.Join(operators, ",")), me)
}

// feedback are parameters of the data stack that follow from stacks which are made after it.
func (r *run) feedback(t template.Template, data stack, all []stack) map[string]string {
	given := map[string]string{}
	roles := ""
	for _, one := range all {
		if !one.usable() {
			continue
		}
		if one.runs() {
			roles = one.outputs["KeyUsers"]
		}
		for _, name := range marketLists {
			if one.template == marketplaceLayer.template {
				given[name] = joined(data.parameters[name], one.outputs[name])
			}
		}
	}
	if users := r.settings.keyUsers(data.parameters["KeyUsers"], roles, r.me); users != "" && (roles != "" || data.usable()) {
		given["KeyUsers"] = users
	}
	maps.DeleteFunc(given, func(name, _ string) bool {
		_, known := t.Parameters[name]
		_, chosen := r.settings.Parameters[name]
		return !known || chosen
	})
	return given
}
