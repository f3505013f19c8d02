package apigateway

import (
	"net/http"
	"slices"
	"strconv"

	"github.com/gatehouse-portal/gatehouse/localaws/store"
)

func (s *Service) updateMethod(r *http.Request, in *patches) (*method, error) {
	return changeResource(s, r, func(tx *store.Tx, res *resource) (*method, error) {
		m, err := methodOf(r, res)
		if err != nil {
			return nil, err
		}
		if err := in.apply(m.patch); err != nil {
			return nil, err
		}
		input := m.input()
		if err := input.check(m.HTTPMethod); err != nil {
			return nil, err
		}
		m.AuthorizationType = input.AuthorizationType
		if err := checkModels(tx, r.PathValue("api"), m.RequestModels); err != nil {
			return nil, err
		}
		res.put(m)
		return &m, nil
	})
}

func (m *method) input() *methodInput {
	return &methodInput{
		AuthorizationType: m.AuthorizationType, APIKeyRequired: m.APIKeyRequired, OperationName: m.OperationName,
		RequestParameters: m.RequestParameters, RequestModels: m.RequestModels,
	}
}

func (m *method) patch(p patch) error {
	if name, ok := p.entry("/requestParameters"); ok {
		return patchFlag(p, &m.RequestParameters, name)
	}
	if kind, ok := p.entry("/requestModels"); ok {
		return patchEntry(p, &m.RequestModels, kind, p.Value)
	}
	switch p.change() {
	case "replace /apiKeyRequired":
		return p.boolean(&m.APIKeyRequired)
	case "replace /authorizationType":
		m.AuthorizationType = p.Value
	case "replace /operationName":
		m.OperationName = p.Value
	case "replace /authorizerId", "replace /requestValidatorId", "add /authorizationScopes", "remove /authorizationScopes":
		return p.absent()
	default:
		return p.invalid("/apiKeyRequired", "/authorizationType", "/authorizerId", "/authorizationScopes", "/operationName",
			"/requestModels/{content-type}", "/requestParameters/{parameter}", "/requestValidatorId")
	}
	return nil
}

func (s *Service) updateMethodResponse(r *http.Request, in *patches) (*methodResponse, error) {
	return changeResource(s, r, func(tx *store.Tx, res *resource) (*methodResponse, error) {
		m, err := methodOf(r, res)
		if err != nil {
			return nil, err
		}
		out, ok := m.Responses[r.PathValue("status")]
		if !ok {
			return nil, errNoStatus
		}
		if err := in.apply(out.patch); err != nil {
			return nil, err
		}
		if err := checkModels(tx, r.PathValue("api"), out.Models); err != nil {
			return nil, err
		}
		m.Responses[out.StatusCode] = out
		return &out, nil
	})
}

func (out *methodResponse) patch(p patch) error {
	if name, ok := p.entry("/responseParameters"); ok {
		if _, known := out.Parameters[name]; !known && p.Op != "add" {
			return notFound("Invalid parameter name specified")
		}
		return patchFlag(p, &out.Parameters, name)
	}
	if kind, ok := p.entry("/responseModels"); ok {
		return patchEntry(p, &out.Models, kind, p.Value)
	}
	return p.invalid("/responseParameters/{parameter}", "/responseModels/{content-type}")
}

func (s *Service) updateIntegration(r *http.Request, in *patches) (*integration, error) {
	return changeResource(s, r, func(_ *store.Tx, res *resource) (*integration, error) {
		m, err := methodOf(r, res)
		if err != nil {
			return nil, err
		}
		if m.Integration == nil {
			return nil, errNoIntegration
		}
		out := *m.Integration
		if err := in.apply(out.patch); err != nil {
			return nil, err
		}
		if err := out.input().check(m); err != nil {
			return nil, err
		}
		m.Integration = &out
		res.put(m)
		return &out, nil
	})
}

