package export

import sdk "go.opentelemetry.io/otel/sdk/trace"

const defaultSampler = "parentbased_always_on"

// samplers are those of OpenTelemetry's specification that need no service.
var samplers = map[string]func(ratio float64) sdk.Sampler{
	"always_on":                func(float64) sdk.Sampler { return sdk.AlwaysSample() },
	"always_off":               func(float64) sdk.Sampler { return sdk.NeverSample() },
	"traceidratio":             sdk.TraceIDRatioBased,
	"parentbased_always_on":    func(float64) sdk.Sampler { return sdk.ParentBased(sdk.AlwaysSample()) },
	"parentbased_always_off":   func(float64) sdk.Sampler { return sdk.ParentBased(sdk.NeverSample()) },
	"parentbased_traceidratio": func(ratio float64) sdk.Sampler { return sdk.ParentBased(sdk.TraceIDRatioBased(ratio)) },
}
