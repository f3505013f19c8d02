package deploytest

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
)

// Terraform is a copy of deploy/terraform that a test runs. Its commands reach only this machine.
type Terraform struct {
	// Folder is the copy, with the folders modules and example.
	Folder string

	work, program string
	env           []string
}

// NewTerraform copies deploy/terraform, given the path of deploy, and prepares the root module in work,
// a folder below the copy. Files are written to work first; a name may be an override file. Without
// Terraform, and without a folder of plugins in GATEHOUSE_TERRAFORM_PLUGINS, the test is skipped, or
// fails if GATEHOUSE_REQUIRE lists terraform.
func NewTerraform(t testing.TB, deploy, work string, files map[string]any) *Terraform {
	t.Helper()
	program, err := exec.LookPath("terraform")
	if err != nil {
		notRun(t, "terraform is not installed")
	}
	plugins := os.Getenv("GATEHOUSE_TERRAFORM_PLUGINS")
	if plugins == "" {
		notRun(t, "GATEHOUSE_TERRAFORM_PLUGINS is not set")
	}
	folder := t.TempDir()
	if err := os.CopyFS(folder, os.DirFS(filepath.Join(deploy, "terraform"))); err != nil {
		t.Fatal(err)
	}
	settings := filepath.Join(folder, "terraformrc")
	write(t, settings, fmt.Appendf(nil, "provider_installation {\n  filesystem_mirror {\n    path = %q\n  }\n}\n", plugins))
	tf := &Terraform{
		Folder: folder, work: filepath.Join(folder, work), program: program,
		// The proxy refuses connections, so only this machine answers.
		env: append(os.Environ(), "TF_CLI_CONFIG_FILE="+settings, "CHECKPOINT_DISABLE=1", "TF_IN_AUTOMATION=1", "HTTPS_PROXY=http://127.0.0.1:9", "NO_PROXY=localhost,127.0.0.1"),
	}
	if err := os.MkdirAll(tf.work, 0o755); err != nil {
		t.Fatal(err)
	}
	for name, content := range files {
		text, err := json.Marshal(content)
		if err != nil {
			t.Fatal(err)
		}
		write(t, filepath.Join(tf.work, name), text)
	}
	if out, code := tf.Run(t, "init", "-input=false"); code != 0 {
		t.Fatalf("terraform init ends with %d; GATEHOUSE_TERRAFORM_PLUGINS must hold the AWS provider in the layout of a filesystem mirror:\n%s", code, out)
	}
	return tf
}

func notRun(t testing.TB, reason string) {
	t.Helper()
	if slices.Contains(strings.Split(os.Getenv("GATEHOUSE_REQUIRE"), ","), "terraform") {
		t.Fatalf("terraform is required, and %s", reason)
	}
	t.Skip("NOT RUN: " + reason)
}

func write(t testing.TB, file string, text []byte) {
	t.Helper()
	if err := os.WriteFile(file, text, 0o600); err != nil {
		t.Fatal(err)
	}
}

// LocalProvider configures the AWS provider for a local AWS, as Terraform's JSON syntax has it.
func LocalProvider(endpoint string) map[string]any {
	endpoints := map[string]string{}
	for _, service := range []string{"cognitoidp", "dynamodb", "kms", "sns", "sqs", "sts"} {
		endpoints[service] = endpoint
	}
	return map[string]any{
		"region": "us-east-1", "access_key": "local", "secret_key": "local", "endpoints": endpoints,
		"skip_metadata_api_check": true, "skip_region_validation": true,
	}
}

// Run runs a command of Terraform in the root module.
func (tf *Terraform) Run(t testing.TB, command string, args ...string) (out string, code int) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Minute)
	defer cancel()
	cmd := exec.CommandContext(ctx, tf.program, append([]string{command, "-no-color"}, args...)...)
	cmd.Dir, cmd.Env = tf.work, tf.env
	printed, err := cmd.CombinedOutput()
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) {
		t.Fatalf("terraform %s: %v", command, err)
	}
	return string(printed), cmd.ProcessState.ExitCode()
}

// In is the same Terraform in another folder of the copy, which must still be initialised.
func (tf *Terraform) In(folder string) *Terraform {
	other := *tf
	other.work = folder
	return &other
}

// Must fails the test if the command fails, and returns what it prints.
func (tf *Terraform) Must(t testing.TB, command string, args ...string) string {
	t.Helper()
	out, code := tf.Run(t, command, args...)
	if code != 0 {
		t.Fatalf("terraform %s %v: exit code %d\n%s", command, args, code, out)
	}
	return out
}

// Plan returns the attributes of the resources that exist after the plan is applied, by address. Those
// that only AWS knows are missing.
func (tf *Terraform) Plan(t testing.TB, args ...string) map[string]map[string]any {
	t.Helper()
	tf.Must(t, "plan", append(args, "-input=false", "-lock=false", "-out=planned")...)
	var shown struct {
		PlannedValues struct {
			RootModule plannedModule `json:"root_module"`
		} `json:"planned_values"`
	}
	if err := json.Unmarshal([]byte(tf.Must(t, "show", "-json", "planned")), &shown); err != nil {
		t.Fatal(err)
	}
	all := map[string]map[string]any{}
	shown.PlannedValues.RootModule.collect(all)
	return all
}

type plannedModule struct {
	Resources []struct {
		Address string         `json:"address"`
		Values  map[string]any `json:"values"`
	} `json:"resources"`
	Children []plannedModule `json:"child_modules"`
}

func (m plannedModule) collect(into map[string]map[string]any) {
	for _, r := range m.Resources {
		into[r.Address] = r.Values
	}
	for _, child := range m.Children {
		child.collect(into)
	}
}
