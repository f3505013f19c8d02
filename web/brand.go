package web

import (
	"bytes"
	"cmp"
	"net/http"
	"strings"
	"time"

	"github.com/go-chi/chi/v5"

	"github.com/gatehouse-portal/gatehouse/branding"
	"github.com/gatehouse-portal/gatehouse/highlight"
)

// Palette returns the colours of the portal's own stylesheet, for branding.Load.
func Palette() branding.Palette {
	css := assetContents[assetNames["portal.css"]]
	palette, err := branding.ParsePalette(string(css), highlight.Stylesheet())
	if err != nil {
		panic(err)
	}
	return palette
}

// brand is the branding as the layout shows it. A path is "" where the portal's own look applies.
type brand struct {
	Stylesheet, Logo, LogoDark string
	LogoContainsName           bool
	Favicon, FaviconType       string
	Links                      []branding.Link
}

func (s *Web) brand() brand {
	b := s.branding()
	shown := brand{
		Stylesheet: brandPath(b.Stylesheet), Logo: brandPath(b.Logo), LogoDark: brandPath(b.LogoDark), LogoContainsName: b.LogoContainsName,
		Favicon: brandPath(b.Favicon), FaviconType: b.Files[b.Favicon].Type,
	}
	shown.Links = append(shown.Links, b.Footer...)
	for _, link := range []branding.Link{{Text: "Terms", URL: b.Terms}, {Text: "Privacy", URL: b.Privacy}, {Text: "Status", URL: b.Status}} {
		if link.URL != "" {
			shown.Links = append(shown.Links, link)
		}
	}
	return shown
}

// Name returns the portal's name.
func (s *Web) Name() string { return cmp.Or(s.branding().Name, s.name) }

func brandPath(name string) string {
	switch {
	case name == "":
		return ""
	case strings.HasSuffix(name, ".css"):
		return "/" + name
	}
	return "/branding/" + name
}

// brandFiles adds the files of the branding, with hashed names like assets.
func (s *Web) brandFiles(router chi.Router) {
	get(router, "/branding.{hash}.css", func(w http.ResponseWriter, r *http.Request) {
		s.brandFile(w, r, "branding."+chi.URLParam(r, "hash")+".css")
	})
	get(router, "/branding/{file}", func(w http.ResponseWriter, r *http.Request) {
		s.brandFile(w, r, chi.URLParam(r, "file"))
	})
	get(router, "/schemas/branding.json", func(w http.ResponseWriter, r *http.Request) { serveSchema(w, r, branding.Schema) })
}

func (s *Web) brandFile(w http.ResponseWriter, r *http.Request, name string) {
	file, ok := s.branding().Files[name]
	if !ok {
		s.notFound(w, r)
		return
	}
	w.Header().Set("Cache-Control", "public, max-age=31536000, immutable")
	w.Header().Set("Content-Type", file.Type)
	http.ServeContent(w, r, name, time.Time{}, bytes.NewReader(file.Body))
}
