package postman

import (
	"net/url"
	"regexp"
	"strings"

	"github.com/gatehouse-portal/gatehouse/openapi"
)

type address struct {
	Raw      string   `json:"raw"`
	Host     []string `json:"host"`
	Path     []string `json:"path"`
	Query    []field  `json:"query,omitempty"`
	Variable []field  `json:"variable,omitempty"`
}

func (w *writer) request(op *openapi.Operation) request {
	r := request{Method: op.Method, Header: []field{}, URL: address{Host: []string{"{{baseUrl}}"}, Path: []string{}}, Description: describe(op)}
	example := withoutParameters(op)
	for _, h := range example.Header {
		r.Header = append(r.Header, field{Key: h.Name, Value: literal(h.Value)})
	}
	r.path(op)
	for _, p := range op.Parameters {
		r.parameter(p)
	}
	if op.Body != nil && len(op.Body.Content) > 0 {
		r.setBody(op.Body.Content[0], example)
	}
	w.authenticate(&r, op)
	r.URL.write()
	return r
}

func withoutParameters(op *openapi.Operation) openapi.Request {
	one := *op
	one.Parameters = nil
	if one.Body != nil && len(one.Body.Content) > 0 {
		media := one.Body.Content[0]
		if len(media.Examples) > 0 && len(media.Examples[0].Text) > maxBody {
			media.Examples = nil
		}
		one.Body = &openapi.Body{Content: []openapi.Media{media}}
	}
	return one.ExampleRequest("")
}

// literal separates braces, so that Postman takes no text of the document for a variable. It
// would send the person's value, perhaps a secret.
func literal(text string) string {
	for strings.Contains(text, "{{") {
		text = strings.ReplaceAll(text, "{{", "{ {")
	}
	return text
}

func describe(op *openapi.Operation) string {
	text := cut(op.Description, maxText)
	if op.Deprecated {
		return strings.TrimSpace("Deprecated: new programs should not use this operation.\n\n" + text)
	}
	return text
}

// simpleName are names that Postman takes for a variable in a path.
var simpleName = regexp.MustCompile(`^[A-Za-z0-9_.-]+$`)

// path sets the segments. A parameter that is a whole segment becomes a variable; others,
// which Postman does not know, are filled in.
func (r *request) path(op *openapi.Operation) {
	template, query, _ := strings.Cut(op.Path, "?")
	var inPath []openapi.Parameter
	byName := map[string]openapi.Parameter{}
	for _, p := range op.Parameters {
		if p.In == "path" {
			inPath, byName[p.Name] = append(inPath, p), p
		}
	}
	for segment := range strings.SplitSeq(strings.TrimPrefix(template, "/"), "/") {
		name := strings.TrimSuffix(strings.TrimSuffix(strings.TrimPrefix(segment, "{"), "}"), "+")
		p, known := byName[name]
		if known && (segment == "{"+name+"}" || segment == "{"+name+"+}") && simpleName.MatchString(name) {
			value := alone("/"+segment, p).URL
			r.URL.Path = append(r.URL.Path, ":"+name)
			r.URL.Variable = append(r.URL.Variable, field{Key: name, Value: strings.TrimPrefix(value, "/"), Description: cut(p.Description, maxText)})
			continue
		}
		filled := strings.TrimPrefix(alone("/"+segment, inPath...).URL, "/")
		if rest, ok := strings.CutPrefix(filled, ":"); ok {
			filled = "%3A" + rest // which is no variable
		}
		r.URL.Path = append(r.URL.Path, filled)
	}
	r.pairs(query, openapi.Parameter{Required: true})
}

func alone(path string, parameters ...openapi.Parameter) openapi.Request {
	op := openapi.Operation{Method: "GET", Path: path}
	for _, p := range parameters {
		p.Required = true
		op.Parameters = append(op.Parameters, p)
	}
	return op.ExampleRequest("")
}

// parameter adds a parameter outside the path, disabled if optional.
func (r *request) parameter(p openapi.Parameter) {
	example := alone("/", p)
	switch p.In {
	case "query":
		_, query, _ := strings.Cut(example.URL, "?")
		if query == "" {
			query = escaped(p.Name)
		}
		r.pairs(query, p)
	case "header", "cookie":
		for _, h := range example.Header {
			r.Header = append(r.Header, field{Key: h.Name, Value: literal(h.Value), Description: cut(p.Description, maxText), Disabled: !p.Required})
		}
	}
}

func (r *request) pairs(query string, p openapi.Parameter) {
	if query == "" {
		return
	}
	for pair := range strings.SplitSeq(query, "&") {
		key, value, _ := strings.Cut(pair, "=")
		r.URL.Query = append(r.URL.Query, field{Key: key, Value: value, Description: cut(p.Description, maxText), Disabled: !p.Required})
	}
}

// write sets the address as one text, with what is not disabled.
func (a *address) write() {
	a.Raw = "{{baseUrl}}/" + strings.Join(a.Path, "/")
	separator := "?"
	for _, pair := range a.Query {
		if pair.Disabled {
			continue
		}
		a.Raw += separator + pair.Key
		if pair.Value != "" {
			a.Raw += "=" + pair.Value
		}
		separator = "&"
	}
}

func escaped(text string) string { return strings.ReplaceAll(url.QueryEscape(text), "+", "%20") }
