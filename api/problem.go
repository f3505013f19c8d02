package api

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"strconv"
	"time"

	"github.com/danielgtaylor/huma/v2"
	"github.com/rs/zerolog"

	"github.com/gatehouse-portal/gatehouse/portal"
)

// Problem is a problem document (RFC 9457).
type Problem struct {
	Type      string `json:"type" doc:"The kind of problem: the path of the portal's page about it, /problems/<code>." example:"/problems/not_found"`
	Title     string `json:"title" doc:"The HTTP status in words."`
	Status    int    `json:"status" doc:"The HTTP status."`
	Detail    string `json:"detail" doc:"What is wrong and what to change."`
	RequestID string `json:"request_id" doc:"The id of this request in the portal's log."`
	Errors    []Flaw `json:"errors,omitempty" doc:"What is wrong and where, if the request does not match the OpenAPI document or a member of its body cannot be used."`

	header http.Header
}

// Flaw is one thing wrong with a request. It never contains the offending value.
type Flaw struct {
	Location string `json:"location,omitempty" example:"path.plan"`
	Message  string `json:"message"`
}

// statuses is one of the two tables that read codes. The other, in transport, decides
// between retry and dead letter.
var statuses = map[portal.Code]int{
	portal.Invalid:         http.StatusBadRequest,
	portal.Unauthorized:    http.StatusUnauthorized,
	portal.Forbidden:       http.StatusForbidden,
	portal.NotFound:        http.StatusNotFound,
	portal.Conflict:        http.StatusConflict,
	portal.NotRegistered:   http.StatusConflict,
	portal.Suspended:       http.StatusForbidden,
	portal.Deleting:        http.StatusConflict,
	portal.Superseded:      http.StatusConflict,
	portal.LimitReached:    http.StatusConflict,
	portal.KeyReused:       http.StatusUnprocessableEntity,
	portal.TooLarge:        http.StatusRequestEntityTooLarge,
	portal.TooManyRequests: http.StatusTooManyRequests,
	portal.Unavailable:     http.StatusServiceUnavailable,
}

// Status returns an error's HTTP status. A wrong member is as unprocessable as a body
// that does not match the OpenAPI document.
func Status(err error) int {
	if portal.CodeOf(err) == portal.Invalid && portal.FieldOf(err) != "" {
		return http.StatusUnprocessableEntity
	}
	if status, ok := statuses[portal.CodeOf(err)]; ok {
		return status
	}
	return http.StatusInternalServerError
}

// codes are those of problems found before a handler runs.
var codes = map[int]portal.Code{
	http.StatusBadRequest:            portal.Invalid,
	http.StatusUnprocessableEntity:   portal.Invalid,
	http.StatusRequestEntityTooLarge: portal.TooLarge,
	http.StatusUnsupportedMediaType:  "unsupported_media_type",
	http.StatusNotAcceptable:         "not_acceptable",
	http.StatusRequestTimeout:        "timeout",
}

const methodNotAllowed portal.Code = "method_not_allowed"

func init() {
	// Unlike huma's own, these errors do not repeat offending values.
	huma.NewErrorWithContext = func(ctx huma.Context, status int, message string, errs ...error) huma.StatusError {
		return schemaProblem(ctx.Context(), status, message, errs)
	}
	huma.NewError = func(status int, message string, errs ...error) huma.StatusError {
		return schemaProblem(context.Background(), status, message, errs)
	}
}

func schemaProblem(ctx context.Context, status int, message string, errs []error) *Problem {
	if status >= http.StatusInternalServerError {
		return problemOf(ctx, errors.Join(errs...))
	}
	code, ok := codes[status]
	if !ok {
		code = portal.Invalid
	}
	p := newProblem(ctx, status, code, message)
	for _, err := range errs {
		var detail huma.ErrorDetailer
		if errors.As(err, &detail) {
			d := detail.ErrorDetail()
			p.Errors = append(p.Errors, Flaw{Location: d.Location, Message: d.Message})
		}
	}
	return p
}

func newProblem(ctx context.Context, status int, code portal.Code, detail string) *Problem {
	return &Problem{
		Type: "/problems/" + string(code), Title: http.StatusText(status), Status: status,
		Detail: detail, RequestID: RequestID(ctx),
	}
}

// problemOf translates an error. The cause goes to the log, never to the client.
func problemOf(ctx context.Context, err error) *Problem {
	status, code := Status(err), portal.CodeOf(err)
	if status >= http.StatusInternalServerError {
		portal.WithStack(zerolog.Ctx(ctx).Error().Err(err), err).
			Msg("a request could not be answered")
	}
	p := newProblem(ctx, status, code, portal.MessageOf(err))
	if field := portal.FieldOf(err); field != "" {
		p.Errors = []Flaw{{Location: "body." + field, Message: p.Detail}}
	}
	p.header = http.Header{}
	switch status {
	case http.StatusUnauthorized:
		p.header.Set("WWW-Authenticate", "Bearer")
	case http.StatusTooManyRequests:
		p.header.Set("Retry-After", strconv.Itoa(cmp.Or(int(portal.AfterOf(err)/time.Second), 60)))
	case http.StatusServiceUnavailable:
		p.header.Set("Retry-After", "5")
	}
	return p
}

func (p *Problem) Error() string { return p.Detail }

// GetStatus is for huma.
func (p *Problem) GetStatus() int { return p.Status }

// GetHeaders is for huma.
func (p *Problem) GetHeaders() http.Header { return p.header }

// ContentType is RFC 9457's.
func (p *Problem) ContentType(string) string { return "application/problem+json" }

// WriteProblem writes an error as a problem document.
func WriteProblem(w http.ResponseWriter, r *http.Request, err error) {
	writeProblem(w, problemOf(r.Context(), err))
}

func writeProblem(w http.ResponseWriter, p *Problem) {
	for name, values := range p.header {
		if w.Header().Get(name) == "" {
			w.Header()[name] = values
		}
	}
	w.Header().Set("Content-Type", "application/problem+json")
	w.Header().Set("Cache-Control", "no-store")
	w.WriteHeader(p.Status)
	_ = json.NewEncoder(w).Encode(p)
}
