package snippet

import (
	"slices"
	"strings"
)

func javaScript(r Request) (string, error) {
	if r.Method == "TRACE" {
		return "", invalid("fetch cannot send TRACE requests; use another language")
	}
	if r.Method == "GET" && r.Body != "" {
		return "", invalid("fetch cannot send a body with a GET request; use another language")
	}
	// In an object, this name sets the prototype.
	if slices.ContainsFunc(r.Header, func(h Header) bool { return h.Name == "__proto__" }) {
		return "", invalid("fetch cannot send a header named __proto__; use another language")
	}
	var p program
	p.line("async function main() {")
	p.line("  const response = await fetch(%s, {", javaScriptLiteral(r.URL))
	p.line("    method: %s,", javaScriptLiteral(r.Method))
	if len(r.Header) > 0 {
		p.line("    headers: {")
		for _, h := range r.Header {
			p.line("      %s: %s,", javaScriptLiteral(h.Name), javaScriptLiteral(h.Value))
		}
		p.line("    },")
	}
	if r.Body != "" {
		p.line("    body: %s,", javaScriptLiteral(r.Body))
	}
	p.line("  });")
	p.line("  console.log(response.status, response.statusText);")
	p.line("  console.log(await response.text());")
	p.line("}")
	p.line("")
	p.line("main();")
	return p.String(), nil
}

func javaScriptLiteral(text string) string {
	if !strings.Contains(text, "\n") {
		return `"` + escaping{quotes: `"`, unicode: bracedUnicode}.write(text) + `"`
	}
	placeholder := func(r rune, after string) bool { return r == '$' && strings.HasPrefix(after, "{") }
	return "`" + escaping{quotes: "`", unicode: bracedUnicode, lines: true, special: placeholder}.write(text) + "`"
}
