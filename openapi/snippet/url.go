package snippet

import (
	"fmt"
	"net/url"
	"regexp"
	"strings"
)

var hostPattern = regexp.MustCompile(`^([A-Za-z0-9._-]+|\[[0-9A-Fa-f:.]+\])(:[0-9]{1,5})?$`)

// normalURL returns the URL as all HTTP clients send it (RFC 3986, section 6.2.2): with a
// path, but no "." and ".." segments and no fragment. Characters with a meaning in some client
// or language are percent-encoded; unreserved ones are not.
func normalURL(raw string) (string, error) {
	scheme, rest, _ := strings.Cut(raw, "://")
	scheme = strings.ToLower(scheme)
	if scheme != "http" && scheme != "https" {
		return "", invalid("the URL %q is not absolute; begin it with https://", raw)
	}
	if strings.ContainsRune(raw, 0) {
		return "", invalid("the URL has a NUL character; remove it")
	}
	rest, _, _ = strings.Cut(rest, "#")
	host, after := rest, ""
	if i := strings.IndexAny(rest, "/?"); i >= 0 {
		host, after = rest[:i], rest[i:]
	}
	if !hostPattern.MatchString(host) {
		return "", invalid("the URL has %q where its host belongs; use a host name in ASCII (xn--…), with a port if needed, and no user name", host)
	}
	path, query, _ := strings.Cut(after, "?")
	if path == "" {
		path = "/"
	}
	if query != "" {
		query = "?" + encoded(query, "?/")
	}
	parsed, err := url.Parse(scheme + "://" + host + encoded(path, "/"))
	if err != nil {
		return "", invalid("the URL cannot be sent: %v", err)
	}
	return parsed.ResolveReference(parsed).String() + query, nil
}

// encoded percent-encodes all bytes except unreserved ones, most delimiters, and those of keep.
// curl expands brackets, and browsers encode the apostrophe in a query, so both are encoded.
func encoded(text, keep string) string {
	var b strings.Builder
	for i := 0; i < len(text); i++ {
		c := text[i]
		if c == '%' {
			if value, ok := percentEncoded(text[i:]); ok {
				c, i = value, i+2
				if !unreserved(c) {
					fmt.Fprintf(&b, "%%%02X", c)
					continue
				}
			}
		}
		if unreserved(c) || strings.IndexByte("!$&()*+,;=:@", c) >= 0 || strings.IndexByte(keep, c) >= 0 {
			b.WriteByte(c)
		} else {
			fmt.Fprintf(&b, "%%%02X", c)
		}
	}
	return b.String()
}

func percentEncoded(text string) (byte, bool) {
	if len(text) < 3 {
		return 0, false
	}
	decoded, err := url.PathUnescape(text[:3])
	if err != nil {
		return 0, false
	}
	return decoded[0], true
}

func unreserved(c byte) bool {
	return 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || '0' <= c && c <= '9' || strings.IndexByte("-._~", c) >= 0
}
