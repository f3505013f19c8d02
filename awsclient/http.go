// Package awsclient has the configuration that all our AWS clients share. It knows no service.
package awsclient

import (
	"net/http"

	awshttp "github.com/aws/aws-sdk-go-v2/aws/transport/http"
)

// HTTPClient returns an HTTP client that keeps as many idle connections to a host as a busy
// worker uses. The SDK's own keeps 10; it closes any others after each request, and opening one
// again takes a TLS handshake.
func HTTPClient() *awshttp.BuildableClient {
	return awshttp.NewBuildableClient().WithTransportOptions(func(tr *http.Transport) {
		tr.MaxIdleConns = 1024
		tr.MaxIdleConnsPerHost = 256
	})
}
