package snippet

import (
	"slices"
	"strings"
)

// python uses requests, as people expect, though it must be installed.
func python(r Request) (string, error) {
	var p program
	p.line("import requests")
	p.line("")
	if slices.Contains([]string{"GET", "POST", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS"}, r.Method) {
		p.line("response = requests.%s(", strings.ToLower(r.Method))
	} else {
		p.line("response = requests.request(")
		p.line("    %s,", pythonLiteral(r.Method))
	}
	p.line("    %s,", pythonLiteral(r.URL))
	if len(r.Header) > 0 {
		p.line("    headers={")
		for _, h := range r.Header {
			p.line("        %s: %s,", pythonLiteral(h.Name), pythonLiteral(h.Value))
		}
		p.line("    },")
	}
	if r.Body != "" {
		// requests sends a str as Latin-1.
		p.line(`    data=%s.encode("utf-8"),`, pythonLiteral(r.Body))
	}
	p.line("    timeout=30,")
	p.line(")")
	p.line("print(response.status_code, response.reason)")
	p.line("print(response.text)")
	return p.String(), nil
}

func pythonLiteral(text string) string {
	if !strings.Contains(text, "\n") {
		return `"` + escaping{quotes: `"`, unicode: longUnicode}.write(text) + `"`
	}
	return `"""` + escaping{unicode: longUnicode, lines: true, special: endsTripleQuotes}.write(text) + `"""`
}

// endsTripleQuotes reports whether a quote could be part of the three that end a literal.
func endsTripleQuotes(r rune, after string) bool {
	return r == '"' && (after == "" || after[0] == '"')
}
