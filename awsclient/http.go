// Package awsclient has the configuration that all AWS clients share.
package awsclient

import (
	"net/http"

	awshttp "github.com/aws/aws-sdk-go-v2/aws/transport/http"
)

// HTTPClient keeps as many idle connections to a host as a busy worker uses. The SDK's own
// keeps 10 and closes others after each request, so each needs a TLS handshake again.
func HTTPClient() *awshttp.BuildableClient {
	return awshttp.NewBuildableClient().WithTransportOptions(func(tr *http.Transport) {
		tr.MaxIdleConns = 1024
		tr.MaxIdleConnsPerHost = 256
	})
}
