// Package tracestest has a collector of traces for tests.
package tracestest

import (
	"bytes"
	"compress/gzip"
	"encoding/hex"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"sync"
	"testing"

	commonpb "go.opentelemetry.io/proto/otlp/common/v1"
	tracepb "go.opentelemetry.io/proto/otlp/trace/v1"
	"google.golang.org/protobuf/proto"
)

// Collector takes spans by OTLP over HTTP, and keeps them.
type Collector struct {
	// Endpoint is the value of OTEL_EXPORTER_OTLP_ENDPOINT.
	Endpoint string

	mu      sync.Mutex
	answers []int
	spans   []Span
	bodies  [][]byte
	headers []http.Header
}

// Span is a span as a collector sees it. Ids are hexadecimal, and "" if there is none.
type Span struct {
	Name, Kind        string
	Trace, ID, Parent string
	// Resource and Attributes are texts, whatever their types are.
	Resource, Attributes map[string]string
	// Links has the ids of the traces to which the span is linked.
	Links  []string
	Failed bool
}

// Start runs a collector until the test ends. It answers its first requests with the given status codes, and
// keeps only what it answers with 200.
func Start(t testing.TB, answers ...int) *Collector {
	t.Helper()
	c := &Collector{answers: answers}
	server := httptest.NewServer(c)
	t.Cleanup(server.Close)
	c.Endpoint = server.URL
	return c
}

// ServeHTTP takes a request of an exporter.
func (c *Collector) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.headers = append(c.headers, r.Header.Clone())
	if len(c.answers) > 0 {
		status := c.answers[0]
		c.answers = c.answers[1:]
		if status != http.StatusOK {
			w.WriteHeader(status)
			return
		}
	}
	if r.Method != http.MethodPost || r.URL.Path != "/v1/traces" || r.Header.Get("Content-Type") != "application/x-protobuf" {
		http.Error(w, "want POST /v1/traces with protobuf", http.StatusBadRequest)
		return
	}
	if err := c.take(r); err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
	}
}

func (c *Collector) take(r *http.Request) error {
	var in io.Reader = r.Body
	if r.Header.Get("Content-Encoding") == "gzip" {
		unzipped, err := gzip.NewReader(r.Body)
		if err != nil {
			return err
		}
		in = unzipped
	}
	body, err := io.ReadAll(in)
	if err != nil {
		return err
	}
	var data tracepb.TracesData
	if err := proto.Unmarshal(body, &data); err != nil {
		return err
	}
	c.bodies = append(c.bodies, body)
	for _, resource := range data.ResourceSpans {
		for _, scope := range resource.ScopeSpans {
			for _, span := range scope.Spans {
				c.spans = append(c.spans, spanOf(resource, span))
			}
		}
	}
	return nil
}

func spanOf(resource *tracepb.ResourceSpans, in *tracepb.Span) Span {
	s := Span{
		Name: in.Name, Kind: in.Kind.String(), Trace: hex.EncodeToString(in.TraceId), ID: hex.EncodeToString(in.SpanId),
		Parent:   hex.EncodeToString(in.ParentSpanId),
		Resource: texts(resource.Resource.GetAttributes()), Attributes: texts(in.Attributes),
		Failed: in.Status.GetCode() == tracepb.Status_STATUS_CODE_ERROR,
	}
	for _, link := range in.Links {
		s.Links = append(s.Links, hex.EncodeToString(link.TraceId))
	}
	return s
}

func texts(all []*commonpb.KeyValue) map[string]string {
	out := map[string]string{}
	for _, pair := range all {
		switch v := pair.Value.Value.(type) {
		case *commonpb.AnyValue_StringValue:
			out[pair.Key] = v.StringValue
		case *commonpb.AnyValue_IntValue:
			out[pair.Key] = fmt.Sprint(v.IntValue)
		default:
			out[pair.Key] = pair.Value.String()
		}
	}
	return out
}

// Spans returns the spans so far.
func (c *Collector) Spans() []Span {
	c.mu.Lock()
	defer c.mu.Unlock()
	return slices.Clone(c.spans)
}

// Headers returns the headers of the requests so far, refused ones included.
func (c *Collector) Headers() []http.Header {
	c.mu.Lock()
	defer c.mu.Unlock()
	return slices.Clone(c.headers)
}

// Holds reports whether the text is anywhere in what was exported.
func (c *Collector) Holds(text string) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return slices.ContainsFunc(c.bodies, func(body []byte) bool { return bytes.Contains(body, []byte(text)) })
}
