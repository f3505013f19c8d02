package apigateway

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"time"

	"github.com/gatehouse-portal/gatehouse/localaws/wire"
)

// maxPayload is AWS's limit on the bodies of requests and responses.
const maxPayload = 10 << 20

// forward calls the HTTP backend. It returns the response unchanged for HTTP_PROXY, and
// through the integration's responses for HTTP. It logs nothing, because the headers
// contain the API key.
func (s *Service) forward(w http.ResponseWriter, inv invocation) error {
	timeout := time.Duration(inv.method.Integration.TimeoutInMillis) * time.Millisecond
	ctx, cancel := context.WithTimeout(inv.request.Context(), timeout)
	defer cancel()
	out, err := inv.backendRequest(ctx)
	if err != nil {
		return err
	}
	answer, body, err := s.roundTrip(out) //nolint:bodyclose // roundTrip has read and closed it
	if err != nil {
		return err
	}
	if inv.method.Integration.Type == "HTTP" {
		return respond(w, inv, answer.StatusCode, answer.Header, body)
	}
	copyAnswerHeader(w.Header(), answer.Header)
	w.WriteHeader(answer.StatusCode)
	_, _ = w.Write(body) // if the caller went away, nobody needs to know
	return nil
}

// roundTrip reads the whole response first: a backend that breaks off is an error, not a
// short response.
func (s *Service) roundTrip(out *http.Request) (*http.Response, []byte, error) {
	answer, err := s.backends.RoundTrip(out)
	if err == nil {
		defer answer.Body.Close()
		var body []byte
		if body, err = io.ReadAll(io.LimitReader(answer.Body, maxPayload+1)); err == nil && len(body) <= maxPayload {
			return answer, body, nil
		}
	}
	switch {
	case err == nil:
		return nil, nil, internalError
	case errors.Is(err, context.DeadlineExceeded):
		return nil, nil, errTimeout
	}
	return nil, nil, errNetwork
}

func (inv invocation) backendRequest(ctx context.Context) (*http.Request, error) {
	m := inv.mapParameters()
	u, err := inv.target(m)
	if err != nil {
		return nil, err
	}
	if !isLoopback(u) {
		return nil, offline(u)
	}
	body, err := io.ReadAll(io.LimitReader(inv.request.Body, maxPayload+1))
	if err != nil {
		return nil, fmt.Errorf("reading the body of a call: %w", err)
	}
	if len(body) > maxPayload {
		return nil, errTooLarge
	}
	verb := inv.method.Integration.HTTPMethod
	if verb == "ANY" {
		verb = inv.request.Method
	}
	out, err := http.NewRequestWithContext(ctx, verb, u.String(), bytes.NewReader(body))
	if err != nil {
		return nil, internalError
	}
	out.Header = inv.backendHeader()
	for name, values := range m.header {
		out.Header[name] = values
	}
	return out, nil
}

func isLoopback(u *url.URL) bool {
	if u.Hostname() == "localhost" {
		return true
	}
	ip := net.ParseIP(u.Hostname())
	return ip != nil && ip.IsLoopback()
}

func offline(u *url.URL) error {
	return &wire.Error{
		Code:    "InternalServerErrorException",
		Message: "The integration's endpoint " + u.Host + " is not on this machine; the local API Gateway only calls loopback addresses.",
		Status:  http.StatusBadGateway,
	}
}
