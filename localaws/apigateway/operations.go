package apigateway

import (
	"errors"
	"maps"
	"net/http"
	"strings"
	"sync"

	"github.com/gatehouse-portal/gatehouse/localaws/wire"
)

// operation is one of AWS's. Its error is the refusal to answer with.
type operation struct {
	name  string
	serve func(http.ResponseWriter, *http.Request) error
}

// operations are the control plane's whole surface.
type operations struct {
	mux *http.ServeMux
	// byPattern has two operations for some routes: one more under the route plus
	// importMode.
	byPattern map[string]operation
}

// importMode tells ImportApiKeys from CreateApiKey, and ImportRestApi from
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

// Operation is AWS's name of what a control plane request asks for, such as
// "CreateApiKey"; empty for what is not implemented.
func (s *Service) Operation(r *http.Request) string {
	_, pattern := s.operations.mux.Handler(r)
	return s.operations.find(pattern, r).name
}

// perform answers a request if the account's quotas leave room for it.
func (s *Service) perform(op operation, w http.ResponseWriter, r *http.Request) {
	err := error(errTooManyRequests)
	if s.quotas.allow(op.name, s.env.Now()) {
		err = op.serve(w, r)
	}
	s.counts.add(op.name, err)
	if err != nil {
		s.refuse(w, err)
	}
}

// errTooManyRequests is the refusal of a control plane that is asked too often.
// The SDK knows it by its code. AWS leaves out the header Retry-After, so nothing
// says when to come again.
var errTooManyRequests = &wire.Error{
	Code: "TooManyRequestsException", Message: "Too Many Requests", Status: http.StatusTooManyRequests,
}

// Count is what became of an operation's requests since the service was made.
type Count struct {
	// Requests is all that arrived, whatever the answer was.
	Requests int64
	// Throttled were refused for the quotas of SetQuotas, Colliding for those of
	// SetConcurrentModification, and Refused for any other reason.
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

// Counts is a copy of the counts by operation. An operation that was never asked
// for is absent, and so is what is not implemented.
func (s *Service) Counts() map[string]Count {
	s.counts.mu.Lock()
	defer s.counts.mu.Unlock()
	return maps.Clone(s.counts.byName)
}
