package mcp_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/gatehouse-portal/gatehouse/catalog"
	"github.com/gatehouse-portal/gatehouse/library"
	"github.com/gatehouse-portal/gatehouse/library/librarytest"
)

// send sends a request as it is.
func send(t *testing.T, url, method, body string, header dressed) (int, http.Header, string) {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), method, url, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Content-Type", "application/json")
	r.Header.Set("Accept", "application/json, text/event-stream")
	for name, value := range header {
		if r.Header.Set(name, value); name == "Host" {
			r.Host = value
		}
	}
	resp, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	answer, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return resp.StatusCode, resp.Header, string(answer)
}

const list = `{"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": {"name": "list_products", "arguments": {}}}`

func TestHostileRequestsAreRefused(t *testing.T) {
	t.Parallel()
	server := serve(t, librarytest.Seamark().Library())
	for name, c := range map[string]struct {
		method, body string
		header       dressed
		status       int
		says         string
	}{
		"a call":                    {"POST", list, nil, 200, `"seamark"`},
		"a call from the portal":    {"POST", list, dressed{"Origin": server.URL}, 200, `"seamark"`},
		"a page of another site":    {"POST", list, dressed{"Origin": "https://evil.example"}, 403, "another site"},
		"another site with a token": {"POST", list, dressed{"Origin": "https://evil.example", "Authorization": "Bearer crew"}, 403, "another site"},
		"a rebound name":            {"POST", list, dressed{"Origin": "http://evil.example:80", "Host": "evil.example:80"}, 403, "another site"},
		"a page in a sandbox":       {"POST", list, dressed{"Origin": "null"}, 403, "another site"},
		"a huge body":               {"POST", `{"jsonrpc": "2.0", "id": 1, "method": "` + strings.Repeat("x", 100<<10) + `"}`, nil, 413, "64 KB"},
		"a batch":                   {"POST", " [" + list + "," + list + "]", nil, 400, "no batch"},
		"bad JSON":                  {"POST", `{"jsonrpc": `, nil, 400, ""},
		"no JSON":                   {"POST", "", nil, 400, ""},
		"JSON that is no message":   {"POST", `"hello"`, nil, 400, ""},
		"deep JSON":                 {"POST", strings.Repeat(`{"a":`, 12_000), nil, 400, ""},
		"a version that is unknown": {"POST", list, dressed{"MCP-Protocol-Version": "1999-01-01"}, 400, "Unsupported protocol version"},
		"another media type":        {"POST", list, dressed{"Content-Type": "text/plain"}, 415, ""},
		"a form":                    {"POST", list, dressed{"Content-Type": "application/x-www-form-urlencoded"}, 415, ""},
		"a stream":                  {"GET", "", nil, 405, ""},
		"an end of a session":       {"DELETE", "", nil, 405, ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			status, header, body := send(t, server.URL+"/mcp", c.method, c.body, c.header)
			if status != c.status || !strings.Contains(body, c.says) {
				t.Errorf("%d %.300s, want %d and %q", status, body, c.status, c.says)
			}
			if header.Get("Mcp-Session-Id") != "" || len(header.Values("Set-Cookie")) > 0 {
				t.Errorf("the response begins a session: %v", header)
			}
			if c.method == http.MethodPost && header.Get("Cache-Control") != "no-store" {
				t.Errorf("Cache-Control is %q", header.Get("Cache-Control"))
			}
		})
	}
}

func TestUnknownMethodsAndVersionsAreAnswered(t *testing.T) {
	t.Parallel()
	server := serve(t, librarytest.Seamark().Library())
	for name, c := range map[string]struct{ body, says string }{
		"an unknown method":  {`{"jsonrpc": "2.0", "id": 1, "method": "tools/drop"}`, `"tools/drop" unsupported`},
		"another version":    {`{"jsonrpc": "2.0", "id": 1, "method": "initialize", "params": {"protocolVersion": "1999-01-01", "capabilities": {}, "clientInfo": {"name": "a", "version": "1"}}}`, `"protocolVersion":"20`},
		"no params":          {`{"jsonrpc": "2.0", "id": 1, "method": "tools/call"}`, `missing required "params"`},
		"params of any type": {`{"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": "list_products"}`, `"error"`},
	} {
		if _, _, body := send(t, server.URL+"/mcp", http.MethodPost, c.body, nil); !strings.Contains(body, c.says) {
			t.Errorf("%s is answered %s, want %q in it", name, body, c.says)
		}
	}
}

