package ses

import (
	"html/template"
	"net/http"
	"strings"

	"github.com/rs/zerolog"
)

// InboxPath is the page of captured mail.
const InboxPath = "/_localaws/mail"

// ServeInbox shows the captured mails, one mail, or the HTML of one, in a frame without scripts
// and in an origin of its own.
func (s *Service) ServeInbox(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("X-Content-Type-Options", "nosniff")
	w.Header().Set("Cache-Control", "no-store")
	if r.Method != http.MethodGet && r.Method != http.MethodHead {
		w.Header().Set("Allow", "GET, HEAD")
		http.Error(w, "mail can only be read", http.StatusMethodNotAllowed)
		return
	}
	all, err := s.Mails()
	if err != nil {
		zerolog.Ctx(r.Context()).Error().Err(err).Msg("the local SES could not read its mails")
		http.Error(w, "the mails could not be read; the log says why", http.StatusInternalServerError)
		return
	}
	id, html := strings.CutSuffix(strings.Trim(strings.TrimPrefix(r.URL.Path, InboxPath), "/"), "/html")
	if id == "" {
		s.page(w, r, inboxPage, all)
		return
	}
	for _, m := range all {
		if m.ID != id {
			continue
		}
		if html {
			w.Header().Set("Content-Security-Policy", "default-src 'none'; style-src 'unsafe-inline'; sandbox; frame-ancestors 'self'")
			w.Header().Set("Content-Type", "text/html; charset=utf-8")
			_, _ = w.Write([]byte(m.HTML))
			return
		}
		s.page(w, r, mailPage, m)
		return
	}
	http.NotFound(w, r)
}

func (s *Service) page(w http.ResponseWriter, r *http.Request, t *template.Template, data any) {
	w.Header().Set("Content-Security-Policy", "default-src 'none'; style-src 'unsafe-inline'; frame-src 'self'")
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	if err := t.Execute(w, data); err != nil {
		zerolog.Ctx(r.Context()).Error().Err(err).Msg("the local SES could not write a page")
	}
}

const style = `<style>:root{color-scheme:light dark}body{font:16px/1.5 system-ui,sans-serif;max-width:60em;margin:0 auto;padding:1em;overflow-wrap:anywhere}
td,th{text-align:left;padding:.3em .6em .3em 0;vertical-align:top}pre{white-space:pre-wrap;border:1px solid;padding:1em}iframe{width:100%;height:24em;background:#fff}</style>`

var inboxPage = template.Must(template.New("inbox").Parse(`<!DOCTYPE html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width"><title>Captured mail</title>` + style + `</head><body>
<h1>Captured mail</h1>
{{- if .}}
<table><thead><tr><th>Time</th><th>To</th><th>Subject</th></tr></thead><tbody>
{{- range .}}
<tr><td>{{.At.Format "2006-01-02 15:04:05"}}</td><td>{{range .To}}{{.}} {{end}}</td><td><a href="` + InboxPath + `/{{.ID}}">{{.Subject}}</a></td></tr>
{{- end}}
</tbody></table>
{{- else}}
<p>No mail has been sent yet.</p>
{{- end}}
</body></html>
`))

var mailPage = template.Must(template.New("mail").Parse(`<!DOCTYPE html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width"><title>{{.Subject}}</title>` + style + `</head><body>
<p><a href="` + InboxPath + `">All mail</a></p>
<h1>{{.Subject}}</h1>
<table><tbody>
<tr><th scope="row">From</th><td>{{.From}}</td></tr>
<tr><th scope="row">To</th><td>{{range .To}}{{.}} {{end}}</td></tr>
<tr><th scope="row">Time</th><td>{{.At.Format "2006-01-02 15:04:05 MST"}}</td></tr>
{{- range .Headers}}
<tr><th scope="row">{{.Name}}</th><td>{{.Value}}</td></tr>
{{- end}}
</tbody></table>
<h2>Text</h2>
<pre>{{.Text}}</pre>
{{- if .HTML}}
<h2>HTML</h2>
<iframe sandbox title="The mail as HTML" src="` + InboxPath + `/{{.ID}}/html"></iframe>
{{- end}}
</body></html>
`))