func (out *integration) input() *integrationInput {
	return &integrationInput{
		Type: out.Type, HTTPMethod: out.HTTPMethod, URI: out.URI, ConnectionType: out.ConnectionType,
		RequestParameters: out.RequestParameters, RequestTemplates: out.RequestTemplates,
		PassthroughBehavior: out.PassthroughBehavior, TimeoutInMillis: &out.TimeoutInMillis,
	}
}

func (out *integration) patch(p patch) error {
	if target, ok := p.entry("/requestParameters"); ok {
		return patchEntry(p, &out.RequestParameters, target, p.Value)
	}
	if kind, ok := p.entry("/requestTemplates"); ok {
		return patchEntry(p, &out.RequestTemplates, kind, p.Value)
	}
	if name, ok := p.entry("/cacheKeyParameters"); ok {
		return out.patchCacheKey(p, name)
	}
	switch p.change() {
	case "replace /uri":
		out.URI = p.Value
	case "replace /httpMethod":
		out.HTTPMethod = p.Value
	case "replace /connectionType":
		out.ConnectionType = p.Value
	case "replace /passthroughBehavior":
		out.PassthroughBehavior = p.Value
	case "replace /cacheNamespace":
		out.CacheNamespace = p.Value
	case "replace /timeoutInMillis":
		n, err := strconv.Atoi(p.Value)
		if err != nil {
			return badRequest("Invalid value specified for %s: %s", p.Path, p.Value)
		}
		out.TimeoutInMillis = n
	case "replace /credentials", "replace /contentHandling", "replace /connectionId":
		return p.absent()
	case "replace /tlsConfig/insecureSkipVerification":
		return p.off()
	default:
		return p.invalid("/cacheKeyParameters/{parameter}", "/cacheNamespace", "/connectionId", "/connectionType", "/contentHandling",
			"/credentials", "/httpMethod", "/passthroughBehavior", "/requestParameters/{parameter}", "/requestTemplates/{content-type}",
			"/timeoutInMillis", "/tlsConfig/insecureSkipVerification", "/uri")
	}
	return nil
}

func (out *integration) patchCacheKey(p patch, name string) error {
	kept := slices.DeleteFunc(slices.Clone(out.CacheKeyParameters), func(have string) bool { return have == name })
	switch p.Op {
	case "add", "replace":
		out.CacheKeyParameters = append(kept, name)
	case "remove":
		out.CacheKeyParameters = kept
	default:
		return p.invalid("/cacheKeyParameters/{parameter}")
	}
	return nil
}

func (s *Service) updateIntegrationResponse(r *http.Request, in *patches) (*integrationResponse, error) {
	return changeResource(s, r, func(_ *store.Tx, res *resource) (*integrationResponse, error) {
		m, err := integratedMethod(r, res)
		if err != nil {
			return nil, err
		}
		out, ok := m.Integration.Responses[r.PathValue("status")]
		if !ok {
			return nil, errNoStatus
		}
		if err := in.apply(out.patch); err != nil {
			return nil, err
		}
		input := integrationResponseInput{SelectionPattern: out.SelectionPattern, Parameters: out.Parameters, Templates: out.Templates}
		if err := input.check(out.StatusCode, m); err != nil {
			return nil, err
		}
		m.Integration.Responses[out.StatusCode] = out
		return &out, nil
	})
}

func (out *integrationResponse) patch(p patch) error {
	if target, ok := p.entry("/responseParameters"); ok {
		if _, known := out.Parameters[target]; !known && p.Op != "add" {
			return notFound("Invalid parameter name specified")
		}
		return patchEntry(p, &out.Parameters, target, p.Value)
	}
	if kind, ok := p.entry("/responseTemplates"); ok {
		return patchEntry(p, &out.Templates, kind, p.Value)
	}
	switch p.change() {
	case "replace /selectionPattern":
		out.SelectionPattern = p.Value
	case "replace /contentHandling":
		return p.absent()
	default:
		return p.invalid("/contentHandling", "/responseParameters/{parameter}", "/responseTemplates/{content-type}", "/selectionPattern")
	}
	return nil
}
