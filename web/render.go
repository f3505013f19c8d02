package web

import (
	"bytes"
	"crypto/rand"
	"embed"
	"fmt"
	"html/template"
	"io/fs"
	"net/http"
	"net/url"
	"path"
	"slices"
	"strings"
	"sync"

	"github.com/rs/zerolog"

	"github.com/gatehouse-portal/gatehouse/identity"
	"github.com/gatehouse-portal/gatehouse/markdown"
)

//go:embed templates
var templateFiles embed.FS

// templates are parsed by the first caller: most commands and workers show no page.
var templates = sync.OnceValue(parseTemplates)

func parseTemplates() map[string]*template.Template {
	base := template.Must(template.New("base").Funcs(template.FuncMap{
		"asset": assetPath,
		"path":  escapedPath,
		"once":  func() string { return "form-" + rand.Text() },
		"spans": spans,
		"args":  func(pairs ...any) (map[string]any, error) { return arguments(pairs) },
	}).ParseFS(templateFiles, "templates/*.html"))
	pages, err := fs.Glob(templateFiles, "templates/pages/*.html")
	if err != nil {
		panic(err)
	}
	sets := map[string]*template.Template{}
	for _, file := range pages {
		set := template.Must(template.Must(base.Clone()).ParseFS(templateFiles, file))
		sets[strings.TrimSuffix(path.Base(file), ".html")] = set
	}
	return sets
}

func escapedPath(segments ...any) string {
	var b strings.Builder
	for _, segment := range segments {
		b.WriteString("/" + url.PathEscape(fmt.Sprint(segment)))
	}
	return b.String()
}

func withQuery(path string, values url.Values) string {
	if len(values) == 0 {
		return path
	}
	return path + "?" + values.Encode()
}

// codeSpan is a part of a text. Code is a command or another text to copy.
type codeSpan struct {
	Text string
	Code bool
}

// spans splits a text of our own at its backticks, between which is code.
func spans(text string) []codeSpan {
	var found []codeSpan
	for i, part := range strings.Split(text, "`") {
		if part != "" {
			found = append(found, codeSpan{part, i%2 == 1})
		}
	}
	return found
}

func arguments(pairs []any) (map[string]any, error) {
	named := make(map[string]any, len(pairs)/2)
	for i := 0; i+1 < len(pairs); i += 2 {
		name, ok := pairs[i].(string)
		if !ok {
			return nil, fmt.Errorf("argument %d is not named", i/2)
		}
		named[name] = pairs[i+1]
	}
	return named, nil
}

type view struct {
	page string
	// Title is in the window and the history, so it must not contain a secret.
	Title   string
	Section string
	// About and Image are for search engines and previews; both may be "".
	About, Image string
	Query        string
	// Private keeps the page out of search engines.
	Private bool
	// Refresh makes a browser without JavaScript reload the page every few seconds.
	Refresh bool
	// Hide makes a browser without JavaScript go to the dashboard after half a minute, because the
	// page shows a secret.
	Hide bool
	Body any
}

type frame struct {
	view
	Portal   string
	Brand    brand
	Meta     meta
	Pages    portalLinks
	Banners  []shownBanner
	SignedIn bool
	Admin    bool
	Person   string
	Zone     string
	ZoneName string
	SignIn   string
	SignUp   string
	Coloured bool
	// Viewing says in whose view an admin sees the catalog, "" for all other readers.
	Viewing string
	// View is the account that an admin views, ViewID the view, and Inert says that the page's forms do
	// nothing, since they are another person's.
	View   *viewBar
	ViewID string
	Inert  bool
	// HeaderSearch is for pages without a search field of their own.
	HeaderSearch bool
}

func (s *Web) render(w http.ResponseWriter, r *http.Request, status int, v view) {
	id, signedIn := identity.From(r.Context())
	view, views := accountViewed(r.Context())
	if views {
		id = view.admin
	}
	other := ""
	if chosen, ok := viewing(r.Context()); ok {
		other = chosen.words()
	}
	s.execute(w, r, status, v.page, "layout", frame{
		view: v, Viewing: other, View: s.viewBar(r.Context()), ViewID: view.ID, Inert: view.Follows && v.page != "usage", Portal: s.Name(), Brand: s.brand(), Meta: s.meta(r, status, v), Pages: s.portalLinks(), Banners: s.shownBanners(signedIn),
		SignedIn: signedIn, Admin: id.Admin && s.admin.Desk != nil, Person: displayName(id), Zone: id.TimeZone, ZoneName: s.times(r.Context()).zone.String(),
		SignIn: signIn(here(r)), SignUp: signUp(afterSignUp(r)), HeaderSearch: v.page != "home" && v.page != "search",
		Coloured: slices.Contains([]string{"reference", "reading", "product", "portal-page"}, v.page),
	})
}

func part(page, name string, data any) (template.HTML, error) {
	var b strings.Builder
	if err := templates()[page].ExecuteTemplate(&b, name, data); err != nil {
		return "", fmt.Errorf("executing the template %s of %s: %w", name, page, err)
	}
	return template.HTML(b.String()), nil //nolint:gosec // the template has escaped it
}

// execute responds with a template of a page's set. It writes nothing until the template has
// succeeded. It isolates the text direction of names.
func (s *Web) execute(w http.ResponseWriter, r *http.Request, status int, page, name string, data any) {
	var buffer bytes.Buffer
	if err := templates()[page].ExecuteTemplate(&buffer, name, data); err != nil {
		zerolog.Ctx(r.Context()).Error().Err(err).Str("page", page).Msg("could not execute a template")
		http.Error(w, "Something went wrong on our side.", http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.WriteHeader(status)
	_, _ = w.Write(markdown.Legible(buffer.Bytes()))
}
