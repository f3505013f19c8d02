package main

import (
	"context"
	"fmt"
	"maps"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"sync"
	"time"
)

// fleet is the processes. It restarts one that ends before stop, as a service manager would.
type fleet struct {
	dir string

	mu      sync.Mutex
	members []*member
	stopped bool
	kills   int
	// worked is the processor time of ended processes, by program.
	worked map[string]time.Duration
}

type member struct {
	program string
	address string
	env     []string
	cmd     *exec.Cmd
	done    chan struct{}
}

// newFleet builds the programs in dir, from the module around source.
func newFleet(ctx context.Context, dir, source string) (*fleet, error) {
	build := exec.CommandContext(ctx, "go", "build", "-o", dir+string(filepath.Separator), "github.com/gatehouse-portal/gatehouse/cmd/...")
	build.Dir = source
	out, err := build.CombinedOutput()
	if err != nil {
		return nil, fmt.Errorf("building the commands: %w\n%s", err, out)
	}
	return &fleet{dir: dir, worked: map[string]time.Duration{}}, nil
}

func (f *fleet) once(ctx context.Context, env []string, program string, args ...string) error {
	cmd := exec.CommandContext(ctx, filepath.Join(f.dir, program), args...)
	cmd.Env = env
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("%s: %w\n%s", program, err, out)
	}
	return nil
}

func (f *fleet) add(ctx context.Context, program string, number int, env []string) error {
	address, err := freeAddress()
	if err != nil {
		return err
	}
	m := &member{program: program, address: address, env: slices.Concat(env, []string{
		"GATEHOUSE_ADDR=" + address, "GATEHOUSE_OPERATORS_ADDR=127.0.0.1:0",
	})}
	f.mu.Lock()
	f.members = append(f.members, m)
	f.mu.Unlock()
	if err := f.start(m, program+strconv.Itoa(number)); err != nil {
		return err
	}
	if program != "api" {
		return nil
	}
	for deadline := time.Now().Add(30 * time.Second); time.Now().Before(deadline) && ctx.Err() == nil; time.Sleep(20 * time.Millisecond) {
		if c, err := net.Dial("tcp", address); err == nil {
			return c.Close()
		}
	}
	return fmt.Errorf("%s did not start; its log is in %s", program, f.dir)
}

func freeAddress() (string, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return "", fmt.Errorf("finding a free port: %w", err)
	}
	return l.Addr().String(), l.Close()
}

func (f *fleet) start(m *member, name string) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.stopped {
		return nil
	}
	log, err := os.OpenFile(filepath.Join(f.dir, name+".log"), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return fmt.Errorf("opening the log of %s: %w", name, err)
	}
	cmd := exec.Command(filepath.Join(f.dir, m.program))
	cmd.Env, cmd.Stderr = m.env, log
	if err := cmd.Start(); err != nil {
		_ = log.Close()
		return fmt.Errorf("starting %s: %w", name, err)
	}
	m.cmd, m.done = cmd, make(chan struct{})
	go func(done chan struct{}) {
		_ = cmd.Wait()
		_ = log.Close()
		f.mu.Lock()
		f.worked[m.program] += cmd.ProcessState.UserTime() + cmd.ProcessState.SystemTime()
		f.mu.Unlock()
		close(done)
		_ = f.start(m, name)
	}(m.done)
	return nil
}

func (f *fleet) kill(n int) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.kills++
	_ = f.members[n%len(f.members)].cmd.Process.Kill()
}

func (f *fleet) portals() []string {
	f.mu.Lock()
	defer f.mu.Unlock()
	var all []string
	for _, m := range f.members {
		if m.program == "api" {
			all = append(all, m.address)
		}
	}
	return all
}

func (f *fleet) stop() {
	f.mu.Lock()
	f.stopped = true
	members := slices.Clone(f.members)
	for _, m := range members {
		if m.cmd != nil {
			_ = m.cmd.Process.Signal(os.Interrupt)
		}
	}
	f.mu.Unlock()
	for _, m := range members {
		if m.done == nil {
			continue
		}
		select {
		case <-m.done:
		case <-time.After(30 * time.Second):
			_ = m.cmd.Process.Kill()
			<-m.done
		}
	}
}

func (s *site) worked(own time.Duration) map[string]time.Duration {
	s.fleet.mu.Lock()
	defer s.fleet.mu.Unlock()
	all := maps.Clone(s.fleet.worked)
	all["local AWS and clients"] = own
	return all
}
