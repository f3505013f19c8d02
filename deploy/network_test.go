package deploy_test

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/gatehouse-portal/gatehouse/deploy/deploytest"
	"github.com/gatehouse-portal/gatehouse/deploy/template"
)

func TestAPrivatePortalHasNoPublicAddress(t *testing.T) {
	t.Parallel()
	r := stackOf(t, "containers", "private", "acme")
	checkMembers(t, r, "LoadBalancer", map[string]any{"Scheme": "internal"})
	services := r.Named("AWS::ECS::Service")
	for _, service := range services {
		if got := deploytest.Find(deploytest.Properties(t, r, service), "NetworkConfiguration", "AwsvpcConfiguration", "AssignPublicIp"); got != "DISABLED" {
			t.Errorf("%s gives tasks public addresses: %v", service, got)
		}
	}
	if len(services) != 2 {
		t.Errorf("the services are %v", services)
	}
}

func TestRulesNameParametersThatContradictEachOther(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		template, want string
		parameters     map[string]string
	}{
		{"containers", "small size has no load balancer", map[string]string{"Size": "small", "LoadBalancerScheme": "internal"}},
		{"lambda", "DomainName needs CertificateArn", map[string]string{"CertificateArn": ""}},
		{"lambda", "CertificateArn needs DomainName", map[string]string{"DomainName": ""}},
		{"lambda", "HostedZoneId needs DomainName", map[string]string{"DomainName": "", "CertificateArn": "", "HostedZoneId": "Z1"}},
	} {
		parameters := with(variants[c.template][""], c.parameters)
		_, err := deploytest.Read(t, c.template).Resolve(template.Stack{Name: "acme", Account: "111122223333", Region: "us-east-1", Parameters: parameters})
		if err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s with %v: %v", c.template, c.parameters, err)
		}
	}
}

