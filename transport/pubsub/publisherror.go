package pubsub

import (
	"errors"
	"fmt"
	"net"
	"net/http"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/aws/retry"
	smithyhttp "github.com/aws/smithy-go/transport/http"
)

// PublishError names the messages of one Publish that AWS did not confirm. It took the others.
type PublishError struct {
	Topic string
	// UUIDs are Watermill's.
	UUIDs []string
	// Unsure: a request was not answered, so AWS may have taken some of them. Otherwise it took
	// none.
	Unsure bool
	Err    error
}

func (e *PublishError) Error() string {
	certainty := "none was sent"
	if e.Unsure {
		certainty = "some may have been sent"
	}
	return fmt.Sprintf("publishing to %s: %d not confirmed, %s (%s): %v", e.Topic, len(e.UUIDs), certainty, strings.Join(e.UUIDs, ", "), e.Err)
}

func (e *PublishError) Unwrap() error { return e.Err }

// MaybeSent is Unsure, for callers that do not import this package.
func (e *PublishError) MaybeSent() bool { return e.Unsure }

var throttles = retry.ThrottleErrorCode{Codes: retry.DefaultThrottleErrorCodes}

// mayHaveTaken reports whether AWS may have taken messages of a failed send: not if it refused the
// request or could not be reached.
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
