package apigateway

import (
	"net/http"
	"regexp"
	"slices"
	"strings"

	"github.com/gatehouse-portal/gatehouse/localaws/store"
	"github.com/gatehouse-portal/gatehouse/localaws/wire"
)

type method struct {
	HTTPMethod        string                    `json:"httpMethod"`
	AuthorizationType string                    `json:"authorizationType"`
	APIKeyRequired    bool                      `json:"apiKeyRequired"`
	OperationName     string                    `json:"operationName,omitempty"`
	RequestParameters map[string]bool           `json:"requestParameters,omitempty"`
	RequestModels     map[string]string         `json:"requestModels,omitempty"`
	Responses         map[string]methodResponse `json:"methodResponses,omitempty"`
	Integration       *integration              `json:"methodIntegration,omitempty"`
}

type methodResponse struct {
	StatusCode string            `json:"statusCode"`
	Parameters map[string]bool   `json:"responseParameters,omitempty"`
	Models     map[string]string `json:"responseModels,omitempty"`
}

// methodInput omits authorizers and request validators: not implemented. Without a
// validator AWS enforces neither required parameters nor models, so they are only stored.
type methodInput struct {
	AuthorizationType string            `json:"authorizationType"`
	APIKeyRequired    bool              `json:"apiKeyRequired"`
	OperationName     string            `json:"operationName"`
	RequestParameters map[string]bool   `json:"requestParameters"`
	RequestModels     map[string]string `json:"requestModels"`
}

var (
	verbs           = []string{"GET", "PUT", "POST", "DELETE", "PATCH", "OPTIONS", "HEAD", "ANY"}
	methodParameter = regexp.MustCompile(`^method\.request\.(path|querystring|header)\.[a-zA-Z0-9._$-]+$`)
	statusCode      = regexp.MustCompile(`^[1-5]\d\d$`)
)

func (in *methodInput) check(verb string) error {
	if !slices.Contains(verbs, verb) {
		return badRequest("Invalid HttpMethod specified. Valid options are GET,PUT,POST,DELETE,PATCH,OPTIONS,HEAD,ANY")
	}
	switch in.AuthorizationType = strings.ToUpper(in.AuthorizationType); in.AuthorizationType {
	case "NONE":
	case "AWS_IAM", "CUSTOM", "COGNITO_USER_POOLS":
		return wire.NotImplemented("The authorization type " + in.AuthorizationType)
	default:
		return badRequest("Invalid authorization type specified. Valid options are NONE,AWS_IAM,CUSTOM,COGNITO_USER_POOLS")
	}
	seen := map[string]bool{}
	for parameter := range in.RequestParameters {
		if !methodParameter.MatchString(parameter) {
			return badRequest("Invalid mapping expression specified: Validation Result: warnings : [], errors : [Invalid mapping expression specified: %s]", parameter)
		}
		_, name, _ := strings.Cut(strings.TrimPrefix(parameter, "method.request."), ".")
		if seen[name] {
			return badRequest("Parameter names must be unique across querystring, header and path")
		}
		seen[name] = true
	}
	return nil
}

func (s *Service) putMethod(r *http.Request, in *methodInput) (*method, error) {
	verb := r.PathValue("method")
	if err := in.check(verb); err != nil {
		return nil, err
	}
	return changeResource(s, r, func(tx *store.Tx, res *resource) (*method, error) {
		if _, ok := res.Methods[verb]; ok {
			return nil, conflict("Method already exists for this resource")
		}
		if err := checkModels(tx, r.PathValue("api"), in.RequestModels); err != nil {
			return nil, err
		}
		m := method{
			HTTPMethod: verb, AuthorizationType: in.AuthorizationType, APIKeyRequired: in.APIKeyRequired,
			OperationName: in.OperationName, RequestParameters: in.RequestParameters, RequestModels: in.RequestModels,
		}
		res.put(m)
		return &m, nil
	})
}

func (res *resource) put(m method) {
	if res.Methods == nil {
		res.Methods = map[string]method{}
	}
	res.Methods[m.HTTPMethod] = m
}

func (s *Service) getMethod(r *http.Request, _ *none) (*method, error) {
	return view(s, func(tx *store.Tx) (*method, error) {
		res, err := findResource(tx, r)
		if err != nil {
			return nil, err
		}
		m, err := methodOf(r, &res)
		return &m, err
	})
}

func (s *Service) deleteMethod(r *http.Request, _ *none) (*none, error) {
	return changeResource(s, r, func(_ *store.Tx, res *resource) (*none, error) {
		m, err := methodOf(r, res)
		delete(res.Methods, m.HTTPMethod)
		return nil, err
	})
}

type methodResponseInput struct {
	Parameters map[string]bool   `json:"responseParameters"`
	Models     map[string]string `json:"responseModels"`
}

func (s *Service) putMethodResponse(r *http.Request, in *methodResponseInput) (*methodResponse, error) {
	status := r.PathValue("status")
	if !statusCode.MatchString(status) {
		return nil, invalidStatus(status)
	}
	return changeResource(s, r, func(tx *store.Tx, res *resource) (*methodResponse, error) {
		m, err := methodOf(r, res)
		if err != nil {
			return nil, err
		}
		if _, ok := m.Responses[status]; ok {
			return nil, conflict("Response already exists for this resource")
		}
		if err := checkModels(tx, r.PathValue("api"), in.Models); err != nil {
			return nil, err
		}
		if m.Responses == nil {
			m.Responses = map[string]methodResponse{}
		}
		out := methodResponse{StatusCode: status, Parameters: in.Parameters, Models: in.Models}
		m.Responses[status] = out
		res.put(m)
		return &out, nil
	})
}

func (s *Service) getMethodResponse(r *http.Request, _ *none) (*methodResponse, error) {
	return view(s, func(tx *store.Tx) (*methodResponse, error) {
		res, err := findResource(tx, r)
		if err != nil {
			return nil, err
		}
		m, err := methodOf(r, &res)
		if err != nil {
			return nil, err
		}
		out, ok := m.Responses[r.PathValue("status")]
		if !ok {
			return nil, errNoStatus
		}
		return &out, nil
	})
}

func (s *Service) deleteMethodResponse(r *http.Request, _ *none) (*none, error) {
	return changeResource(s, r, func(_ *store.Tx, res *resource) (*none, error) {
		m, err := methodOf(r, res)
		if err != nil {
			return nil, err
		}
		if _, ok := m.Responses[r.PathValue("status")]; !ok {
			return nil, errNoStatus
		}
		delete(m.Responses, r.PathValue("status"))
		return nil, nil
	})
}

var errNoStatus = notFound("Invalid Response status code specified")

func invalidStatus(status string) error {
	return wire.Errorf("ValidationException", `1 validation error detected: Value '%s' at 'statusCode' failed to satisfy constraint: Member must satisfy regular expression pattern: [1-5]\d\d`, status)
}
