package cognito

import (
	"bytes"
	"embed"
	"html/template"
	"net/http"
)

//go:embed pages
var pageFiles embed.FS

const stylesheetPath = "/_localaws/sign-in.css"

var pages = map[string]*template.Template{
	"login":       parsePage("login"),
	"signup":      parsePage("signup"),
	"waiting":     parsePage("waiting"),
	"confirm":     parsePage("confirm"),
	"forgot":      parsePage("forgot"),
	"reset":       parsePage("reset"),
	"newpassword": parsePage("newpassword"),
	"error":       parsePage("error"),
}

func parsePage(name string) *template.Template {
	return template.Must(template.ParseFS(pageFiles, "pages/layout.html", "pages/"+name+".html"))
}

type view struct {
	// Title is the heading. App is the client's name, Home its front page or "".
	Title    string
	App      string
	Home     string
	Notice   string
	Error    string
	Field    string
	Action   string
	Other    string
	Forgot   string
	Resend   string
	Session  string
	ByEmail  bool
	Username string
	Name     string
	Hint     string
}

func (view) Stylesheet() string { return stylesheetPath }

func (s *Service) render(w http.ResponseWriter, status int, name string, v view) {
	var body bytes.Buffer
	if err := pages[name].ExecuteTemplate(&body, "layout.html", v); err != nil {
		s.fail(w, err)
		return
	}
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.WriteHeader(status)
	_, _ = w.Write(body.Bytes())
}

func serveStylesheet(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Cache-Control", "no-cache")
	http.ServeFileFS(w, r, pageFiles, "pages/sign-in.css")
}

func (s *Service) serveCrossOrigin(w http.ResponseWriter, _ *http.Request) {
	s.render(w, http.StatusForbidden, "error", view{
		Title: "This form came from another site",
		Error: "Go back to the app and start signing in from there.",
	})
}
