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

// PublishError names the messages of one Publish that were not confirmed. The others were
// sent.
type PublishError struct {
	Topic string
	// UUIDs are Watermill's.
	UUIDs []string
	// Unsure says that AWS may have taken some of them: a request was not answered.
	// Without it, none of them was sent.
	Unsure bool
	Err    error
}

func (e *PublishError) Error() string {
	certainty := "none of them sent"
	if e.Unsure {
		certainty = "perhaps sent all the same"
	}
	return fmt.Sprintf("publishing to %s: %d not confirmed, %s (%s): %v", e.Topic, len(e.UUIDs), certainty, strings.Join(e.UUIDs, ", "), e.Err)
}

func (e *PublishError) Unwrap() error { return e.Err }

// MaybeSent is Unsure, for callers that do not know this package.
func (e *PublishError) MaybeSent() bool { return e.Unsure }

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
