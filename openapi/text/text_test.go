package text_test

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/yuin/goldmark"
	"github.com/yuin/goldmark/ast"
	"github.com/yuin/goldmark/extension"
	gold "github.com/yuin/goldmark/text"

	"github.com/gatehouse-portal/gatehouse/openapi"
	"github.com/gatehouse-portal/gatehouse/openapi/text"
)

const tides = `{
  "openapi": "3.0.3",
  "info": {"title": "Seamark TEXT", "version": "1", "description": "TEXT"},
  "security": [{"key": []}],
  "tags": [{"name": "Tides TEXT", "description": "TEXT"}],
  "paths": {"/tides/{id}": {"put": {
    "operationId": "putTide", "tags": ["Tides TEXT"], "summary": "Set a tide TEXT", "description": "TEXT",
    "parameters": [
      {"name": "id", "in": "path", "required": true, "description": "TEXT", "example": "7", "schema": {"type": "string"}},
      {"name": "unit", "in": "query", "description": "TEXT", "schema": {"type": "string", "enum": ["m", "x TEXT"], "default": "m"}}
    ],
    "requestBody": {"required": true, "description": "TEXT", "content": {"application/json": {
      "schema": {"$ref": "#/components/schemas/Tide"}, "example": {"height": 4.2, "note": "TEXT"}}}},
    "responses": {"200": {"description": "TEXT", "content": {"application/json": {"schema": {"$ref": "#/components/schemas/Tide"}, "example": {"note": "TEXT"}}}}}
  }}},
  "components": {
    "securitySchemes": {"key": {"type": "apiKey", "in": "header", "name": "x-api-key", "description": "TEXT"}},
    "schemas": {"Tide": {"type": "object", "description": "TEXT", "required": ["height"], "properties": {
      "height": {"type": "number", "minimum": 0, "description": "TEXT"},
      "note": {"type": "string", "pattern": "^a|b*TEXT", "description": "TEXT"},
      "next": {"$ref": "#/components/schemas/Tide"}
    }}}
  }
}`

func load(t *testing.T, replacement string) *openapi.Document {
	t.Helper()
	quoted, err := json.Marshal(replacement)
	if err != nil {
		t.Fatal(err)
	}
	doc, err := openapi.Load([]byte(strings.ReplaceAll(tides, "TEXT", string(quoted[1:len(quoted)-1]))))
	if err != nil {
		t.Fatal(err)
	}
	return doc
}

func TestAnOperationReadsWell(t *testing.T) {
	t.Parallel()
	doc := load(t, "tide_id *now*")
	op, ok := doc.Operation("putTide")
	if !ok {
		t.Fatal("no operation")
	}
	got := text.Operation(doc, op, "https://api.example.com/v1")
	for _, want := range []string{
		"# Set a tide tide_id now\n", "\n`PUT /tides/{id}`\n", "\n> tide_id *now*\n", "\nAuthentication: `key` (API key in the header `x-api-key`)\n",
		"| `id` | path | `string` | yes | tide_id now |\n", "| `unit` | query | `string` | no | tide_id now (one of `m`, `x tide_id *now*`, default `m`) |\n",
		"## Request body\n\nRequired.\n", "Media type: `application/json`\n\n- `", "  - `height`: `number`, required, ", "  - `next`: `Tide`, `object`", "(as above)",
		"## Response 200\n", "## Example request\n\n```sh\ncurl --include --request PUT 'https://api.example.com/v1/tides/7'",
		"--header 'x-api-key: YOUR_API_KEY'", "## Example response\n\n```json\n{\n  \"note\": \"tide_id *now*\"\n}\n```\n",
	} {
		if !strings.Contains(got, want) {
			t.Errorf("%q is missing in\n%s", want, got)
		}
	}
	if without := text.Operation(doc, op, ""); strings.Contains(without, "curl") {
		t.Errorf("an API without an address has an example request:\n%s", without)
	}
}

