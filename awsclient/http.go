// Package awsclient is what every AWS client of ours is configured with, whatever the
// service: the lessons of running the SDK busily. It knows no service.
package awsclient

import (
	"net/http"

	awshttp "github.com/aws/aws-sdk-go-v2/aws/transport/http"
)

// HTTPClient is an HTTP client for the SDK that keeps as many idle connections to
// one host as a busy worker uses. The SDK's own keeps 10; what is above is closed
// after each request and opened again, with a TLS handshake each time.
func HTTPClient() *awshttp.BuildableClient {
	return awshttp.NewBuildableClient().WithTransportOptions(func(tr *http.Transport) {
		tr.MaxIdleConns = 1024
		tr.MaxIdleConnsPerHost = 256
	})
}
