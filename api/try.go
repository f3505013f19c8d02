package api

import (
	"context"
	"net/http"

	"github.com/gatehouse-portal/gatehouse/identity"
	"github.com/gatehouse-portal/gatehouse/library"
	"github.com/gatehouse-portal/gatehouse/openapi"
	"github.com/gatehouse-portal/gatehouse/portal"
	"github.com/gatehouse-portal/gatehouse/tryit"
)

// maxTryBody bounds the JSON of a body of tryit.MaxRequest bytes.
const maxTryBody = 2*tryit.MaxRequest + maxBody

const tryPath = "/try/"

type trying interface {
	Try(ctx context.Context, caller tryit.Caller, attempt tryit.Attempt) (tryit.Exchange, error)
}

// Attempt is a request to try: an operation with values, or a method and a path.
type Attempt struct {
	Operation   string         `json:"operation,omitempty" maxLength:"256" doc:"The id of an operation of the API's OpenAPI document. The portal builds the request from the parameters and the body."`
	Parameters  []Value        `json:"parameters,omitempty" doc:"Values of the operation's parameters."`
	ContentType string         `json:"content_type,omitempty" maxLength:"256" doc:"The media type of the body, if the operation takes several."`
	Method      string         `json:"method,omitempty" enum:"GET,HEAD,POST,PUT,PATCH,DELETE,OPTIONS" doc:"Needed if no operation is named."`
	Path        string         `json:"path,omitempty" maxLength:"8192" doc:"Follows the API's endpoint if no operation is named. Percent-encoded, with the query."`
	Headers     []tryit.Header `json:"headers,omitempty" doc:"Further headers to send. The portal adds the key's."`
	Body        string         `json:"body,omitempty" doc:"At most 1 MB."`
	Key         string         `json:"key,omitempty" maxLength:"128" doc:"The id of one of your keys. The portal sends its value as x-api-key, and never returns it. Without it the request has no key."`
}

// Value is a parameter's.
type Value struct {
	In    string `json:"in" enum:"path,query,header,cookie"`
	Name  string `json:"name" maxLength:"256"`
	Value string `json:"value" maxLength:"8192" doc:"An array is written with commas or as JSON, an object as JSON."`
}

// attempt is what the console tries. A repeated parameter has its last value.
func (a Attempt) attempt(product, api string) tryit.Attempt {
	attempt := tryit.Attempt{
		Product: product, API: api, Operation: a.Operation, Method: a.Method, Path: a.Path, Header: http.Header{}, Key: portal.KeyID(a.Key),
		Values: openapi.Values{Parameters: map[string]string{}, Body: a.Body, ContentType: a.ContentType},
	}
	for _, v := range a.Parameters {
		attempt.Values.Parameters[(&openapi.Parameter{In: v.In, Name: v.Name}).Key()] = v.Value
	}
	for _, h := range a.Headers {
		attempt.Header[h.Name] = append(attempt.Header[h.Name], h.Value)
	}
	return attempt
}

func (a *service) try(ctx context.Context, in *struct {
	Product string `path:"product" maxLength:"256" doc:"A product's id, from the catalog." example:"harbours-v1"`
	API     string `path:"api" maxLength:"256" doc:"The slug of one of the product's APIs, from the catalog." example:"harbours"`
	Body    Attempt
}) (*struct{ Body tryit.Exchange }, error) {
	caller := tryit.Caller{Viewer: library.Viewer(ctx)}
	if id, ok := identity.From(ctx); ok {
		caller.Account = id.Account
	}
	exchange, err := a.console.Try(ctx, caller, in.Body.attempt(in.Product, in.API))
	if err != nil {
		return nil, problemOf(ctx, err)
	}
	return &struct{ Body tryit.Exchange }{exchange}, nil
}
