package snippet

import (
	"net/url"
	"slices"
	"strings"

	"github.com/gatehouse-portal/gatehouse/openapi"
)

// Placeholders for what only the caller knows.
const (
	PlaceholderKey         = "YOUR_API_KEY"
	PlaceholderToken       = "YOUR_TOKEN"
	PlaceholderCredentials = "YOUR_BASE64_CREDENTIALS"
)

// Example returns an operation's example request, with placeholders for
// authentication. The base is the API's URL.
func Example(op *openapi.Operation, base string) Request {
	example := op.ExampleRequest(base)
	request := Request{Method: example.Method, URL: example.URL, Body: example.Body}
	for _, scheme := range Authentication(op) {
		request.authenticate(scheme)
	}
	for _, h := range example.Header {
		request.Header = append(request.Header, Header(h))
	}
	return request
}

// Authentication returns the schemes that examples use: the first alternative with API
// Gateway's API key, none if the operation is open, else the first alternative.
func Authentication(op *openapi.Operation) []openapi.SecurityScheme {
	alternatives := op.Schemes()
	if i := slices.IndexFunc(alternatives, func(schemes []openapi.SecurityScheme) bool {
		return slices.ContainsFunc(schemes, openapi.SecurityScheme.APIKey)
	}); i >= 0 {
		return alternatives[i]
	}
	if op.Open() || len(alternatives) == 0 {
		return nil
	}
	return alternatives[0]
}

func (r *Request) authenticate(scheme openapi.SecurityScheme) {
	switch {
	case scheme.Type == "apiKey" && scheme.In == "query":
		separator := "?"
		if strings.Contains(r.URL, "?") {
			separator = "&"
		}
		r.URL += separator + url.QueryEscape(scheme.Parameter) + "=" + PlaceholderKey
	case scheme.Type == "apiKey" && scheme.In == "cookie":
		r.Header = append(r.Header, Header{Name: "Cookie", Value: scheme.Parameter + "=" + PlaceholderKey})
	case scheme.Type == "apiKey":
		r.Header = append(r.Header, Header{Name: scheme.Parameter, Value: PlaceholderKey})
	case scheme.Type == "http" && strings.EqualFold(scheme.Scheme, "basic"):
		r.Header = append(r.Header, Header{Name: "Authorization", Value: "Basic " + PlaceholderCredentials})
	case scheme.Type == "http", scheme.Type == "oauth2", scheme.Type == "openIdConnect":
		r.Header = append(r.Header, Header{Name: "Authorization", Value: "Bearer " + PlaceholderToken})
	}
}