func TestLongAnswersAreBounded(t *testing.T) {
	t.Parallel()
	c := librarytest.New()
	document := catalog.Document{Pages: []catalog.Page{{Name: "long", Title: "Long", Hash: c.Put(strings.Repeat("ä", 200<<10))}}}
	for i := range 120 {
		document.Products = append(document.Products, catalog.Product{ID: fmt.Sprintf("p%03d", i), Name: fmt.Sprintf("P%03d", i)})
	}
	c.Publish(document)
	session := connect(t, serve(t, c.Library()), nil)
	if text, failed := call(t, session, "get_page", map[string]any{"page": "long"}); failed || len(text) > 110<<10 || !strings.HasSuffix(text, "ä…\n\nThis text is cut here, since it is too long.\n") {
		t.Errorf("%d bytes, ending in %q", len(text), text[max(0, len(text)-100):])
	}
	seen := 0
	for offset, rounds := 0, 0; rounds < 4; rounds++ {
		text, _ := call(t, session, "list_products", map[string]any{"offset": offset})
		seen += strings.Count(text, `"id":"p`)
		if _, next, more := strings.Cut(text, `"next_offset":`); !more {
			break
		} else if _, err := fmt.Sscanf(next, "%d", &offset); err != nil {
			t.Fatal(err)
		}
	}
	if seen != 120 {
		t.Errorf("%d products in all parts of the list, want 120", seen)
	}
}

func TestAListOfProductsWithManyAPIsIsBounded(t *testing.T) {
	t.Parallel()
	c := librarytest.New()
	large := catalog.Product{ID: "large", Name: "Large"}
	for i := range 600 {
		large.APIs = append(large.APIs, catalog.API{
			ID: fmt.Sprint(i), Slug: fmt.Sprintf("api-%03d", i), Name: strings.Repeat("n", 100), Endpoint: "https://" + strings.Repeat("e", 100) + ".example", Kind: catalog.REST,
		})
	}
	c.Publish(catalog.Document{Products: []catalog.Product{large, {ID: "small", Name: "Small", APIs: large.APIs[:3]}}})
	session := connect(t, serve(t, c.Library()), nil)
	text, failed := call(t, session, "list_products", nil)
	if failed || len(text) > 10<<10 || strings.Count(text, `"more":true`) != 1 || strings.Count(text, `"id":"api-001"`) != 2 {
		t.Errorf("%d bytes: %s", len(text), text)
	}
	if text, failed := call(t, session, "get_product", map[string]any{"product": "large"}); failed || strings.Count(text, "Base URL") < 300 {
		t.Errorf("the product has %d APIs", strings.Count(text, "Base URL"))
	}
}

// failing fails, or panics without an error.
type failing struct{ err error }

func (f failing) For(context.Context, catalog.Viewer) (*library.Shelf, error) {
	if f.err == nil {
		panic("the secret of the panic")
	}
	return nil, f.err
}

func TestFailuresAndPanicsTellNothing(t *testing.T) {
	t.Parallel()
	for name, shelves := range map[string]failing{"a failure": {errors.New("the secret of the database")}, "a panic": {}} {
		text, failed := call(t, connect(t, serve(t, shelves), nil), "list_products", nil)
		if !failed || strings.Contains(text, "secret") || !strings.Contains(text, "Something went wrong on our side.") {
			t.Errorf("%s is answered %q", name, text)
		}
	}
}

func TestNoNameDisturbsTheTextAroundIt(t *testing.T) {
	t.Parallel()
	c := librarytest.New()
	c.Publish(catalog.Document{Products: []catalog.Product{{ID: "wild", Name: "Wi\u202eld\x00", Description: "\x1b[31m"}}})
	text, failed := call(t, connect(t, serve(t, c.Library()), nil), "get_product", map[string]any{"product": "wild"})
	if failed || strings.ContainsAny(text, "\u202e\x00\x1b") {
		t.Errorf("%q", text)
	}
}
