package apigateway

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"slices"

	"github.com/gatehouse-portal/gatehouse/localaws/store"
	"github.com/gatehouse-portal/gatehouse/localaws/wire"
)

type none struct{}

// handle turns a typed operation into a handler. In is the JSON body. A nil result has no
// body. Only the given query parameters are accepted.
func handle[In, Out any](status int, f func(*http.Request, *In) (*Out, error), query ...string) func(http.ResponseWriter, *http.Request) error {
	decoded := wire.Op(func(ctx context.Context, in *In) (*Out, error) { return f(wire.RequestFrom(ctx), in) })
	return handleRaw(status, func(r *http.Request, body []byte) (any, error) {
		return decoded(wire.WithRequest(r.Context(), r), body)
	}, query...)
}

func handleRaw(status int, f func(*http.Request, []byte) (any, error), query ...string) func(http.ResponseWriter, *http.Request) error {
	return func(w http.ResponseWriter, r *http.Request) error {
		if err := checkQuery(r, query); err != nil {
			return err
		}
		body, err := wire.ReadBody(r)
		if err != nil {
			return err
		}
		out, err := f(r, body)
		if err == nil {
			answer(w, status, out)
		}
		return err
	}
}

func checkQuery(r *http.Request, known []string) error {
	for name := range r.URL.Query() {
		if !slices.Contains(known, name) {
			return wire.NotImplemented("The query parameter " + name)
		}
	}
	return nil
}

func answer(w http.ResponseWriter, status int, out any) {
	w.Header().Set("X-Amzn-Requestid", wire.NewUUID())
	body, err := json.Marshal(out)
	if err != nil {
		w.WriteHeader(http.StatusInternalServerError)
		return
	}
	if string(body) == "null" {
		w.WriteHeader(status)
		return
	}
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_, _ = w.Write(body)
}

// refuse writes an error in the format of both planes. An error that is no *wire.Error is
// logged, and the client gets an internal error.
func (s *Service) refuse(w http.ResponseWriter, err error) {
	var e *wire.Error
	if !errors.As(err, &e) {
		s.env.Log.Error().Err(err).Msg("API Gateway failed")
		e = internalError
	}
	w.Header().Set("X-Amzn-Errortype", e.Code)
	answer(w, e.HTTPStatus(), map[string]string{"message": e.Message})
}

var internalError = &wire.Error{
	Code: "InternalServerErrorException", Message: "Internal server error", Status: http.StatusInternalServerError,
}

func badRequest(format string, args ...any) *wire.Error {
	return wire.Errorf("BadRequestException", format, args...)
}

func notFound(format string, args ...any) *wire.Error {
	e := wire.Errorf("NotFoundException", format, args...)
	e.Status = http.StatusNotFound
	return e
}

func conflict(format string, args ...any) *wire.Error {
	e := wire.Errorf("ConflictException", format, args...)
	e.Status = http.StatusConflict
	return e
}

// limitExceeded is for an exhausted resource quota. AWS gives it the status of
// throttling, although retries do not help.
func limitExceeded(format string, args ...any) *wire.Error {
	e := wire.Errorf("LimitExceededException", format, args...)
	e.Status = http.StatusTooManyRequests
	return e
}

func view[T any](s *Service, f func(*store.Tx) (*T, error)) (out *T, err error) {
	err = s.env.DB.View(func(tx *store.Tx) error {
		out, err = f(tx)
		return err
	})
	return out, err
}

func update[T any](s *Service, f func(*store.Tx) (*T, error)) (out *T, err error) {
	err = s.env.DB.Update(func(tx *store.Tx) error {
		var failed error
		out, failed = f(tx)
		return failed
	})
	return out, err
}
