package main

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/gatehouse-portal/gatehouse/localaws"
	"github.com/gatehouse-portal/gatehouse/localaws/faults"
)

// program is the path of this command, which TestMain builds.
var program string

func TestMain(m *testing.M) {
	folder, err := os.MkdirTemp("", "gatehouse-command-")
	if err != nil {
		panic(err)
	}
	defer os.RemoveAll(folder)
	program = filepath.Join(folder, "gatehouse")
	if out, err := exec.Command("go", "build", "-o", program, ".").CombinedOutput(); err != nil {
		panic("building this command: " + string(out))
	}
	m.Run()
}

func localCommandOn(folder string, flags ...string) *exec.Cmd {
	return exec.Command(program, append([]string{
		"local", "--data", folder, "--port", "0", "--aws-port", "0", "--operators-port", "0",
	}, flags...)...)
}

// runs starts the command and returns its banner, up to the first line that contains until. The
// command is killed at the end of the test unless it has ended.
func runs(t *testing.T, cmd *exec.Cmd, until string) (banner string, rest *bufio.Scanner) {
	t.Helper()
	stdout, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	kill := time.AfterFunc(time.Minute, func() { _ = cmd.Process.Kill() })
	t.Cleanup(func() {
		kill.Stop()
		if cmd.ProcessState == nil {
			_ = cmd.Process.Kill()
			_ = cmd.Wait()
		}
	})
	lines := bufio.NewScanner(stdout)
	for lines.Scan() {
		banner += lines.Text() + "\n"
		if strings.Contains(lines.Text(), until) {
			return banner, lines
		}
	}
	t.Fatalf("it ends, having said\n%s", banner)
	return "", nil
}

// localEnv runs a portal until the end of the test, and returns the variables that its banner prints.
func localEnv(t *testing.T, flags ...string) (env []string) {
	t.Helper()
	banner, _ := runs(t, localCommandOn(t.TempDir(), flags...), "Stop with")
	for line := range strings.Lines(banner) {
		if export, ok := strings.CutPrefix(strings.TrimSpace(line), "export "); ok {
			env = append(env, export)
		}
	}
	return env
}

func TestLocalTakesFaultsFromFlags(t *testing.T) {
	t.Parallel()
	cmd := localCommandOn(t.TempDir(), "--fault", "seed=7; kms:latency=1us", "--fault", "sns.Publish:lost,rate=0.5", "--fault", "*:latency=1us-2us")
	const want = "seed=7; kms:latency=1µs; sns.Publish:lost,rate=0.5; *:latency=1µs-2µs"
	banner, _ := runs(t, cmd, "  Faults  ")
	if !strings.Contains(banner, want) {
		t.Errorf("the banner says\n%s\nwant %s in it", banner, want)
	}
	_, rest, _ := strings.Cut(banner, "AWS endpoint")
	endpoint, _, _ := strings.Cut(strings.TrimSpace(rest), "\n")
	res, err := http.Get(endpoint + faults.Path)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	var plan faults.Plan
	if err := json.NewDecoder(res.Body).Decode(&plan); err != nil || plan.String() != want {
		t.Errorf("the server has %s (%v), want %s", plan, err, want)
	}
}

func TestSecondProcessOnTheSameDataIsRefused(t *testing.T) {
	t.Parallel()
	folder := t.TempDir()
	first := localCommandOn(folder)
	_, lines := runs(t, first, "Gatehouse is running")

	for _, flags := range [][]string{nil, {"--fresh"}} {
		out, err := localCommandOn(folder, flags...).CombinedOutput()
		var exit *exec.ExitError
		if !errors.As(err, &exit) || exit.ExitCode() != 1 {
			t.Errorf("the second, with %v, ends with %v, want exit code 1", flags, err)
		}
		said := strings.TrimSpace(string(out))
		if strings.Count(said, "\n") > 0 || !strings.Contains(said, "another process is using it") || !strings.Contains(said, "--data") {
			t.Errorf("the second, with %v, says %q, want one line with the reason and the way out", flags, said)
		}
	}

	if err := first.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	for lines.Scan() { // until it has ended, so that Wait does not cut off its output
	}
	if err := first.Wait(); err != nil {
		t.Errorf("the first ends with %v", err)
	}
}

func TestDamagedDataFileIsRefused(t *testing.T) {
	t.Parallel()
	folder := t.TempDir()
	if err := os.WriteFile(filepath.Join(folder, localaws.DataFile), bytes.Repeat([]byte("torn"), 10_000), 0o600); err != nil {
		t.Fatal(err)
	}
	out, err := localCommandOn(folder).CombinedOutput()
	var exit *exec.ExitError
	if !errors.As(err, &exit) || exit.ExitCode() != 1 {
		t.Errorf("it ends with %v, want exit code 1", err)
	}
	said := strings.TrimSpace(string(out))
	for _, want := range []string{filepath.Join(folder, localaws.DataFile), "it is damaged", "--fresh"} {
		if !strings.Contains(said, want) {
			t.Errorf("it says %q, without %q", said, want)
		}
	}
	if strings.Count(said, "\n") > 0 {
		t.Errorf("it says %q, want one line", said)
	}
}

func TestInvalidFaultsAreRefusedAtStart(t *testing.T) {
	t.Parallel()
	tests := map[string]struct{ fault, want string }{
		"a rate above 1":       {"sqs:lost,rate=2", `fault "sqs:lost,rate=2": the rate`},
		"an unknown kind":      {"seed=1; sqs:broken", `fault "sqs:broken": the kind`},
		"an unknown operation": {"sqs.Sent:lost", "sqs has no operation Sent"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			out, err := localCommandOn(t.TempDir(), "--fault", tt.fault).CombinedOutput()
			if err == nil || !strings.Contains(string(out), tt.want) {
				t.Errorf("it ends with %v and says %q, want %q", err, out, tt.want)
			}
		})
	}
}
