package web

import (
	"cmp"
	"context"
	"html/template"
	"net/http"
	"slices"
	"strconv"
	"strings"

	"github.com/go-chi/chi/v5"

	"github.com/gatehouse-portal/gatehouse/catalog"
	"github.com/gatehouse-portal/gatehouse/library"
	"github.com/gatehouse-portal/gatehouse/openapi"
	"github.com/gatehouse-portal/gatehouse/openapi/snippet"
	"github.com/gatehouse-portal/gatehouse/portal"
)

// A document with at most this many operations is one page. A larger one has a page per tag,
// which only lists its operations if they are more than this.
const operationsOnAPage = 25

const languageCookie = "gatehouse-language"

type referencePage struct {
	Head productHead
	referenceParts
	// Operation is set on an operation's page.
	Operation *triedOperation
}

// referenceParts are the parts that all viewers of a shelf see alike.
type referenceParts struct{ Nav, Main template.HTML }

type triedOperation struct {
	Anchor  string
	Console *console
}

type referenceContent struct {
	APIs      []tab
	Title     string
	Version   string
	Nav       []navTag
	Downloads []link
	Markdown  string
	// Start is set on the first page, Operation on an operation's.
	Start     *referenceStart
	Operation *operationView
	Sections  []tagSection
	Schema    *schemaPage
	Languages []tab
	StartHref string
}

type referenceStart struct {
	Description template.HTML
	Servers     []openapi.Server
	Auth        []authentication
	KeyHref     string
	SignedIn    bool
}

type authentication struct {
	Name, Text  string
	Key         bool
	Description template.HTML
}

type navTag struct {
	Name, Href string
	Count      int
	Current    bool
	Operations []navOperation
}

type navOperation struct {
	Method, Label, Href string
	Current, Deprecated bool
}

type tagSection struct {
	Name, Anchor, Href string
	Description        template.HTML
	Operations         []operationView
	// Listed operations have only their own pages.
	Listed []navOperation
}

type schemaPage struct {
	Name        string
	Description template.HTML
	Schema      schemaView
}

func (s *Web) docs(w http.ResponseWriter, r *http.Request, _ *library.Shelf, product catalog.Product) error {
	apis := product.Documented()
	if len(apis) == 0 {
		return portal.Fail(portal.NotFound, "This product has no documentation.")
	}
	http.Redirect(w, r, docsAddress(product, apis[0]), http.StatusFound)
	return nil
}

// reference is what all pages of an API's documentation share.
type reference struct {
	web     *Web
	shelf   *library.Shelf
	product catalog.Product
	api     catalog.API
	doc     *openapi.Document
	// language is that of snippets, base the address that requests go to.
	language string
	base     string
	signedIn bool
	single   bool
	// schemas counts a page's schemas, schemasOfThis those of the present body or parameter.
	schemas, schemasOfThis int
	room                   room
}

func (s *Web) reference(page func(*reference, http.ResponseWriter, *http.Request) error) http.HandlerFunc {
	return s.productPageOf(func(w http.ResponseWriter, r *http.Request, shelf *library.Shelf, product catalog.Product) error {
		slug, err := param(r, "api")
		if err != nil {
			return err
		}
		api, _, err := shelf.API(product.ID, slug)
		if err != nil || api.Definition == "" {
			return portal.Fail(portal.NotFound, "There is no such documentation.")
		}
		doc, err := shelf.Definition(r.Context(), product.ID, slug)
		if err != nil {
			return err
		}
		ref := &reference{
			web: s, shelf: shelf, product: product, api: api, doc: doc, language: language(w, r),
			signedIn: signedIn(r), single: countOperations(doc) <= operationsOnAPage,
			room: room{onPage: propertiesOnPage, examples: exampleBytes},
		}
		ref.base = baseOf(ref.api, doc)
		return page(ref, w, r)
	})
}

// language returns the language of snippets: the one in the address, which it remembers, else
// the remembered one, else the first.
func language(w http.ResponseWriter, r *http.Request) string {
	known := func(id string) bool {
		return slices.ContainsFunc(snippet.Languages, func(l snippet.Language) bool { return l.ID == id })
	}
	if asked := r.URL.Query().Get("language"); known(asked) {
		http.SetCookie(w, &http.Cookie{
			Name: languageCookie, Value: asked, Path: "/", MaxAge: 365 * 24 * 3600, HttpOnly: true, SameSite: http.SameSiteLaxMode,
		})
		return asked
	}
	if cookie, err := r.Cookie(languageCookie); err == nil && known(cookie.Value) {
		return cookie.Value
	}
	return snippet.Languages[0].ID
}

