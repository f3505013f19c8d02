package apigateway

import (
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strings"

	"github.com/gatehouse-portal/gatehouse/localaws/store"
	"github.com/gatehouse-portal/gatehouse/localaws/wire"
)

type integration struct {
	Type                string                         `json:"type"`
	HTTPMethod          string                         `json:"httpMethod,omitempty"`
	URI                 string                         `json:"uri,omitempty"`
	ConnectionType      string                         `json:"connectionType,omitempty"`
	RequestParameters   map[string]string              `json:"requestParameters,omitempty"`
	RequestTemplates    map[string]string              `json:"requestTemplates,omitempty"`
	PassthroughBehavior string                         `json:"passthroughBehavior"`
	TimeoutInMillis     int                            `json:"timeoutInMillis"`
	CacheNamespace      string                         `json:"cacheNamespace"`
	CacheKeyParameters  []string                       `json:"cacheKeyParameters"`
	Responses           map[string]integrationResponse `json:"integrationResponses,omitempty"`
}

type integrationInput struct {
	Type                string            `json:"type"`
	HTTPMethod          string            `json:"httpMethod"`
	URI                 string            `json:"uri"`
	ConnectionType      string            `json:"connectionType"`
	RequestParameters   map[string]string `json:"requestParameters"`
	RequestTemplates    map[string]string `json:"requestTemplates"`
	PassthroughBehavior string            `json:"passthroughBehavior"`
	TimeoutInMillis     *int              `json:"timeoutInMillis"`
	// The cache members are only stored: stages have no cache here.
	CacheNamespace     string   `json:"cacheNamespace"`
	CacheKeyParameters []string `json:"cacheKeyParameters"`
}

// maxTimeout is AWS's limit in milliseconds.
const maxTimeout = 29_000

func (in *integrationInput) check(m method) error {
	switch in.Type {
	case "HTTP", "HTTP_PROXY":
		if err := in.checkHTTP(); err != nil {
			return err
		}
	case "MOCK":
		if err := checkMockTemplates(in.RequestTemplates); err != nil {
			return err
		}
	case "AWS", "AWS_PROXY":
		return wire.NotImplemented("The integration type " + in.Type)
	default:
		return wire.Errorf("ValidationException", "1 validation error detected: Value '%s' at 'putIntegrationInput.type' failed to satisfy constraint: Member must satisfy enum value set: [HTTP, MOCK, AWS_PROXY, HTTP_PROXY, AWS]", in.Type)
	}
	if in.TimeoutInMillis != nil && (*in.TimeoutInMillis < 50 || *in.TimeoutInMillis > maxTimeout) {
		return badRequest("Timeout should be between 50 ms and %d ms", maxTimeout)
	}
	if !slices.Contains([]string{"", "WHEN_NO_MATCH", "WHEN_NO_TEMPLATES", "NEVER"}, in.PassthroughBehavior) {
		return badRequest("Invalid passthroughBehavior specified: %s", in.PassthroughBehavior)
	}
	return checkRequestParameters(in.RequestParameters, m)
}

func (in *integrationInput) checkHTTP() error {
	switch {
	case in.HTTPMethod == "":
		return badRequest("Enumeration value for HttpMethod must be non-empty")
	case !slices.Contains(verbs, in.HTTPMethod):
		return badRequest("Invalid HttpMethod specified. Valid options are GET,PUT,POST,DELETE,PATCH,OPTIONS,HEAD,ANY")
	case in.ConnectionType != "" && in.ConnectionType != "INTERNET":
		return wire.NotImplemented("The connection type " + in.ConnectionType)
	case in.Type == "HTTP" && (len(in.RequestTemplates) > 0 || in.PassthroughBehavior == "NEVER"):
		return errNoVTL
	}
	// Path and stage variables are filled in when the API is called.
	u, err := url.Parse(strings.NewReplacer("{", "", "}", "", "$", "").Replace(in.URI))
	if err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Host == "" {
		return badRequest("Invalid HTTP endpoint specified for URI")
	}
	return nil
}

var integrationParameter = regexp.MustCompile(`^integration\.request\.(path|querystring|header)\.[a-zA-Z0-9._$-]+$`)

// checkRequestParameters accepts what requestValue can evaluate: declared method
// parameters, stage variables and quoted strings.
func checkRequestParameters(parameters map[string]string, m method) error {
	for target, source := range parameters {
		_, declared := m.RequestParameters[source]
		switch {
		case !integrationParameter.MatchString(target):
			return invalidMapping(target)
		case declared, isQuoted(source), strings.HasPrefix(source, "stageVariables."):
		case methodParameter.MatchString(source):
			return badRequest("Invalid mapping expression specified: Validation Result: warnings : [], errors : [Invalid mapping expression parameter specified: %s]", source)
		case strings.HasPrefix(source, "method.request.") || strings.HasPrefix(source, "context."):
			return wire.NotImplemented("The mapping expression " + source)
		default:
			return invalidMapping(source)
		}
	}
	return nil
}

func invalidMapping(expression string) error {
	return badRequest("Invalid mapping expression specified: Validation Result: warnings : [], errors : [Invalid mapping expression specified: %s]", expression)
}

func isQuoted(source string) bool {
	return len(source) >= 2 && source[0] == '\'' && source[len(source)-1] == '\''
}

// putIntegration also removes the previous integration's responses.
func (s *Service) putIntegration(r *http.Request, in *integrationInput) (*integration, error) {
	return changeResource(s, r, func(_ *store.Tx, res *resource) (*integration, error) {
		m, err := methodOf(r, res)
		if err != nil {
			return nil, err
		}
		if err := in.check(m); err != nil {
			return nil, err
		}
		m.Integration = in.integration(res.ID)
		res.put(m)
		return m.Integration, nil
	})
}

func (in *integrationInput) integration(resourceID string) *integration {
	out := &integration{
		Type: in.Type, HTTPMethod: in.HTTPMethod, URI: in.URI,
		RequestParameters: in.RequestParameters, RequestTemplates: in.RequestTemplates,
		PassthroughBehavior: in.PassthroughBehavior, TimeoutInMillis: maxTimeout,
		CacheNamespace: in.CacheNamespace, CacheKeyParameters: append([]string{}, in.CacheKeyParameters...),
	}
	if in.Type != "MOCK" {
		out.ConnectionType = "INTERNET"
	}
	if out.PassthroughBehavior == "" {
		out.PassthroughBehavior = "WHEN_NO_MATCH"
	}
	if in.TimeoutInMillis != nil {
		out.TimeoutInMillis = *in.TimeoutInMillis
	}
	if out.CacheNamespace == "" {
		out.CacheNamespace = resourceID
	}
	return out
}

func (s *Service) getIntegration(r *http.Request, _ *none) (*integration, error) {
	return view(s, func(tx *store.Tx) (*integration, error) {
		res, err := findResource(tx, r)
		if err != nil {
			return nil, err
		}
		m, err := methodOf(r, &res)
		if err == nil && m.Integration == nil {
			err = errNoIntegration
		}
		return m.Integration, err
	})
}

func (s *Service) deleteIntegration(r *http.Request, _ *none) (*none, error) {
	return changeResource(s, r, func(_ *store.Tx, res *resource) (*none, error) {
		m, err := methodOf(r, res)
		if err != nil {
			return nil, err
		}
		if m.Integration == nil {
			return nil, errNoIntegration
		}
		m.Integration = nil
		res.put(m)
		return nil, nil
	})
}

var errNoIntegration = notFound("Invalid Integration identifier specified")
