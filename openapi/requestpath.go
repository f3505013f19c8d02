package openapi

import (
	"net/url"
	"strings"
)

// segment notes a path parameter's escaped value. It stays one segment, except for API
// Gateway's {name+}, which stands for the rest of the path.
func (b *requestBuilder) segment(p *Parameter, v value) {
	written := p.pathValue(v)
	if isDots(written) {
		b.problem(p.Key(), `must not contain the path segment "." or ".."`)
		written = "_"
	}
	if !strings.Contains(b.op.Path, "{"+p.Name+"+}") {
		b.segments[p.Name] = written
		return
	}
	b.segments[p.Name] = strings.ReplaceAll(written, "%2F", "/")
}

// fillPath puts the values into the path. A segment that leads up the path is a problem: "."
// or "..", even escaped, since URL parsers decode the dots.
func (b *requestBuilder) fillPath() {
	path, query, _ := strings.Cut(b.fill(), "?")
	segments := strings.Split(strings.TrimPrefix(path, "/"), "/")
	for i, segment := range segments {
		if isDots(segment) {
			b.problem("path", `must not contain the segment "." or ".."`)
			segments[i] = "_"
		}
	}
	b.place, b.literal = "/"+strings.Join(segments, "/"), query
	if b.address == "" {
		b.place = "/" + strings.TrimLeft(b.place, "/") // two slashes would begin a host
	}
}

func (b *requestBuilder) fill() string {
	var out strings.Builder
	rest := b.op.Path
	for rest != "" {
		before, after, ok := strings.Cut(rest, "{")
		name, next, closed := strings.Cut(after, "}")
		if !ok || !closed {
			out.WriteString(escapeLiteral(rest))
			break
		}
		out.WriteString(escapeLiteral(before))
		out.WriteString(b.segments[strings.TrimSuffix(name, "+")])
		rest = next
	}
	return out.String()
}

// escapeLiteral escapes a path template, and keeps what is escaped already.
func escapeLiteral(s string) string {
	const fine = "/-._~!$&'()*+,;=:@?"
	var out strings.Builder
	for i, c := range []byte(s) {
		if c == '%' && isEscaped(s[i:]) {
			out.WriteByte(c)
			continue
		}
		if c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' || strings.IndexByte(fine, c) >= 0 {
			out.WriteByte(c)
			continue
		}
		out.WriteString(percent(c))
	}
	return out.String()
}

func isEscaped(s string) bool {
	return len(s) >= 3 && strings.Trim(s[1:3], "0123456789abcdefABCDEF") == ""
}

// isDots reports whether a URL parser takes the segment, or a server one of the segments that it
// decodes from it, for "." or "..".
func isDots(segment string) bool {
	plain := strings.NewReplacer("%2e", ".", "%2E", ".", "%2f", "/", "%2F", "/", "%5c", "/", "%5C", "/").Replace(segment)
	for part := range strings.SplitSeq(plain, "/") {
		if part == "." || part == ".." {
			return true
		}
	}
	return false
}

func escape(s string) string { return strings.ReplaceAll(url.QueryEscape(s), "+", "%20") }

func percent(c byte) string {
	const digits = "0123456789ABCDEF"
	return string([]byte{'%', digits[c>>4], digits[c&15]})
}
