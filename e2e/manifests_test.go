package e2e

import (
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/gatehouse-portal/gatehouse/deploy/deploytest"
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
				response, err := http.Get(url) //nolint:gosec,noctx // an address of this test's process
				if err != nil {
					t.Fatal(err)
				}
				_ = response.Body.Close()
				if response.StatusCode != http.StatusOK {
					t.Errorf("%s of %s: %s answers %d", probe, deployment, url, response.StatusCode)
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
	runsFrom(t, cloud, made.withStacks(cloud, c.Environment(t, "portal")), made.withStacks(cloud, c.Environment(t, "worker")))
}
