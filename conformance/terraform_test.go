package conformance

import (
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"github.com/gatehouse-portal/gatehouse/localaws"
	"github.com/gatehouse-portal/gatehouse/localaws/localawstest"
)

// workspace is a copy of a configuration in testdata/terraform, for one server.
type workspace struct{ dir, program string }

// newWorkspace initialises the copy offline, from the plugins that Terraform's own settings
// name: ~/.terraformrc, or TF_CLI_ARGS_init=-plugin-dir=….
func newWorkspace(t *testing.T, srv *localaws.Server, configuration string) workspace {
	t.Helper()
	w := workspace{dir: t.TempDir(), program: needed(t, "terraform", "terraform")}
	if err := os.CopyFS(w.dir, os.DirFS(filepath.Join("testdata/terraform", configuration))); err != nil {
		t.Fatal(err)
	}
	provider, err := os.ReadFile("testdata/terraform/provider.tf")
	if err != nil {
		t.Fatal(err)
	}
	for name, text := range map[string]string{
		"provider.tf": string(provider), "server.auto.tfvars": `endpoint = "` + srv.Endpoint() + `"`,
	} {
		if err := os.WriteFile(filepath.Join(w.dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if out, code := w.run(t, "init"); code != 0 {
		t.Log(out)
		notRun(t, "terraform", "terraform finds no AWS provider among its local plugins")
	}
	return w
}

func (w workspace) run(t *testing.T, command string, args ...string) (out string, code int) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 5*time.Minute)
	defer cancel()
	cmd := exec.CommandContext(ctx, w.program, append([]string{command, "-no-color", "-input=false"}, args...)...)
	cmd.Dir = w.dir
	// The proxy refuses connections, so only this machine answers.
	cmd.Env = append(os.Environ(), "CHECKPOINT_DISABLE=1", "HTTPS_PROXY=http://127.0.0.1:9", "NO_PROXY=localhost,127.0.0.1")
	printed, err := cmd.CombinedOutput()
	if cmd.ProcessState == nil {
		t.Fatalf("terraform %s: %v", command, err)
	}
	return string(printed), cmd.ProcessState.ExitCode()
}

func (w workspace) must(t *testing.T, command string, args ...string) {
	t.Helper()
	if out, code := w.run(t, command, args...); code != 0 {
		t.Fatalf("terraform %s %v: exit code %d\n%s", command, args, code, out)
	}
}

func TestTerraformAppliesPlansNothingMoreUpdatesAndDestroys(t *testing.T) {
	t.Parallel()
	for _, configuration := range []string{"gateway", "messaging"} {
		t.Run(configuration, func(t *testing.T) {
			t.Parallel()
			srv := localawstest.Start(t)
			w := newWorkspace(t, srv, configuration)
			if configuration == "messaging" && !required("terraform") {
				t.Skip("NOT RUN: Terraform's AWS provider waits half a minute for every change of a queue")
			}
			w.play(t, srv)
		})
	}
}

func (w workspace) play(t *testing.T, srv *localaws.Server) {
	const second = "-var=edition=second"
	w.must(t, "apply", "-auto-approve")
	// With this flag, exit code 2 means that the plan has changes.
	w.must(t, "plan", "-detailed-exitcode")
	w.must(t, "apply", "-auto-approve", second)
	w.must(t, "plan", "-detailed-exitcode", second)
	if made := leftovers(t, srv); len(made) == 0 {
		t.Error("apply created nothing")
	}
	w.must(t, "destroy", "-auto-approve", second)
	for call, items := range leftovers(t, srv) {
		t.Errorf("destroy left behind, according to %s: %s", call, compact(items))
	}
}
