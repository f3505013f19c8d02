package apigateway

import (
	"net/http"
	"net/url"
	"strings"
)

type mapped struct {
	path   map[string]string
	query  url.Values
	header http.Header
}

func (inv invocation) mapParameters() mapped {
	out := mapped{path: map[string]string{}, query: url.Values{}, header: http.Header{}}
	query := inv.request.URL.Query()
	for target, source := range inv.method.Integration.RequestParameters {
		kind, name, _ := strings.Cut(strings.TrimPrefix(target, "integration.request."), ".")
		values := inv.requestValue(source, query)
		if len(values) == 0 {
			continue
		}
		switch kind {
		case "path":
			out.path[name] = values[0]
			if !strings.HasPrefix(source, "method.request.path.") {
				out.path[name] = url.PathEscape(values[0])
			}
		case "querystring":
			out.query[name] = values
		case "header":
			out.header[http.CanonicalHeaderKey(name)] = values
		}
	}
	return out
}

func (inv invocation) requestValue(source string, query url.Values) []string {
	if isQuoted(source) {
		return []string{source[1 : len(source)-1]}
	}
	if name, ok := strings.CutPrefix(source, "stageVariables."); ok {
		return present(inv.stage.Variables, name)
	}
	kind, name, _ := strings.Cut(strings.TrimPrefix(source, "method.request."), ".")
	switch kind {
	case "path":
		return present(inv.parameters, name)
	case "querystring":
		return query[name]
	default:
		return inv.request.Header.Values(name)
	}
}

func present(values map[string]string, name string) []string {
	if v, ok := values[name]; ok {
		return []string{v}
	}
	return nil
}

// target returns the backend's URL, with stage variables and mapped path parameters filled
// in. Unmapped placeholders are an error, as on AWS.
func (inv invocation) target(m mapped) (*url.URL, error) {
	uri := inv.method.Integration.URI
	for name, value := range inv.stage.Variables {
		uri = strings.ReplaceAll(uri, "${stageVariables."+name+"}", value)
	}
	for name, value := range m.path {
		uri = strings.ReplaceAll(uri, "{"+name+"}", value)
	}
	u, err := url.Parse(uri)
	if err != nil || strings.ContainsAny(uri, "{}") {
		return nil, internalError
	}
	query := u.Query()
	if inv.method.Integration.Type == "HTTP_PROXY" {
		u.RawQuery = joinQuery(u.RawQuery, inv.request.URL.RawQuery)
		query = u.Query()
	}
	if len(m.query) > 0 {
		for name, values := range m.query {
			query[name] = values
		}
		u.RawQuery = query.Encode()
	}
	return u, nil
}

func joinQuery(a, b string) string {
	if a == "" || b == "" {
		return a + b
	}
	return a + "&" + b
}
