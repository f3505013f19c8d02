package apigateway

import (
	"errors"
	"net/http"
	"slices"
	"strings"

	"github.com/gatehouse-portal/gatehouse/localaws/store"
	"github.com/gatehouse-portal/gatehouse/localaws/wire"
)

// invocation is one call of a deployed API, once it is known what it is for.
type invocation struct {
	request *http.Request
	api     string
	stage   stage
	method  method
	// parameters are the path's, by name, percent-encoded.
	parameters map[string]string
}

// What the data plane answers itself, in API Gateway's default wording (developer
// guide, "Gateway response types").
var (
	errForbidden    = &wire.Error{Code: "ForbiddenException", Message: "Forbidden", Status: http.StatusForbidden}
	errMissingToken = &wire.Error{Code: "MissingAuthenticationTokenException", Message: "Missing Authentication Token", Status: http.StatusForbidden}
	errThrottled    = &wire.Error{Code: "TooManyRequestsException", Message: "Too Many Requests", Status: http.StatusTooManyRequests}
	errQuota        = &wire.Error{Code: "LimitExceededException", Message: "Limit Exceeded", Status: http.StatusTooManyRequests}
	errTimeout      = &wire.Error{Code: "InternalServerErrorException", Message: "Endpoint request timed out", Status: http.StatusGatewayTimeout}
	errNetwork      = &wire.Error{Code: "InternalServerErrorException", Message: "Network error communicating with endpoint", Status: http.StatusGatewayTimeout}
	errTooLarge     = &wire.Error{Code: "RequestTooLargeException", Message: "Request Too Long", Status: http.StatusRequestEntityTooLarge}
)

// ServeData is the data plane: /restapis/{api}/{stage}/_user_request_/{path…}
// calls a deployed API. In order: the stage, the method, the API key where the
// method requires one, its plan's throttle and quota, the integration.
func (s *Service) ServeData(w http.ResponseWriter, r *http.Request) {
	inv, caller, err := s.resolve(r)
	if err == nil && inv.method.APIKeyRequired {
		err = s.admit(caller)
	}
	if err != nil {
		s.refuse(w, err)
		return
	}
	switch inv.method.Integration.Type {
	case "MOCK":
		err = mock(w, inv)
	default:
		err = s.forward(w, inv)
	}
	if err != nil {
		s.refuse(w, err)
	}
}

// resolve finds the method that is called, and who calls it if that matters.
func (s *Service) resolve(r *http.Request) (inv invocation, caller subscriber, err error) {
	api, name, path, ok := splitDataPath(r.URL.EscapedPath())
	if !ok {
		return inv, caller, errForbidden
	}
	err = s.env.DB.View(func(tx *store.Tx) error {
		st, err := findStage(tx, api, name)
		if err != nil {
			return hide(err, errForbidden)
		}
		resources, err := s.trees.of(tx, api, st.DeploymentID)
		if err != nil {
			return hide(err, errForbidden)
		}
		inv = invocation{request: r, api: api, stage: st, parameters: map[string]string{}}
		verb := r.Method
		if !slices.Contains(verbs, verb) || verb == "ANY" {
			return errMissingToken
		}
		var res *resource
		if inv.method, res = resources.match(segments(path), verb, inv.parameters); res == nil {
			return errMissingToken
		}
		if inv.method.APIKeyRequired {
			called := methodName(res.Path + "/" + inv.method.HTTPMethod)
			caller, err = s.findSubscriber(tx, r.Header.Get("X-Api-Key"), stageID{APIID: api, Stage: name}, called)
		}
		return err
	})
	return inv, caller, err
}

// splitDataPath takes /restapis/{api}/{stage}/_user_request_/{path…} apart.
func splitDataPath(escaped string) (api, stage, path string, ok bool) {
	parts := strings.SplitN(strings.TrimPrefix(escaped, "/"), "/", 5)
	if len(parts) < 4 || parts[0] != "restapis" || parts[3] != "_user_request_" {
		return "", "", "", false
	}
	if len(parts) == 5 {
		path = parts[4]
	}
	return parts[1], parts[2], path, true
}

// hide replaces what the control plane would say by what the data plane says,
// and leaves real failures alone.
func hide(err error, by *wire.Error) error {
	var e *wire.Error
	if errors.As(err, &e) {
		return by
	}
	return err
}
