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

// pages are the templates by name, each within the common layout.
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

// view is what the templates show.
type view struct {
	// Title says what the page is for, App for which client, and Home is where that
	// client is, "" if it is not known.
	Title string
	App   string
	Home  string
	// Notice is shown above the form: what has been done.
	Notice string
	// Error is shown beside the form, and Field is the input it is about, if one.
	Error string
	Field string
	// Action is where the form goes, Other the way to the other page, Forgot the one
	// to a new password, Resend where another code is asked for.
	Action string
	Other  string
	Forgot string
	Resend string
	// Session is that of the challenge that the form responds to.
	Session string
	// ByEmail says that users are named by their e-mail address.
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

// serveCrossOrigin answers a form that another site posted.
func (s *Service) serveCrossOrigin(w http.ResponseWriter, _ *http.Request) {
	s.render(w, http.StatusForbidden, "error", view{
		Title: "This form came from another site",
		Error: "Go back to the app and start signing in from there.",
	})
}
