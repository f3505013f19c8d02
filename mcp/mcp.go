// Package mcp serves the documentation to language models over the Model Context Protocol:
// streamable HTTP without sessions, so that any portal process can answer any request. Its tools
// and resources read the viewer's shelf of the library, and change nothing.
package mcp

import (
	"bytes"
	"context"
	"io"
	"net/http"
	"strings"
	"time"

	"github.com/go-chi/chi/v5"
	sdk "github.com/modelcontextprotocol/go-sdk/mcp"
	"github.com/rs/zerolog"

	"github.com/gatehouse-portal/gatehouse/catalog"
	"github.com/gatehouse-portal/gatehouse/library"
	"github.com/gatehouse-portal/gatehouse/plain"
	"github.com/gatehouse-portal/gatehouse/portal"
)

// Path is where the server answers.
const Path = "/mcp"

const (
	maxBody  = 64 << 10
	callTime = 10 * time.Second
)

type shelves interface {
	For(ctx context.Context, viewer catalog.Viewer) (*library.Shelf, error)
}

// Config configures a Server. All members but Log are required.
type Config struct {
	Library shelves
	// Documents writes products, pages and operations.
	Documents *plain.Documents
	// BaseURL is where browsers reach the portal, without a trailing "/".
	BaseURL string
	Version string
	// Error responds to a refused request.
	Error func(http.ResponseWriter, *http.Request, error)
}

// Server answers MCP requests. It is safe for concurrent use.
type Server struct {
	Config
	schemas *sdk.SchemaCache
}

// New returns a Server. It does no I/O.
func New(config Config) *Server { return &Server{Config: config, schemas: sdk.NewSchemaCache()} }

// Routes adds the server to the router. The guard must put the identity into the context. Cookies
// are removed first: only a bearer token identifies the caller.
func (s *Server) Routes(router chi.Router, guard ...func(http.Handler) http.Handler) {
	handler := sdk.NewStreamableHTTPHandler(s.serverFor, &sdk.StreamableHTTPOptions{
		Stateless: true, JSONResponse: true, MaxRequestBodyBytes: maxBody, PropagateRequestCancellation: true,
		DisableLocalhostProtection: true, // fromHere does more
	})
	router.With(noStore, s.fromHere, withoutCookies).With(guard...).Method(http.MethodPost, Path, s.bounded(handler))
}

// fromHere refuses requests from pages of other origins, including a page whose name was made to
// resolve to the portal's address (DNS rebinding). The specification demands this check
// (Transports, "Security warning"). Clients other than browsers send no Origin.
func (s *Server) fromHere(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if origin := r.Header.Get("Origin"); origin != "" && !strings.EqualFold(origin, s.BaseURL) {
			s.Error(w, r, portal.Fail(portal.Forbidden, "This request came from a page of another site."))
			return
		}
		next.ServeHTTP(w, r)
	})
}

func withoutCookies(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		r = r.Clone(r.Context())
		r.Header.Del("Cookie")
		next.ServeHTTP(w, r)
	})
}

func noStore(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { next.ServeHTTP(unstored{w}, r) })
}

type unstored struct{ http.ResponseWriter }

func (w unstored) WriteHeader(status int) {
	w.Header().Set("Cache-Control", "no-store")
	w.ResponseWriter.WriteHeader(status)
}

func (w unstored) Write(b []byte) (int, error) {
	w.Header().Set("Cache-Control", "no-store")
	return w.ResponseWriter.Write(b)
}

func (w unstored) Unwrap() http.ResponseWriter { return w.ResponseWriter }

// bounded refuses large bodies, and batches, which the protocol no longer has: one small
// request could ask for many large answers.
func (s *Server) bounded(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxBody))
		if err != nil {
			s.Error(w, r, portal.Fail(portal.TooLarge, "The request is larger than 64 KB, or did not arrive whole."))
			return
		}
		if bytes.HasPrefix(bytes.TrimLeft(body, " \t\r\n"), []byte("[")) {
			s.Error(w, r, portal.Fail(portal.Invalid, "Send one JSON-RPC message in a request, and no batch."))
			return
		}
		r.Body = io.NopCloser(bytes.NewReader(body))
		next.ServeHTTP(w, r)
	})
}

const instructions = "This is the documentation of a developer portal. Find an operation with search, or with list_products and list_operations; " +
	"then read it with get_operation, which has an example request. To call an API, a person needs a key: they sign up at the portal and subscribe to a plan."

func (s *Server) serverFor(r *http.Request) *sdk.Server {
	server := sdk.NewServer(
		&sdk.Implementation{Name: "gatehouse", Title: s.Documents.Name(), Version: s.Version, WebsiteURL: s.BaseURL},
		&sdk.ServerOptions{
			Instructions: instructions, SchemaCache: s.schemas,
			Capabilities: &sdk.ServerCapabilities{Tools: &sdk.ToolCapabilities{}, Resources: &sdk.ResourceCapabilities{}},
			// By default, the SDK lets shared caches keep what a resource says.
			SetCacheable: func(_ context.Context, _ sdk.Request, c *sdk.Cacheable) { c.CacheScope = "private" },
		},
	)
	c := call{server: s, viewer: library.Viewer(r.Context()), log: zerolog.Ctx(r.Context())}
	s.addTools(server, c)
	s.addResources(server, c)
	return server
}

type call struct {
	server *Server
	viewer catalog.Viewer
	log    *zerolog.Logger
}

// add adds a tool that reads. An error's text goes to the caller if it is meant for people; of
// any other error, and of a panic, the caller learns only that it happened.
func add[In, Out any](server *sdk.Server, c call, name, title, description string, run func(context.Context, *library.Shelf, In) (*sdk.CallToolResult, Out, error)) {
	closed := false
	tool := &sdk.Tool{
		Name: name, Title: title, Description: description,
		Annotations: &sdk.ToolAnnotations{ReadOnlyHint: true, IdempotentHint: true, OpenWorldHint: &closed},
	}
	sdk.AddTool(server, tool, func(ctx context.Context, _ *sdk.CallToolRequest, in In) (result *sdk.CallToolResult, out Out, err error) {
		err = c.onShelf(ctx, func(ctx context.Context, shelf *library.Shelf) (err error) {
			result, out, err = run(ctx, shelf, in)
			return err
		})
		if err != nil {
			var none Out
			return nil, none, c.explain(name, err)
		}
		return result, out, nil
	})
}

// onShelf calls a function with the caller's shelf, for at most callTime. A panic is an error.
func (c call) onShelf(ctx context.Context, run func(context.Context, *library.Shelf) error) error {
	ctx, cancel := context.WithTimeout(ctx, callTime)
	defer cancel()
	return portal.Guard(func() error {
		shelf, err := c.server.Library.For(ctx, c.viewer)
		if err != nil {
			return err
		}
		return run(ctx, shelf)
	})()
}
