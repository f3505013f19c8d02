package tryit

import (
	"bytes"
	"cmp"
	"context"
	"crypto/tls"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"slices"
	"time"

	"github.com/gatehouse-portal/gatehouse/outbound"
	"github.com/gatehouse-portal/gatehouse/portal"
)

const userAgent = "Gatehouse-Try-It"

// SenderConfig configures a Sender. The zero value is right for production.
type SenderConfig struct {
	// AllowPrivate, Resolver, Connect and TLS are those of outbound.Config.
	AllowPrivate func(host string) bool
	Resolver     outbound.Resolver
	Connect      func(ctx context.Context, network, address string) (net.Conn, error)
	TLS          *tls.Config
	// Timeout replaces the constant if it is not 0.
	Timeout time.Duration
}

// Sender sends requests to the endpoints of APIs. It uses no proxy, keeps no connection or cookie
// and follows no redirect. It is safe for concurrent use.
type Sender struct {
	transport *http.Transport
	private   func(host string) bool
	timeout   time.Duration
	large     chan struct{}
}

// NewSender returns a Sender.
func NewSender(cfg SenderConfig) *Sender {
	if cfg.AllowPrivate == nil {
		cfg.AllowPrivate = func(string) bool { return false }
	}
	return &Sender{
		private: cfg.AllowPrivate, timeout: cmp.Or(cfg.Timeout, Timeout), large: make(chan struct{}, maxLarge),
		transport: outbound.Transport(outbound.Config{
			AllowPrivate: cfg.AllowPrivate, Resolver: cfg.Resolver, Connect: cfg.Connect, TLS: cfg.TLS,
		}, maxAnswerHeader),
	}
}

// Send sends the request and waits for the whole answer. An API that cannot be reached or fails is
// no error. An answer of more than 1 MB takes one of a few places until ctx ends, so ctx must end
// once the Exchange is no longer needed. Send returns Invalid or TooLarge for a request that the
// person has to change, and Conflict if the operator has to change the endpoint.
func (s *Sender) Send(ctx context.Context, request Request) (Exchange, error) {
	out, dropped, err := s.prepare(request)
	if err != nil {
		return Exchange{}, err
	}
	exchange := Exchange{Request: Sent{
		Method: out.Method, URL: out.URL.String(), Headers: masked(out.Header), Dropped: dropped, Body: asText(request.Body),
	}}
	limited, cancel := context.WithTimeout(ctx, s.timeout)
	defer cancel()
	began := time.Now()
	a, err := s.roundTrip(ctx, out.WithContext(limited))
	exchange.TookMS = time.Since(began).Milliseconds()
	if ctx.Err() != nil {
		return Exchange{}, &portal.Error{Code: portal.Invalid, Message: "The request was cancelled before the API had answered.", Err: ctx.Err()}
	}
	exchange.Failure = outbound.FailureOf(limited, err)
	if a != nil {
		exchange.Response, exchange.Left = a.response(err != nil), left(a.header)
	}
	exchange.Explanation = explain(exchange, a, request)
	return scrubbed(exchange, string(request.Key)), nil
}

func (s *Sender) prepare(request Request) (*http.Request, []string, error) {
	u, err := urlBelow(request.Endpoint, request.Path)
	if err != nil {
		return nil, nil, err
	}
	header, dropped, err := sendable(request.Header)
	switch {
	case err != nil:
		return nil, nil, err
	case !slices.Contains(methods, request.Method):
		return nil, nil, portal.Fail(portal.Invalid, "The method must be GET, HEAD, POST, PUT, PATCH, DELETE or OPTIONS, in capital letters.")
	case len(request.Body) > MaxRequest:
		return nil, nil, portal.Fail(portal.TooLarge, "The request's body is larger than 1 MB. Send less, or copy the code and run it yourself.")
	}
	if header.Get("User-Agent") == "" {
		header.Set("User-Agent", userAgent)
	}
	if request.Key != "" {
		if err := s.checkPrivacy(u); err != nil {
			return nil, nil, err
		}
		header.Set("X-Api-Key", string(request.Key))
	}
	out := &http.Request{Method: request.Method, URL: u, Host: u.Host, Header: header}
	if len(request.Body) > 0 {
		out.Body, out.ContentLength = io.NopCloser(bytes.NewReader(request.Body)), int64(len(request.Body))
	}
	return out, dropped, nil
}

// checkPrivacy refuses to send a key over the internet in clear text.
func (s *Sender) checkPrivacy(u *url.URL) error {
	if u.Scheme == "https" || s.private(outbound.Canonical(u.Hostname())) {
		return nil
	}
	return portal.Fail(portal.Conflict, "The address of this API does not use https, so the portal sends no key to it. Tell the operator of this portal.")
}

type answer struct {
	status      int
	protocol    string
	header      http.Header
	contentType string
	encoding    string
	body        []byte
	truncated   bool
	// crowded means that the rest was not read for lack of a place for a large answer.
	crowded bool
}

// roundTrip returns an answer, an error, or both if the body broke off. needed ends when the answer
// is no longer needed.
func (s *Sender) roundTrip(needed context.Context, out *http.Request) (*answer, error) {
	resp, err := s.transport.RoundTrip(out)
	if err != nil {
		return nil, err
	}
	defer resp.Body.Close()
	a := &answer{status: resp.StatusCode, protocol: resp.Proto, header: resp.Header, contentType: resp.Header.Get("Content-Type")}
	if resp.StatusCode < http.StatusOK { // switching protocols; what follows is no body
		return a, nil
	}
	return a, s.read(needed, out.Context(), resp, a)
}

func (s *Sender) read(needed, ctx context.Context, resp *http.Response, a *answer) error {
	body, encoding, err := decoded(resp)
	a.encoding = encoding
	if err != nil {
		return fmt.Errorf("decompressing: %w", err)
	}
	a.body, err = io.ReadAll(io.LimitReader(body, smallAnswer))
	if err != nil || len(a.body) < smallAnswer {
		return err
	}
	if !s.takesLarge(needed, ctx) {
		a.truncated, a.crowded = true, true
		return ctx.Err()
	}
	rest, err := io.ReadAll(io.LimitReader(body, MaxResponse-smallAnswer+1))
	a.body = append(a.body, rest...)
	if len(a.body) > MaxResponse {
		a.body, a.truncated = a.body[:MaxResponse], true
	}
	return err
}

// takesLarge takes a place for a large answer until needed ends, and reports whether one became
// free soon. Slow readers must not keep others waiting.
func (s *Sender) takesLarge(needed, ctx context.Context) bool {
	waited := time.NewTimer(s.timeout / 10)
	defer waited.Stop()
	select {
	case s.large <- struct{}{}:
		context.AfterFunc(needed, func() { <-s.large })
		return true
	case <-waited.C:
	case <-ctx.Done():
	}
	return false
}

const (
	// At most maxLarge answers longer than smallAnswer are in memory at once; others wait
	// briefly, and are then cut.
	maxLarge    = 4
	smallAnswer = 1 << 20
)
