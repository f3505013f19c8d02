package transport

import (
	"errors"
	"net"
	"net/http"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/aws/retry"
	smithyhttp "github.com/aws/smithy-go/transport/http"
)

var throttles = retry.ThrottleErrorCode{Codes: retry.DefaultThrottleErrorCodes}

// mayHaveTaken says whether AWS may have taken the messages of a send request that
// failed. It has not if it refused the request or was not reached. After a server error
// or without an answer nobody knows.
func mayHaveTaken(err error) bool {
	var answered *smithyhttp.ResponseError
	var unreached *net.OpError
	switch {
	case throttles.IsErrorThrottle(err) == aws.TrueTernary:
		return false
	case errors.As(err, &answered):
		status := answered.HTTPStatusCode()
		return status < http.StatusBadRequest || status >= http.StatusInternalServerError
	case errors.As(err, &unreached):
		return unreached.Op != "dial"
	}
	return true
}
