package export_test

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"go.yaml.in/yaml/v3"

	"github.com/gatehouse-portal/gatehouse/openapi/export"
)

func TestTheServerReplacesThoseOfTheDocument(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct{ document, endpoint, want string }{
		"in place of others":        {`{"openapi":"3.0.1","info":{"title":"b","a":1},"servers":[{"url":"https://old"}],"paths":{}}`, "https://new/v1", `{"openapi":"3.0.1","info":{"title":"b","a":1},"servers":[{"url":"https://new/v1"}],"paths":{}}`},
		"where there was none":      {`{"openapi":"3.0.1","info":{},"paths":{"/z":{},"/a":{}}}`, "https://new", `{"openapi":"3.0.1","info":{},"servers":[{"url":"https://new"}],"paths":{"/z":{},"/a":{}}}`},
		"no server is left":         {`{"servers":[{"url":"https://old"}],"info":{},"paths":{}}`, "", `{"info":{},"paths":{}}`},
		"an empty document":         {`{}`, "", `{}`},
		"a name that needs escapes": {`{"x-\"":1,"info":{}}`, "", `{"x-\"":1,"info":{}}`},
	} {
		got, err := export.WithServer([]byte(c.document), c.endpoint)
		if err != nil || string(got) != c.want {
			t.Errorf("%s: %s, %v; want %s", name, got, err, c.want)
		}
	}
	for _, broken := range []string{"", "[]", `{"a"`, `{"a":}`, "nonsense"} {
		if got, err := export.WithServer([]byte(broken), ""); err == nil {
			t.Errorf("%q became %s", broken, got)
		}
	}
}

func TestYAMLIsReadAsTheSameDocument(t *testing.T) {
	t.Parallel()
	for _, document := range []string{
		`{"a":{"b":[1,2.50,-3e10,true,false,null,"x"],"empty":{},"none":[],"deep":[[1,[2]],[{"x":{"y":[{}]}}],[]]}}`,
		`[{"a":1,"b":{"c":2}},[],"x"]`, `"text"`, `"several\nlines"`, `7`, `null`, `{}`, `[]`,
		`{"yes":"no","on":"off","y":"n","null":"null","~":"~","true":"True","1":"1","1.5":"1e3","0x1f":"0o7","":"","<<":"=","2001-12-14":"12:30:45"}`,
		`{"a: b":"c: d","#x":"a #b","- x":"- y","*a":"&b","!t":"%d","@a":"` + "`" + `x","'q'":"\"dq\"","{x}":"[y]","?":"|",">":"a,b"}`,
		`{"/pets/{id}":"/pets/{id}","$ref":"#/components/schemas/Pet","x ":" x","tab":"a\tb"}`,
		`{"block":"one\ntwo\n","strip":"one\ntwo","keep":"one\n\n\n","indented":"  one\ntwo","begins":"\n\none","blank":"\n\n","inner":"a\n\n  b\n c","tabs":"\ta\nb","trail":"a \nb ","cr":"a\r\nb","list":["x\ny","- a\n- b"]}`,
		`{"control":"\u0001\u007f\u0085","separators":"a\u2028b\u2029c","bom":"\ufeffx","emoji":"😀 ünï","two":"x\u2028\ny","quote":"a\"\\\nb: c"}`,
		`{"` + strings.Repeat("long", 1000) + `":{"` + strings.Repeat("long", 1000) + `":[{"` + strings.Repeat("long", 1000) + `":1,"b":2}]}}`,
		`{"big":123456789012345678901234567890,"doc":"---\nx: y\n...\n"}`,
	} {
		written, err := export.YAML([]byte(document))
		if err != nil {
			t.Errorf("%s: %v", document, err)
			continue
		}
		same(t, document, document, written)
	}
	for _, broken := range []string{"", `{"a"`, `{"a":}`, `[1,`, "nonsense"} {
		if got, err := export.YAML([]byte(broken)); err == nil {
			t.Errorf("%q became %s", broken, got)
		}
	}
}

// same checks that a reader of YAML sees the JSON document.
func same(t *testing.T, name, document string, written []byte) {
	t.Helper()
	var want, got any
	if err := json.Unmarshal([]byte(document), &want); err != nil {
		t.Fatal(err)
	}
	var read any
	if err := yaml.Unmarshal(written, &read); err != nil {
		t.Errorf("%s: %v in\n%.2000s", name, err, written)
		return
	}
	body, err := json.Marshal(read)
	if err != nil {
		t.Errorf("%s: %v", name, err)
		return
	}
	if err := json.Unmarshal(body, &got); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("%s (-JSON +YAML):\n%.2000s\nin\n%.2000s", name, diff, written)
	}
}

func TestYAMLOfRealDocuments(t *testing.T) {
	t.Parallel()
	folder := os.Getenv("GATEHOUSE_SPECS")
	if folder == "" {
		t.Skip("NOT RUN: GATEHOUSE_SPECS is not set")
	}
	files, err := filepath.Glob(filepath.Join(folder, "*.json"))
	if err != nil || len(files) == 0 {
		t.Fatalf("there are no documents in %s: %v", folder, err)
	}
	for _, file := range files {
		document, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		written, err := export.YAML(document)
		if err != nil {
			t.Errorf("%s: %v", file, err)
			continue
		}
		same(t, file, string(document), written)
		if strings.Count(string(written), "\n") < 50 {
			t.Errorf("%s is written on few lines:\n%.500s", file, written)
		}
	}
}

func FuzzYAMLIsReadAsTheSameText(f *testing.F) {
	for _, seed := range []string{"a", " a\n", "a\n\nb", "yes", "a: b", "\t", "#", "\u0085x", "x\n  y\n"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		body, err := json.Marshal(map[string]any{text: []any{text, map[string]string{"x": text}}})
		if err != nil {
			t.Skip()
		}
		written, err := export.YAML(body)
		if err != nil {
			t.Fatal(err)
		}
		same(t, text, string(body), written)
	})
}
