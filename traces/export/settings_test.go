package export

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

const endpoint = "OTEL_EXPORTER_OTLP_ENDPOINT=http://localhost:4318"

func TestTracesAreOffUnlessThereIsACollector(t *testing.T) {
	t.Parallel()
	for name, environ := range map[string][]string{
		"nothing set":            nil,
		"an empty endpoint":      {"OTEL_EXPORTER_OTLP_ENDPOINT="},
		"others only":            {"OTEL_SERVICE_NAME=portal", "OTEL_TRACES_SAMPLER=nonsense", "OTEL_EXPORTER_OTLP_PROTOCOL=grpc"},
		"the SDK disabled":       {endpoint, "OTEL_SDK_DISABLED=TRUE"},
		"no exporter for traces": {endpoint, "OTEL_TRACES_EXPORTER=none"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if s, faults := Parse(environ); s.On() || len(faults) > 0 {
				t.Errorf("got %+v, %v", s, faults)
			}
		})
	}
}

func TestSettingsAreReadAsTheSpecificationSays(t *testing.T) {
	t.Parallel()
	plain := Settings{
		Endpoint: "http://localhost:4318/v1/traces", Timeout: 10 * time.Second, Sampler: "parentbased_always_on", Ratio: 1,
		Headers: map[string]string{}, Resource: map[string]string{},
	}
	for name, test := range map[string]struct {
		environ []string
		change  func(*Settings)
	}{
		"the endpoint alone":         {nil, func(*Settings) {}},
		"an endpoint with a path":    {[]string{"OTEL_EXPORTER_OTLP_ENDPOINT=https://otel.example.com/otlp/"}, func(s *Settings) { s.Endpoint = "https://otel.example.com/otlp/v1/traces" }},
		"an endpoint for traces":     {[]string{"OTEL_EXPORTER_OTLP_TRACES_ENDPOINT=https://otel.example.com/x"}, func(s *Settings) { s.Endpoint = "https://otel.example.com/x" }},
		"no path for traces":         {[]string{"OTEL_EXPORTER_OTLP_TRACES_ENDPOINT=https://otel.example.com"}, func(s *Settings) { s.Endpoint = "https://otel.example.com/" }},
		"the protocol":               {[]string{"OTEL_EXPORTER_OTLP_PROTOCOL=http/protobuf"}, func(*Settings) {}},
		"another protocol of traces": {[]string{"OTEL_EXPORTER_OTLP_PROTOCOL=grpc", "OTEL_EXPORTER_OTLP_TRACES_PROTOCOL=http/protobuf"}, func(*Settings) {}},
		"headers": {[]string{"OTEL_EXPORTER_OTLP_HEADERS=x-key=a%20b%3D, x-team = portal"}, func(s *Settings) {
			s.Headers = map[string]string{"x-key": "a b=", "x-team": "portal"}
		}},
		"compression, timeout": {[]string{"OTEL_EXPORTER_OTLP_COMPRESSION=gzip", "OTEL_EXPORTER_OTLP_TIMEOUT=2500"}, func(s *Settings) { s.Gzip, s.Timeout = true, 2500*time.Millisecond }},
		"names": {[]string{"OTEL_SERVICE_NAME=portal", "OTEL_RESOURCE_ATTRIBUTES=deployment.environment.name=test,service.name=x"}, func(s *Settings) {
			s.Service, s.Resource = "portal", map[string]string{"deployment.environment.name": "test", "service.name": "x"}
		}},
		"a sampler": {[]string{"OTEL_TRACES_SAMPLER=parentbased_traceidratio", "OTEL_TRACES_SAMPLER_ARG=0.1"}, func(s *Settings) { s.Sampler, s.Ratio = "parentbased_traceidratio", 0.1 }},
		"a sampler without its argument": {[]string{"OTEL_TRACES_SAMPLER=always_off", "OTEL_TRACES_SAMPLER_ARG=x"}, func(s *Settings) {
			s.Sampler = "always_off"
		}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			want := plain
			test.change(&want)
			got, faults := Parse(append([]string{endpoint}, test.environ...))
			if diff := cmp.Diff(want, got); diff != "" || len(faults) > 0 {
				t.Errorf("%v (-want +got):\n%s", faults, diff)
			}
		})
	}
}

