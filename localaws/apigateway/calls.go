package apigateway

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"strings"

	"github.com/gatehouse-portal/gatehouse/localaws/wire"
)

// Call is a call of the control plane that may have changed something.
type Call struct {
	// Name is AWS's name of the operation.
	Name string
	// HTTP is the request; its body has been read.
	HTTP *http.Request
	// Request has the parameters and the body as AWS CloudTrail records them, and Response what was
	// answered. Both lack values of keys. Response is nil if the answer has no body, or the call failed.
	Request, Response map[string]any
	// Err is why the call failed.
	Err *wire.Error
}

// OnCall has f called after every call that may have changed something, before the next one of the same
// client. It must be set before the service serves.
func (s *Service) OnCall(f func(Call)) { s.onCall = f }

// parameters are the names in CloudTrail's records of the wildcards in routes. They are the link relations'
// of the API Gateway v1 REST API, such as usageplanId.
var parameters = map[string]string{
	"api": "restApiId", "resource": "resourceId", "method": "httpMethod", "status": "statusCode", "deployment": "deploymentId",
	"stage": "stageName", "plan": "usageplanId", "domain": "domainName", "base": "basePath", "arn": "resourceArn",
}

// record performs an operation and tells onCall of it.
func (s *Service) record(op operation, w http.ResponseWriter, r *http.Request) {
	body, err := wire.ReadBody(r)
	if err != nil {
		s.refuse(w, err)
		return
	}
	r.Body = io.NopCloser(bytes.NewReader(body))
	copied := &copying{ResponseWriter: w}
	failure := s.do(op, copied, r)
	c := Call{Name: op.name, HTTP: r, Request: requestOf(op.name, r, body)}
	if failure == nil {
		c.Response = recorded(copied.body.Bytes())
	} else if !errors.As(failure, &c.Err) {
		c.Err = internalError
	}
	s.onCall(c)
}

func requestOf(name string, r *http.Request, body []byte) map[string]any {
	request := map[string]any{"template": false}
	for wildcard, parameter := range parameters {
		if value := r.PathValue(wildcard); value != "" {
			request[parameter] = value
		}
	}
	if key := r.PathValue("key"); key != "" {
		if strings.HasPrefix(r.URL.Path, "/usageplans/") {
			request["keyId"] = key
		} else {
			request["apiKey"] = key
		}
	}
	if input := recorded(body); input != nil {
		request[strings.ToLower(name[:1])+name[1:]+"Input"] = input
	}
	return request
}

// recorded decodes a JSON object without a key's value; anything else, such as a file, is nil.
func recorded(body []byte) map[string]any {
	var decoded map[string]any
	if json.Unmarshal(body, &decoded) != nil {
		return nil
	}
	delete(decoded, "value")
	return decoded
}

// copying keeps a copy of the body that is written.
type copying struct {
	http.ResponseWriter
	body bytes.Buffer
}

func (c *copying) Write(b []byte) (int, error) {
	c.body.Write(b)
	return c.ResponseWriter.Write(b)
}
