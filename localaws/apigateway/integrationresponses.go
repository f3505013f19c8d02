package apigateway

import (
	"net/http"
	"regexp"
	"strings"

	"github.com/gatehouse-portal/gatehouse/localaws/store"
	"github.com/gatehouse-portal/gatehouse/localaws/wire"
)

type integrationResponse struct {
	StatusCode       string            `json:"statusCode"`
	SelectionPattern string            `json:"selectionPattern,omitempty"`
	Parameters       map[string]string `json:"responseParameters,omitempty"`
	Templates        map[string]string `json:"responseTemplates,omitempty"`
}

type integrationResponseInput struct {
	SelectionPattern string            `json:"selectionPattern"`
	Parameters       map[string]string `json:"responseParameters"`
	Templates        map[string]string `json:"responseTemplates"`
}

func (in integrationResponseInput) check(status string, m method) error {
	if !statusCode.MatchString(status) {
		return invalidStatus(status)
	}
	if _, err := regexp.Compile(in.SelectionPattern); err != nil {
		return badRequest("Invalid selection pattern specified")
	}
	for kind, text := range in.Templates {
		if !strings.Contains(kind, "/") && kind != "$default" {
			return badRequest("Invalid content type specified: %s", kind)
		}
		if usesVelocity(text) {
			return errNoVTL
		}
	}
	for target, source := range in.Parameters {
		if _, declared := m.Responses[status].Parameters[target]; !declared {
			return badRequest("Invalid mapping expression specified: Validation Result: warnings : [], errors : [Invalid mapping expression parameter specified: %s]", target)
		}
		if !isQuoted(source) && !strings.HasPrefix(source, "integration.response.header.") {
			return wire.NotImplemented("The mapping expression " + source)
		}
	}
	return nil
}

var errNoVTL = wire.NotImplemented("A mapping template (Velocity)")

func usesVelocity(template string) bool { return strings.ContainsAny(template, "$#") }

func (s *Service) putIntegrationResponse(r *http.Request, in *integrationResponseInput) (*integrationResponse, error) {
	return changeResource(s, r, func(_ *store.Tx, res *resource) (*integrationResponse, error) {
		m, err := integratedMethod(r, res)
		if err != nil {
			return nil, err
		}
		out := integrationResponse{
			StatusCode: r.PathValue("status"), SelectionPattern: in.SelectionPattern,
			Parameters: in.Parameters, Templates: in.Templates,
		}
		if err := in.check(out.StatusCode, m); err != nil {
			return nil, err
		}
		if m.Integration.Responses == nil {
			m.Integration.Responses = map[string]integrationResponse{}
		}
		m.Integration.Responses[out.StatusCode] = out
		return &out, nil
	})
}

func (s *Service) getIntegrationResponse(r *http.Request, _ *none) (*integrationResponse, error) {
	return view(s, func(tx *store.Tx) (*integrationResponse, error) {
		res, err := findResource(tx, r)
		if err != nil {
			return nil, err
		}
		m, err := integratedMethod(r, &res)
		if err != nil {
			return nil, err
		}
		out, ok := m.Integration.Responses[r.PathValue("status")]
		if !ok {
			return nil, errNoStatus
		}
		return &out, nil
	})
}

func (s *Service) deleteIntegrationResponse(r *http.Request, _ *none) (*none, error) {
	return changeResource(s, r, func(_ *store.Tx, res *resource) (*none, error) {
		m, err := integratedMethod(r, res)
		if err != nil {
			return nil, err
		}
		if _, ok := m.Integration.Responses[r.PathValue("status")]; !ok {
			return nil, errNoStatus
		}
		delete(m.Integration.Responses, r.PathValue("status"))
		return nil, nil
	})
}

// integratedMethod reports a missing integration even if the method is missing, as AWS
// does.
func integratedMethod(r *http.Request, res *resource) (method, error) {
	m := res.Methods[r.PathValue("method")]
	if m.Integration == nil {
		return m, errNoIntegration
	}
	return m, nil
}
