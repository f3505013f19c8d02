package mcp_test

import (
	"context"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"

	"github.com/go-chi/chi/v5"
	sdk "github.com/modelcontextprotocol/go-sdk/mcp"

	"github.com/gatehouse-portal/gatehouse/api"
	"github.com/gatehouse-portal/gatehouse/catalog"
	"github.com/gatehouse-portal/gatehouse/identity"
	"github.com/gatehouse-portal/gatehouse/library"
	"github.com/gatehouse-portal/gatehouse/library/librarytest"
	"github.com/gatehouse-portal/gatehouse/mcp"
	"github.com/gatehouse-portal/gatehouse/plain"
)

var (
	crew   = &identity.Identity{Account: "crew", Groups: []string{"crew"}}
	member = &identity.Identity{Account: "member"}
)

type shelves interface {
	For(ctx context.Context, viewer catalog.Viewer) (*library.Shelf, error)
}

// serve starts a portal with nothing but the MCP server. The token "crew" is a member of that
// group; a cookie would identify everybody.
func serve(t testing.TB, shelves shelves) *httptest.Server {
	t.Helper()
	router := chi.NewRouter()
	server := httptest.NewServer(router)
	t.Cleanup(server.Close)
	documents := plain.New(plain.Config{
		Library: shelves, BaseURL: server.URL, Name: func() string { return "Sea portal" }, Tagline: func() string { return "" },
		Error: api.WriteProblem,
	})
	mcp.New(mcp.Config{Library: shelves, Documents: documents, BaseURL: server.URL, Version: "test", Error: api.WriteProblem}).Routes(router,
		func(next http.Handler) http.Handler {
			return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				if r.Header.Get("Authorization") == "Bearer crew" {
					r = r.WithContext(identity.With(r.Context(), *crew))
				} else if r.Header.Get("Cookie") != "" {
					r = r.WithContext(identity.With(r.Context(), *member))
				}
				next.ServeHTTP(w, r)
			})
		})
	return server
}

// dressed adds headers to every request.
type dressed map[string]string

func (d dressed) RoundTrip(r *http.Request) (*http.Response, error) {
	r = r.Clone(r.Context())
	for name, value := range d {
		r.Header.Set(name, value)
	}
	return http.DefaultTransport.RoundTrip(r)
}

// connect connects the SDK's own client.
func connect(t *testing.T, server *httptest.Server, header dressed) *sdk.ClientSession {
	t.Helper()
	client := sdk.NewClient(&sdk.Implementation{Name: "test", Version: "1"}, nil)
	session, err := client.Connect(t.Context(), &sdk.StreamableClientTransport{
		Endpoint: server.URL + mcp.Path, HTTPClient: &http.Client{Transport: header}, DisableStandaloneSSE: true,
	}, nil)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = session.Close() })
	return session
}

// call calls a tool and returns its text; failed says that it is an error.
func call(t *testing.T, session *sdk.ClientSession, tool string, arguments map[string]any) (text string, failed bool) {
	t.Helper()
	result, err := session.CallTool(t.Context(), &sdk.CallToolParams{Name: tool, Arguments: arguments})
	if err != nil {
		return err.Error(), true
	}
	var b strings.Builder
	for _, content := range result.Content {
		b.WriteString(content.(*sdk.TextContent).Text)
	}
	return b.String(), result.IsError
}

func TestAClientFindsAndReadsAnOperation(t *testing.T) {
	t.Parallel()
	session := connect(t, serve(t, librarytest.Seamark().Library()), nil)
	if info := session.InitializeResult().ServerInfo; info.Title != "Sea portal" || info.Name != "gatehouse" {
		t.Errorf("the server is %+v", info)
	}
	listed, err := session.ListTools(t.Context(), nil)
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, tool := range listed.Tools {
		names = append(names, tool.Name)
		if !tool.Annotations.ReadOnlyHint || tool.Description == "" || tool.InputSchema == nil {
			t.Errorf("%s is not described: %+v", tool.Name, tool)
		}
	}
	slices.Sort(names)
	if want := []string{"get_operation", "get_page", "get_product", "get_schema", "list_operations", "list_products", "search"}; !slices.Equal(names, want) {
		t.Errorf("the tools are %v, want %v", names, want)
	}

	text, failed := call(t, session, "search", map[string]any{"query": "tide"})
	var results struct {
		Results []struct{ Kind, Product, API, Operation, URL string }
	}
	if err := json.Unmarshal([]byte(text), &results); err != nil || failed {
		t.Fatalf("%v: %s", err, text)
	}
	at := slices.IndexFunc(results.Results, func(r struct{ Kind, Product, API, Operation, URL string }) bool {
		return r.Kind == library.KindOperation
	})
	if at < 0 {
		t.Fatalf("a search for tide finds no operation: %s", text)
	}
	found := results.Results[at]
	text, failed = call(t, session, "get_operation", map[string]any{"product": found.Product, "api": found.API, "operation": found.Operation})
	if failed || !strings.Contains(text, "Predict the tides of a harbour") || !strings.Contains(text, "https://api.seamark.example/v2/harbours/kiel/tides") {
		t.Errorf("%+v: %s", found, text)
	}
	for _, name := range []string{"tides.of", "tides-of", "get /harbours/{id}/tides"} {
		same, failed := call(t, session, "get_operation", map[string]any{"product": "seamark", "operation": name})
		if failed || same != text {
			t.Errorf("as %s the operation is: %s", name, same)
		}
	}
}

