// Helpers that build and run the programs.

package e2e

import (
	"bufio"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/gatehouse-portal/gatehouse/outputtest"
)

var programs = sync.OnceValues(func() (dir string, err error) {
	dir = filepath.Join(scratch, "programs")
	out, err := exec.Command("go", "build", "-o", dir+string(filepath.Separator), "../cmd/...").CombinedOutput()
	if err != nil {
		return "", fmt.Errorf("building the commands: %w\n%s", err, out)
	}
	return dir, nil
})

var scratch string

// fewerChecks is how many schedules each property here tries unless -rapid.checks says otherwise; see
// docs/reliability.md.
const fewerChecks = "40"

func TestMain(m *testing.M) {
	flag.Parse()
	if checks := flag.Lookup("rapid.checks"); checks.Value.String() == checks.DefValue {
		_ = checks.Value.Set(fewerChecks)
	}
	dir, err := os.MkdirTemp("", "gatehouse-e2e-")
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	scratch = dir
	code := m.Run()
	_ = os.RemoveAll(dir)
	os.Exit(code)
}

// command returns a program to start. It does not inherit the test's environment.
func command(t *testing.T, env []string, name string, args ...string) *exec.Cmd {
	t.Helper()
	dir, err := programs()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(filepath.Join(dir, name), args...)
	// The machine's own AWS configuration must not be read.
	cmd.Env = slices.Concat([]string{"HOME=" + t.TempDir(), "AWS_EC2_METADATA_DISABLED=true"}, env)
	return cmd
}

// runToEnd runs a program that ends without being told to.
func runToEnd(t *testing.T, env []string, name string, args ...string) (code int, stdout, stderr string) {
	t.Helper()
	cmd := command(t, env, name, args...)
	var out, errs strings.Builder
	cmd.Stdout, cmd.Stderr = &out, &errs
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	timer := time.AfterFunc(patience, func() { _ = cmd.Process.Kill() })
	defer timer.Stop()
	err := cmd.Wait()
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) {
		t.Fatal(err)
	}
	return cmd.ProcessState.ExitCode(), out.String(), errs.String()
}

type process struct {
	t    *testing.T
	name string
	cmd  *exec.Cmd
	logs *outputtest.Buffer
	done chan struct{}
	// portal and operators are the addresses that it logged. A worker has no portal.
	portal, operators string
}

// freePorts is for tests that run at the same time.
var freePorts = []string{
	"GATEHOUSE_ADDR=127.0.0.1:0", "GATEHOUSE_OPERATORS_ADDR=127.0.0.1:0", "GATEHOUSE_LOG_LEVEL=debug", "GATEHOUSE_LOG_FORMAT=json",
}

// startProcess starts a program on free ports, and waits until it has logged the addresses of
// so many servers and is ready.
func startProcess(t *testing.T, env []string, servers int, name string, args ...string) *process {
	t.Helper()
	return startCommand(t, command(t, slices.Concat(env, freePorts), name, args...), servers, name)
}

// startCommand does what startProcess does with a command whose environment is complete.
func startCommand(t *testing.T, cmd *exec.Cmd, servers int, name string) *process {
	t.Helper()
	p := &process{t: t, name: name, cmd: cmd, logs: &outputtest.Buffer{}, done: make(chan struct{})}
	stderr, err := p.cmd.StderrPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := p.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	addresses := make(chan string, servers)
	go func() {
		defer close(p.done)
		p.read(stderr, addresses)
		_ = p.cmd.Wait()
	}()
	t.Cleanup(p.kill)
	for range servers {
		p.readAddress(addresses)
	}
	eventually(t, "the "+name+" is ready", func() bool { return p.get("/readyz").status == http.StatusOK })
	return p
}

func (p *process) read(stderr io.Reader, addresses chan<- string) {
	lines := bufio.NewScanner(stderr)
	lines.Buffer(nil, 1<<20)
	for lines.Scan() {
		_, _ = fmt.Fprintln(p.logs, lines.Text())
		var line struct{ Message, Addr string }
		if json.Unmarshal(lines.Bytes(), &line) == nil && line.Message == "serving" {
			addresses <- "http://" + line.Addr
		}
	}
}

// readAddress waits for the next address, and tells the operators' one by its metrics.
func (p *process) readAddress(addresses <-chan string) {
	p.t.Helper()
	select {
	case at := <-addresses:
		if (person{t: p.t, base: at}).do(http.MethodGet, "/metrics", "").status == http.StatusOK {
			p.operators = at
			return
		}
		p.portal = at
	case <-p.done:
		p.t.Fatalf("the %s ended:\n%s", p.name, p.logs)
	case <-time.After(patience):
		p.t.Fatalf("the %s does not serve:\n%s", p.name, p.logs)
	}
}

// get asks the operators' port.
func (p *process) get(path string) answer {
	p.t.Helper()
	return person{t: p.t, base: p.operators}.do(http.MethodGet, path, "")
}

func (p *process) terminate() {
	p.t.Helper()
	if err := p.cmd.Process.Signal(syscall.SIGTERM); err != nil {
		p.t.Error(err)
	}
}

// waitForExit wants exit code 0.
func (p *process) waitForExit() {
	p.t.Helper()
	select {
	case <-p.done:
	case <-time.After(patience):
		p.t.Fatalf("the %s does not stop:\n%s", p.name, p.logs.Tail(20))
	}
	if code := p.cmd.ProcessState.ExitCode(); code != 0 {
		p.t.Errorf("the %s exits with %d:\n%s", p.name, code, p.logs.Tail(20))
	}
}

func (p *process) kill() {
	_ = p.cmd.Process.Kill()
	<-p.done
	if p.t.Failed() {
		p.t.Logf("the log of a %s:\n%s", p.name, p.logs.Tail(20))
	}
}
