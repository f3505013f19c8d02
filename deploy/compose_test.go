package deploy_test

import (
	"fmt"
	"maps"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/gatehouse-portal/gatehouse/app"
	"github.com/gatehouse-portal/gatehouse/deploy/deploytest"
)

func TestTheProcessesAcceptTheEnvironmentOfTheComposeFile(t *testing.T) {
	t.Parallel()
	least, _ := deploytest.ReadSettings(t, ".")
	for name, settings := range map[string]map[string]string{
		"the example": least,
		"everything": with(least, map[string]string{
			"AWS_ACCESS_KEY_ID": "a", "AWS_SECRET_ACCESS_KEY": "b", "AWS_SESSION_TOKEN": "c", "GATEHOUSE_KMS_KEY": exampleKey,
			"GATEHOUSE_REGISTRATION": "approval", "GATEHOUSE_KEYS": "plan", "GATEHOUSE_KEYS_PER_RING": "3", "GATEHOUSE_OFFER": "all",
			"GATEHOUSE_CATALOG": "s3://docs/portal", "GATEHOUSE_MAIL": "ses", "GATEHOUSE_MAIL_FROM": "Acme <portal@acme.example>",
			"GATEHOUSE_SECURITY_CONTACT": "security@acme.example", "GATEHOUSE_OIDC_CLIENT_SECRET": "secret", "GATEHOUSE_TRUSTED_PROXIES": "none",
			"OTEL_EXPORTER_OTLP_ENDPOINT": "http://collector:4318", "OTEL_TRACES_SAMPLER": "traceidratio", "OTEL_TRACES_SAMPLER_ARG": "0.1",
			"GATEHOUSE_OPERATORS_TOPIC": exampleTopic, "GATEHOUSE_OPERATORS_WEBHOOK": "http://alarms.internal/gatehouse", "GATEHOUSE_OPERATORS_WEBHOOK_PRIVATE": "true",
		}),
	} {
		c := deploytest.ReadCompose(t, ".", settings)
		for service, needs := range map[string][]app.Need{"portal": {app.SignIn}, "worker": nil} {
			env := c.Environment(t, service)
			cfg, err := app.LoadConfig(env, needs...)
			if err != nil {
				t.Errorf("%s, %s: %v", name, service, err)
			}
			if cfg.Prefix != "acme" || cfg.BaseURL != "https://portal.example.com" || !slices.Contains(env, "AWS_REGION=eu-west-1") || cfg.QuotaShare != 0.5 {
				t.Errorf("%s, %s: the environment is %q", name, service, env)
			}
			if name == "everything" && (cfg.Registration != "approval" || cfg.Keys != "plan" || cfg.KeysPerRing != 3 || cfg.KMSKey != exampleKey || cfg.Mail != "ses") {
				t.Errorf("%s, %s: the configuration is %+v", name, service, cfg)
			}
		}
	}
}

func TestTheExampleNamesEverySettingOfTheComposeFile(t *testing.T) {
	t.Parallel()
	set, commented := deploytest.ReadSettings(t, ".")
	named := slices.Sorted(slices.Values(slices.Concat(slices.Collect(maps.Keys(set)), commented)))
	if diff := cmp.Diff(deploytest.ReadCompose(t, ".", set).Used, named); diff != "" {
		t.Errorf("(-compose file +example):\n%s", diff)
	}
}

// The compose file sets what the containers of the templates set.
func TestComposeFileAndTemplatesSetTheSameVariables(t *testing.T) {
	t.Parallel()
	settings, _ := deploytest.ReadSettings(t, ".")
	c, r := deploytest.ReadCompose(t, ".", settings), stackOf(t, "containers", "everything", "acme")
	for service, task := range map[string]string{"portal": "PortalTask", "worker": "WorkerTask"} {
		got := strings.Join(c.Environment(t, service), "\n")
		for _, pair := range environment(containersOf(t, r, task)[service]) {
			name, _, _ := strings.Cut(pair, "=")
			if !strings.Contains("\n"+got, "\n"+name+"=") && !strings.Contains(name, "MARKETPLACE") {
				t.Errorf("%s lacks %s", service, name)
			}
		}
	}
}

func TestServicesRunWithoutPrivileges(t *testing.T) {
	t.Parallel()
	settings, _ := deploytest.ReadSettings(t, ".")
	c := deploytest.ReadCompose(t, ".", settings)
	for service, command := range map[string]string{"portal": "/bin/api", "worker": "/bin/worker"} {
		for member, want := range map[string]any{
			"command": []any{command}, "user": "65532:65532", "read_only": true, "cap_drop": []any{"ALL"}, "security_opt": []any{"no-new-privileges:true"},
			"stop_grace_period": "30s", "restart": "unless-stopped", "image": settings["GATEHOUSE_IMAGE"],
		} {
			if diff := cmp.Diff(want, c.Services[service][member]); diff != "" {
				t.Errorf("%s of %s (-want +got):\n%s", member, service, diff)
			}
		}
	}
	if got := fmt.Sprint(c.Services["portal"]["ports"], c.Services["worker"]["ports"]); got != "[127.0.0.1:8080:8080] <nil>" {
		t.Errorf("without TLS these can be reached: %s", got)
	}
}

func TestCaddyLeadsToThePortal(t *testing.T) {
	t.Parallel()
	settings, _ := deploytest.ReadSettings(t, ".")
	caddy := deploytest.ReadCompose(t, ".", settings).Services["caddy"]
	text, err := os.ReadFile("compose/Caddyfile")
	ok(t, err)
	if got := strings.Fields(string(text)); !slices.Equal(got, []string{"{$GATEHOUSE_HOST}", "{", "reverse_proxy", "portal:8080", "}"}) {
		t.Errorf("the Caddyfile is %q", got)
	}
	if got := deploytest.Find(caddy, "environment", "GATEHOUSE_HOST"); got != "portal.example.com" {
		t.Errorf("Caddy's host is %v", got)
	}
	if profiles := fmt.Sprint(caddy["profiles"]); profiles != "[tls]" {
		t.Errorf("Caddy starts with %s", profiles)
	}
}
