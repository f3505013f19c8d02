// This file tests that a program that cannot start says why, all faults at once.

package e2e

import (
	"net"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	bolt "go.etcd.io/bbolt"

	"github.com/gatehouse-portal/gatehouse/app"
	"github.com/gatehouse-portal/gatehouse/localaws"
)

// badStart is a start that must fail, and the words that its message must contain.
type badStart struct {
	name  string
	env   []string
	args  []string
	words []string
}

// checkFails checks that the program exits with 1, and prints nothing but one message on
// stderr: it begins with the program's name, contains all the words, and holds no stack.
func (c badStart) checkFails(t *testing.T, program string) {
	t.Helper()
	code, stdout, stderr := runToEnd(t, c.env, program, c.args...)
	if code != 1 || stdout != "" {
		t.Errorf("it exits with %d and prints %q", code, stdout)
	}
	message := strings.TrimSuffix(stderr, "\n")
	if !strings.HasPrefix(message, program+": ") || strings.Contains(message, "goroutine") {
		t.Errorf("it says: %s", stderr)
	}
	for _, word := range c.words {
		if !strings.Contains(message, word) {
			t.Errorf("it does not say %q: %s", word, stderr)
		}
	}
	for line := range strings.SplitSeq(message, "\n") {
		if line == "" || strings.HasPrefix(line, "{") {
			t.Errorf("one line is %q", line)
		}
	}
	if lines := strings.Count(message, "\n"); lines > len(c.words) {
		t.Errorf("%d faults take %d lines: %s", len(c.words), lines+1, stderr)
	}
}

func TestProcessesReportAllFaultsAtStart(t *testing.T) {
	t.Parallel()
	c := startCloud(t)
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = taken.Close() })
	_, port, err := net.SplitHostPort(taken.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	used := "cannot listen on port " + port + ": address already in use"
	ready := slices.Concat(c.env, []string{
		"GATEHOUSE_OIDC_ISSUER=https://login.example.com", "GATEHOUSE_OIDC_CLIENT_ID=portal", "GATEHOUSE_LOG_LEVEL=error",
	})
	with := func(more ...string) []string { return slices.Concat(ready, more) }
	if code, _, stderr := runToEnd(t, c.env, "gatehouse", "setup"); code != 0 {
		t.Fatalf("setting up exits with %d: %s", code, stderr)
	}

	for _, program := range []string{"api", "worker"} {
		for _, c := range []badStart{
			{"nothing is set up", with("GATEHOUSE_PREFIX=elsewhere"), nil, []string{"elsewhere-", "gatehouse setup"}},
			{"an unknown setting", with("GATEHOUSE_NONSENSE=1"), nil, []string{"GATEHOUSE_NONSENSE is not a setting"}},
			{
				"many faults", with("GATEHOUSE_NONSENSE=1", "GATEHOUSE_BASE_URL=portal", "GATEHOUSE_PREFIX=No Way",
					"GATEHOUSE_QUOTA_SHARE=7", "GATEHOUSE_SESSION_TTL=soon", "GATEHOUSE_LOG_LEVEL=loud", "GATEHOUSE_LOG_FORMAT=yaml"),
				nil, []string{
					"GATEHOUSE_NONSENSE", "GATEHOUSE_BASE_URL", "GATEHOUSE_PREFIX", "GATEHOUSE_QUOTA_SHARE", "GATEHOUSE_SESSION_TTL",
					"GATEHOUSE_LOG_LEVEL", "GATEHOUSE_LOG_FORMAT",
				},
			},
			{"the operators' port is taken", with("GATEHOUSE_ADDR=127.0.0.1:0", "GATEHOUSE_OPERATORS_ADDR="+taken.Addr().String()), nil, []string{used}},
			{"a malformed address", with("GATEHOUSE_ADDR=127.0.0.1:0", "GATEHOUSE_OPERATORS_ADDR=nowhere"), nil, []string{`cannot listen on "nowhere": want host:port`}},
			{"no Region", append(without(ready, "AWS_REGION"), "AWS_CONFIG_FILE=/dev/null"), nil, []string{"AWS_REGION"}},
		} {
			t.Run(program+": "+c.name, func(t *testing.T) {
				t.Parallel()
				c.checkFails(t, program)
			})
		}
	}
	for _, c := range []badStart{
		{"no identity provider, among other faults", slices.Concat(c.env, []string{"GATEHOUSE_QUOTA_SHARE=7"}), nil, []string{"GATEHOUSE_OIDC_ISSUER", "GATEHOUSE_OIDC_CLIENT_ID", "GATEHOUSE_QUOTA_SHARE"}},
		{"the portal's port is taken", with("GATEHOUSE_ADDR=" + taken.Addr().String()), nil, []string{used}},
	} {
		t.Run("api: "+c.name, func(t *testing.T) {
			t.Parallel()
			c.checkFails(t, "api")
		})
	}
}

