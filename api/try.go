package api

import (
	"context"
	"net/http"

	"github.com/gatehouse-portal/gatehouse/identity"
	"github.com/gatehouse-portal/gatehouse/library"
	"github.com/gatehouse-portal/gatehouse/portal"
	"github.com/gatehouse-portal/gatehouse/tryit"
)

// maxTryBody bounds the body of a try-it request, in bytes: the JSON of a body of
// tryit.MaxRequest.
const maxTryBody = 2*tryit.MaxRequest + maxBody

const tryPath = "/try/"

type trying interface {
	Try(ctx context.Context, who tryit.Caller, attempt tryit.Attempt) (tryit.Exchange, error)
}

// Attempt is a request to try.
type Attempt struct {
	Method  string         `json:"method" enum:"GET,HEAD,POST,PUT,PATCH,DELETE,OPTIONS"`
	Path    string         `json:"path,omitempty" maxLength:"8192" doc:"Follows the API's endpoint. Percent-encoded, with the query."`
	Headers []tryit.Header `json:"headers,omitempty" doc:"Headers to send. The portal adds the key's."`
	Body    string         `json:"body,omitempty" doc:"At most 1 MB."`
	Key     string         `json:"key,omitempty" maxLength:"128" doc:"The id of one of your keys. The portal sends its value as x-api-key, and never returns it. Without it the request has no key."`
}

func (a *API) try(ctx context.Context, in *struct {
	Product string `path:"product" maxLength:"256" doc:"A product's id, from the catalog." example:"harbours-v1"`
	API     string `path:"api" maxLength:"256" doc:"The slug of one of the product's APIs, from the catalog." example:"harbours"`
	Body    Attempt
}) (*struct{ Body tryit.Exchange }, error) {
	attempt := tryit.Attempt{
		Product: in.Product, API: in.API, Method: in.Body.Method, Path: in.Body.Path, Header: http.Header{}, Body: []byte(in.Body.Body), Key: portal.KeyID(in.Body.Key),
	}
	for _, h := range in.Body.Headers {
		attempt.Header[h.Name] = append(attempt.Header[h.Name], h.Value)
	}
	who := tryit.Caller{Viewer: library.Viewer(ctx)}
	if id, ok := identity.From(ctx); ok {
		who.Account = id.Account
	}
	exchange, err := a.console.Try(ctx, who, attempt)
	if err != nil {
		return nil, problemOf(ctx, err)
	}
	return &struct{ Body tryit.Exchange }{exchange}, nil
}
