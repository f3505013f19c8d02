// Package wire implements the server side of AWS's protocols: AWS JSON 1.0 and 1.1, Query
// with XML responses, and their errors. A service is a map from operation names to
// functions over plain structs.
package wire

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"time"

	"github.com/rs/zerolog"

	"github.com/gatehouse-portal/gatehouse/localaws/store"
)

// Env is what every service needs.
type Env struct {
	DB *store.DB
	// Now is the clock for times that services compare or store.
	Now func() time.Time
	// Account is the 12-digit account id in every ARN. Region is the default Region.
	Account, Region string
	// Others are further accounts, of which Seller, or Account, sells on AWS Marketplace.
	Others []string
	Seller string
	// Endpoint returns the server's base URL without a trailing slash, once the server
	// listens. Queue URLs and issuers start with it.
	Endpoint func() string
	Log      zerolog.Logger
}

// ARN returns an ARN in this account and Region.
func (e Env) ARN(service, resource string) string {
	return fmt.Sprintf("arn:aws:%s:%s:%s:%s", service, e.Region, e.Account, resource)
}

// Error is an AWS error.
type Error struct {
	Code    string
	Message string
	// Status is the HTTP status; 0 means 400.
	Status int
	// QueryCode is the older code for x-amzn-query-error, which services that moved from
	// Query to JSON still send ("AWS.SimpleQueueService.NonExistentQueue").
	QueryCode string
	// Fields are further members of the error.
	Fields map[string]any
	Header http.Header
}

func (e *Error) Error() string { return e.Code + ": " + e.Message }

// HTTPStatus is the status to answer with.
func (e *Error) HTTPStatus() int {
	if e.Status == 0 {
		return http.StatusBadRequest
	}
	return e.Status
}

// Errorf returns an Error with status 400.
func Errorf(code, format string, args ...any) *Error {
	return &Error{Code: code, Message: fmt.Sprintf(format, args...)}
}

// NotImplemented is the error for anything this local AWS does not implement.
func NotImplemented(what string) *Error {
	return &Error{
		Code:    "NotImplementedException",
		Message: what + " is not implemented by this local AWS.",
		Status:  http.StatusNotImplemented,
	}
}

// asError turns another error into an internal failure, whose text goes only to the logger
// in ctx.
func asError(ctx context.Context, err error) *Error {
	var e *Error
	if errors.As(err, &e) {
		return e
	}
	zerolog.Ctx(ctx).Error().Err(err).Msg("the local AWS failed")
	return &Error{Code: "InternalFailure", Message: "The local AWS failed; its log says why.", Status: http.StatusInternalServerError}
}

// Caller is the signer of a request. Local credentials are dummies, so signatures are
// not checked.
type Caller struct {
	AccessKeyID, Region, Service string
}

// CallerOf reads the credential scope of a SigV4 Authorization header, or returns the
// zero Caller.
func CallerOf(r *http.Request) Caller {
	_, rest, ok := strings.Cut(r.Header.Get("Authorization"), "Credential=")
	if !ok {
		return Caller{}
	}
	scope, _, _ := strings.Cut(rest, ",")
	parts := strings.Split(scope, "/")
	if len(parts) != 5 {
		return Caller{}
	}
	return Caller{AccessKeyID: parts[0], Region: parts[2], Service: parts[3]}
}

type requestKey struct{}

// WithRequest makes the HTTP request available to an operation.
func WithRequest(ctx context.Context, r *http.Request) context.Context {
	return context.WithValue(ctx, requestKey{}, r)
}

// RequestFrom returns the operation's HTTP request, or nil outside an operation.
func RequestFrom(ctx context.Context) *http.Request {
	r, _ := ctx.Value(requestKey{}).(*http.Request)
	return r
}

// NewID returns n random lower-case hexadecimal characters.
func NewID(n int) string {
	b := make([]byte, (n+1)/2)
	_, _ = rand.Read(b)
	return hex.EncodeToString(b)[:n]
}

// NewUUID returns a random UUID, the form of AWS's request and message ids.
func NewUUID() string {
	h := NewID(32)
	return h[:8] + "-" + h[8:12] + "-4" + h[13:16] + "-a" + h[17:20] + "-" + h[20:]
}
