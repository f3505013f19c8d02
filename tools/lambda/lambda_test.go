package main

import (
	"archive/zip"
	"bytes"
	"debug/elf"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// sources is a module with a small cmd/lambda, which prints whether it was built with the tag.
func sources(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	for name, content := range map[string]string{
		"go.mod":               "module example.com/small\n\ngo 1.26.0\n",
		"cmd/lambda/main.go":   "package main\n\nfunc main() { println(\"hello\", tagged) }\n",
		"cmd/lambda/tag.go":    "//go:build lambda.norpc\n\npackage main\n\nconst tagged = \"without the older runtime\"\n",
		"cmd/lambda/no_tag.go": "//go:build !lambda.norpc\n\npackage main\n\nconst tagged = \"with the older runtime\"\n",
	} {
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(content), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

func zipOf(t *testing.T, from, architecture string) []byte {
	t.Helper()
	out := t.TempDir()
	if err := run(t.Context(), from, out, []string{architecture}); err != nil {
		t.Fatal(err)
	}
	zipped, err := os.ReadFile(filepath.Join(out, "lambda-"+architecture+".zip"))
	if err != nil {
		t.Fatal(err)
	}
	return zipped
}

func TestTheSameSourcesInAnotherFolderMakeTheSameZip(t *testing.T) {
	t.Parallel()
	one, two := sources(t), sources(t)
	if one == two {
		t.Fatal("there is one folder")
	}
	if !bytes.Equal(zipOf(t, one, "arm64"), zipOf(t, two, "arm64")) {
		t.Error("the zips differ")
	}
}

func TestTheZipHoldsAnExecutableForItsArchitecture(t *testing.T) {
	t.Parallel()
	from := sources(t)
	for architecture, machine := range map[string]elf.Machine{"arm64": elf.EM_AARCH64, "amd64": elf.EM_X86_64} {
		zipped := zipOf(t, from, architecture)
		r, err := zip.NewReader(bytes.NewReader(zipped), int64(len(zipped)))
		if err != nil {
			t.Fatal(err)
		}
		if len(r.File) != 1 {
			t.Fatalf("%s: the zip has %d files", architecture, len(r.File))
		}
		file := r.File[0]
		if file.Name != "bootstrap" || file.Mode() != 0o755 || !file.Modified.Equal(packed) {
			t.Errorf("%s: the file is %s, %v, of %v", architecture, file.Name, file.Mode(), file.Modified)
		}
		opened, err := file.Open()
		if err != nil {
			t.Fatal(err)
		}
		program, err := io.ReadAll(opened)
		if err != nil {
			t.Fatal(err)
		}
		binary, err := elf.NewFile(bytes.NewReader(program))
		if err != nil {
			t.Fatal(err)
		}
		if binary.Machine != machine || binary.Section(".symtab") != nil || binary.Section(".interp") != nil {
			t.Errorf("%s: the program is for %v, with symbols or a linker of the system", architecture, binary.Machine)
		}
		if !bytes.Contains(program, []byte("without the older runtime")) || bytes.Contains(program, []byte(from)) {
			t.Errorf("%s: the program lacks the tag, or names the folder of its sources", architecture)
		}
	}
}

func TestWhatCannotBeBuiltIsSaid(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		sources       string
		architectures []string
		says          string
	}{
		"without sources":          {"", []string{"arm64"}, "-sources"},
		"without an architecture":  {sources(t), nil, "an architecture"},
		"an unknown architecture":  {sources(t), []string{"x86_64"}, "use arm64 or amd64"},
		"a folder without sources": {t.TempDir(), []string{"arm64"}, "building for arm64"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if err := run(t.Context(), c.sources, t.TempDir(), c.architectures); err == nil || !strings.Contains(err.Error(), c.says) {
				t.Errorf("the error is %v", err)
			}
		})
	}
}
