package openapi

import (
	"cmp"
	"fmt"
	"net/textproto"
	"net/url"
	"slices"
	"strings"
)

// Values are what a person fills in to call an operation.
type Values struct {
	// Parameters are by Parameter.Key; "" counts as not given. An array is written with commas or
	// as JSON, an object as JSON.
	Parameters map[string]string
	// ContentType is one of the operation's; "" means the first.
	Body        string
	ContentType string
	// Accept is the preferred media type; "" means the first of the first successful response.
	Accept string
}

// Request is what is sent to call an operation.
type Request struct {
	Method string
	// URL is the base with the path and query appended.
	URL string
	// Header has canonical names in the order of sending.
	Header []Header
	Body   string
}

// Header is a header of a request.
type Header struct {
	Name, Value string
}

// Problem is a value that an operation does not take. Parameter is its key, "body", or "base"; it
// is "path" if the path as a whole is wrong.
type Problem struct {
	Parameter string
	// Text continues the parameter's name: "must be a whole number".
	Text string
}

// Problems is the error of Operation.Request; it is never empty.
type Problems []Problem

const maxProblems = 10

func (p Problems) Error() string {
	var lines []string
	for _, problem := range p[:min(len(p), maxProblems)] {
		lines = append(lines, problem.String())
	}
	if more := len(p) - maxProblems; more > 0 {
		lines = append(lines, fmt.Sprintf("and %d more", more))
	}
	return strings.Join(lines, "; ")
}

func (p Problem) String() string {
	_, name, ok := strings.Cut(p.Parameter, ".")
	if !ok {
		name = p.Parameter
	}
	return shorten(name, 100) + " " + p.Text
}

// Key names the parameter in its operation by place and name: "path.petId".
func (p *Parameter) Key() string { return p.In + "." + p.Name }

// Request builds the request for the values. The path is appended to the base, the API's URL; no
// value can lead out of it. The error is Problems, one for each wrong value. The caller adds
// authentication.
func (o *Operation) Request(base string, values Values) (Request, error) {
	b := requestBuilder{op: o, segments: map[string]string{}, values: values}
	b.base(base)
	for i := range o.Parameters {
		b.parameter(&o.Parameters[i])
	}
	b.fillPath()
	b.unknown()
	b.body()
	if len(b.problems) > 0 {
		return Request{}, b.problems
	}
	return b.request(), nil
}

// ExampleRequest builds the request with the examples of required parameters and the body, even
// if they break the document's rules.
func (o *Operation) ExampleRequest(base string) Request {
	values := Values{Parameters: map[string]string{}}
	for i := range o.Parameters {
		p := &o.Parameters[i]
		if p.Required {
			values.Parameters[p.Key()] = p.Example
		}
	}
	if o.Body != nil && len(o.Body.Content) > 0 {
		values.ContentType = o.Body.Content[0].Type
		if examples := o.Body.Content[0].Examples; len(examples) > 0 {
			values.Body = examples[0].Text
		}
	}
	b := requestBuilder{op: o, segments: map[string]string{}, values: values, lenient: true}
	b.base(base)
	for i := range o.Parameters {
		b.parameter(&o.Parameters[i])
	}
	b.fillPath()
	b.body()
	return b.request()
}

type requestBuilder struct {
	op       *Operation
	values   Values
	problems Problems
	// lenient sends values that break a rule, if they can be written.
	lenient bool

	address        string
	segments       map[string]string
	place, literal string
	query          []string
	header         []Header
	cookies        []string
	sent           string
}

func (b *requestBuilder) problem(key, format string, args ...any) {
	b.problems = append(b.problems, Problem{Parameter: key, Text: fmt.Sprintf(format, args...)})
}

func (b *requestBuilder) parameter(p *Parameter) {
	given := b.values.Parameters[p.Key()]
	if given == "" {
		if p.Required {
			b.problem(p.Key(), "is required")
		}
		return
	}
	v, problem := p.parse(given)
	if problem != "" {
		b.problem(p.Key(), "%s", problem)
		if !b.lenient {
			return
		}
	}
	switch p.In {
	case "path":
		b.segment(p, v)
	case "query":
		b.query = append(b.query, p.query(v)...)
	case "header":
		b.headerParameter(p, v)
	case "cookie":
		b.cookies = append(b.cookies, p.query(v)...)
	}
}

func (b *requestBuilder) unknown() {
	known := map[string]bool{}
	for i := range b.op.Parameters {
		known[b.op.Parameters[i].Key()] = true
	}
	for key, value := range b.values.Parameters {
		if value != "" && !known[key] {
			b.problem(key, "is not a parameter of this operation")
		}
	}
	slices.SortStableFunc(b.problems, func(p, q Problem) int {
		return cmp.Or(cmp.Compare(b.rank(p.Parameter), b.rank(q.Parameter)), cmp.Compare(p.Parameter, q.Parameter))
	})
}

