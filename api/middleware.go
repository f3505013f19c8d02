package api

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"net/http"
	"regexp"
	"runtime/debug"
	"strings"
	"time"

	"github.com/go-chi/chi/v5"
	"github.com/go-chi/chi/v5/middleware"
	"github.com/oklog/ulid/v2"
	"github.com/rs/zerolog"

	"github.com/gatehouse-portal/gatehouse/identity"
	"github.com/gatehouse-portal/gatehouse/portal"
	"github.com/gatehouse-portal/gatehouse/traces"
)

// RequestIDHeader carries the request id in requests and responses. A client's id is used if
// it is 8 to 64 letters, digits, ".", "_" or "-". It becomes the correlation id of messages.
const RequestIDHeader = "X-Request-Id"

var plainID = regexp.MustCompile(`^[A-Za-z0-9._-]{8,64}$`)

type requestIDKey struct{}

// RequestID returns the id of the request, or "".
func RequestID(ctx context.Context) string {
	id, _ := ctx.Value(requestIDKey{}).(string)
	return id
}

// RequestIDs gives every request an id, puts it and a logger with it into the context, and
// logs the request when it ends: its route, never its query. answered, if not nil, gets the same; its route is "" if
// the request matched none, and its status 0 if the handler wrote nothing.
func RequestIDs(log zerolog.Logger, answered func(method, route string, status int, took time.Duration)) func(http.Handler) http.Handler {
	return func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			began := time.Now()
			id := r.Header.Get(RequestIDHeader)
			if !plainID.MatchString(id) {
				id = strings.ToLower(ulid.MustNew(ulid.Now(), rand.Reader).String())
			}
			w.Header().Set(RequestIDHeader, id)
			with := log.With().Str("correlation_id", id)
			if trace, span := traces.IDs(r.Context()); trace != "" {
				with = with.Str("trace_id", trace).Str("span_id", span)
			}
			logger := with.Logger()
			ctx := logger.WithContext(context.WithValue(r.Context(), requestIDKey{}, id))
			answer := middleware.NewWrapResponseWriter(w, r.ProtoMajor)
			r = r.WithContext(ctx)
			next.ServeHTTP(answer, r)
			took := time.Since(began)
			if answered != nil {
				answered(r.Method, route(r), answer.Status(), took)
			}
			level := zerolog.InfoLevel
			if route(r) == "" || strings.HasPrefix(route(r), "/assets") {
				level = zerolog.DebugLevel
			}
			zerolog.Ctx(ctx).WithLevel(level).Str("method", r.Method).Str("route", route(r)).Int("status", answer.Status()).
				Int("bytes", answer.BytesWritten()).Dur("took", took).Msg("request")
		})
	}
}

// LogAccount adds the account that makes a request to all further lines of the log about it. It comes after the
// sign-in is checked.
func LogAccount(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if id, ok := identity.From(r.Context()); ok && id.Account != "" {
			zerolog.Ctx(r.Context()).UpdateContext(func(c zerolog.Context) zerolog.Context { return c.Str("account", string(id.Account)) })
		}
		next.ServeHTTP(w, r)
	})
}

func route(r *http.Request) string {
	if c := chi.RouteContext(r.Context()); c != nil {
		return c.RoutePattern()
	}
	return ""
}

// Recover passes a panic to onError, as an error with the stack.
func Recover(onError func(http.ResponseWriter, *http.Request, error)) func(http.Handler) http.Handler {
	return func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			defer func() {
				p := recover()
				if err, ok := p.(error); ok && errors.Is(err, http.ErrAbortHandler) {
					panic(p)
				}
				if p != nil {
					onError(w, r, &portal.PanicError{Value: p, Stack: string(debug.Stack())})
				}
			}()
			next.ServeHTTP(w, r)
		})
	}
}

// limitBody refuses a body that is too large, at once if Content-Length says so.
func limitBody(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		most := int64(maxBody)
		if strings.HasPrefix(r.URL.Path, Prefix+tryPath) {
			most = maxTryBody
		}
		if r.ContentLength > most {
			w.Header().Set("Connection", "close")
			WriteProblem(w, r, tooLarge(most))
			return
		}
		r.Body = body{http.MaxBytesReader(w, r.Body, most)}
		next.ServeHTTP(w, r)
	})
}

func tooLarge(most int64) *portal.Error {
	return portal.Fail(portal.TooLarge, fmt.Sprintf("The body is larger than %d KB.", most>>10))
}

// body reports read errors as the client's: it disconnected, or sent less than announced.
type body struct{ io.ReadCloser }

func (b body) Read(p []byte) (int, error) {
	n, err := b.ReadCloser.Read(p)
	var large *http.MaxBytesError
	switch {
	case err == nil || errors.Is(err, io.EOF):
		return n, err
	case errors.As(err, &large):
		return n, tooLarge(large.Limit)
	}
	return n, &portal.Error{Code: portal.Invalid, Message: "The body could not be read.", Err: err}
}

// noStore keeps responses out of caches. Handlers may override it.
func noStore(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Cache-Control", "no-store")
		w.Header().Set("X-Content-Type-Options", "nosniff")
		next.ServeHTTP(w, r)
	})
}
