// Package awsclient has the configuration that all AWS clients share.
package awsclient

import (
	"net/http"
	"time"

	awshttp "github.com/aws/aws-sdk-go-v2/aws/transport/http"
)

// answerTimeout is how long AWS may take to begin an answer. SQS holds a receive for up to 20 seconds.
const answerTimeout = time.Minute

// HTTPClient keeps as many idle connections to a host as a busy worker uses. The SDK's own
// keeps 10 and closes others after each request, so each needs a TLS handshake again. It also gives up a call whose
// answer does not begin within a minute, for which the SDK's own would wait forever.
func HTTPClient() *awshttp.BuildableClient {
	return awshttp.NewBuildableClient().WithTransportOptions(func(tr *http.Transport) {
		tr.MaxIdleConns = 1024
		tr.MaxIdleConnsPerHost = 256
		tr.ResponseHeaderTimeout = answerTimeout
	})
}
