package postman

import (
	"cmp"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/gatehouse-portal/gatehouse/openapi"
	"github.com/gatehouse-portal/gatehouse/openapi/snippet"
)

func requestOf(op *openapi.Operation, used map[string]bool) request {
	r := request{Method: op.Method, Description: op.Description, Header: []field{}, URL: addressOf(op), Auth: authOf(op, used)}
	for i := range op.Parameters {
		p := &op.Parameters[i]
		if p.In != "header" && p.In != "cookie" {
			continue
		}
		for _, h := range alone(p, "/").Header {
			r.Header = append(r.Header, field{Key: h.Name, Value: h.Value, Description: p.Description, Disabled: !p.Required})
		}
	}
	// The example request has the headers for the body and for the answer, too.
	for _, h := range op.ExampleRequest("https://example.com").Header {
		if !slices.ContainsFunc(r.Header, func(f field) bool { return strings.EqualFold(f.Key, h.Name) }) {
			r.Header = append(r.Header, field{Key: h.Name, Value: h.Value})
		}
	}
	if op.Body != nil && len(op.Body.Content) > 0 {
		media := op.Body.Content[0]
		r.Body = &body{Mode: "raw", Raw: exampleOf(media)}
		if language := languageOf(media.Type); language != "text" {
			r.Body.Options = &bodyOptions{}
			r.Body.Options.Raw.Language = language
		}
	}
	return r
}

// alone returns the example request with one parameter only, which shows how it is serialized.
func alone(p *openapi.Parameter, path string) openapi.Request {
	single := *p
	single.Required = true
	op := openapi.Operation{Method: "GET", Path: path, Parameters: []openapi.Parameter{single}}
	return op.ExampleRequest("https://example.com")
}

var template = regexp.MustCompile(`\{([^{}/]+)\}`)

func addressOf(op *openapi.Operation) address {
	a := address{Host: []string{"{{baseUrl}}"}, Path: []string{}}
	values := map[string]string{}
	for i := range op.Parameters {
		p := &op.Parameters[i]
		switch p.In {
		case "path":
			values[p.Name] = pathValue(p)
		case "query":
			a.Query = append(a.Query, queryFields(p)...)
		}
	}
	for segment := range strings.SplitSeq(strings.TrimPrefix(op.Path, "/"), "/") {
		written, variables := segmentOf(segment, op, values)
		a.Path = append(a.Path, written)
		a.Variable = append(a.Variable, variables...)
	}
	a.Raw = "{{baseUrl}}/" + strings.Join(a.Path, "/")
	separator := "?"
	for _, q := range a.Query {
		if !q.Disabled {
			a.Raw += separator + q.Key + "=" + q.Value
			separator = "&"
		}
	}
	return a
}

var variableName = regexp.MustCompile(`^[A-Za-z0-9_-]+$`)

// segmentOf writes a segment of the path. Postman has variables for whole segments only; in
// others, and under odd names, the example stands for the parameter.
func segmentOf(segment string, op *openapi.Operation, values map[string]string) (string, []variable) {
	if m := template.FindStringSubmatch(segment); m != nil && m[0] == segment && variableName.MatchString(m[1]) {
		v := variable{Key: m[1], Value: values[m[1]]}
		for _, p := range op.Parameters {
			if p.In == "path" && p.Name == m[1] {
				v.Description = p.Description
			}
		}
		return ":" + m[1], []variable{v}
	}
	segment = template.ReplaceAllStringFunc(segment, func(name string) string {
		return url.PathEscape(values[name[1:len(name)-1]])
	})
	if rest, ok := strings.CutPrefix(segment, ":"); ok { // which would be a variable
		segment = "%3A" + rest
	}
	return segment, nil
}

func pathValue(p *openapi.Parameter) string {
	written := strings.TrimPrefix(alone(p, "/{"+p.Name+"}").URL, "https://example.com/")
	if value, err := url.PathUnescape(written); err == nil {
		return value
	}
	return p.Example
}

// queryFields returns the pairs of a query parameter; an array can have several.
func queryFields(p *openapi.Parameter) []field {
	_, query, _ := strings.Cut(alone(p, "/").URL, "?")
	var fields []field
	for pair := range strings.SplitSeq(query, "&") {
		key, value, _ := strings.Cut(pair, "=")
		if key != "" {
			fields = append(fields, field{Key: key, Value: value, Description: p.Description, Disabled: !p.Required})
		}
	}
	return fields
}

func exampleOf(media openapi.Media) string {
	if len(media.Examples) == 0 {
		return ""
	}
	return media.Examples[0].Text
}

func languageOf(mediaType string) string {
	for _, language := range []string{"json", "xml", "html"} {
		if strings.Contains(strings.ToLower(mediaType), language) {
			return language
		}
	}
	return "text"
}

// responseOf saves an answer. "default" has no status that it could be saved with.
func responseOf(answer openapi.Response, original request) (response, bool) {
	code, err := strconv.Atoi(strings.NewReplacer("X", "0", "x", "0").Replace(answer.Status))
	if err != nil {
		return response{}, false
	}
	saved := response{
		Name: cmp.Or(oneLine(answer.Description), answer.Status), OriginalRequest: original, Status: http.StatusText(code), Code: code,
		Language: "text", Header: []field{},
	}
	if len(answer.Content) > 0 {
		media := answer.Content[0]
		saved.Language, saved.Body = languageOf(media.Type), exampleOf(media)
		saved.Header = append(saved.Header, field{Key: "Content-Type", Value: media.Type})
	}
	return saved, true
}

// oneLine returns the first line of a description, as the name of an answer.
func oneLine(description string) string {
	line, _, _ := strings.Cut(strings.TrimSpace(description), "\n")
	return strings.TrimSpace(line)
}

func keyAuth(name, in string) *auth {
	return &auth{Type: "apikey", APIKey: []authProperty{{"key", name, "string"}, {"value", "{{apiKey}}", "string"}, {"in", in, "string"}}}
}

// authOf returns the authentication of an operation. It is nil for the collection's own, the key
// of API Gateway. Postman sends one scheme only.
func authOf(op *openapi.Operation, used map[string]bool) *auth {
	schemes := snippet.Authentication(op)
	if slices.ContainsFunc(schemes, openapi.SecurityScheme.APIKey) {
		used["apiKey"] = true
		return nil
	}
	for _, scheme := range schemes {
		switch {
		case scheme.Type == "apiKey" && scheme.In != "cookie":
			used["apiKey"] = true
			return keyAuth(scheme.Parameter, scheme.In)
		case scheme.Type == "http" && strings.EqualFold(scheme.Scheme, "basic"):
			used["username"], used["password"] = true, true
			return &auth{Type: "basic", Basic: []authProperty{{"username", "{{username}}", "string"}, {"password", "{{password}}", "string"}}}
		case scheme.Type == "http", scheme.Type == "oauth2", scheme.Type == "openIdConnect":
			used["token"] = true
			return &auth{Type: "bearer", Bearer: []authProperty{{"token", "{{token}}", "string"}}}
		}
	}
	return &auth{Type: "noauth"}
}
