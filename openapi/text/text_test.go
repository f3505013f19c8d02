package text_test

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"unicode"

	"github.com/google/go-cmp/cmp"
	"github.com/yuin/goldmark"
	"github.com/yuin/goldmark/ast"
	"github.com/yuin/goldmark/extension"
	extensions "github.com/yuin/goldmark/extension/ast"
	source "github.com/yuin/goldmark/text"

	"github.com/gatehouse-portal/gatehouse/openapi"
	"github.com/gatehouse-portal/gatehouse/openapi/text"
)

const base = "https://api.example.com/v2"

func load(t *testing.T, document string) *openapi.Document {
	t.Helper()
	doc, err := openapi.Load([]byte(document))
	if err != nil {
		t.Fatal(err)
	}
	return doc
}

func harbours(t *testing.T) *openapi.Document {
	t.Helper()
	data, err := os.ReadFile(filepath.Join("..", "testdata", "harbour-3.1.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	return load(t, string(data))
}

func operation(t *testing.T, doc *openapi.Document, id string) *openapi.Operation {
	t.Helper()
	op, ok := doc.Operation(id)
	if !ok {
		t.Fatalf("there is no operation %s", id)
	}
	return op
}

func TestAnOperationSaysHowItIsCalled(t *testing.T) {
	t.Parallel()
	doc := harbours(t)
	for id, want := range map[string][]string{
		"harbours-get": {
			"# One harbour\n\n`GET /harbours/{harbour}`\n\nOperation id: `harbours-get`\n",
			"\n## Authentication\n\nNeeds an API key in the header `X-API-Key`, or no authentication.\n",
			"\n| name | in | type | required | description |\n|---|---|---|---|---|\n| `harbour` | path | string, 3 to 8 characters, matches ^\\[A-Z\\]+$ | yes | Example: `AAAA` |\n",
			"| no | Least depth in metres. Example: `0.5` |\n", "| `trace` | header | string | no | Deprecated. Example: `abc` |\n",
			"\n### 200\n\n> The harbour\n\nHeaders:\n\n- `X-Left` (integer, at least 0): Requests left\n\n`application/json`: `Harbour`.\n\n- `id` (string, uuid, only in responses, required)\n",
			"\n- `neighbour` (`Harbour` or null): The next one\n- `berths` (array of Berth, 1 to 5 items, no duplicates)\n  - each element (`Berth`, no other properties)\n    - `length` (number, default `10`)\n",
			"\n## Example response\n\n200 `application/json`\n\n```json\n{\n  \"id\":",
			"\n## Example request\n\n```sh\ncurl --include 'https://api.example.com/v2/harbours/AAAA' \\\n  --header 'Accept: application/json' \\\n  --header 'x-api-key: YOUR_API_KEY'\n```\n",
		},
		"berths-post": {
			"\nDeprecated: new programs should not use this operation.\n", "\nNeeds no authentication.\n",
			"\n## Request body (required)\n\n`application/json`: `Berth`.\n\n- `length` (number, default `10`)\n", "\nExample:\n\n```json\n{\n  \"length\": 5\n}\n```\n",
			"\n## Callbacks\n\nThe API sends these requests in answer.\n\n### POST {$request.body#/callback}\n", "`Berth`. Described above.\n",
		},
	} {
		got := text.Operation(doc, operation(t, doc, id), base)
		for _, part := range want {
			if !strings.Contains(got, part) {
				t.Errorf("%s lacks %q:\n%s", id, part, got)
			}
		}
	}
}

func TestWhatNobodyCanCallHasNoExampleRequest(t *testing.T) {
	t.Parallel()
	doc := harbours(t)
	for name, got := range map[string]string{
		"a webhook":                text.Operation(doc, doc.Webhooks[0], base),
		"an API without a base":    text.Operation(doc, operation(t, doc, "harbours-get"), ""),
		"a callback":               text.Operation(doc, operation(t, doc, "berths-post").Callbacks[0], ""),
		"a document without bases": text.Document(doc, ""),
	} {
		if strings.Contains(got, "curl") {
			t.Errorf("%s has an example request:\n%s", name, got)
		}
	}
	if got := text.Operation(doc, doc.Webhooks[0], base); strings.Contains(got, "Authentication") {
		t.Errorf("a webhook asks for authentication:\n%s", got)
	}
}

func TestADocumentDescribesEachComponentOnce(t *testing.T) {
	t.Parallel()
	got := text.Document(harbours(t), base)
	for part, times := range map[string]int{
		"# Harbours\n\nVersion 2.1.0\n\nBase URL: `https://api.example.com/v2`\n\nHarbours and berths\n\n> All **harbours**.\n":                                         1,
		"\n## Authentication\n\n- `key`: an API key in the header `X-API-Key`. The key\n- `login`: a bearer token in the header `Authorization` (`login`)\n": 1,
		"\n## berths\n\n> Where ships lie\n\n### POST /berths\n": 1, "\n### One harbour\n": 1, "\n## Webhooks\n": 1, "\n## Schemas\n": 1, "See Schemas.": 3,
		"\n### `Berth`\n\nType: object, no other properties.\n": 1, "\n### `Harbour`\n\n> A harbour\n\nType: object.\n": 1, "\n### `Base`\n": 1, "- `kind` (string): Which kind\n": 1,
	} {
		if n := strings.Count(got, part); n != times {
			t.Errorf("%q is there %d times, want %d:\n%s", part, n, times, got)
		}
	}
}

func TestASchemaStopsWhereItContainsItself(t *testing.T) {
	t.Parallel()
	doc := harbours(t)
	want := "# `Harbour`\n\n> A harbour\n\nType: object.\n\n- `id` (string, uuid, only in responses, required)\n- `kind` (string, always `harbour`, required): Which kind\n"
	if got := text.Schema(doc, "Harbour"); !strings.HasPrefix(got, want) || strings.Count(got, "`neighbour`") != 1 {
		t.Errorf("got:\n%s", got)
	}
	if got := text.Schema(doc, "Missing"); got != "" {
		t.Errorf("a schema that is missing is %q", got)
	}
}

// hostileTexts try to leave their places.
var hostileTexts = []string{
	"# Heading", "\n# Heading\n", "a\n===", "a\n---\n", "```", "```\n# Heading\n```", "~~~~\n", "````````", "`", "``", "a ` b `` c", "\\", "a\\", "\\|", "|", "a | b | c", "`a|b`",
	"<script>alert(1)</script>", "<!--", "<!-- a", "-->", "<div>\n\n", "<pre>", "<?", "<![CDATA[", "&lt;script&gt;", "&#35; x",
	"[link](javascript:alert(1))", "![image](https://evil.example/p.gif)", "[a]: https://evil.example", "https://evil.example", "<https://evil.example>", "www.evil.example", "[", "]", "](", "[x][y]", "[ ] task",
	"> quote", "- item", "* item", "+ item", "1. item", "2) item", "    code", "\tcode", "***", "---", "___", "===", "*a*", "**a", "_a_", "a_b_", "~~a~~", "a  \nb", "a\r# b", "a\u2028# b", "a\x00b", "`\x10``", "\x1b[31mred", "\x85# b",
	"|a|b|\n|-|-|\n|c|d|", ":---", "| --- |", "---|---", "#", "######", "a #", "a\n\n\n\n# b", "\n\n> b", "\n  - c", "# a {#id}", "日本 # 🚀", strings.Repeat("`", 50), strings.Repeat("> ", 100) + "# a", strings.Repeat("x", 3_000),
}

// everywhere is a document with the text in all places. Texts that Load would refuse or drop there
// are not hostile: they never reach the model.
func everywhere(hostile string) string {
	quoted, _ := json.Marshal(hostile)
	q := string(quoted)
	schema := `{"type":"object","description":` + q + `,"properties":{"a":{"type":"string","description":` + q + `,"enum":["x",` + q + `],"default":` + q + `,"format":` + q + `,"pattern":` + q + `},` +
		`"list":{"type":"array","items":{"type":"object","description":` + q + `,"properties":{"b":{"const":` + q + `}}}}}}`
	return `{"openapi":"3.1.0","info":{"title":` + q + `,"version":` + q + `,"summary":` + q + `,"description":` + q + `},
		"servers":[{"url":"https://api.example.com","description":` + q + `}],
		"tags":[{"name":"t","description":` + q + `}],
		"paths":{"/a/{p}":{"post":{"operationId":"one","tags":["t"],"summary":` + q + `,"description":` + q + `,
			"parameters":[{"name":"p","in":"path","required":true,"description":` + q + `,"example":` + q + `,"schema":{"type":"string","enum":["y",` + q + `]}},
				{"name":"q","in":"query","description":` + q + `,"schema":{"type":"string","description":` + q + `,"default":` + q + `}}],
			"requestBody":{"description":` + q + `,"content":{"application/json":{"schema":` + schema + `,"example":` + q + `},"text/plain":{"schema":{"type":"string"},"example":` + q + `}}},
			"responses":{"200":{"description":` + q + `,"headers":{"X-A":{"description":` + q + `,"schema":{"type":"string","example":` + q + `}}},"content":{"text/plain":{"schema":{"$ref":"#/components/schemas/S"},"example":` + q + `}}}}}}},
		"components":{"schemas":{"S":` + schema + `},"securitySchemes":{"k":{"type":"apiKey","in":"header","name":"x-api-key","description":` + q + `}}}, "security":[{"k":[]}]}`
}

func TestHostileTextStaysInItsPlace(t *testing.T) {
	t.Parallel()
	for _, hostile := range hostileTexts {
		staysInPlace(t, hostile)
	}
	named := func(name string) string {
		quoted, _ := json.Marshal(name)
		return strings.NewReplacer(`"a":`, string(quoted)+":", `"name":"q"`, `"name":`+string(quoted), `"t"`, string(quoted), `"k":`, string(quoted)+":", `{"k"`, `{`+string(quoted)).Replace(everywhere("x"))
	}
	for _, hostile := range hostileTexts {
		if !printable(hostile) || len(hostile) > 1000 {
			continue
		}
		same(t, "the name "+hostile, load(t, named("name")), load(t, named(hostile)))
	}
}

// staysInPlace compares the structure with that of a document that has a harmless text.
func staysInPlace(t *testing.T, hostile string) {
	t.Helper()
	if !printable(hostile) || len(hostile) > 3_000 { // a long example has no request beside it
		return
	}
	same(t, hostile, load(t, everywhere("x")), load(t, everywhere(hostile)))
}

func same(t *testing.T, name string, harmless, hostile *openapi.Document) {
	t.Helper()
	name = fmt.Sprintf("%.100q", name)
	for kind, write := range map[string]func(*openapi.Document) string{
		"the document":  func(doc *openapi.Document) string { return text.Document(doc, base) },
		"the operation": func(doc *openapi.Document) string { return text.Operation(doc, doc.Operations()[0], base) },
		"the schema":    func(doc *openapi.Document) string { return text.Schema(doc, "S") },
	} {
		got := write(hostile)
		if diff := cmp.Diff(outline(t, write(harmless)), outline(t, got)); diff != "" {
			t.Errorf("%s with %s has another structure (-harmless +hostile):\n%s\n%.3000s", kind, name, diff, got)
		}
		if strings.ContainsFunc(got, func(r rune) bool { return unicode.IsControl(r) && r != '\n' && r != '\t' }) {
			t.Errorf("%s with %s has control characters", kind, name)
		}
	}
}

// printable reports whether anything of the text is shown.
func printable(s string) bool {
	return strings.ContainsFunc(s, func(r rune) bool { return !unicode.IsSpace(r) && !unicode.IsControl(r) })
}

var gfm = goldmark.New(goldmark.WithExtensions(extension.Table, extension.Strikethrough, extension.TaskList))

// outline lists the blocks of Markdown without what is in quotes and code. Markup in lines, other
// than code, is an error outside of quotes.
func outline(t *testing.T, markdown string) []string {
	t.Helper()
	var list []string
	depth := 0
	document := gfm.Parser().Parse(source.NewReader([]byte(markdown)))
	err := ast.Walk(document, func(node ast.Node, entering bool) (ast.WalkStatus, error) {
		if !entering {
			depth--
			return ast.WalkContinue, nil
		}
		depth++
		if node.Type() == ast.TypeInline {
			switch node.(type) {
			case *ast.Text, *ast.String, *ast.CodeSpan:
			default:
				t.Errorf("there is a %s in %.2000s", node.Kind(), markdown)
			}
			return ast.WalkContinue, nil
		}
		line := strings.Repeat(" ", depth) + node.Kind().String()
		if heading, ok := node.(*ast.Heading); ok {
			line += fmt.Sprint(heading.Level)
		}
		list = append(list, line)
		if node.Kind() == ast.KindBlockquote || node.Kind() == ast.KindFencedCodeBlock {
			return ast.WalkSkipChildren, nil
		}
		if node.Kind() == extensions.KindTableRow && node.ChildCount() != 5 {
			t.Errorf("a row has %d cells in %.2000s", node.ChildCount(), markdown)
		}
		return ast.WalkContinue, nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return list
}

func FuzzHostileTextStaysInItsPlace(f *testing.F) {
	for _, hostile := range hostileTexts {
		f.Add(hostile)
	}
	f.Fuzz(func(t *testing.T, hostile string) { staysInPlace(t, hostile) })
}

func TestTextsAreBounded(t *testing.T) {
	t.Parallel()
	var paths, responses, properties []string
	for i := range 600 {
		properties = append(properties, fmt.Sprintf(`"p%d":{"type":"string","description":%q}`, i, strings.Repeat("long ", 100)))
	}
	object := `{"type":"object","properties":{` + strings.Join(properties, ",") + `}}`
	for i := range 400 {
		responses = append(responses, fmt.Sprintf(`"%d":{"$ref":"#/components/responses/r"}`, 200+i))
	}
	answers := strings.Join(responses, ",")
	for i := range 20_000 {
		if i > 0 {
			answers = `"200":{"$ref":"#/components/responses/r"}`
		}
		paths = append(paths, fmt.Sprintf(`"/a%d":{"get":{"operationId":"op-%d","summary":"Operation %d","responses":{%s}}}`, i, i, i, answers))
	}
	doc := load(t, `{"openapi":"3.0.0","info":{"title":"Huge","version":"1"},"paths":{`+strings.Join(paths, ",")+`},
		"components":{"responses":{"r":{"description":"OK","content":{"application/json":{"schema":`+object+`}}}}}}`)
	one := text.Operation(doc, doc.Operations()[0], base)
	if len(one) > 300<<10 || !strings.Contains(one, "\n- and more\n") || !strings.Contains(one, "The other responses are left out, since there are too many.") {
		t.Errorf("an operation has %d bytes", len(one))
	}
	all := text.Document(doc, base)
	if len(all) > 3<<20 || !strings.Contains(all, "\n## Further operations\n") || !strings.Contains(all, "\n- `GET /a5000`: Operation 5000 (`op-5000`)\n") {
		t.Errorf("the document has %d bytes", len(all))
	}
	if tail := all[len(all)-100:]; !strings.Contains(tail, "\n- and ") || !strings.HasSuffix(tail, " more\n\n") {
		t.Errorf("the document ends with %q", tail)
	}
}

func TestALongExampleIsCut(t *testing.T) {
	t.Parallel()
	doc := load(t, `{"openapi":"3.0.0","info":{"title":"T","version":"1"},"paths":{"/a":{"post":{"requestBody":{"content":{"text/plain":{"example":"`+strings.Repeat("é ", 50_000)+`"}}},"responses":{}}}}}`)
	got := text.Operation(doc, doc.Operations()[0], base)
	if len(got) > 20_000 || !strings.Contains(got, "…\n```\n") || strings.Contains(got, "curl") {
		t.Errorf("%d bytes:\n%.500s", len(got), got)
	}
}

func TestRealDocumentsAreWritten(t *testing.T) {
	t.Parallel()
	folder := os.Getenv("GATEHOUSE_SPECS")
	if folder == "" {
		t.Skip("NOT RUN: GATEHOUSE_SPECS is not set")
	}
	files, err := filepath.Glob(filepath.Join(folder, "*.[jy]*"))
	if err != nil || len(files) == 0 {
		t.Fatalf("there are no documents in %s: %v", folder, err)
	}
	for _, file := range files {
		data, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		doc, err := openapi.Load(data)
		if err != nil {
			t.Errorf("%s: %v", file, err)
			continue
		}
		all := text.Document(doc, base)
		first := 0
		for _, block := range outline(t, all) {
			if block == "  Heading1" {
				first++
			}
		}
		if len(all) > 3<<20 || first != 1 {
			t.Errorf("%s: %d bytes, %d headings of the first level", file, len(all), first)
		}
		for i, op := range doc.Operations() {
			one := text.Operation(doc, op, base)
			if len(one) > 400<<10 || !strings.Contains(one, op.Method+" ") {
				t.Errorf("%s, %s: %d bytes", file, op.ID, len(one))
			}
			if i%50 == 0 {
				outline(t, one)
			}
		}
	}
}