const hooks = `{
  "openapi": "3.1.0", "info": {"title": "Hooks", "version": "1"}, "security": [{"key": []}],
  "paths": {
    "/a": {"post": {"tags": ["One"], "summary": "Subscribe", "responses": {"200": {"description": "OK"}},
      "callbacks": {"news": {"{$request.body#/url}": {"post": {"summary": "News", "responses": {"204": {"description": "Read."}}}}}}}},
    "/b": {"get": {"tags": ["One", "Two"], "summary": "Read b", "responses": {"200": {"description": "OK"}}}}
  },
  "webhooks": {"storm": {"post": {"summary": "A storm", "responses": {"204": {"description": "Seen."}}}}},
  "components": {"securitySchemes": {"key": {"type": "apiKey", "in": "header", "name": "x-api-key"}}}
}`

func TestATagHasItsOperationsAndWebhooksAreATag(t *testing.T) {
	t.Parallel()
	doc, err := openapi.Load([]byte(hooks))
	if err != nil {
		t.Fatal(err)
	}
	const base, sent = "https://api.example.com", "\nThe API sends this request to you.\n"
	for slug, c := range map[string]struct{ has, lacks []string }{
		"One":                {[]string{"# One\n", "## Subscribe\n", "(API key in the header `x-api-key`)", "## Read b\n", "### Callback\n\n#### News\n\n`POST {$request.body#/url}`\n" + sent, "curl"}, []string{"A storm"}},
		"Two":                {[]string{"# Two\n", "## Read b\n"}, []string{"Subscribe"}},
		openapi.WebhooksSlug: {[]string{"# Webhooks\n\n## A storm\n\n`POST storm`\n" + sent, "### Response 204\n"}, []string{"Authentication", "curl", "Read b"}},
	} {
		tag, ok := doc.Tag(slug)
		if !ok {
			t.Fatalf("there is no tag %q", slug)
		}
		got := text.Tag(doc, tag, base, 1<<30)
		for _, want := range c.has {
			if !strings.Contains(got, want) {
				t.Errorf("%s lacks %q:\n%s", slug, want, got)
			}
		}
		for _, not := range c.lacks {
			if strings.Contains(got, not) {
				t.Errorf("%s has %q:\n%s", slug, not, got)
			}
		}
	}
	storm, ok := doc.Webhook("storm")
	if !ok {
		storm = doc.Webhooks[0]
	}
	if got := text.Operation(doc, storm, base); !strings.HasPrefix(got, "# A storm\n\n`POST storm`\n"+sent) {
		t.Errorf("the webhook alone:\n%s", got)
	}
	if _, ok := doc.Tag("Three"); ok {
		t.Error("a tag that the document does not have is found")
	}
}

func TestTextsStayInTheirPlace(t *testing.T) {
	t.Parallel()
	plain := structures(t, "plain")
	for _, hostile := range []string{
		"a\n\n# Heading\n\nb", "a\n===\n", "a\n---\n", "\n```\ncode\n```\n", "```", "``` ````", "~~~\n", "a `` b ` c", "`", "a | b", `a \| b`, "|", `\`, "a\n| x |\n| - |\n", "- item\n  - item", "1. item", "> quote",
		"<div>\n\n# x", "<script>alert(1)</script>", "<!-- ", "a\r\n\r\n# x\r\r# y", "# #", "#", "***", "[a](javascript:x)", "![x](//evil.example)", "&lt;b&gt;", "a\tb", "    indented", "\\\n# x", "é\u2028# x\u0085# y",
		"</details>", "<details><summary>", "x\n\n\n\n\n- y\n\n      z", "'\n```\n# x",
	} {
		for i, got := range structures(t, hostile) {
			if got != plain[i] {
				t.Errorf("%q changes the structure to\n%s\nwant\n%s", hostile, got, plain[i])
			}
		}
	}
}

