package e2e

import (
	"bufio"
	"encoding/json"
	"errors"
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
)

// programs builds the three commands, once for all tests of a run.
var programs = sync.OnceValues(func() (dir string, err error) {
	dir = filepath.Join(scratch, "programs")
	out, err := exec.Command("go", "build", "-o", dir+string(filepath.Separator), "../cmd/...").CombinedOutput()
	if err != nil {
		return "", fmt.Errorf("building the commands: %w\n%s", err, out)
	}
	return dir, nil
})

// scratch is a folder for the whole run.
var scratch string

func TestMain(m *testing.M) {
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

// command is a program that is about to be started, in an environment of its own.
func command(t *testing.T, env []string, name string, args ...string) *exec.Cmd {
	t.Helper()
	dir, err := programs()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(filepath.Join(dir, name), args...)
	// Whatever AWS configuration the machine has must not be reached.
	cmd.Env = slices.Concat([]string{"HOME=" + t.TempDir(), "AWS_EC2_METADATA_DISABLED=true"}, env)
	return cmd
}

// ended runs a program that is to end by itself.
func ended(t *testing.T, env []string, name string, args ...string) (code int, stdout, stderr string) {
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

// process is a program that runs.
type process struct {
	t    *testing.T
	name string
	cmd  *exec.Cmd
	logs *buffer
	// done is closed when it has ended.
	done chan struct{}
	// portal and operators are where it serves, as it says itself; a worker has no portal.
	portal, operators string
}

// run starts a program, on ports of the system's choice, and waits until its servers
// serve.
func run(t *testing.T, env []string, servers int, name string, args ...string) *process {
	t.Helper()
	env = slices.Concat(env, []string{
		"GATEHOUSE_ADDR=127.0.0.1:0", "GATEHOUSE_OPERATORS_ADDR=127.0.0.1:0", "GATEHOUSE_LOG_LEVEL=debug", "GATEHOUSE_LOG_FORMAT=json",
	})
	p := &process{t: t, name: name, cmd: command(t, env, name, args...), logs: &buffer{}, done: make(chan struct{})}
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
		p.serves(addresses)
	}
	eventually(t, "the "+name+" is ready", func() bool { return p.get("/readyz").status == http.StatusOK })
	return p
}

// read keeps the log and passes on the addresses in it.
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

// serves takes down the next address that the process serves at.
func (p *process) serves(addresses <-chan string) {
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

// terminate asks the process to stop.
func (p *process) terminate() {
	p.t.Helper()
	if err := p.cmd.Process.Signal(syscall.SIGTERM); err != nil {
		p.t.Error(err)
	}
}

// exits waits until the process has stopped, and wants it to have stopped well.
func (p *process) exits() {
	p.t.Helper()
	select {
	case <-p.done:
	case <-time.After(patience):
		p.t.Fatalf("the %s does not stop:\n%s", p.name, p.logs.tail(20))
	}
	if code := p.cmd.ProcessState.ExitCode(); code != 0 {
		p.t.Errorf("the %s exits with %d:\n%s", p.name, code, p.logs.tail(20))
	}
}

func (p *process) kill() {
	_ = p.cmd.Process.Kill()
	<-p.done
	if p.t.Failed() {
		p.t.Logf("the log of a %s:\n%s", p.name, p.logs.tail(20))
	}
}
