package app

import (
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// lookFolder writes a branding folder.
func lookFolder(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	for name, content := range map[string]string{
		"branding.yaml": "name: Acme APIs\ncolours: {light: {accent: \"#8a1c5b\"}}\n",
		"favicon.svg":   `<svg xmlns="http://www.w3.org/2000/svg"/>`,
	} {
		ok(t, os.WriteFile(filepath.Join(dir, name), []byte(content), 0o600))
	}
	return dir
}

// between returns the text between the first left and the next right, "" if they are missing.
func between(text, left, right string) string {
	_, rest, _ := strings.Cut(text, left)
	found, _, _ := strings.Cut(rest, right)
	return found
}

func TestThePortalDoesNotStartWithAnUnusableBranding(t *testing.T) {
	t.Parallel()
	look := lookFolder(t)
	p := testProcess(t, "GATEHOUSE_BRANDING="+look)
	ok(t, Setup(t.Context(), p.AWS, p.Config))
	portal, err := NewPortal(t.Context(), p)
	ok(t, err)
	d := &door{t: t, portal: portal, base: p.Config.BaseURL}
	if page := d.ask(http.MethodGet, "/", nil).Body.String(); !strings.Contains(page, "Acme APIs") {
		t.Errorf("the home page is not branded:\n%s", page)
	}
	ok(t, portal.Close())

	ok(t, os.WriteFile(filepath.Join(look, "branding.yaml"), []byte("naam: A\ncolours: {light: {accent: \"#ffffff\"}}\n"), 0o600))
	portal, err = NewPortal(t.Context(), p)
	if err == nil {
		_ = portal.Close()
		t.Fatal("it starts")
	}
	for _, want := range []string{"GATEHOUSE_BRANDING", `unknown key "naam"; did you mean "name"?`, "colours.light.accent #ffffff has too little contrast"} {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("%q is missing in: %v", want, err)
		}
	}
}

func TestDoctorChecksTheBranding(t *testing.T) {
	t.Parallel()
	look := lookFolder(t)
	check := func(folder string) Check {
		cfg := Config{Branding: folder}
		return examine(t.Context(), brandingOf(cfg))
	}
	if got := check(""); got.Problem != "" || !strings.Contains(got.Note, "own look") {
		t.Errorf("without a folder: %+v", got)
	}
	if got := check(look); got.Problem != "" || got.Note != look {
		t.Errorf("with a folder: %+v", got)
	}
	if got := check("/nonexistent"); !strings.Contains(got.Problem, "/nonexistent does not exist") {
		t.Errorf("without the folder: %+v", got)
	}
	ok(t, os.WriteFile(filepath.Join(look, "branding.yaml"), []byte("naam: A\n"), 0o600))
	if got := check(look); !strings.Contains(got.Problem, `unknown key "naam"; did you mean "name"?`) || got.Advice == "" {
		t.Errorf("with a fault: %+v", got)
	}
}
