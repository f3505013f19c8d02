package tryit

import (
	"context"
	"errors"
	"net/http"

	"github.com/gatehouse-portal/gatehouse/catalog"
	"github.com/gatehouse-portal/gatehouse/library"
	"github.com/gatehouse-portal/gatehouse/openapi"
	"github.com/gatehouse-portal/gatehouse/portal"
)

func compose(ctx context.Context, shelf *library.Shelf, api catalog.API, attempt Attempt) (Request, error) {
	if attempt.Operation == "" {
		return Request{
			Endpoint: api.Endpoint, Method: attempt.Method, Path: attempt.Path, Header: attempt.Header, Body: []byte(attempt.Values.Body),
			TakesKeys: shelf.TakesKeys(api),
		}, nil
	}
	if attempt.Method != "" || attempt.Path != "" {
		return Request{}, portal.Fail(portal.Invalid, "Name either an operation, or a method and a path.")
	}
	document, err := shelf.Definition(ctx, attempt.Product, attempt.API)
	if err != nil {
		return Request{}, err
	}
	operation, ok := document.Operation(attempt.Operation)
	if !ok {
		return Request{}, portal.Fail(portal.NotFound, "The API has no such operation.")
	}
	built, err := operation.Request("", attempt.Values)
	if err != nil {
		return Request{}, wrongValues(err)
	}
	header := http.Header{}
	for _, h := range built.Header {
		header.Add(h.Name, h.Value)
	}
	for name, values := range attempt.Header {
		header[http.CanonicalHeaderKey(name)] = values
	}
	return Request{
		Endpoint: api.Endpoint, Method: built.Method, Path: built.URL, Header: header, Body: []byte(built.Body),
		TakesKeys: shelf.TakesKeys(api),
	}, nil
}

func wrongValues(err error) error {
	var problems openapi.Problems
	if !errors.As(err, &problems) {
		return err
	}
	return &portal.Error{Code: portal.Invalid, Message: "Some values do not fit the operation: " + problems.Error() + ".", Err: problems}
}