func TestEveryToolAnswers(t *testing.T) {
	t.Parallel()
	session := connect(t, serve(t, librarytest.Seamark().Library()), nil)
	for _, c := range []struct {
		tool      string
		arguments map[string]any
		want      string
	}{
		{"list_products", nil, `"total":1`},
		{"list_products", map[string]any{"tag": "TIDES"}, `"id":"seamark"`},
		{"list_products", map[string]any{"tag": "nothing"}, `"products":[]`},
		{"get_product", map[string]any{"product": "seamark"}, "# Seamark\n\nTides and harbours"},
		{"list_operations", map[string]any{"product": "seamark", "api": "tides"}, `"path":"/harbours"`},
		{"list_operations", map[string]any{"product": "seamark", "tag": "harbours"}, `"total":2`},
		{"get_operation", map[string]any{"product": "seamark", "operation": "listHarbours"}, "Authentication: `x-api-key` (API key in the header `x-api-key`)"},
		{"get_schema", map[string]any{"product": "seamark", "schema": "Harbour"}, "In metres."},
		{"get_page", map[string]any{"page": "getting-started"}, "# Getting started\n\nSign up"},
		{"get_page", map[string]any{"product": "seamark", "page": "units"}, "# Units"},
		{"get_page", map[string]any{"product": "seamark", "page": "changelog"}, "Tides for Kiel."},
	} {
		if text, failed := call(t, session, c.tool, c.arguments); failed || !strings.Contains(text, c.want) {
			t.Errorf("%s %v does not say %q: %s", c.tool, c.arguments, c.want, text)
		}
	}
}

func TestWhatACallerDoesNotSeeDoesNotExist(t *testing.T) {
	t.Parallel()
	server := serve(t, librarytest.Seamark().Library())
	stranger, withCookie, sailor := connect(t, server, nil), connect(t, server, dressed{"Cookie": "session=1"}), connect(t, server, dressed{"Authorization": "Bearer crew"})
	for _, session := range []*sdk.ClientSession{stranger, withCookie} {
		for _, c := range []struct {
			tool      string
			arguments map[string]any
		}{
			{"list_products", nil}, {"list_products", map[string]any{"tag": ""}}, {"search", map[string]any{"query": "list"}}, {"search", map[string]any{"query": "e"}}, {"get_product", map[string]any{"product": "seamark"}},
		} {
			text, _ := call(t, session, c.tool, c.arguments)
			for _, secret := range librarytest.Secrets {
				if strings.Contains(text, secret) {
					t.Errorf("%s shows %q to a stranger: %s", c.tool, secret, text)
				}
			}
		}
		for tool, rest := range map[string]map[string]any{
			"get_product": {}, "list_operations": {}, "get_operation": {"operation": "listContraband"}, "get_schema": {"schema": "Contraband"}, "get_page": {"page": "contraband"},
		} {
			ask := func(product string) string {
				rest["product"] = product
				text, failed := call(t, session, tool, rest)
				if !failed {
					t.Errorf("%s answers about %s: %s", tool, product, text)
				}
				return text
			}
			if hidden, unknown := ask("smuggler"), ask("nothing"); hidden != unknown {
				t.Errorf("%s: %q about a hidden product, and %q about an unknown one", tool, hidden, unknown)
			}
		}
	}
	if text, failed := call(t, sailor, "get_operation", map[string]any{"product": "smuggler", "operation": "listContraband"}); failed || !strings.Contains(text, "/contraband") {
		t.Errorf("a member of the group gets: %s", text)
	}
}

func TestBadArgumentsAreExplained(t *testing.T) {
	t.Parallel()
	session := connect(t, serve(t, librarytest.Seamark().Library()), nil)
	for name, c := range map[string]struct {
		tool      string
		arguments map[string]any
		want      string
	}{
		"an unknown tool":           {"drop_tables", nil, "unknown tool"},
		"a missing argument":        {"get_product", nil, "product"},
		"an unknown argument":       {"get_product", map[string]any{"product": "seamark", "verbose": true}, "verbose"},
		"an argument of a type":     {"get_product", map[string]any{"product": []string{"seamark"}}, "product"},
		"an empty query":            {"search", map[string]any{"query": " \t"}, "The query is empty."},
		"a long query":              {"search", map[string]any{"query": strings.Repeat("ä", 201)}, "The query has 201 characters; at most 200 are allowed."},
		"a long product":            {"get_product", map[string]any{"product": strings.Repeat("x", 10_000)}, "at most 200 are allowed"},
		"a NUL character":           {"get_product", map[string]any{"product": "a\x00b"}, "contains a NUL character"},
		"a negative offset":         {"list_products", map[string]any{"offset": -1}, "The offset must be between 0 and 1."},
		"an offset beyond the end":  {"list_operations", map[string]any{"product": "seamark", "offset": 1 << 40}, "The offset must be between 0 and 2."},
		"an unknown operation":      {"get_operation", map[string]any{"product": "seamark", "operation": "nothing"}, "list_operations lists its operations"},
		"an empty operation":        {"get_operation", map[string]any{"product": "seamark", "operation": ""}, "no such operation"},
		"an unknown schema":         {"get_schema", map[string]any{"product": "seamark", "schema": "Nothing"}, "no such schema"},
		"an unknown API":            {"list_operations", map[string]any{"product": "seamark", "api": "nothing"}, "The product has no such API."},
		"an API without a document": {"list_operations", map[string]any{"product": "seamark", "api": "inner"}, "There is no OpenAPI document for this API."},
		"an unknown page":           {"get_page", map[string]any{"page": "../../etc/passwd"}, "There is no such page."},
		"the portal's changelog":    {"get_page", map[string]any{"page": "changelog"}, "There is no such page."},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if text, failed := call(t, session, c.tool, c.arguments); !failed || !strings.Contains(text, c.want) {
				t.Errorf("failed %v: %q, want %q", failed, text, c.want)
			}
		})
	}
}