func TestFaultsSayWhatToChange(t *testing.T) {
	t.Parallel()
	for setting, want := range map[string]string{
		"OTEL_EXPORTER_OTLP_ENDPOINT=localhost:4318":                   `OTEL_EXPORTER_OTLP_ENDPOINT "localhost:4318": want a URL, like http://localhost:4318`,
		"OTEL_EXPORTER_OTLP_TRACES_ENDPOINT=unix:///run/otel":          `OTEL_EXPORTER_OTLP_TRACES_ENDPOINT "unix:///run/otel": want a URL`,
		"OTEL_EXPORTER_OTLP_PROTOCOL=grpc":                             `OTEL_EXPORTER_OTLP_PROTOCOL "grpc": Gatehouse exports by HTTP. Want http/protobuf, and in the endpoint the collector's port for HTTP, usually 4318`,
		"OTEL_EXPORTER_OTLP_PROTOCOL=http/json":                        `OTEL_EXPORTER_OTLP_PROTOCOL "http/json": want http/protobuf`,
		"OTEL_EXPORTER_OTLP_TIMEOUT=10s":                               `OTEL_EXPORTER_OTLP_TIMEOUT "10s": want milliseconds, like 10000`,
		"OTEL_EXPORTER_OTLP_COMPRESSION=zstd":                          `OTEL_EXPORTER_OTLP_COMPRESSION "zstd": want gzip or none`,
		"OTEL_EXPORTER_OTLP_CLIENT_KEY=key.pem":                        `want both or neither`,
		"OTEL_RESOURCE_ATTRIBUTES=production":                          `OTEL_RESOURCE_ATTRIBUTES "production": want name=value`,
		"OTEL_TRACES_SAMPLER=jaeger_remote":                            `OTEL_TRACES_SAMPLER "jaeger_remote": want always_off, always_on, parentbased_always_off`,
		"OTEL_TRACES_SAMPLER_ARG=10% OTEL_TRACES_SAMPLER=traceidratio": `OTEL_TRACES_SAMPLER_ARG "10%": want a number from 0 to 1, like 0.1`,
		"OTEL_TRACES_EXPORTER=zipkin":                                  `OTEL_TRACES_EXPORTER "zipkin": want otlp or none`,
	} {
		t.Run(setting, func(t *testing.T) {
			t.Parallel()
			s, faults := Parse(append([]string{endpoint}, strings.Split(setting, " ")...))
			if s.On() || len(faults) != 1 || !strings.Contains(faults[0].Error(), want) {
				t.Errorf("got %v, want %q", faults, want)
			}
		})
	}
}

func TestFaultsQuoteNoSecret(t *testing.T) {
	t.Parallel()
	_, faults := Parse([]string{
		"OTEL_EXPORTER_OTLP_ENDPOINT=ftp://user:hunter2@example.com", "OTEL_EXPORTER_OTLP_HEADERS=hunter2", "OTEL_TRACES_SAMPLER_ARG=2", "OTEL_TRACES_SAMPLER=traceidratio",
	})
	if len(faults) != 3 {
		t.Errorf("%d faults", len(faults))
	}
	for _, endpoint := range []string{"https://user:hunter2%@example.com", "user:hunter2@example.com", "https://user:hunter2@"} {
		_, more := Parse([]string{"OTEL_EXPORTER_OTLP_ENDPOINT=" + endpoint})
		if len(more) != 1 {
			t.Errorf("%s has %d faults", endpoint, len(more))
		}
		faults = append(faults, more...)
	}
	for _, fault := range faults {
		if strings.Contains(fault.Error(), "hunter2") {
			t.Errorf("it says %q", fault)
		}
	}
}
