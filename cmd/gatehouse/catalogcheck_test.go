package main

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// catalogFolder writes names and contents in turn to a new folder.
func catalogFolder(t *testing.T, namesAndContents ...string) string {
	t.Helper()
	dir := t.TempDir()
	for i := 0; i+1 < len(namesAndContents); i += 2 {
		name := filepath.Join(dir, namesAndContents[i])
		if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(name, []byte(namesAndContents[i+1]), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

func TestCatalogCheckPrintsWhatToChangeAndFailsOnErrors(t *testing.T) {
	t.Parallel()
	const good, bad = "name: Tides\nplans: [{id: x}]\n", "name: Lights\nplan: [{id: y}]\nplans: [{id: z}]\n"
	for name, c := range map[string]struct {
		files  []string
		code   int
		out    string // DIR is the folder
		errors string
	}{
		"nothing wrong": {[]string{"tides/product.yaml", good, "pages/terms.md", "# Terms\n\nBe kind.\n"}, 0, "1 product and 1 page of the portal can be shown: 0 errors, 0 warnings.\n", ""},
		"a warning": {
			[]string{"tides/product.yaml", good, "tides/overview.md", "\n[x](y.md)"}, 0,
			"DIR/tides/overview.md:2: warning: The link \"y.md\" leads to no page. Add the page, or correct the path.\n1 product and 0 pages of the portal can be shown: 0 errors, 1 warning.\n", "",
		},
		"an error": {
			[]string{"tides/product.yaml", good, "lights/product.yaml", bad}, 1,
			"DIR/lights/product.yaml:2: There is no key \"plan\". Did you mean plans?\n1 product and 0 pages of the portal can be shown: 1 error, 0 warnings.\n",
			"gatehouse: the catalog folder has 1 error, which leaves out the product lights\n",
		},
		"an error about a whole file": {
			[]string{"a/product.yaml", "", "b/product.yaml", ""}, 1,
			"DIR/a/product.yaml: The file is empty. Write at least a name and a list of apis or plans.\nDIR/b/product.yaml: The file is empty. Write at least a name and a list of apis or plans.\n" +
				"0 products and 0 pages of the portal can be shown: 2 errors, 0 warnings.\n",
			"gatehouse: the catalog folder has 2 errors, which leave out the products a, b\n",
		},
		"terminal escapes": {
			[]string{"a/product.yaml", "name: A\n\"\\e[31mx\": y\nplans: [{id: x}]\n"}, 1,
			"DIR/a/product.yaml:2: There is no key \"\\x1b[31mx\". Known keys are apis, category, description, featured, id, image, name, owner, plans, status, successor, sunset, tags, version, version_of, visibility.\n" +
				"0 products and 0 pages of the portal can be shown: 1 error, 0 warnings.\n",
			"gatehouse: the catalog folder has 1 error, which leaves out the product a\n",
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dir := catalogFolder(t, c.files...)
			code, out, errors := said(t, nil, "catalog", "check", dir)
			if code != c.code || errors != c.errors {
				t.Errorf("exit code %d, %q", code, errors)
			}
			if diff := cmp.Diff(strings.ReplaceAll(c.out, "DIR", dir), out); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestCatalogCheckPrintsJSON(t *testing.T) {
	t.Parallel()
	dir := catalogFolder(t, "tides/product.yaml", "name: Tides\nplans: [{id: x}]\n", "lights/product.yaml", "name: [", "tides/overview.md", "[x](y.md)")
	code, out, _ := said(t, nil, "catalog", "check", "--json", dir)
	var got struct {
		OK       bool     `json:"ok"`
		Products []string `json:"products"`
		Pages    []string `json:"pages"`
		LeftOut  []string `json:"left_out"`
		Problems []struct {
			Where   string `json:"where"`
			Line    int    `json:"line"`
			Text    string `json:"text"`
			Warning bool   `json:"warning"`
		} `json:"problems"`
	}
	if err := json.Unmarshal([]byte(out), &got); err != nil || code != 1 {
		t.Fatalf("exit code %d, %v: %s", code, err, out)
	}
	if got.OK || len(got.Problems) != 2 || got.Problems[0].Where != "lights/product.yaml" || got.Problems[0].Line != 1 || !got.Problems[1].Warning ||
		!cmp.Equal(got.Products, []string{"tides"}) || !cmp.Equal(got.LeftOut, []string{"lights"}) || got.Pages == nil {
		t.Errorf("it is %s", out)
	}
	if _, out, _ := said(t, nil, "catalog", "check", "--json", catalogFolder(t)); !json.Valid([]byte(out)) {
		t.Errorf("an empty folder gives %s", out)
	}
}

func TestCatalogCheckOfAFolderThatIsNotThere(t *testing.T) {
	t.Parallel()
	code, out, errors := said(t, nil, "catalog", "check", "/nothing/here")
	if code != 1 || out != "" || errors != "gatehouse: there is no folder /nothing/here. Create it, or correct the path\n" {
		t.Errorf("exit code %d, %q, %q", code, out, errors)
	}
}
