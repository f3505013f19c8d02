package serverless

import (
	"context"
	"encoding/base64"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"strings"

	"github.com/aws/aws-lambda-go/events"
	"github.com/aws/aws-lambda-go/lambdacontext"
)

// serve answers a request that an HTTP API of API Gateway passes on, in the payload format 2.0
// (API Gateway Developer Guide, "Create AWS Lambda proxy integrations for HTTP APIs").
func serve(ctx context.Context, handler http.Handler, in events.APIGatewayV2HTTPRequest) (events.APIGatewayV2HTTPResponse, error) {
	request, err := newRequest(ctx, in)
	if err != nil {
		return events.APIGatewayV2HTTPResponse{}, err
	}
	answer := newAnswer(request)
	handler.ServeHTTP(answer, request)
	return answer.event(), nil
}

// requestIDHeader is the header from which the portal takes a request's id. Unless the client sends one,
// it is AWS Lambda's, so that both logs have the same.
const requestIDHeader = "X-Request-Id"

func newRequest(ctx context.Context, in events.APIGatewayV2HTTPRequest) (*http.Request, error) {
	body := in.Body
	if in.IsBase64Encoded {
		raw, err := base64.StdEncoding.DecodeString(in.Body)
		if err != nil {
			return nil, fmt.Errorf("decoding the request's body: %w", err)
		}
		body = string(raw)
	}
	r, err := http.NewRequestWithContext(ctx, in.RequestContext.HTTP.Method, "/", strings.NewReader(body))
	if err != nil {
		return nil, fmt.Errorf("reading the request: %w", err)
	}
	r.URL = address(in)
	r.RequestURI = r.URL.RequestURI()
	for name, value := range in.Headers {
		r.Header.Set(name, value)
	}
	if len(in.Cookies) > 0 {
		r.Header.Set("Cookie", strings.Join(in.Cookies, "; "))
	}
	r.Host = r.Header.Get("Host")
	if r.Host == "" {
		r.Host = in.RequestContext.DomainName
	}
	r.Header.Del("Host")
	r.RemoteAddr = net.JoinHostPort(in.RequestContext.HTTP.SourceIP, "0")
	if invoked, ok := lambdacontext.FromContext(ctx); ok && r.Header.Get(requestIDHeader) == "" {
		r.Header.Set(requestIDHeader, invoked.AwsRequestID)
	}
	return r, nil
}

// address returns the request's URL. HTTP APIs usually decode the path before they pass it on, and AWS does
// not document when they do not. So a path that is a valid percent-encoding is decoded here: a literal
// %41 in a name becomes A.
func address(in events.APIGatewayV2HTTPRequest) *url.URL {
	path := in.RawPath
	if stage := in.RequestContext.Stage; stage != "" && stage != "$default" {
		path = strings.TrimPrefix(path, "/"+stage)
	}
	if !strings.HasPrefix(path, "/") {
		path = "/" + path
	}
	u := &url.URL{Path: path, RawQuery: in.RawQueryString}
	if decoded, err := url.PathUnescape(path); err == nil && decoded != path {
		u.Path, u.RawPath = decoded, path
	}
	return u
}