func (b *requestBuilder) rank(key string) int {
	at := slices.IndexFunc(b.op.Parameters, func(p Parameter) bool { return p.Key() == key })
	if at < 0 {
		return len(b.op.Parameters)
	}
	return at
}

// controlled are headers that the sender sets, and those that would make a proxy read the
// request differently.
var controlled = []string{
	"Host", "Content-Length", "Connection", "Transfer-Encoding", "Te", "Trailer", "Upgrade",
	"Keep-Alive", "Proxy-Connection", "Proxy-Authorization", "Expect", "Cookie",
}

func (b *requestBuilder) headerParameter(p *Parameter, v value) {
	name, text := textproto.CanonicalMIMEHeaderKey(p.Name), strings.TrimSpace(p.simple(v))
	switch {
	case !isToken(p.Name) || slices.Contains(controlled, name):
		b.problem(p.Key(), "is not a header that can be set")
	case strings.ContainsFunc(text, isControl):
		b.problem(p.Key(), "must not contain line breaks or control characters")
	default:
		b.header = append(b.header, Header{name, text})
	}
}

func isControl(r rune) bool { return r < ' ' && r != '\t' || r == 0x7f }

// isToken reports whether a header can have the name (RFC 9110, 5.6.2).
func isToken(name string) bool {
	for _, r := range name {
		letter := r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9'
		if !letter && !strings.ContainsRune("!#$%&'*+-.^_`|~", r) {
			return false
		}
	}
	return name != ""
}

func (b *requestBuilder) body() {
	body := b.op.Body
	if body == nil {
		if b.values.Body != "" {
			b.problem("body", "is not taken by this operation")
		}
		return
	}
	if b.values.Body == "" {
		if body.Required {
			b.problem("body", "is required")
		}
		return
	}
	contentType := b.values.ContentType
	if contentType == "" && len(body.Content) > 0 {
		contentType = body.Content[0].Type
	}
	if len(body.Content) > 0 && !slices.ContainsFunc(body.Content, func(m Media) bool { return m.Type == contentType }) {
		b.problem("body", "is not taken as %s", shorten(contentType, 100))
		return
	}
	contentType = concrete(contentType)
	if strings.ContainsFunc(contentType, isControl) {
		b.problem("body", "has a media type that cannot be sent")
		return
	}
	if formatOf(contentType) == multipartFormat {
		contentType = withBoundary(contentType, b.values.Body)
	}
	if formatOf(contentType) == jsonFormat {
		if err := checkJSON(b.values.Body); err != nil {
			b.problem("body", "is not JSON: %s", err.Error())
		}
	}
	b.sent = b.values.Body
	b.header = append(b.header, Header{"Content-Type", contentType})
}

func checkJSON(body string) error {
	_, err := readJSON([]byte(body), &warnings{})
	if wrong, ok := err.(*Invalid); ok { //nolint:errorlint // readJSON returns nothing else
		return fmt.Errorf("line %d: %s", wrong.Line, strings.TrimPrefix(wrong.Reason, "this is not JSON: "))
	}
	return err
}

// concrete returns a media type that can be sent for a range of them.
func concrete(mediaType string) string {
	if strings.Contains(mediaType, "*") || mediaType == "" {
		return "application/json"
	}
	return mediaType
}

// withBoundary takes the boundary from the first line of a multipart body.
func withBoundary(contentType, body string) string {
	first, _, _ := strings.Cut(body, "\n")
	name, ok := strings.CutPrefix(strings.TrimSpace(first), "--")
	if !ok || strings.Contains(contentType, "boundary=") || strings.ContainsAny(name, "\"\\;, ") {
		return contentType
	}
	return contentType + "; boundary=" + name
}

func (b *requestBuilder) accept() string {
	if b.values.Accept != "" {
		return b.values.Accept
	}
	for _, r := range b.op.Responses {
		if (strings.HasPrefix(r.Status, "2") || r.Status == "default") && len(r.Content) > 0 {
			return r.Content[0].Type
		}
	}
	return ""
}

func (b *requestBuilder) request() Request {
	r := Request{Method: b.op.Method, URL: b.url(), Body: b.sent}
	if accept := b.accept(); accept != "" && !strings.ContainsFunc(accept, isControl) {
		r.Header = append(r.Header, Header{"Accept", accept})
	}
	r.Header = append(r.Header, b.header...)
	if len(b.cookies) > 0 {
		r.Header = append(r.Header, Header{"Cookie", strings.Join(b.cookies, "; ")})
	}
	return r
}

func (b *requestBuilder) url() string {
	query := b.query
	if b.literal != "" {
		query = append([]string{b.literal}, query...)
	}
	if len(query) == 0 {
		return b.address + b.place
	}
	return b.address + b.place + "?" + strings.Join(query, "&")
}

func (b *requestBuilder) base(base string) {
	b.address = strings.TrimRight(base, "/")
	u, err := url.Parse(base)
	if err != nil || u.RawQuery != "" || u.Fragment != "" || u.Opaque != "" || (u.Host == "") != (u.Scheme == "") {
		b.problem("base", "is not the URL of an API")
	}
}
