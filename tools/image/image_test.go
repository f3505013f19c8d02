package main

import (
	"archive/tar"
	"bytes"
	"errors"
	"io"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-containerregistry/pkg/registry"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
)

// folder has programs for the architectures: texts that name themselves.
func folder(t *testing.T, all ...string) string {
	t.Helper()
	dir := t.TempDir()
	for _, architecture := range all {
		if err := os.Mkdir(filepath.Join(dir, architecture), 0o755); err != nil {
			t.Fatal(err)
		}
		for _, program := range programs {
			if err := os.WriteFile(filepath.Join(dir, architecture, program), []byte(program+" for "+architecture), 0o755); err != nil {
				t.Fatal(err)
			}
		}
	}
	return dir
}

func TestTheImageHoldsTheProgramsAndNothingThatItsUserCouldChange(t *testing.T) {
	t.Parallel()
	index, err := build(folder(t, "arm64", "amd64"), "0.1")
	if err != nil {
		t.Fatal(err)
	}
	manifest, err := index.IndexManifest()
	if err != nil || len(manifest.Manifests) != 2 {
		t.Fatalf("the index has %v (%v)", manifest, err)
	}
	for i, architecture := range architectures {
		entry := manifest.Manifests[i]
		img, err := index.Image(entry.Digest)
		if err != nil {
			t.Fatal(err)
		}
		config, err := img.ConfigFile()
		if err != nil {
			t.Fatal(err)
		}
		if entry.Platform.Architecture != architecture || config.Architecture != architecture || config.Config.User != "65532" || config.Config.Cmd[0] != "/bin/api" {
			t.Errorf("the image for %s is %+v with %+v", architecture, entry.Platform, config)
		}
		content := unpack(t, img)
		for _, program := range programs {
			if got := content["bin/"+program]; got != program+" for "+architecture {
				t.Errorf("%s: bin/%s is %q", architecture, program, got)
			}
		}
		if n := strings.Count(content["etc/ssl/certs/ca-certificates.crt"], "BEGIN CERTIFICATE"); n < 100 {
			t.Errorf("%s: it trusts %d authorities", architecture, n)
		}
	}
}

// unpack returns the files of an image, and checks that all of them are root's.
func unpack(t *testing.T, img v1.Image) map[string]string {
	t.Helper()
	content := mutate.Extract(img)
	defer content.Close()
	all := map[string]string{}
	r := tar.NewReader(content)
	for {
		header, err := r.Next()
		if errors.Is(err, io.EOF) {
			return all
		}
		if err != nil {
			t.Fatal(err)
		}
		if header.Uid != 0 || header.Gid != 0 || header.Mode&0o022 != 0 {
			t.Errorf("%s belongs to %d:%d, with mode %o", header.Name, header.Uid, header.Gid, header.Mode)
		}
		text, err := io.ReadAll(r)
		if err != nil {
			t.Fatal(err)
		}
		all[header.Name] = string(text)
	}
}

func TestTheSameProgramsMakeTheSameArchive(t *testing.T) {
	t.Parallel()
	var archives [2][]byte
	for i := range archives {
		to := filepath.Join(t.TempDir(), "image.tar")
		if err := run(t.Context(), options{programs: folder(t, "arm64"), out: to}, nil, io.Discard); err != nil {
			t.Fatal(err)
		}
		var err error
		if archives[i], err = os.ReadFile(to); err != nil {
			t.Fatal(err)
		}
	}
	if !bytes.Equal(archives[0], archives[1]) {
		t.Error("the archives differ")
	}
}

func TestAnImageIsPushedToARegistry(t *testing.T) {
	t.Parallel()
	server := httptest.NewServer(registry.New())
	t.Cleanup(server.Close)
	to := strings.TrimPrefix(server.URL, "http://") + "/gatehouse:0.1"
	var out bytes.Buffer
	o := options{programs: folder(t, "amd64"), push: to, user: "AWS"}
	if err := run(t.Context(), o, strings.NewReader("secret\n"), &out); err != nil {
		t.Fatal(err)
	}
	if !strings.HasPrefix(out.String(), strings.TrimSuffix(to, ":0.1")+"@sha256:") {
		t.Errorf("it prints %s", out.String())
	}
}

func TestWhatCannotBePackedIsAnError(t *testing.T) {
	t.Parallel()
	incomplete := folder(t, "arm64")
	if err := os.Remove(filepath.Join(incomplete, "arm64", "worker")); err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct {
		options
		want string
	}{
		"no folder":                 {options{out: "x"}, "-programs"},
		"no place for the image":    {options{programs: t.TempDir()}, "-out and -push"},
		"no architecture":           {options{programs: t.TempDir(), out: "x"}, "neither a folder amd64 nor arm64"},
		"a program that is missing": {options{programs: incomplete, out: "x"}, "the programs are not complete"},
		"no reference":              {options{programs: folder(t, "arm64"), push: "UPPER/Case:"}, "is not a reference"},
	} {
		if err := run(t.Context(), c.options, strings.NewReader(""), io.Discard); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v", name, err)
		}
	}
}