// baseOf returns where to call the API: the catalog's endpoint, else the document's first
// server that is a URL.
func baseOf(api catalog.API, doc *openapi.Document) string {
	if api.Endpoint != "" || api.Kind != catalog.Docs {
		return api.Endpoint
	}
	for _, server := range doc.Servers {
		if strings.HasPrefix(server.URL, "https://") || strings.HasPrefix(server.URL, "http://") {
			return server.URL
		}
	}
	return ""
}

func countOperations(doc *openapi.Document) int {
	n := len(doc.Webhooks)
	for _, tag := range doc.Tags {
		n += len(tag.Operations)
	}
	return n
}

func (ref *reference) path(segments ...any) string {
	return docsAddress(ref.product, ref.api) + escapedPath(segments...)
}

func (ref *reference) operationHref(op *openapi.Operation) string {
	return ref.path("operations", op.ID)
}

func (ref *reference) start(w http.ResponseWriter, r *http.Request) error {
	parts, err := ref.parts(r.Context(), "start", func(ctx context.Context, ref *reference) referenceContent {
		page := ref.outline("", nil)
		page.Start = &referenceStart{
			Description: ref.prose(ctx, ref.doc.Description, 2), Auth: ref.authentication(ctx), SignedIn: ref.signedIn,
			KeyHref: escapedPath("apis", ref.product.ID, "plans"),
		}
		if ref.base != "" {
			page.Start.Servers = []openapi.Server{{URL: ref.base}}
		}
		for _, tag := range ref.doc.Tags {
			page.Sections = append(page.Sections, ref.section(ctx, tag, onStart, ref.single))
		}
		if len(ref.doc.Webhooks) > 0 {
			page.Sections = append(page.Sections, ref.webhooks(ctx, onStart, ref.single))
		}
		return page
	})
	if err != nil {
		return err
	}
	return ref.show(w, r, ref.page(r, "", parts), ref.title(), cmp.Or(ref.doc.Summary, ref.product.Description))
}

func (ref *reference) tag(w http.ResponseWriter, r *http.Request) error {
	slug, err := param(r, "tag")
	if err != nil {
		return err
	}
	tag, ok := ref.doc.Tag(slug)
	if !ok {
		return portal.Fail(portal.NotFound, "There is no such part of the documentation.")
	}
	parts, err := ref.parts(r.Context(), "tag "+slug, func(ctx context.Context, ref *reference) referenceContent {
		page := ref.outline(slug, nil)
		if slug == openapi.WebhooksSlug {
			page.Sections = []tagSection{ref.webhooks(ctx, onTag, true)}
			return page
		}
		page.Sections = []tagSection{ref.section(ctx, tag, onTag, len(tag.Operations) <= operationsOnAPage)}
		return page
	})
	if err != nil {
		return err
	}
	return ref.show(w, r, ref.page(r, tagName(tag), parts), tagName(tag)+" · "+ref.title(), tag.Description)
}

func (ref *reference) operation(w http.ResponseWriter, r *http.Request) error {
	op, tag, err := ref.operationOf(r)
	if err != nil {
		return err
	}
	form, err := ref.filledConsole(r, op)
	if err != nil {
		return err
	}
	return ref.showOperation(w, r, http.StatusOK, op, tag, form)
}

func (ref *reference) showOperation(w http.ResponseWriter, r *http.Request, status int, op *openapi.Operation, tag string, form *console) error {
	parts, err := ref.parts(r.Context(), "operation "+op.ID, func(ctx context.Context, ref *reference) referenceContent {
		page, view := ref.outline(tag, op), ref.view(ctx, op, 1)
		page.Operation, page.Markdown = &view, view.Href+".md"
		return page
	})
	if err != nil {
		return err
	}
	page := ref.page(r, nameOf(op), parts)
	page.Operation = &triedOperation{Anchor: anchorOf(op), Console: form}
	return ref.showWith(w, r, status, page, nameOf(op)+" · "+ref.title(), cmp.Or(op.Summary, op.Description))
}

func (ref *reference) operationOf(r *http.Request) (op *openapi.Operation, tag string, err error) {
	id, err := param(r, "operation")
	if err != nil {
		return nil, "", err
	}
	op, ok := ref.doc.Operation(id)
	if !ok {
		if hook, ok := ref.doc.Webhook(id); ok {
			return hook, openapi.WebhooksSlug, nil
		}
		return nil, "", portal.Fail(portal.NotFound, "There is no such operation.")
	}
	for _, tag := range ref.doc.Tags {
		if slices.Contains(tag.Operations, op) {
			return op, tag.Slug, nil
		}
	}
	return op, "", nil
}

