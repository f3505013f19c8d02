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

// requestID is the header by which the portal takes a request's id. It is then in the log, and in
// what API Gateway and AWS Lambda log.
const requestID = "X-Request-Id"

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
	if invoked, ok := lambdacontext.FromContext(ctx); ok && r.Header.Get(requestID) == "" {
		r.Header.Set(requestID, invoked.AwsRequestID)
	}
	return r, nil
}

// address returns the request's URL. HTTP APIs decode the path of requests, but not that of every
// client, so a path that is a valid encoding is taken for one.
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
