package apigateway

import (
	"errors"
	"maps"
	"net/http"
	"strings"
	"sync"

	"github.com/gatehouse-portal/gatehouse/localaws/wire"
)

type operation struct {
	name  string
	serve func(http.ResponseWriter, *http.Request) error
}

type operations struct {
	mux *http.ServeMux
	// byPattern holds a route's import operation under the route plus importMode.
	byPattern map[string]operation
}

// importMode distinguishes ImportApiKeys from CreateApiKey, and ImportRestApi from
// CreateRestApi.
const importMode = "?mode=import"

func (s *Service) on(name, pattern string, serve func(http.ResponseWriter, *http.Request) error) {
	s.operations.byPattern[pattern] = operation{name: name, serve: serve}
	if strings.HasSuffix(pattern, importMode) {
		return
	}
	s.operations.mux.HandleFunc(pattern, func(w http.ResponseWriter, r *http.Request) {
		s.perform(s.operations.find(pattern, r), w, r)
	})
}

func (o *operations) find(pattern string, r *http.Request) operation {
	if op, ok := o.byPattern[pattern+importMode]; ok && r.URL.Query().Get("mode") == "import" {
		return op
	}
	return o.byPattern[pattern]
}

// Operation returns AWS's name of the requested control-plane operation, such as
// "CreateApiKey", or "" if it is not implemented.
func (s *Service) Operation(r *http.Request) string {
	_, pattern := s.operations.mux.Handler(r)
	return s.operations.find(pattern, r).name
}

func (s *Service) perform(op operation, w http.ResponseWriter, r *http.Request) {
	if s.onCall == nil || strings.HasPrefix(op.name, "Get") {
		_ = s.do(op, w, r)
		return
	}
	s.record(op, w, r)
}

// do answers the request, also if it fails. The error is for records.
func (s *Service) do(op operation, w http.ResponseWriter, r *http.Request) error {
	err := error(errTooManyRequests)
	if s.quotas.allow(op.name, s.env.Now()) {
		err = op.serve(w, r)
	}
	s.counts.add(op.name, err)
	if err != nil {
		s.refuse(w, err)
	}
	return err
}

// errTooManyRequests is for throttled control-plane requests, without a
// Retry-After header, like AWS's. The SDK recognises the code.
var errTooManyRequests = &wire.Error{
	Code: "TooManyRequestsException", Message: "Too Many Requests", Status: http.StatusTooManyRequests,
}

// Count counts an operation's requests since the start.
type Count struct {
	Requests int64
	// Throttled requests exceeded the quotas of SetQuotas, and SetConcurrentModification
	// refused the Colliding ones. Refused counts all other errors.
	Throttled, Colliding, Refused int64
}

type counts struct {
	mu     sync.Mutex
	byName map[string]Count
}

func (c *counts) add(name string, err error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	count := c.byName[name]
	count.Requests++
	switch {
	case err == nil:
	case errors.Is(err, errTooManyRequests):
		count.Throttled++
	case errors.Is(err, errConcurrent):
		count.Colliding++
	default:
		count.Refused++
	}
	c.byName[name] = count
}

// Counts returns a copy of the counts by operation. It omits operations that were not
// requested or are not implemented.
func (s *Service) Counts() map[string]Count {
	s.counts.mu.Lock()
	defer s.counts.mu.Unlock()
	return maps.Clone(s.counts.byName)
}
