package deploy_test

import (
	"fmt"
	"testing"

	"github.com/gatehouse-portal/gatehouse/deploy/deploytest"
	"github.com/gatehouse-portal/gatehouse/traces/export"
)

func TestProcessesExportTracesOnlyIfTheyHaveACollector(t *testing.T) {
	t.Parallel()
	lambda, lambdaOff := stackOf(t, "lambda", "everything", "acme"), stackOf(t, "lambda", "", "acme")
	containers := func(variant, task, name string) []string {
		return environment(containersOf(t, stackOf(t, "containers", variant, "acme"), task)[name])
	}
	settings, _ := deploytest.ReadSettings(t, ".")
	compose := func(more map[string]string) []string {
		return deploytest.ReadCompose(t, ".", with(settings, more)).Environment(t, "worker")
	}
	collector := map[string]string{
		"OTEL_EXPORTER_OTLP_ENDPOINT": "http://localhost:4318", "OTEL_TRACES_SAMPLER": "parentbased_traceidratio", "OTEL_TRACES_SAMPLER_ARG": "0.1",
	}
	for name, env := range map[string]struct{ on, off []string }{
		"the portal's function":              {variables(t, lambda, "PortalFunction"), variables(t, lambdaOff, "PortalFunction")},
		"the worker's function":              {variables(t, lambda, "WorkerFunction"), variables(t, lambdaOff, "WorkerFunction")},
		"portals":                            {containers("everything", "PortalTask", "portal"), containers("", "PortalTask", "portal")},
		"workers":                            {containers("everything", "WorkerTask", "worker"), containers("", "WorkerTask", "worker")},
		"the small worker":                   {containers("small with everything", "PortalTask", "worker"), containers("small", "PortalTask", "worker")},
		"the compose file":                   {compose(collector), compose(nil)},
		"the compose file and the manifests": {compose(collector), deploytest.ReadManifests(t, ".").Environment(t, "gatehouse-portal")},
	} {
		on, faults := export.Parse(env.on)
		if on.Endpoint != "http://localhost:4318/v1/traces" || on.Sampler != "parentbased_traceidratio" || on.Ratio != 0.1 || len(faults) > 0 {
			t.Errorf("%s: %+v, %v", name, on, faults)
		}
		if off, faults := export.Parse(env.off); off.On() || len(faults) > 0 {
			t.Errorf("%s: without a collector, %+v, %v", name, off, faults)
		}
	}
	for variant, want := range map[string]string{"": "<nil>", "everything": "[arn:aws:lambda:eu-west-1:901920570463:layer:collector:1]"} {
		for _, function := range []string{"PortalFunction", "WorkerFunction"} {
			if got := fmt.Sprint(deploytest.Properties(t, stackOf(t, "lambda", variant, "acme"), function)["Layers"]); got != want {
				t.Errorf("%q: the layers of %s are %s", variant, function, got)
			}
		}
	}
}
