package stacks_test

import (
	"archive/zip"
	"bytes"
	"context"
	"debug/elf"
	"encoding/binary"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"

	"github.com/gatehouse-portal/gatehouse/app"
	"github.com/gatehouse-portal/gatehouse/deploy/stacks"
	"github.com/gatehouse-portal/gatehouse/localaws"
	"github.com/gatehouse-portal/gatehouse/localaws/localawstest"
)

const (
	host        = "portal.example.com"
	certificate = "arn:aws:acm:us-east-1:000000000000:certificate/1"
	admin       = "admin@example.com"
)

// account is a local AWS, and what a deployer told about it.
type account struct {
	*localaws.Server
	t    *testing.T
	zip  string
	mu   sync.Mutex
	told []string
}

func newAccount(t *testing.T) *account {
	t.Helper()
	return &account{Server: localawstest.Start(t), t: t, zip: program(t, "first")}
}

// program is a zip whose program has the header of one for arm64.
func program(t *testing.T, content string) string {
	t.Helper()
	var header bytes.Buffer
	h := elf.Header64{Type: uint16(elf.ET_EXEC), Machine: uint16(elf.EM_AARCH64), Version: 1, Ehsize: 64}
	copy(h.Ident[:], elf.ELFMAG)
	h.Ident[elf.EI_CLASS], h.Ident[elf.EI_DATA], h.Ident[elf.EI_VERSION] = byte(elf.ELFCLASS64), byte(elf.ELFDATA2LSB), 1
	ok(t, binary.Write(&header, binary.LittleEndian, h))
	var archive bytes.Buffer
	w := zip.NewWriter(&archive)
	file, err := w.Create("bootstrap")
	ok(t, err)
	_, err = file.Write(append(header.Bytes(), content...))
	ok(t, err)
	ok(t, w.Close())
	path := filepath.Join(t.TempDir(), "lambda.zip")
	ok(t, os.WriteFile(path, archive.Bytes(), 0o600))
	return path
}

func ok(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func (a *account) deployer() stacks.Deployer {
	cfg := a.AWSConfig()
	return stacks.Deployer{
		AWS: cfg, Version: "0.1.0", Pause: time.Nanosecond, DrainTimeout: time.Second, QueueNameDelay: time.Nanosecond,
		Tell: func(line string) {
			a.mu.Lock()
			defer a.mu.Unlock()
			a.told = append(a.told, line)
		},
		Prepare: prepare(cfg),
	}
}

// prepare is what the command does: it remembers the KMS key.
func prepare(cfg aws.Config) func(context.Context, string, string) error {
	return func(ctx context.Context, name, key string) error {
		settings, err := app.LoadConfig([]string{"GATEHOUSE_PREFIX=" + name, "GATEHOUSE_KMS_KEY=" + key})
		if err != nil {
			return err
		}
		return app.Setup(ctx, cfg, settings)
	}
}

func (a *account) settings(name string) stacks.Settings {
	return stacks.Settings{Name: name, Host: host, Certificate: certificate, Admin: admin, AlarmEmail: "ops@example.com", Zip: a.zip}
}

func (a *account) hasTold(text string) bool {
	return slices.ContainsFunc(a.told, func(line string) bool { return strings.Contains(line, text) })
}

func TestAPortalIsDeployedFromNothing(t *testing.T) {
	t.Parallel()
	a := newAccount(t)
	result, err := a.deployer().Deploy(t.Context(), a.settings("acme"))
	if err != nil {
		t.Fatalf("%v\n%s", err, strings.Join(a.told, "\n"))
	}
	if !result.Changed || result.Address != "https://"+host || !strings.Contains(result.DNSTarget, "execute-api") {
		t.Errorf("the result is %+v", result)
	}
	if !a.hasTold("JournalTable created") || !a.hasTold("Invited "+admin) {
		t.Errorf("it told:\n%s", strings.Join(a.told, "\n"))
	}
	again, err := a.deployer().Deploy(t.Context(), a.settings("acme"))
	ok(t, err)
	if again.Changed || again.Address != result.Address || again.DNSTarget != result.DNSTarget {
		t.Errorf("a second time, the result is %+v", again)
	}
}
