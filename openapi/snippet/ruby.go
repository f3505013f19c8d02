package snippet

import (
	"slices"
	"strings"
)

func ruby(r Request) (string, error) {
	var p program
	p.line(`require "net/http"`)
	p.line("")
	p.line("uri = URI(%s)", rubyLiteral(r.URL))
	if slices.Contains([]string{"GET", "POST", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS", "TRACE"}, r.Method) {
		p.line("request = Net::HTTP::%s.new(uri)", r.Method[:1]+strings.ToLower(r.Method[1:]))
	} else {
		p.line("request = Net::HTTPGenericRequest.new(%s, %t, true, uri)", rubyLiteral(r.Method), r.Body != "")
	}
	for _, h := range r.Header {
		p.line("request[%s] = %s", rubyLiteral(h.Name), rubyLiteral(h.Value))
	}
	if r.Body != "" {
		p.line("request.body = %s", rubyLiteral(r.Body))
	}
	p.line("")
	p.line(`response = Net::HTTP.start(uri.hostname, uri.port, use_ssl: uri.scheme == "https") do |http|`)
	p.line("  http.request(request)")
	p.line("end")
	p.line("puts response.code, response.body")
	return p.String(), nil
}

// rubyLiteral prefers double quotes, unless single quotes need fewer escapes.
func rubyLiteral(text string) string {
	if !hasHidden(text) && strings.ContainsAny(text, "\"\n") {
		return singleQuoted(text)
	}
	interpolation := func(r rune, after string) bool {
		return r == '#' && after != "" && strings.ContainsRune("{$@", rune(after[0]))
	}
	return `"` + escaping{quotes: `"`, unicode: bracedUnicode, special: interpolation}.write(text) + `"`
}
