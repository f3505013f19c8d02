package apigateway

import (
	"errors"
	"net/http"
	"slices"
	"strings"

	"github.com/gatehouse-portal/gatehouse/localaws/store"
	"github.com/gatehouse-portal/gatehouse/localaws/wire"
)

type invocation struct {
	request *http.Request
	api     string
	stage   stage
	method  method
	// limit is the stage's throttle for the method. Calls with the same bucket share its
	// tokens.
	limit  *throttle
	bucket string
	// parameters are the path parameters by name, percent-encoded.
	parameters map[string]string
}

// Errors of the data plane, with API Gateway's default texts (developer guide, "Gateway
// response types").
var (
	errForbidden    = &wire.Error{Code: "ForbiddenException", Message: "Forbidden", Status: http.StatusForbidden}
	errMissingToken = &wire.Error{Code: "MissingAuthenticationTokenException", Message: "Missing Authentication Token", Status: http.StatusForbidden}
	errThrottled    = &wire.Error{Code: "TooManyRequestsException", Message: "Too Many Requests", Status: http.StatusTooManyRequests}
	errQuota        = &wire.Error{Code: "LimitExceededException", Message: "Limit Exceeded", Status: http.StatusTooManyRequests}
	errTimeout      = &wire.Error{Code: "InternalServerErrorException", Message: "Endpoint request timed out", Status: http.StatusGatewayTimeout}
	errNetwork      = &wire.Error{Code: "InternalServerErrorException", Message: "Network error communicating with endpoint", Status: http.StatusGatewayTimeout}
	errTooLarge     = &wire.Error{Code: "RequestTooLargeException", Message: "Request Too Long", Status: http.StatusRequestEntityTooLarge}
)

type callAddress struct {
	stageID
	path     string
	byDomain bool
}

// ServeData serves calls of deployed APIs: /restapis/{api}/{stage}/_user_request_/{path…}.
// It checks, in order: stage, method, API key if required, the plan's throttle, the stage's
// throttle, and the quota. Then it runs the integration.
func (s *Service) ServeData(w http.ResponseWriter, r *http.Request) {
	c, ok := splitDataPath(r.URL.EscapedPath())
	if !ok {
		s.refuse(w, errForbidden)
		return
	}
	s.serve(w, r, c)
}

func (s *Service) serve(w http.ResponseWriter, r *http.Request, c callAddress) {
	inv, caller, err := s.resolve(r, c)
	if err == nil {
		err = s.admit(inv, caller)
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

func (s *Service) resolve(r *http.Request, c callAddress) (inv invocation, caller subscriber, err error) {
	err = s.env.DB.View(func(tx *store.Tx) error {
		st, err := findStage(tx, c.APIID, c.Stage)
		if err != nil {
			return hide(err, errForbidden)
		}
		switch string(bucket(tx, "closed").Get([]byte(c.APIID))) {
		case closedAPI:
			return errForbidden
		case closedEndpoint:
			if !c.byDomain {
				return errForbidden
			}
		}
		resources, err := s.trees.of(tx, c.APIID, st.DeploymentID)
		if err != nil {
			return hide(err, errForbidden)
		}
		inv = invocation{request: r, api: c.APIID, stage: st, parameters: map[string]string{}}
		verb := r.Method
		if !slices.Contains(verbs, verb) || verb == "ANY" {
			return errMissingToken
		}
		var res *resource
		if inv.method, res = resources.match(segments(c.path), verb, inv.parameters); res == nil {
			return errMissingToken
		}
		name := methodName(res.Path + "/" + inv.method.HTTPMethod)
		inv.limit, inv.bucket = st.limit(c.stageID, name)
		if inv.method.APIKeyRequired {
			caller, err = s.findSubscriber(tx, r.Header.Get("X-Api-Key"), c.stageID, name)
		}
		return err
	})
	return inv, caller, err
}

// splitDataPath splits a path of ServeData. Addresses in exports start with one more slash,
// as on AWS.
func splitDataPath(escaped string) (c callAddress, ok bool) {
	parts := strings.SplitN(strings.TrimLeft(escaped, "/"), "/", 5)
	if len(parts) < 4 || parts[0] != "restapis" || parts[3] != "_user_request_" {
		return c, false
	}
	c.stageID = stageID{APIID: parts[1], Stage: parts[2]}
	if len(parts) == 5 {
		c.path = parts[4]
	}
	return c, true
}

// hide replaces AWS errors, but not internal ones.
func hide(err error, by *wire.Error) error {
	var e *wire.Error
	if errors.As(err, &e) {
		return by
	}
	return err
}