func (ref *reference) schema(w http.ResponseWriter, r *http.Request) error {
	name, err := param(r, "schema")
	if err != nil {
		return err
	}
	schema, ok := ref.doc.Schema(name)
	if !ok {
		return portal.Fail(portal.NotFound, "There is no such schema.")
	}
	parts, err := ref.parts(r.Context(), "schema "+name, func(ctx context.Context, ref *reference) referenceContent {
		page, shown := ref.outline("", nil), *schema
		shown.Description = ""
		page.Schema = &schemaPage{Name: name, Description: ref.prose(ctx, schema.Description, 2), Schema: ref.schemaView(ctx, &shown, nil)}
		return page
	})
	if err != nil {
		return err
	}
	return ref.show(w, r, ref.page(r, name, parts), name+" · "+ref.title(), schema.Description)
}

func (ref *reference) title() string { return cmp.Or(ref.api.Name, ref.doc.Title) }

const webhooksName = "Webhooks"

func tagName(tag openapi.Tag) string { return cmp.Or(tag.Name, "Operations") }

func nameOf(op *openapi.Operation) string { return cmp.Or(op.Summary, op.Method+" "+op.Path) }

// page is a page with these parts. current ends its breadcrumbs, "" on the first page.
func (ref *reference) page(r *http.Request, current string, parts referenceParts) referencePage {
	page := referencePage{Head: ref.web.head(r, ref.shelf, ref.product, tabDocs), referenceParts: parts}
	if current != "" {
		page.Head.Current = current
	}
	return page
}

// parts returns the parts of a page, rendered once while they are in use. Of the person, they may
// depend only on whether one is signed in. The name identifies the page of the API. make's context
// outlives the request.
func (ref *reference) parts(ctx context.Context, name string, make func(context.Context, *reference) referenceContent) (referenceParts, error) {
	key := strings.Join([]string{
		"reference", ref.shelf.Hash, ref.product.ID, ref.api.Slug, ref.language, strconv.FormatBool(ref.signedIn), name,
	}, "\x00")
	return library.Keep(ctx, ref.shelf, key, func(ctx context.Context) (referenceParts, int, error) {
		own := *ref // since making counts what is on the page
		content := make(ctx, &own)
		if err := ctx.Err(); err != nil { // some texts may be missing
			return referenceParts{}, 0, err
		}
		nav, err := part("reference", "reference-nav", content)
		if err != nil {
			return referenceParts{}, 0, err
		}
		main, err := part("reference", "reference-main", content)
		return referenceParts{Nav: nav, Main: main}, len(nav) + len(main), err
	})
}

func (ref *reference) outline(tag string, current *openapi.Operation) referenceContent {
	page := referenceContent{
		Title: ref.title(), Version: cmp.Or(ref.doc.Version, ref.api.Version),
		Nav: ref.nav(tag, current), Downloads: ref.downloads(), Markdown: ref.path() + ".md", StartHref: ref.path(),
	}
	if apis := ref.product.Documented(); len(apis) > 1 {
		for _, api := range apis {
			page.APIs = append(page.APIs, tab{link{api.Name, docsAddress(ref.product, api)}, api.Slug == ref.api.Slug})
		}
	}
	for _, l := range snippet.Languages {
		page.Languages = append(page.Languages, tab{link{l.Label, "?language=" + l.ID}, l.ID == ref.language})
	}
	return page
}

func (ref *reference) downloads() []link {
	at := func(name string) string {
		return escapedPath("api", "v1", "catalog", ref.product.ID, "apis", ref.api.Slug, name)
	}
	list := []link{{"OpenAPI (JSON)", at("openapi.json")}, {"OpenAPI (YAML)", at("openapi.yaml")}, {"Postman collection", at("postman.json")}}
	for _, sdk := range ref.api.SDKs {
		list = append(list, link{sdkName(sdk.Type) + " SDK", escapedPath("api", "v1", "catalog", ref.product.ID, "apis", ref.api.Slug, "sdk", sdk.Type)})
	}
	return list
}

func sdkName(kind string) string {
	names := map[string]string{"java": "Java", "javascript": "JavaScript", "android": "Android", "objectivec": "Objective-C", "swift": "Swift", "ruby": "Ruby"}
	return cmp.Or(names[kind], kind)
}

