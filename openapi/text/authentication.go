package text

import (
	"strings"

	"github.com/gatehouse-portal/gatehouse/openapi"
)

// authentication says what a caller needs.
func (w *writer) authentication(op *openapi.Operation) string {
	var ways []string
	for _, schemes := range op.Schemes() {
		var together []string
		for _, scheme := range schemes {
			together = append(together, schemeOf(scheme))
		}
		if len(together) == 0 {
			together = []string{"no authentication"}
		}
		ways = append(ways, strings.Join(together, " and "))
	}
	if len(ways) == 0 {
		return "Needs no authentication."
	}
	return "Needs " + strings.Join(ways, ", or ") + "."
}

// schemes describes the document's security schemes.
func (w *writer) schemes() {
	if len(w.doc.Security) == 0 {
		return
	}
	w.below("Authentication")
	for _, scheme := range w.doc.Security {
		line := "- " + code(scheme.Name) + ": " + schemeOf(scheme)
		if text := plain(scheme.Description); text != "" {
			line += ". " + text
		}
		if w.full() {
			w.WriteString("- and more\n")
			break
		}
		w.WriteString(line + "\n")
	}
	w.WriteString("\n")
}

func schemeOf(s openapi.SecurityScheme) string {
	name := " (" + code(s.Name) + ")"
	switch {
	case s.Type == "apiKey":
		return "an API key in the " + inline(s.In) + " " + code(s.Parameter)
	case s.Type == "http" && s.Scheme == "basic":
		return "a user name and a password (HTTP basic authentication)"
	case s.Type == "http" && s.Scheme == "bearer":
		return "a bearer token in the header `Authorization`" + name
	case s.Type == "http":
		return "HTTP authentication with the scheme " + code(s.Scheme) + name
	case s.Type == "oauth2":
		return "an OAuth 2.0 access token in the header `Authorization`" + name
	case s.Type == "openIdConnect":
		return "a token of OpenID Connect in the header `Authorization`" + name
	case s.Type == "mutualTLS":
		return "a TLS client certificate" + name
	}
	return code(s.Name)
}