func without(env []string, name string) []string {
	var rest []string
	for _, pair := range env {
		if !strings.HasPrefix(pair, name+"=") {
			rest = append(rest, pair)
		}
	}
	return rest
}

func TestTheLocalPortalReportsWhyItCannotStart(t *testing.T) {
	t.Parallel()
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = taken.Close() })
	_, port, err := net.SplitHostPort(taken.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	used := dataFolder(t, func(tx *bolt.Tx) error { return nil })
	held, err := bolt.Open(filepath.Join(used, localaws.DataFile), 0o600, nil)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = held.Close() })
	old := dataFolder(t, func(tx *bolt.Tx) error {
		meta, err := tx.CreateBucket([]byte("meta"))
		if err != nil {
			return err
		}
		return meta.Put([]byte("version"), []byte("0"))
	})
	foreign := t.TempDir()
	if err := os.WriteFile(filepath.Join(foreign, localaws.DataFile), []byte(strings.Repeat("not a database\n", 4096)), 0o600); err != nil {
		t.Fatal(err)
	}

	free := func(more ...string) []string {
		return append([]string{"local", "--data", t.TempDir(), "--port", "0", "--aws-port", "0", "--operators-port", "0"}, more...)
	}
	for _, c := range []badStart{
		{"the portal's port is taken", nil, free("--port", port), []string{port, "--port"}},
		{"the local AWS's port is taken", nil, free("--aws-port", port), []string{port, "--aws-port"}},
		{"the operators' port is taken", nil, free("--operators-port", port), []string{port, "--operators-port"}},
		{"the folder is a file", nil, free("--data", file), []string{file}},
		{"the folder cannot be created", nil, free("--data", filepath.Join(file, "data")), []string{file}},
		{"the data is in use", nil, free("--data", used), []string{filepath.Join(used, localaws.DataFile), "another process is using it"}},
		{"the data is of another version", nil, free("--data", old), []string{filepath.Join(old, localaws.DataFile), "another version", "--fresh"}},
		{"the data file is not a database", nil, free("--data", foreign), []string{filepath.Join(foreign, localaws.DataFile)}},
		{"an unknown setting", []string{"GATEHOUSE_NONSENSE=1"}, free(), []string{"GATEHOUSE_NONSENSE"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			c.checkFails(t, "gatehouse")
		})
	}
}

func dataFolder(t *testing.T, write func(*bolt.Tx) error) string {
	t.Helper()
	dir := t.TempDir()
	db, err := bolt.Open(filepath.Join(dir, localaws.DataFile), 0o600, nil)
	if err != nil {
		t.Fatal(err)
	}
	if err := db.Update(write); err != nil {
		t.Fatal(err)
	}
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
	return dir
}

func TestProcessesAnswerHelpAndVersionAndStartOnlyWithoutArguments(t *testing.T) {
	t.Parallel()
	for _, name := range []string{"api", "worker"} {
		for _, arg := range []string{"--version", "version"} {
			if code, stdout, stderr := runToEnd(t, nil, name, arg); code != 0 || !strings.HasPrefix(stdout, name+" "+app.Version) || stderr != "" {
				t.Errorf("%s %s exits with %d: %q, %q", name, arg, code, stdout, stderr)
			}
		}
		if code, stdout, stderr := runToEnd(t, nil, name, "--help"); code != 0 || !strings.HasPrefix(stdout, "Usage: "+name) || stderr != "" {
			t.Errorf("%s --help exits with %d: %q, %q", name, code, stdout, stderr)
		}
		if code, stdout, stderr := runToEnd(t, nil, name, "--port", "80"); code != 2 || stdout != "" || !strings.HasPrefix(stderr, name+": unexpected argument \"--port\"\nRun `"+name+" --help`") {
			t.Errorf("%s --port 80 exits with %d: %q, %q", name, code, stdout, stderr)
		}
		if code, _, stderr := runToEnd(t, []string{"AWS_REGION=us-east-1", "GATEHOUSE_OIDC_ISSUER=https://login.example.com", "GATEHOUSE_OIDC_CLIENT_ID=portal"}, name); code != 1 || strings.Count(stderr, "credentials") != 1 {
			t.Errorf("%s without credentials exits with %d: %q", name, code, stderr)
		}
	}
}
