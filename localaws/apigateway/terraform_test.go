package apigateway_test

import (
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	sdk "github.com/aws/aws-sdk-go-v2/service/apigateway"

	"github.com/gatehouse-portal/gatehouse/localaws"
)

// workspace is a Terraform configuration in a folder of its own, for one server.
type workspace struct {
	dir     string
	program string
}

// newWorkspace copies the configuration and initialises it without the network:
// from the plugins that Terraform's own settings name (~/.terraformrc, or
// TF_CLI_ARGS_init=-plugin-dir=…).
func newWorkspace(t *testing.T, srv *localaws.Server, config string) workspace {
	t.Helper()
	program, err := exec.LookPath("terraform")
	if err != nil {
		notRun(t, "terraform is not installed")
	}
	w := workspace{dir: t.TempDir(), program: program}
	text, err := os.ReadFile(config)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(w.dir, "main.tf"), text, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(w.dir, "server.auto.tfvars"), []byte(`endpoint = "`+srv.Endpoint()+`"`), 0o600); err != nil {
		t.Fatal(err)
	}
	if out, code := w.run(t, "init"); code != 0 {
		t.Log(out)
		notRun(t, "terraform finds no AWS provider among its local plugins")
	}
	return w
}

// notRun skips the test, unless the environment says that it must run.
func notRun(t *testing.T, why string) {
	t.Helper()
	if slices.Contains(strings.Split(os.Getenv("GATEHOUSE_REQUIRE"), ","), "terraform") {
		t.Fatal(why)
	}
	t.Skip("NOT RUN: " + why)
}

// run returns what a Terraform command printed, and its exit code.
func (w workspace) run(t *testing.T, command string, args ...string) (string, int) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 5*time.Minute)
	defer cancel()
	args = append([]string{command, "-no-color", "-input=false"}, args...)
	cmd := exec.CommandContext(ctx, w.program, args...)
	cmd.Dir = w.dir
	// Nothing but this machine answers.
	cmd.Env = append(os.Environ(), "CHECKPOINT_DISABLE=1", "HTTPS_PROXY=http://127.0.0.1:9", "NO_PROXY=localhost,127.0.0.1")
	out, err := cmd.CombinedOutput()
	if cmd.ProcessState == nil {
		t.Fatalf("terraform %s: %v", command, err)
	}
	return string(out), cmd.ProcessState.ExitCode()
}

func (w workspace) must(t *testing.T, command string, args ...string) {
	t.Helper()
	if out, code := w.run(t, command, args...); code != 0 {
		t.Fatalf("terraform %s %v: exit code %d\n%s", command, args, code, out)
	}
}

func TestTerraformAppliesPlansNothingMoreUpdatesAndDestroys(t *testing.T) {
	t.Parallel()
	srv, client := start(t)
	w := newWorkspace(t, srv, "testdata/terraform/main.tf")
	second := []string{"-var=edition=second", "-var=rate=20"}

	w.must(t, "apply", "-auto-approve")
	w.must(t, "plan", "-detailed-exitcode")
	w.must(t, "apply", append(second, "-auto-approve")...)
	w.must(t, "plan", append(second, "-detailed-exitcode")...)

	plans := must[*sdk.GetUsagePlansOutput](t)(client.GetUsagePlans(t.Context(), &sdk.GetUsagePlansInput{}))
	if len(plans.Items) != 1 || *plans.Items[0].Name != "basic second" || plans.Items[0].Throttle.RateLimit != 20 {
		t.Errorf("after the update: %+v", plans.Items)
	}
	keys := must[*sdk.GetUsagePlanKeysOutput](t)(client.GetUsagePlanKeys(t.Context(), &sdk.GetUsagePlanKeysInput{UsagePlanId: plans.Items[0].Id}))
	if len(keys.Items) != 1 || *keys.Items[0].Name != "customer second" {
		t.Errorf("the plan's keys after the update: %+v", keys.Items)
	}

	w.must(t, "destroy", append(second, "-auto-approve")...)
	apis := must[*sdk.GetRestApisOutput](t)(client.GetRestApis(t.Context(), &sdk.GetRestApisInput{}))
	left := must[*sdk.GetApiKeysOutput](t)(client.GetApiKeys(t.Context(), &sdk.GetApiKeysInput{Limit: aws.Int32(500)}))
	if len(apis.Items)+len(left.Items) != 0 {
		t.Errorf("destroy left %d APIs and %d keys", len(apis.Items), len(left.Items))
	}
}
