package apigateway

import (
	"strings"
)

// AWS's extensions to OpenAPI (developer guide, "OpenAPI extensions for API Gateway").
const (
	extIntegration = "x-amazon-apigateway-integration"
	extAnyMethod   = "x-amazon-apigateway-any-method"
	extBinaryTypes = "x-amazon-apigateway-binary-media-types"
	extKeySource   = "x-amazon-apigateway-api-key-source"
	extTagValue    = "x-amazon-apigateway-tag-value"
)

// keyScheme is AWS's name for the security scheme of API keys.
const keyScheme = "api_key"

type documentIntegration struct {
	Type                string                      `json:"type" yaml:"type"`
	HTTPMethod          string                      `json:"httpMethod,omitempty" yaml:"httpMethod,omitempty"`
	URI                 string                      `json:"uri,omitempty" yaml:"uri,omitempty"`
	ConnectionType      string                      `json:"connectionType,omitempty" yaml:"connectionType,omitempty"`
	RequestParameters   map[string]string           `json:"requestParameters,omitempty" yaml:"requestParameters,omitempty"`
	RequestTemplates    map[string]string           `json:"requestTemplates,omitempty" yaml:"requestTemplates,omitempty"`
	PassthroughBehavior string                      `json:"passthroughBehavior,omitempty" yaml:"passthroughBehavior,omitempty"`
	TimeoutInMillis     *int                        `json:"timeoutInMillis,omitempty" yaml:"timeoutInMillis,omitempty"`
	CacheNamespace      string                      `json:"cacheNamespace,omitempty" yaml:"cacheNamespace,omitempty"`
	CacheKeyParameters  []string                    `json:"cacheKeyParameters,omitempty" yaml:"cacheKeyParameters,omitempty"`
	Responses           map[string]documentResponse `json:"responses,omitempty" yaml:"responses,omitempty"`
}

type documentResponse struct {
	StatusCode text              `json:"statusCode" yaml:"statusCode"`
	Parameters map[string]string `json:"responseParameters,omitempty" yaml:"responseParameters,omitempty"`
	Templates  map[string]string `json:"responseTemplates,omitempty" yaml:"responseTemplates,omitempty"`
}

const defaultPattern = "default"

func (out *integration) exported() documentIntegration {
	d := documentIntegration{
		Type: strings.ToLower(out.Type), HTTPMethod: out.HTTPMethod, URI: out.URI,
		RequestParameters: out.RequestParameters, RequestTemplates: out.RequestTemplates,
		PassthroughBehavior: strings.ToLower(out.PassthroughBehavior), TimeoutInMillis: &out.TimeoutInMillis,
		CacheKeyParameters: out.CacheKeyParameters,
	}
	if len(out.Responses) > 0 {
		d.Responses = map[string]documentResponse{}
	}
	for _, response := range out.Responses {
		pattern := response.SelectionPattern
		if pattern == "" {
			pattern = defaultPattern
		}
		d.Responses[pattern] = documentResponse{StatusCode: text(response.StatusCode), Parameters: response.Parameters, Templates: response.Templates}
	}
	return d
}

func (d documentIntegration) input() *integrationInput {
	return &integrationInput{
		Type: strings.ToUpper(d.Type), HTTPMethod: d.HTTPMethod, URI: d.URI, ConnectionType: d.ConnectionType,
		RequestParameters: d.RequestParameters, RequestTemplates: d.RequestTemplates,
		PassthroughBehavior: strings.ToUpper(d.PassthroughBehavior), TimeoutInMillis: d.TimeoutInMillis,
		CacheNamespace: d.CacheNamespace, CacheKeyParameters: d.CacheKeyParameters,
	}
}

func (d documentResponse) response(pattern string) (integrationResponse, integrationResponseInput) {
	if pattern == defaultPattern {
		pattern = ""
	}
	return integrationResponse{StatusCode: string(d.StatusCode), SelectionPattern: pattern, Parameters: d.Parameters, Templates: d.Templates},
		integrationResponseInput{SelectionPattern: pattern, Parameters: d.Parameters, Templates: d.Templates}
}