// structures outlines everything that is written about the document.
func structures(t *testing.T, replacement string) []string {
	t.Helper()
	doc := load(t, replacement)
	tide, ok := text.Schema(doc, "Tide")
	if !ok {
		t.Fatal("no schema")
	}
	return []string{
		structure(text.Document(doc, "https://api.example.com", 1<<30)), structure(text.Operation(doc, doc.Operations()[0], "https://api.example.com")), structure(tide),
	}
}

// structure lists the blocks of a text, but not those in quotes.
func structure(source string) string {
	var b strings.Builder
	root := goldmark.New(goldmark.WithExtensions(extension.GFM)).Parser().Parse(gold.NewReader([]byte(source)))
	depth := 0
	_ = ast.Walk(root, func(node ast.Node, entering bool) (ast.WalkStatus, error) {
		if node.Type() == ast.TypeInline {
			if node.Kind() == ast.KindRawHTML || node.Kind() == ast.KindLink || node.Kind() == ast.KindImage {
				fmt.Fprintf(&b, "inline %s\n", node.Kind())
			}
			return ast.WalkContinue, nil
		}
		if !entering {
			depth--
			return ast.WalkContinue, nil
		}
		fmt.Fprintf(&b, "%*s%s", 2*depth, "", node.Kind())
		if heading, ok := node.(*ast.Heading); ok {
			fmt.Fprintf(&b, " %d", heading.Level)
		}
		b.WriteByte('\n')
		if node.Kind() == ast.KindBlockquote {
			return ast.WalkSkipChildren, nil
		}
		depth++
		return ast.WalkContinue, nil
	})
	return b.String()
}

func TestAnUnknownSchemaIsNotFound(t *testing.T) {
	t.Parallel()
	if got, ok := text.Schema(load(t, ""), "Moon"); ok || got != "" {
		t.Error(got)
	}
}

func TestRealDocumentsAreWritten(t *testing.T) {
	t.Parallel()
	folder := os.Getenv("GATEHOUSE_SPECS")
	if folder == "" {
		t.Skip("NOT RUN: GATEHOUSE_SPECS is not set")
	}
	files, _ := filepath.Glob(folder + "/*[0-9].[jy]*")
	if len(files) == 0 {
		t.Fatal("no documents")
	}
	for _, file := range files {
		data, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		doc, err := openapi.Load(data)
		if err != nil {
			t.Fatal(err)
		}
		got := text.Document(doc, "https://api.example.com", 1<<30)
		if again := text.Document(doc, "https://api.example.com", 1<<30); got != again {
			t.Errorf("%s differs the second time", file)
		}
		for _, op := range doc.Operations() {
			if !strings.Contains(got, op.Method+" "+op.Path+"`") {
				t.Errorf("%s lacks %s %s", file, op.Method, op.Path)
			}
		}
		for _, name := range doc.SchemaNames() {
			if _, ok := text.Schema(doc, name); !ok {
				t.Errorf("%s lacks the schema %s", file, name)
			}
		}
		t.Logf("%s: %d operations, %d KB", filepath.Base(file), len(doc.Operations()), len(got)>>10)
	}
}

func TestADocumentOfManyOperationsEndsNearItsLimit(t *testing.T) {
	t.Parallel()
	var paths []string
	for i := range 2000 {
		paths = append(paths, fmt.Sprintf(`"/things/%d": {"get": {"description": "Reads thing *%d*.", "responses": {"200": {"description": "OK"}}}}`, i, i))
	}
	doc, err := openapi.Load([]byte(`{"openapi": "3.0.3", "info": {"title": "Things", "version": "1"}, "paths": {` + strings.Join(paths, ",") + `}}`))
	if err != nil {
		t.Fatal(err)
	}
	const limit = 20_000
	if got := text.Document(doc, "", limit); len(got) <= limit || len(got) > limit+1000 {
		t.Errorf("the text has %d bytes, want a little more than %d", len(got), limit)
	}
}
