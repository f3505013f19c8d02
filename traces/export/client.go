package export

import (
	"bytes"
	"compress/gzip"
	"context"
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"io"
	"net/http"
	"os"
	"strconv"
	"time"

	"go.opentelemetry.io/otel/exporters/otlp/otlptrace"
	tracepb "go.opentelemetry.io/proto/otlp/trace/v1"
	"google.golang.org/protobuf/proto"
)

// client posts spans by OTLP over HTTP with binary protobuf (OpenTelemetry Protocol Specification 1.9,
// "OTLP/HTTP").
type client struct {
	settings Settings
	http     *http.Client
	// life ends when the exporter is closed, and with it every request.
	life context.Context
	end  context.CancelFunc
	sent func(spans int, err error)
}

var _ otlptrace.Client = (*client)(nil)

func newClient(s Settings, sent func(spans int, err error)) (*client, error) {
	transport := http.DefaultTransport.(*http.Transport).Clone()
	transport.MaxIdleConnsPerHost = 2
	var err error
	if transport.TLSClientConfig, err = s.tls(); err != nil {
		return nil, err
	}
	c := &client{settings: s, http: &http.Client{Transport: transport, CheckRedirect: noRedirect}, sent: sent}
	c.life, c.end = context.WithCancel(context.Background())
	return c, nil
}

// noRedirect keeps headers, which may hold a secret, from other hosts.
func noRedirect(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }

func (s Settings) tls() (*tls.Config, error) {
	cfg := &tls.Config{MinVersion: tls.VersionTLS12}
	if s.Certificate != "" {
		certificates, err := os.ReadFile(s.Certificate)
		if err != nil {
			return nil, fmt.Errorf("OTEL_EXPORTER_OTLP_CERTIFICATE: %w", err)
		}
		cfg.RootCAs = x509.NewCertPool()
		if !cfg.RootCAs.AppendCertsFromPEM(certificates) {
			return nil, fmt.Errorf("OTEL_EXPORTER_OTLP_CERTIFICATE: %s has no certificate in PEM", s.Certificate)
		}
	}
	if s.ClientCertificate != "" {
		own, err := tls.LoadX509KeyPair(s.ClientCertificate, s.ClientKey)
		if err != nil {
			return nil, fmt.Errorf("OTEL_EXPORTER_OTLP_CLIENT_CERTIFICATE: %w", err)
		}
		cfg.Certificates = []tls.Certificate{own}
	}
	return cfg, nil
}

func (c *client) Start(context.Context) error { return nil }

func (c *client) Stop(context.Context) error {
	c.end()
	c.http.CloseIdleConnections()
	return nil
}

// UploadTraces posts the spans, and posts them again a few times if the collector asks for that or does not
// answer. It returns no error: spans that the collector does not take are lost, and sent says so.
func (c *client) UploadTraces(ctx context.Context, spans []*tracepb.ResourceSpans) error {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	defer context.AfterFunc(c.life, func() { cancel(context.Canceled) })()
	c.sent(count(spans), c.upload(ctx, spans))
	return nil
}

func count(spans []*tracepb.ResourceSpans) int {
	n := 0
	for _, resource := range spans {
		for _, scope := range resource.ScopeSpans {
			n += len(scope.Spans)
		}
	}
	return n
}

const (
	tries     = 3
	firstWait = time.Second
	// longestWait bounds what the collector may ask for. Meanwhile new spans wait in the queue.
	longestWait = 10 * time.Second
)

func (c *client) upload(ctx context.Context, spans []*tracepb.ResourceSpans) error {
	// The bytes are those of an ExportTraceServiceRequest, which has the same only member.
	body, err := proto.Marshal(&tracepb.TracesData{ResourceSpans: spans})
	if err != nil {
		return fmt.Errorf("encoding spans: %w", err)
	}
	if c.settings.Gzip {
		if body, err = compressed(body); err != nil {
			return fmt.Errorf("compressing spans: %w", err)
		}
	}
	wait := firstWait
	for try := 1; ; try++ {
		again, after, err := c.post(ctx, body)
		if err == nil || !again || try == tries {
			return err
		}
		if pause(ctx, min(max(wait, after), longestWait)) != nil {
			return err
		}
		wait *= 2
	}
}

func compressed(body []byte) ([]byte, error) {
	var out bytes.Buffer
	w := gzip.NewWriter(&out)
	if _, err := w.Write(body); err != nil {
		return nil, err
	}
	if err := w.Close(); err != nil {
		return nil, err
	}
	return out.Bytes(), nil
}

// post makes one request. again: the collector did not take the spans, and may later.
func (c *client) post(ctx context.Context, body []byte) (again bool, after time.Duration, err error) {
	ctx, cancel := context.WithTimeout(ctx, c.settings.Timeout)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, c.settings.Endpoint, bytes.NewReader(body))
	if err != nil {
		return false, 0, err
	}
	req.Header.Set("Content-Type", "application/x-protobuf")
	if c.settings.Gzip {
		req.Header.Set("Content-Encoding", "gzip")
	}
	for name, value := range c.settings.Headers {
		req.Header.Set(name, value)
	}
	resp, err := c.http.Do(req)
	if err != nil {
		return true, 0, err
	}
	defer resp.Body.Close()
	_, _ = io.Copy(io.Discard, io.LimitReader(resp.Body, 64<<10)) // so that the connection is used again
	switch resp.StatusCode {
	case http.StatusOK, http.StatusAccepted, http.StatusNoContent:
		return false, 0, nil
	case http.StatusTooManyRequests, http.StatusBadGateway, http.StatusServiceUnavailable, http.StatusGatewayTimeout:
		seconds, _ := strconv.Atoi(resp.Header.Get("Retry-After"))
		return true, time.Duration(seconds) * time.Second, fmt.Errorf("the collector answers %s", resp.Status)
	}
	return false, 0, fmt.Errorf("the collector answers %s", resp.Status)
}

func pause(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}
