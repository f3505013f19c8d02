package snippet

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
	"unicode/utf8"

	"golang.org/x/net/http/httpguts"

	"github.com/gatehouse-portal/gatehouse/portal"
)

// Request is what a program sends. HTTP clients treat unusual requests differently, so Write
// brings them into a form that all send alike:
//
//   - The URL is normalized (see normalURL).
//   - Headers that a client sets are left out: Host, Content-Length, Connection and their like.
//   - Headers with the same name become one, joined as in RFC 9110, section 5.3.
//   - A body without a Content-Type is text/plain; charset=utf-8.
type Request struct {
	// Method is in upper case.
	Method string
	// URL is absolute, http or https, without user name and password.
	URL    string
	Header []Header
	// Body is valid UTF-8. "" sends no body.
	Body string
}

// Header is one header field. Value has only printable ASCII characters and tabs; it may be a
// placeholder such as YOUR_API_KEY.
type Header struct{ Name, Value string }

var methodPattern = regexp.MustCompile(`^[A-Z][A-Z0-9_-]*$`)

// clientHeaders are set by HTTP clients. Most refuse them, or hang, if a program sets them.
var clientHeaders = []string{
	"connection", "content-length", "expect", "host", "keep-alive", "proxy-connection", "te", "trailer", "transfer-encoding", "upgrade",
}

func (r Request) normalized() (Request, error) {
	if !methodPattern.MatchString(r.Method) || r.Method == "CONNECT" {
		return Request{}, invalid("the method %q cannot be sent; use an HTTP method in upper case, such as GET", r.Method)
	}
	var err error
	if r.URL, err = normalURL(r.URL); err != nil {
		return Request{}, err
	}
	if r.Header, err = normalHeader(r.Header); err != nil {
		return Request{}, err
	}
	switch {
	case r.Body == "":
		return r, nil
	case r.Method == "HEAD" || r.Method == "TRACE":
		return Request{}, invalid("a %s request cannot have a body; remove the body", r.Method)
	case !utf8.ValidString(r.Body):
		return Request{}, invalid("the body is not UTF-8 text; snippets cannot send binary bodies")
	case strings.ContainsRune(r.Body, 0):
		return Request{}, invalid("the body has a NUL character, which no shell can send; remove it")
	}
	if _, ok := r.header("content-type"); !ok {
		r.Header = append(r.Header, Header{Name: "Content-Type", Value: "text/plain; charset=utf-8"})
	}
	return r, nil
}

func (r Request) header(name string) (string, bool) {
	for _, h := range r.Header {
		if strings.ToLower(h.Name) == name {
			return h.Value, true
		}
	}
	return "", false
}

func normalHeader(fields []Header) ([]Header, error) {
	var normal []Header
	at := map[string]int{}
	for _, field := range fields {
		name, value := strings.ToLower(field.Name), strings.Trim(field.Value, " \t")
		if !httpguts.ValidHeaderFieldName(field.Name) {
			return nil, invalid("%q is not the name of a header; use letters, digits and hyphens", field.Name)
		}
		if i := strings.IndexFunc(value, unsendable); i >= 0 {
			return nil, invalid("the header %s has a character that HTTP does not send; use printable ASCII characters and percent-encode all others", field.Name)
		}
		if slices.Contains(clientHeaders, name) {
			continue
		}
		i, seen := at[name]
		if !seen {
			at[name] = len(normal)
			normal = append(normal, Header{Name: field.Name, Value: value})
			continue
		}
		separator := ", "
		if name == "cookie" {
			separator = "; "
		}
		normal[i].Value = strings.Trim(normal[i].Value+separator+value, " \t")
	}
	return normal, nil
}

// unsendable reports whether clients disagree on sending the character in a header.
func unsendable(r rune) bool { return (r < ' ' && r != '\t') || r > '~' }

func invalid(format string, args ...any) error {
	return portal.Fail(portal.Invalid, fmt.Sprintf(format, args...))
}
