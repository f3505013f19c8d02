package deploy_test

import (
	"fmt"
	"maps"
	"os"
	"os/exec"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/gatehouse-portal/gatehouse/app"
	"github.com/gatehouse-portal/gatehouse/deploy/deploytest"
)

var deployments = []string{"gatehouse-portal", "gatehouse-worker"}

func TestTheProcessesAcceptTheEnvironmentOfTheManifests(t *testing.T) {
	t.Parallel()
	m := deploytest.ReadManifests(t, ".")
	for deployment, needs := range map[string][]app.Need{"gatehouse-portal": {app.SignIn}, "gatehouse-worker": nil} {
		env := m.Environment(t, deployment)
		cfg, err := app.LoadConfig(env, needs...)
		if err != nil {
			t.Errorf("%s: %v", deployment, err)
		}
		if cfg.Prefix != "acme" || cfg.BaseURL != "https://portal.acme.example" || !slices.Contains(env, "AWS_REGION=eu-west-1") {
			t.Errorf("%s: the environment is %q", deployment, env)
		}
		for _, pair := range env {
			if strings.Contains(pair, "SECRET") {
				t.Errorf("%s: a config map shows a secret: %s", deployment, pair)
			}
		}
	}
	if got := deploytest.Find(m.Container(t, "gatehouse-portal"), "env", 0, "name"); got != "GATEHOUSE_OIDC_CLIENT_SECRET" {
		t.Errorf("from a secret the portal reads %v", got)
	}
}

// Variables of both stacks and manifests have the same values.
func TestManifestsAndTemplatesSetTheSameVariables(t *testing.T) {
	t.Parallel()
	m, containers := deploytest.ReadManifests(t, "."), stackOf(t, "containers", "", "acme")
	for deployment, task := range map[string]string{"gatehouse-portal": "PortalTask", "gatehouse-worker": "WorkerTask"} {
		_, container, _ := strings.Cut(deployment, "-")
		set := func(env []string) map[string]string {
			all := map[string]string{}
			for _, pair := range env {
				name, value, _ := strings.Cut(pair, "=")
				all[name] = value
			}
			return all
		}
		got := set(m.Environment(t, deployment))
		for name, want := range set(environment(containersOf(t, containers, task)[container])) {
			switch name {
			case "AWS_REGION", "GATEHOUSE_BASE_URL", "GATEHOUSE_KMS_KEY", "GATEHOUSE_OIDC_ISSUER", "GATEHOUSE_OIDC_CLIENT_ID":
				if got[name] == "" {
					t.Errorf("%s lacks %s", deployment, name)
				}
			case "GATEHOUSE_TRUSTED_PROXIES": // the default
			default:
				if got[name] != want {
					t.Errorf("%s: %s is %q, and %q in the template", deployment, name, got[name], want)
				}
			}
		}
	}
}

func TestPodsRunWithoutPrivileges(t *testing.T) {
	t.Parallel()
	m := deploytest.ReadManifests(t, ".")
	for _, name := range deployments {
		pod, container := deploytest.Find(m["Deployment/"+name], "spec", "template", "spec"), m.Container(t, name)
		for _, c := range []struct{ got, want any }{
			{deploytest.Find(pod, "securityContext"), map[string]any{"runAsNonRoot": true, "runAsUser": 65532, "runAsGroup": 65532, "seccompProfile": map[string]any{"type": "RuntimeDefault"}}},
			{container["securityContext"], map[string]any{"allowPrivilegeEscalation": false, "readOnlyRootFilesystem": true, "capabilities": map[string]any{"drop": []any{"ALL"}}}},
			{deploytest.Find(pod, "automountServiceAccountToken"), false},
			{deploytest.Find(pod, "serviceAccountName"), name},
			{deploytest.Find(m["ServiceAccount/"+name], "automountServiceAccountToken"), false},
		} {
			if diff := cmp.Diff(c.want, c.got); diff != "" {
				t.Errorf("%s (-want +got):\n%s", name, diff)
			}
		}
		role := fmt.Sprint(deploytest.Find(m["ServiceAccount/"+name], "metadata", "annotations", "eks.amazonaws.com/role-arn"))
		if !strings.HasPrefix(role, "arn:aws:iam::111122223333:role/acme-") {
			t.Errorf("%s has the role %s", name, role)
		}
	}
	if one, two := deploytest.Find(m["ServiceAccount/gatehouse-portal"], "metadata", "annotations"), deploytest.Find(m["ServiceAccount/gatehouse-worker"], "metadata", "annotations"); cmp.Equal(one, two) {
		t.Error("portal and worker have the same role")
	}
}

// A worker ends within 24 seconds and a portal within 20 (docs/configuration.md).
func TestPodsHaveTheTimeToStop(t *testing.T) {
	t.Parallel()
	m := deploytest.ReadManifests(t, ".")
	for name, needed := range map[string]int{"gatehouse-portal": 20, "gatehouse-worker": 24} {
		grace, _ := deploytest.Find(m["Deployment/"+name], "spec", "template", "spec", "terminationGracePeriodSeconds").(int)
		before, _ := deploytest.Find(m.Container(t, name), "lifecycle", "preStop", "sleep", "seconds").(int)
		if grace < before+needed+5 {
			t.Errorf("%s has %d seconds, of which %d pass before it is told", name, grace, before)
		}
	}
}

