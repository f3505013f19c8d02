package catalog

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/apigateway"

	"github.com/gatehouse-portal/gatehouse/gateway"
	"github.com/gatehouse-portal/gatehouse/portal"
)

// Endpoint returns the default URL of a stage.
type Endpoint func(portal.Stage) string

// AWSEndpoint returns AWS's URLs of a Region's stages, in the domain of the Region's partition.
func AWSEndpoint(region string) Endpoint {
	suffix := dnsSuffix(region)
	return func(s portal.Stage) string {
		return fmt.Sprintf("https://%s.execute-api.%s.%s/%s", s.API, region, suffix, s.Stage)
	}
}

func dnsSuffix(region string) string {
	const usual = "amazonaws.com"
	endpoint, err := apigateway.NewDefaultEndpointResolverV2().ResolveEndpoint(context.Background(), apigateway.EndpointParameters{Region: aws.String(region)})
	if err != nil {
		return usual
	}
	suffix, ok := strings.CutPrefix(endpoint.URI.Hostname(), "apigateway."+region+".")
	if !ok {
		return usual
	}
	return suffix
}

// OverrideEndpoint returns URLs at an emulator of AWS.
func OverrideEndpoint(base string) Endpoint {
	return func(s portal.Stage) string {
		return fmt.Sprintf("%s/restapis/%s/%s/_user_request_", strings.TrimSuffix(base, "/"), s.API, s.Stage)
	}
}

type mapped struct {
	Domain gateway.Domain
	gateway.Mapping
}

type addresses []mapped

func newAddresses(all []mapped) addresses {
	usable := slices.DeleteFunc(slices.Clone(all), func(m mapped) bool {
		return m.Domain.Private || m.Domain.Unusable || strings.HasPrefix(m.Domain.Name, "*.")
	})
	slices.SortFunc(usable, func(a, b mapped) int {
		return cmp.Or(cmp.Compare(a.Domain.Name, b.Domain.Name), cmp.Compare(a.BasePath, b.BasePath), cmp.Compare(a.Stage, b.Stage))
	})
	return usable
}

// endpoint is the stage's public URL: a custom domain's if mapped there, else the default.
func (all addresses) endpoint(api gateway.RestAPI, stage portal.Stage, byDefault Endpoint) string {
	if api.Private {
		return ""
	}
	for _, m := range all {
		if m.API != stage.API || (m.Stage != "" && m.Stage != stage.Stage) {
			continue
		}
		parts := []string{"https://" + m.Domain.Name}
		if m.BasePath != "" {
			parts = append(parts, m.BasePath)
		}
		if m.Stage == "" { // callers name it
			parts = append(parts, stage.Stage)
		}
		return strings.Join(parts, "/")
	}
	if api.NoDefaultEndpoint {
		return ""
	}
	return byDefault(stage)
}