func TestEndpointsAreThoseOfTheServicesThatThePortalCalls(t *testing.T) {
	t.Parallel()
	r := stackOf(t, "endpoints", "", "acme")
	got := map[string]string{}
	for _, endpoint := range r.Named("AWS::EC2::VPCEndpoint") {
		properties := deploytest.Properties(t, r, endpoint)
		kind := fmt.Sprint(properties["VpcEndpointType"])
		got[strings.TrimPrefix(fmt.Sprint(properties["ServiceName"]), "com.amazonaws.us-east-1.")] = kind
		if kind == "Interface" {
			checkMembers(t, r, endpoint, map[string]any{"PrivateDnsEnabled": true, "SecurityGroupIds": []any{"acme-endpoints/SecurityGroup"}, "SubnetIds": []any{"subnet-1", "subnet-2"}})
		} else {
			checkMembers(t, r, endpoint, map[string]any{"RouteTableIds": []any{"rtb-1", "rtb-2"}})
		}
	}
	want := map[string]string{
		"dynamodb": "Gateway", "s3": "Gateway", "sqs": "Interface", "sns": "Interface", "kms": "Interface", "logs": "Interface",
		"ecr.api": "Interface", "ecr.dkr": "Interface", "secretsmanager": "Interface",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if rules := ingress(t, r, "SecurityGroup"); !slices.Equal(rules, []string{"443 from 10.0.0.0/16"}) {
		t.Errorf("the endpoints admit %q", rules)
	}
}

func TestWithoutADomainThePortalHasTheAddressOfTheHTTPAPI(t *testing.T) {
	t.Parallel()
	without := stackOf(t, "lambda", "without a domain", "acme")
	checkMembers(t, without, "HttpApi", map[string]any{"DisableExecuteApiEndpoint": false})
	for _, resource := range []string{"HttpApiDomain", "HttpApiMapping", "DnsRecord"} {
		if without.Has(resource) {
			t.Errorf("it has %s", resource)
		}
	}
	outputs, err := without.Outputs()
	ok(t, err)
	const host = "acme-lambda/HttpApi.execute-api.us-east-1.amazonaws.com"
	if _, target := outputs["DnsTarget"]; outputs["Address"] != "https://"+host || outputs["HostName"] != host || target {
		t.Errorf("the outputs are %v", outputs)
	}
	by := stackOf(t, "lambda", "", "acme")
	checkMembers(t, by, "HttpApi", map[string]any{"DisableExecuteApiEndpoint": true})
	outputs, err = by.Outputs()
	ok(t, err)
	if outputs["Address"] != "https://portal.example.com" || outputs["HostName"] != "portal.example.com" {
		t.Errorf("with a domain, the outputs are %v", outputs)
	}
}

func distribution(t *testing.T, variant string) map[string]any {
	t.Helper()
	config, _ := deploytest.Properties(t, stackOf(t, "cdn", variant, "acme"), "Distribution")["DistributionConfig"].(map[string]any)
	return config
}

// The policies of AWS are documented in the CloudFront Developer Guide, "Use managed cache policies" and
// "Use managed origin request policies".
func TestCloudFrontCachesFilesAndNothingElse(t *testing.T) {
	t.Parallel()
	const cachingDisabled, allViewer = "4135ea2d-6df8-44a3-9df3-4b5a84be39ad", "216adef6-5c7f-47e4-b989-5492eafa07d3"
	config := distribution(t, "")
	want := map[string]any{
		"TargetOriginId": "portal", "ViewerProtocolPolicy": "redirect-to-https", "CachePolicyId": cachingDisabled, "OriginRequestPolicyId": allViewer,
		"AllowedMethods": []any{"GET", "HEAD", "OPTIONS", "PUT", "PATCH", "POST", "DELETE"},
	}
	if diff := cmp.Diff(any(want), config["DefaultCacheBehavior"]); diff != "" {
		t.Errorf("what is not listed (-want +got):\n%s", diff)
	}
	var paths []string
	behaviors, _ := config["CacheBehaviors"].([]any)
	for _, one := range behaviors {
		behavior, _ := one.(map[string]any)
		path := fmt.Sprint(behavior["PathPattern"])
		paths = append(paths, path)
		want := map[string]any{
			"PathPattern": path, "TargetOriginId": "portal", "ViewerProtocolPolicy": "redirect-to-https",
			"CachePolicyId": "acme-cdn/FileCaching", "OriginRequestPolicyId": "acme-cdn/FileRequests",
		}
		if diff := cmp.Diff(want, behavior); diff != "" {
			t.Errorf("%s (-want +got):\n%s", path, diff)
		}
	}
	if want := []string{"/assets/*", "/branding/*", "/branding.*.css", "/favicon.ico", "/robots.txt", "/sitemap.xml", "/schemas/*"}; !slices.Equal(paths, want) {
		t.Errorf("cached are %q", paths)
	}
	r := stackOf(t, "cdn", "", "acme")
	caching := deploytest.Find(deploytest.Properties(t, r, "FileCaching"), "CachePolicyConfig")
	// With a longer least time, CloudFront would keep what the portal says must not be kept.
	if deploytest.Find(caching, "MinTTL") != 0.0 || deploytest.Find(caching, "DefaultTTL") != 0.0 {
		t.Errorf("files are cached by %v", caching)
	}
	for _, policy := range []any{deploytest.Find(caching, "ParametersInCacheKeyAndForwardedToOrigin"), deploytest.Find(deploytest.Properties(t, r, "FileRequests"), "OriginRequestPolicyConfig")} {
		if deploytest.Find(policy, "CookiesConfig", "CookieBehavior") != "none" {
			t.Errorf("cookies come with requests for files: %v", policy)
		}
	}
	if got := deploytest.Find(deploytest.Properties(t, r, "FileRequests"), "OriginRequestPolicyConfig", "HeadersConfig"); !cmp.Equal(got, any(map[string]any{"HeaderBehavior": "whitelist", "Headers": []any{"Host"}})) {
		t.Errorf("with requests for files come %v", got)
	}
}

func TestOnlyCloudFrontReachesTheLoadBalancer(t *testing.T) {
	t.Parallel()
	r := stackOf(t, "cdn", "", "acme")
	checkMembers(t, r, "Origin", map[string]any{"VpcOriginEndpointConfig": map[string]any{
		"Name": "acme-cdn", "Arn": variants["cdn"][""]["LoadBalancerArn"], "HTTPPort": 80.0, "HTTPSPort": 443.0,
		"OriginProtocolPolicy": "https-only", "OriginSSLProtocols": []any{"TLSv1.2"},
	}})
	origin := map[string]any{
		"Id": "portal", "DomainName": variants["cdn"][""]["DnsTarget"],
		"VpcOriginConfig": map[string]any{"VpcOriginId": "acme-cdn/Origin.Id", "OriginReadTimeout": 60.0, "OriginKeepaliveTimeout": 30.0},
	}
	if diff := cmp.Diff(any([]any{origin}), distribution(t, "")["Origins"]); diff != "" {
		t.Errorf("the origins (-want +got):\n%s", diff)
	}
	behind := stackOf(t, "containers", "behind CloudFront", "acme")
	if rules := ingress(t, behind, "LoadBalancerSecurityGroup"); !slices.Equal(rules, []string{"443 from pl-3b927c52"}) {
		t.Errorf("the load balancer admits %q", rules)
	}
	checkMembers(t, behind, "LoadBalancer", map[string]any{"Scheme": "internal"})
	if env := environment(containersOf(t, behind, "PortalTask")["portal"]); !slices.Contains(env, "GATEHOUSE_TRUSTED_PROXIES=private,130.176.0.0/17") {
		t.Errorf("the portal's environment is %q", env)
	}
	if _, standard := deploytest.Read(t, "containers").Outputs["LoadBalancerArn"]; !standard {
		t.Error("the containers stack does not say what its load balancer is")
	}
}

func TestCloudFrontAnswersForTheHostNameOfThePortal(t *testing.T) {
	t.Parallel()
	config := distribution(t, "everything")
	for member, want := range map[string]any{
		"Aliases": []any{"portal.example.com"}, "WebACLId": variants["cdn"]["everything"]["WebAclArn"], "PriceClass": "PriceClass_All", "Enabled": true,
		"ViewerCertificate": map[string]any{"AcmCertificateArn": variants["cdn"][""]["CdnCertificateArn"], "SslSupportMethod": "sni-only", "MinimumProtocolVersion": "TLSv1.2_2021"},
	} {
		if diff := cmp.Diff(want, config[member]); diff != "" {
			t.Errorf("%s (-want +got):\n%s", member, diff)
		}
	}
	if _, given := distribution(t, "")["WebACLId"]; given {
		t.Error("there is a web ACL without one")
	}
	r := stackOf(t, "cdn", "everything", "acme")
	kinds := map[string]bool{}
	for _, record := range r.Named("AWS::Route53::RecordSet") {
		properties := deploytest.Properties(t, r, record)
		kinds[fmt.Sprint(properties["Type"])] = deploytest.Find(properties, "AliasTarget", "DNSName") == "acme-cdn/Distribution.DomainName"
	}
	if !maps.Equal(kinds, map[string]bool{"A": true, "AAAA": true}) {
		t.Errorf("the records are %v", kinds)
	}
}