// nav lists all tags, with the operations of the current one, or of all on a single page.
func (ref *reference) nav(current string, at *openapi.Operation) []navTag {
	var list []navTag
	add := func(name, slug string, ops []*openapi.Operation) {
		tag := navTag{Name: name, Href: ref.path("tags", slug), Count: len(ops), Current: slug == current && at == nil}
		if ref.single {
			tag.Href = ref.path() + "#" + tagAnchor(slug)
		}
		if ref.single || slug == current {
			tag.Operations = ref.listed(ops, at)
		}
		list = append(list, tag)
	}
	for _, tag := range ref.doc.Tags {
		add(tagName(tag), tag.Slug, tag.Operations)
	}
	if len(ref.doc.Webhooks) > 0 {
		add(webhooksName, openapi.WebhooksSlug, ref.doc.Webhooks)
	}
	return list
}

func (ref *reference) listed(ops []*openapi.Operation, at *openapi.Operation) []navOperation {
	var list []navOperation
	for _, op := range ops {
		list = append(list, navOperation{
			Method: op.Method, Label: cmp.Or(op.Summary, op.Path), Href: ref.operationHref(op), Current: op == at, Deprecated: op.Deprecated,
		})
	}
	return list
}

func tagAnchor(slug string) string { return "tag-" + slug }

const (
	onTag   = 2
	onStart = 3
)

func (ref *reference) section(ctx context.Context, tag openapi.Tag, level int, full bool) tagSection {
	section := tagSection{Name: tagName(tag), Anchor: tagAnchor(tag.Slug), Href: ref.path("tags", tag.Slug)}
	section.Description = ref.prose(ctx, tag.Description, level)
	ref.fill(ctx, &section, tag.Operations, level, full)
	return section
}

func (ref *reference) webhooks(ctx context.Context, level int, full bool) tagSection {
	section := tagSection{Name: webhooksName, Anchor: tagAnchor(openapi.WebhooksSlug), Href: ref.path("tags", openapi.WebhooksSlug)}
	section.Description = "<p>The API sends these requests to you.</p>"
	ref.fill(ctx, &section, ref.doc.Webhooks, level, full)
	return section
}

func (ref *reference) fill(ctx context.Context, section *tagSection, ops []*openapi.Operation, level int, full bool) {
	if !full {
		section.Listed = ref.listed(ops, nil)
		return
	}
	for _, op := range ops {
		section.Operations = append(section.Operations, ref.view(ctx, op, level))
	}
}

func (ref *reference) authentication(ctx context.Context) []authentication {
	var list []authentication
	for _, scheme := range ref.doc.Security {
		a := authentication{Name: scheme.Name, Text: schemeText(scheme), Key: scheme.APIKey() && ref.api.Kind == catalog.REST}
		a.Description = ref.prose(ctx, scheme.Description, 4)
		list = append(list, a)
	}
	return list
}

func schemeText(s openapi.SecurityScheme) string {
	switch s.Type {
	case "apiKey":
		return "Send your key as the " + map[string]string{"header": "header", "query": "query parameter", "cookie": "cookie"}[s.In] + " " + s.Parameter + "."
	case "http":
		switch strings.ToLower(s.Scheme) {
		case "basic":
			return "Send your user name and password with HTTP Basic authentication."
		case "bearer":
			return "Send your token in the header: Authorization: Bearer YOUR_TOKEN."
		}
		return "Authenticate with the HTTP scheme " + s.Scheme + "."
	case "oauth2":
		return "Get an access token with OAuth 2.0 and send it in the header: Authorization: Bearer YOUR_TOKEN."
	case "openIdConnect":
		return "Get a token with OpenID Connect and send it in the header: Authorization: Bearer YOUR_TOKEN."
	case "mutualTLS":
		return "Connect with a client certificate (mutual TLS)."
	}
	return ""
}

func (ref *reference) show(w http.ResponseWriter, r *http.Request, page referencePage, title, about string) error {
	return ref.showWith(w, r, http.StatusOK, page, title, about)
}

func (ref *reference) showWith(w http.ResponseWriter, r *http.Request, status int, page referencePage, title, about string) error {
	ref.web.render(w, r, status, view{page: "reference", Title: title, Section: "apis", Body: page, About: about})
	return nil
}

func (s *Web) referenceRoutes(r chi.Router) {
	const docs = "/apis/{product}/docs"
	get(r, docs, s.productPageOf(s.docs))
	get(r, docs+"/{api}", s.reference((*reference).start))
	get(r, docs+"/{api}/tags/{tag}", s.reference((*reference).tag))
	get(r, docs+"/{api}/operations/{operation}", s.reference((*reference).operation))
	r.Post(docs+"/{api}/operations/{operation}/try", s.reference((*reference).try))
	get(r, docs+"/{api}/schemas/{schema}", s.reference((*reference).schema))
}
