// Package plain serves the documentation as text for programs and language models: Markdown of
// every page, llms.txt, llms-full.txt and the sitemap. It shows only what is on the viewer's
// shelf in the library.
package plain

import (
	"bytes"
	"context"
	"net/http"
	"strings"
	"time"

	"github.com/go-chi/chi/v5"

	"github.com/gatehouse-portal/gatehouse/catalog"
	"github.com/gatehouse-portal/gatehouse/identity"
	"github.com/gatehouse-portal/gatehouse/library"
	"github.com/gatehouse-portal/gatehouse/markdown"
)

// readTime is how long making a response may take. The work goes on without the request, for
// the next one.
const readTime = 10 * time.Second

type shelves interface {
	For(ctx context.Context, viewer catalog.Viewer) (*library.Shelf, error)
}

// Config configures the documents. All members are required.
type Config struct {
	Library shelves
	// BaseURL is where browsers reach the portal, without a trailing "/".
	BaseURL string
	// Name and Tagline return the portal's name and its one sentence, or "".
	Name, Tagline func() string
	// Error responds to a failed request.
	Error func(http.ResponseWriter, *http.Request, error)
}

// Documents serves and writes the documents. It is safe for concurrent use.
type Documents struct{ Config }

// New returns Documents. It does no I/O.
func New(config Config) *Documents { return &Documents{config} }

// Routes adds the documents to the router. The guard must put the identity into the context. The
// sitemap, the same for everybody, does without the guard.
func (d *Documents) Routes(router chi.Router, guard ...func(http.Handler) http.Handler) {
	get(router, "/sitemap.xml", d.handle(d.sitemap))
	get(router, "/sitemaps/{number}.xml", d.handle(d.sitemapPart))
	guarded := router.With(guard...)
	get(guarded, "/llms.txt", d.handle(d.index))
	get(guarded, "/llms-full.txt", d.handle(d.full))
	get(guarded, "/pages/{page:.+\\.md}", d.handle(d.portalPage))
	get(guarded, "/apis/{product:.+\\.md}", d.handle(d.productPage))
	get(guarded, "/apis/{product}/{part:changelog\\.md|plans\\.md}", d.handle(d.productPart))
	get(guarded, "/apis/{product}/pages/{page:.+\\.md}", d.handle(d.guide))
	get(guarded, "/apis/{product}/docs/{api:.+\\.md}", d.handle(d.reference))
	get(guarded, "/apis/{product}/docs/{api}/operations/{operation:.+\\.md}", d.handle(d.operation))
	get(guarded, "/apis/{product}/docs/{api}/tags/{tag:.+\\.md}", d.handle(d.tag))
	get(guarded, "/apis/{product}/docs/{api}/schemas/{schema:.+\\.md}", d.handle(d.schema))
}

// get serves HEAD, too; net/http leaves out the body.
func get(r chi.Router, pattern string, h http.HandlerFunc) {
	r.Get(pattern, h)
	r.Head(pattern, h)
}

// document is a response. If moved is set, there is no document.
type document struct {
	mediaType string
	body      []byte
	gzip      []byte // the body compressed, nil if it is not kept
	tag       string // the ETag
	// page is the path of the HTML page that says the same, or "".
	page  string
	moved string
}

const (
	markdownType = "text/markdown; charset=utf-8"
	textType     = "text/plain; charset=utf-8"
	xmlType      = "application/xml; charset=utf-8"
)

func newDocument(mediaType, page string, body []byte) document {
	body = markdown.Legible(body)
	return document{mediaType: mediaType, body: body, page: page, tag: tagOf(catalog.HashOf(body))}
}

func tagOf(hash string) string { return `W/"` + hash[:min(24, len(hash))] + `"` }

func (d *Documents) handle(make func(*http.Request) (document, error)) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		ctx, cancel := context.WithTimeout(r.Context(), readTime)
		defer cancel()
		made, err := make(r.WithContext(ctx))
		if err != nil {
			d.Error(w, r, err)
			return
		}
		d.send(w, r, made)
	}
}

// send responds. Caches must not store what signed-in people see, and must revalidate all
// else.
func (d *Documents) send(w http.ResponseWriter, r *http.Request, made document) {
	h := w.Header()
	switch _, signedIn := identity.From(r.Context()); {
	case made.mediaType == xmlType:
		h.Set("Cache-Control", "public, max-age=3600")
	case signedIn:
		h.Set("Cache-Control", "private, no-store")
	default:
		h.Set("Cache-Control", "no-cache")
	}
	if made.mediaType != xmlType {
		h.Add("Vary", "Cookie")
		h.Add("Vary", "Authorization")
	}
	if made.moved != "" {
		http.Redirect(w, r, made.moved, http.StatusFound)
		return
	}
	if made.page != "" {
		h.Set("Link", "<"+d.BaseURL+made.page+`>; rel="canonical"`)
	}
	h.Set("Content-Type", made.mediaType)
	h.Set("ETag", made.tag)
	body := made.body
	if made.gzip != nil && acceptsGzip(r) {
		h.Set("Content-Encoding", "gzip")
		body = made.gzip
	}
	http.ServeContent(w, r, "", time.Time{}, bytes.NewReader(body))
}

// acceptsGzip reports whether the client takes the compressed body. A range is of the plain one. The
// router's compression adds Vary.
func acceptsGzip(r *http.Request) bool {
	for _, header := range r.Header.Values("Accept-Encoding") {
		for coding := range strings.SplitSeq(header, ",") {
			if strings.EqualFold(strings.TrimSpace(coding), "gzip") && r.Header.Get("Range") == "" {
				return true
			}
		}
	}
	return false
}

func (d *Documents) shelf(r *http.Request) (*library.Shelf, error) {
	return d.Library.For(r.Context(), library.Viewer(r.Context()))
}

// remembered keeps a document and its compressed form in the library's memory. Apart from the
// portal's name, it may depend only on kind and the shelf.
func (d *Documents) remembered(ctx context.Context, shelf *library.Shelf, kind, mediaType, page string, make func(context.Context) ([]byte, error)) (document, error) {
	key := strings.Join([]string{"plain", shelf.Hash, kind, d.Name(), d.Tagline()}, "\n")
	encoded, err := shelf.Encoded(ctx, key, func(ctx context.Context) ([]byte, error) {
		body, err := make(ctx)
		return markdown.Legible(body), err
	})
	return document{mediaType: mediaType, page: page, body: encoded.Body, gzip: encoded.Gzip, tag: tagOf(encoded.Hash)}, err
}
