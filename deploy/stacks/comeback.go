package stacks

import (
	"maps"
	"slices"
	"strings"

	"github.com/gatehouse-portal/gatehouse/shell"
)

// derived are parameters that a deployment finds out without the operator, or that flags set.
var derived = []string{
	"DataStack", "KmsKeyArn", "PortalPolicyArns", "WorkerPolicyArns", "CodeBucket", "CodeKey", "Architecture", "OidcIssuer", "OidcClientId", "OidcSignUpUrl",
	"OidcSignOutUrl", "AdminGroup", "Size", "Workers", "Trail", "Seller", "MarketplaceTopics", "MarketplaceAccounts", "DomainName", "CertificateArn", "HostedZoneId",
	"Image", "VpcId", "SubnetIds",
}

// comeback is the command that deploys a portal again as it is, or "" if portal and workers do not run. Values that
// CloudFormation hides are left out.
func (d Deployer) comeback(name string, all []stack) (string, error) {
	i := slices.IndexFunc(all, func(one stack) bool { return one.runs() && one.exists() })
	if i < 0 {
		return "", nil
	}
	running := all[i]
	words := []string{"gatehouse deploy", "--region", d.AWS.Region, "--stack", name, "--run", string(runModeOf(running))}
	flag := func(flag, list string) {
		for value := range strings.SplitSeq(list, ",") {
			if value != "" {
				words = append(words, flag, shell.Word(value))
			}
		}
	}
	p := running.parameters
	for _, one := range [][2]string{
		{"--host", p["DomainName"]}, {"--certificate", p["CertificateArn"]}, {"--zone", p["HostedZoneId"]}, {"--image", p["Image"]}, {"--vpc", p["VpcId"]}, {"--subnet", p["SubnetIds"]},
	} {
		flag(one[0], one[1])
	}
	if !hasIdentity(all) {
		flag("--issuer", p["OidcIssuer"])
		flag("--client-id", p["OidcClientId"])
	}
	given := map[string]string{}
	for _, one := range all {
		if !one.exists() {
			continue
		}
		switch one.template {
		case "operations":
			flag("--alarm-email", one.parameters["AlarmEmail"])
		case "trail", "marketplace", "demo":
			words = append(words, "--"+one.template)
		case "endpoints":
			flag("--vpc-cidr", one.parameters["VpcCidr"])
			flag("--route-table", one.parameters["RouteTableIds"])
		case "cdn":
			flag("--cdn-certificate", one.parameters["CdnCertificateArn"])
			flag("--zone", one.parameters["CdnHostedZoneId"])
		}
		if one.runs() || one.template == "permissions" {
			if err := chosen(one, given); err != nil {
				return "", err
			}
		}
	}
	for _, parameter := range slices.Sorted(maps.Keys(given)) {
		words = append(words, "--parameter", shell.Word(parameter+"="+given[parameter]))
	}
	return strings.Join(words, " "), nil
}

// chosen adds the parameters of a stack that an operator has given another value than the template.
func chosen(one stack, given map[string]string) error {
	t, err := one.read()
	if err != nil {
		return err
	}
	for name, p := range t.Parameters {
		value, has := one.parameters[name]
		if has && !p.NoEcho && !slices.Contains(derived, name) && p.Default != nil && !p.IsDefault(value) {
			given[name] = value
		}
	}
	return nil
}
