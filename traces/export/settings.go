package export

import (
	"cmp"
	"errors"
	"fmt"
	"maps"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"
)

// Settings are the standard variables of OpenTelemetry that Parse reads. The zero value is off.
type Settings struct {
	// Endpoint is the URL to which spans are posted; "" is off.
	Endpoint string
	// Headers are sent with every request. They may hold a secret.
	Headers map[string]string
	// Timeout bounds one request.
	Timeout time.Duration
	Gzip    bool
	// Certificate is a file with the certificates that the collector's is checked against, and ClientCertificate
	// and ClientKey are files with this process's own.
	Certificate, ClientCertificate, ClientKey string

	// Service replaces the process's default name if it is not "".
	Service  string
	Resource map[string]string
	// Sampler is one of Samplers, and Ratio the part of traces that the samplers by ratio keep.
	Sampler string
	Ratio   float64
}

// On reports whether spans are to be exported.
func (s Settings) On() bool { return s.Endpoint != "" }

const defaultTimeout = 10 * time.Second

// Parse reads the variables whose names begin with OTEL_. Without an endpoint, or if one of them switches traces
// off, the settings are off and the others are not read. The errors name all that is wrong.
//
// The SDK reads OTEL_BSP_… (the queue) and OTEL_SPAN_… (limits) from the process's environment.
func Parse(environ []string) (Settings, []error) {
	p := parser{vars: map[string]string{}}
	for _, pair := range environ {
		if name, value, ok := strings.Cut(pair, "="); ok && strings.HasPrefix(name, "OTEL_") {
			p.vars[name] = strings.TrimSpace(value)
		}
	}
	if !p.on() {
		return Settings{}, p.faults
	}
	s := Settings{
		Endpoint: p.endpoint(), Headers: p.headers(), Timeout: p.timeout(), Gzip: p.gzip(),
		Service: p.vars["OTEL_SERVICE_NAME"], Resource: p.pairs("OTEL_RESOURCE_ATTRIBUTES"),
	}
	_, s.Certificate = p.exporter("CERTIFICATE")
	_, s.ClientCertificate = p.exporter("CLIENT_CERTIFICATE")
	_, s.ClientKey = p.exporter("CLIENT_KEY")
	if (s.ClientCertificate == "") != (s.ClientKey == "") {
		p.fault("OTEL_EXPORTER_OTLP_CLIENT_CERTIFICATE and OTEL_EXPORTER_OTLP_CLIENT_KEY: want both or neither")
	}
	p.protocol()
	s.Sampler, s.Ratio = p.sampler()
	if len(p.faults) > 0 {
		return Settings{}, p.faults
	}
	return s, nil
}

type parser struct {
	vars   map[string]string
	faults []error
}

func (p *parser) fault(format string, args ...any) {
	p.faults = append(p.faults, fmt.Errorf(format, args...))
}

// exporter returns the exporter's variable for traces, or else the one for everything.
func (p *parser) exporter(name string) (variable, value string) {
	variable = "OTEL_EXPORTER_OTLP_TRACES_" + name
	if value = p.vars[variable]; value != "" {
		return variable, value
	}
	variable = "OTEL_EXPORTER_OTLP_" + name
	return variable, p.vars[variable]
}

func (p *parser) on() bool {
	_, endpoint := p.exporter("ENDPOINT")
	if endpoint == "" || strings.EqualFold(p.vars["OTEL_SDK_DISABLED"], "true") {
		return false
	}
	switch exporter := p.vars["OTEL_TRACES_EXPORTER"]; exporter {
	case "", "otlp":
		return true
	case "none":
	default:
		p.fault("OTEL_TRACES_EXPORTER %q: want otlp or none", exporter)
	}
	return false
}

// endpoint follows OpenTelemetry's specification, "OTLP Exporter Configuration": the variable for traces is the
// whole URL, and the other one gets v1/traces.
func (p *parser) endpoint() string {
	name, value := p.exporter("ENDPOINT")
	u, err := url.Parse(value)
	if err != nil || (u.Scheme != "http" && u.Scheme != "https") || u.Host == "" {
		p.fault("%s %q: want a URL, like http://localhost:4318", name, redacted(u, value))
		return ""
	}
	if name == "OTEL_EXPORTER_OTLP_ENDPOINT" {
		u = u.JoinPath("v1", "traces")
	}
	u.Path = cmp.Or(u.Path, "/")
	return u.String()
}

// redacted is the value without what may be a password.
func redacted(u *url.URL, value string) string {
	if u != nil && u.User != nil {
		return u.Redacted()
	}
	if at := strings.LastIndex(value, "@"); at >= 0 {
		return "…" + value[at:]
	}
	return value
}

func (p *parser) protocol() {
	name, value := p.exporter("PROTOCOL")
	switch value {
	case "", "http/protobuf":
	case "grpc":
		p.fault("%s %q: Gatehouse exports by HTTP. Want http/protobuf, and in the endpoint the collector's port for HTTP, usually 4318", name, value)
	default:
		p.fault("%s %q: want http/protobuf", name, value)
	}
}

func (p *parser) timeout() time.Duration {
	name, value := p.exporter("TIMEOUT")
	if value == "" {
		return defaultTimeout
	}
	millis, err := strconv.Atoi(value)
	if err != nil || millis < 1 {
		p.fault("%s %q: want milliseconds, like 10000", name, value)
	}
	return time.Duration(millis) * time.Millisecond
}

func (p *parser) gzip() bool {
	name, value := p.exporter("COMPRESSION")
	if value != "" && value != "none" && value != "gzip" {
		p.fault("%s %q: want gzip or none", name, value)
	}
	return value == "gzip"
}

// headers does not quote what it cannot read, since it may hold a secret.
func (p *parser) headers() map[string]string {
	name, value := p.exporter("HEADERS")
	headers, err := pairs(value)
	if err != nil {
		p.fault("%s: want name=value, separated by commas, with values percent-encoded", name)
	}
	return headers
}

func (p *parser) pairs(name string) map[string]string {
	all, err := pairs(p.vars[name])
	if err != nil {
		p.fault("%s %q: want name=value, separated by commas, with values percent-encoded", name, p.vars[name])
	}
	return all
}

var errPair = errors.New("neither a name nor a value")

func pairs(text string) (map[string]string, error) {
	all := map[string]string{}
	for pair := range strings.SplitSeq(text, ",") {
		if strings.TrimSpace(pair) == "" {
			continue
		}
		name, value, ok := strings.Cut(pair, "=")
		name = strings.TrimSpace(name)
		decoded, err := url.PathUnescape(strings.TrimSpace(value))
		if !ok || name == "" || err != nil {
			return nil, errPair
		}
		all[name] = decoded
	}
	return all, nil
}

func (p *parser) sampler() (name string, ratio float64) {
	name = cmp.Or(strings.ToLower(p.vars["OTEL_TRACES_SAMPLER"]), defaultSampler)
	if _, known := samplers[name]; !known {
		p.fault("OTEL_TRACES_SAMPLER %q: want %s", name, strings.Join(slices.Sorted(maps.Keys(samplers)), ", "))
	}
	arg := p.vars["OTEL_TRACES_SAMPLER_ARG"]
	if arg == "" || !strings.HasSuffix(name, "traceidratio") {
		return name, 1
	}
	ratio, err := strconv.ParseFloat(arg, 64)
	if err != nil || !(ratio >= 0 && ratio <= 1) {
		p.fault("OTEL_TRACES_SAMPLER_ARG %q: want a number from 0 to 1, like 0.1", arg)
	}
	return name, ratio
}
