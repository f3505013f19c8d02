package e2e

import (
	"fmt"
	"io"
	"net/http"
	"path"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/gatehouse-portal/gatehouse/deploy/deploytest"
	"github.com/gatehouse-portal/gatehouse/deploy/template"
)

// withStacks gives an environment the values of these stacks, in place of those of an example.
func (s stacks) withStacks(c cloud, env []string) []string {
	values := map[string]string{
		"AWS_REGION": "us-east-1", "GATEHOUSE_PREFIX": s.data.Outputs["DataStack"], "GATEHOUSE_KMS_KEY": s.data.Outputs["KmsKeyArn"],
		"GATEHOUSE_BASE_URL": "https://" + portalHost, "GATEHOUSE_OIDC_ISSUER": s.identity.Outputs["OidcIssuer"], "GATEHOUSE_OIDC_CLIENT_ID": s.identity.Outputs["OidcClientId"],
		"GATEHOUSE_OIDC_SIGN_UP_URL": s.identity.Outputs["OidcSignUpUrl"], "GATEHOUSE_OIDC_SIGN_OUT_URL": s.identity.Outputs["OidcSignOutUrl"],
	}
	var all []string
	for _, pair := range env {
		name, value, _ := strings.Cut(pair, "=")
		if own, ok := values[name]; ok {
			value = addressesOf(c).Replace(own)
		}
		if !strings.HasPrefix(name, "AWS_") || value != "" {
			all = append(all, name+"="+value)
		}
	}
	return append(all, credentialsFor(c)...)
}

func TestThePortalRunsFromTheKubernetesManifests(t *testing.T) {
	t.Parallel()
	cloud := startCloud(t)
	made, m := createStacks(t, cloud, nil), deploytest.ReadManifests(t, "../deploy")
	portalEnv, workerEnv := made.withStacks(cloud, m.Environment(t, "gatehouse-portal")), made.withStacks(cloud, m.Environment(t, "gatehouse-worker"))
	runsFrom(t, cloud, portalEnv, workerEnv, func(portal, worker *process) {
		probes := 0
		for deployment, p := range map[string]*process{"gatehouse-portal": portal, "gatehouse-worker": worker} {
			for _, probe := range []string{"startupProbe", "readinessProbe", "livenessProbe"} {
				get := deploytest.Find(m.Container(t, deployment), probe, "httpGet")
				base := map[any]string{"http": p.portal, "operators": p.operators}[deploytest.Find(get, "port")]
				url := base + fmt.Sprint(deploytest.Find(get, "path"))
				if got := fetch(t, url, "").status; got != http.StatusOK {
					t.Errorf("%s of %s: %s answers %d", probe, deployment, url, got)
				}
				probes++
			}
		}
		if probes != 6 {
			t.Errorf("there are %d probes", probes)
		}
	})
}

func TestThePortalRunsFromTheComposeFile(t *testing.T) {
	t.Parallel()
	cloud := startCloud(t)
	made := createStacks(t, cloud, nil)
	settings, _ := deploytest.ReadSettings(t, "../deploy")
	c := deploytest.ReadCompose(t, "../deploy", settings)
	runsFrom(t, cloud, made.withStacks(cloud, c.Environment(t, "portal")), made.withStacks(cloud, c.Environment(t, "worker")), func(portal, _ *process) {
		keepsOnlyFiles(t, portal.portal)
	})
}

// keepsOnlyFiles checks that caches may keep the files that cdn.yaml has CloudFront keep, that these are the
// same for all callers, and that caches may keep no page.
func keepsOnlyFiles(t *testing.T, portal string) {
	t.Helper()
	config := deploytest.Find(deploytest.Properties(t, deploytest.Resolve(t, "cdn", template.Stack{Name: "acme-cdn", Parameters: map[string]string{
		"LoadBalancerArn": "arn:aws:elasticloadbalancing:eu-west-1:111122223333:loadbalancer/app/acme/0123456789abcdef", "DnsTarget": "internal.example.com",
		"DomainName": portalHost, "CdnCertificateArn": "arn:aws:acm:us-east-1:111122223333:certificate/1",
	}}), "Distribution"), "DistributionConfig")
	behaviors, _ := deploytest.Find(config, "CacheBehaviors").([]any)
	kept := func(p string) bool {
		return slices.ContainsFunc(behaviors, func(b any) bool {
			matches, err := path.Match(fmt.Sprint(deploytest.Find(b, "PathPattern")), p)
			return err == nil && matches
		})
	}
	home := fetch(t, portal+"/", "")
	asset := regexp.MustCompile(`/assets/[^"]+`).FindString(home.body)
	for _, file := range []string{asset, "/favicon.ico", "/robots.txt", "/sitemap.xml", "/schemas/product.json", "/schemas/branding.json"} {
		anonymous, other := fetch(t, portal+file, ""), fetch(t, portal+file, "Bearer nonsense")
		if !kept(file) || anonymous.status != http.StatusOK || !strings.HasPrefix(anonymous.header.Get("Cache-Control"), "public, max-age=") || anonymous.header.Get("Set-Cookie") != "" {
			t.Errorf("%s: %d, %v, kept by CloudFront: %t", file, anonymous.status, anonymous.header, kept(file))
		}
		if other.body != anonymous.body {
			t.Errorf("%s depends on who asks", file)
		}
	}
	for _, page := range []string{"/", "/apis", "/dashboard", "/sign-in", "/api/v1/catalog", "/api/v1/me", "/problems/invalid", "/llms.txt", "/healthz"} {
		if got := fetch(t, portal+page, "").header.Get("Cache-Control"); kept(page) || strings.Contains(got, "max-age") {
			t.Errorf("%s has Cache-Control %q, kept by CloudFront: %t", page, got, kept(page))
		}
	}
}

type received struct {
	status int
	header http.Header
	body   string
}

func fetch(t *testing.T, url, authorization string) received {
	t.Helper()
	request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, url, nil)
	if err != nil {
		t.Fatal(err)
	}
	if authorization != "" {
		request.Header.Set("Authorization", authorization)
	}
	response, err := http.DefaultTransport.RoundTrip(request)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = response.Body.Close() }()
	body, err := io.ReadAll(response.Body)
	if err != nil {
		t.Fatal(err)
	}
	return received{response.StatusCode, response.Header, string(body)}
}