func TestManifestsFitTogether(t *testing.T) {
	t.Parallel()
	m := deploytest.ReadManifests(t, ".")
	labels := func(component string) map[string]any {
		return map[string]any{"app.kubernetes.io/name": "gatehouse", "app.kubernetes.io/component": component}
	}
	for _, c := range []struct {
		object string
		path   []any
		want   any
	}{
		{"Deployment/gatehouse-portal", []any{"spec", "selector", "matchLabels"}, labels("portal")},
		{"Deployment/gatehouse-portal", []any{"spec", "template", "metadata", "labels"}, labels("portal")},
		{"Deployment/gatehouse-worker", []any{"spec", "selector", "matchLabels"}, labels("worker")},
		{"Deployment/gatehouse-worker", []any{"spec", "template", "metadata", "labels"}, labels("worker")},
		{"Service/gatehouse", []any{"spec", "selector"}, labels("portal")},
		{"Service/gatehouse", []any{"spec", "ports", 0, "targetPort"}, "http"},
		{"PodDisruptionBudget/gatehouse-portal", []any{"spec", "selector", "matchLabels"}, labels("portal")},
		{"PodDisruptionBudget/gatehouse-portal", []any{"spec", "maxUnavailable"}, 1},
		{"PodDisruptionBudget/gatehouse-worker", []any{"spec", "selector", "matchLabels"}, labels("worker")},
		{"HorizontalPodAutoscaler/gatehouse-portal", []any{"spec", "scaleTargetRef", "name"}, "gatehouse-portal"},
		{"HorizontalPodAutoscaler/gatehouse-portal", []any{"spec", "minReplicas"}, 2},
		// With a number of its own, each update would undo what the autoscaler has done.
		{"Deployment/gatehouse-portal", []any{"spec", "replicas"}, nil},
		{"Deployment/gatehouse-worker", []any{"spec", "replicas"}, 2},
		{"NetworkPolicy/gatehouse-portal", []any{"spec", "podSelector", "matchLabels"}, labels("portal")},
		{"NetworkPolicy/gatehouse-portal", []any{"spec", "ingress", 0}, map[string]any{"ports": []any{map[string]any{"port": "http"}}}},
		{"NetworkPolicy/gatehouse-worker", []any{"spec", "podSelector", "matchLabels"}, labels("worker")},
		{"NetworkPolicy/gatehouse-worker", []any{"spec", "ingress", 0, "ports", 0, "port"}, "operators"},
		{"Ingress/gatehouse", []any{"spec", "rules", 0, "host"}, "portal.acme.example"},
		{"Ingress/gatehouse", []any{"spec", "rules", 0, "http", "paths", 0, "backend", "service", "name"}, "gatehouse"},
		{"Ingress/gatehouse", []any{"metadata", "annotations", "alb.ingress.kubernetes.io/healthcheck-path"}, "/healthz"},
		{"Namespace/gatehouse", []any{"metadata", "labels", "pod-security.kubernetes.io/enforce"}, "restricted"},
	} {
		if diff := cmp.Diff(c.want, deploytest.Find(m[c.object], c.path...)); diff != "" {
			t.Errorf("%s, %v (-want +got):\n%s", c.object, c.path, diff)
		}
	}
	for _, name := range deployments {
		container := m.Container(t, name)
		for _, limit := range [][]any{{"resources", "requests", "cpu"}, {"resources", "requests", "memory"}, {"resources", "limits", "memory"}} {
			if deploytest.Find(container, limit...) == nil {
				t.Errorf("%s has no %v", name, limit)
			}
		}
		spread, _ := deploytest.Find(m["Deployment/"+name], "spec", "template", "spec", "topologySpreadConstraints").([]any)
		var over []any
		for _, one := range spread {
			over = append(over, deploytest.Find(one, "topologyKey"))
		}
		if diff := cmp.Diff([]any{"topology.kubernetes.io/zone", "kubernetes.io/hostname"}, over); diff != "" {
			t.Errorf("%s is spread over (-want +got):\n%s", name, diff)
		}
	}
}

func TestKustomizeMakesWhatTheTestsRead(t *testing.T) {
	t.Parallel()
	if _, err := exec.LookPath("kubectl"); err != nil {
		if slices.Contains(strings.Split(os.Getenv("GATEHOUSE_REQUIRE"), ","), "kubectl") {
			t.Fatalf("kubectl is required and not installed: %v", err)
		}
		t.Skip("NOT RUN: kubectl is not installed")
	}
	text, err := exec.CommandContext(t.Context(), "kubectl", "kustomize", "kubernetes/example").Output()
	ok(t, err)
	got, want := deploytest.ParseManifests(t, text), deploytest.ReadManifests(t, ".")
	for name, object := range got {
		meta, _ := object["metadata"].(map[string]any)
		if namespace := meta["namespace"]; namespace != "gatehouse" && !strings.HasPrefix(name, "Namespace/") {
			t.Errorf("%s is in the namespace %v", name, namespace)
		}
		delete(meta, "namespace")
	}
	for _, deployment := range deployments {
		container := got.Container(t, deployment)
		if container["image"] != "111122223333.dkr.ecr.eu-west-1.amazonaws.com/acme:0.1" {
			t.Errorf("the image of %s is %v", deployment, container["image"])
		}
		container["image"] = "gatehouse"
	}
	if diff := cmp.Diff(slices.Sorted(maps.Keys(want)), slices.Sorted(maps.Keys(got))); diff != "" {
		t.Errorf("objects (-files +kustomize):\n%s", diff)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-files +kustomize):\n%s", diff)
	}
}
