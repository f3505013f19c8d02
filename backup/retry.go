package backup

import (
	"context"
	"errors"
	"strings"
	"time"

	"github.com/aws/smithy-go"
	smithyhttp "github.com/aws/smithy-go/transport/http"
)

// A call is tried mostTries times within mostTime, with waits of a second and more. Its last try may begin at
// the end of that time.
const (
	mostTries   = 10
	mostTime    = 3 * time.Minute
	longestWait = 30 * time.Second
)

// retry repeats a call that DynamoDB throttles, fails or does not answer. The call must be one that may
// be repeated.
func retry(ctx context.Context, wait func(context.Context, time.Duration) error, call func() error) error {
	pause, began := time.Second, time.Now()
	for try := 1; ; try++ {
		err := call()
		if err == nil || try == mostTries || time.Since(began) > mostTime || !retryable(err) || ctx.Err() != nil {
			return err
		}
		if err := wait(ctx, pause); err != nil {
			return err
		}
		pause = min(2*pause, longestWait)
	}
}

func sleep(ctx context.Context, d time.Duration) error {
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-time.After(d):
		return nil
	}
}

// retryable reports whether the same call may succeed later.
func retryable(err error) bool {
	var named smithy.APIError
	if errors.As(err, &named) {
		code := named.ErrorCode()
		return named.ErrorFault() == smithy.FaultServer || strings.HasPrefix(code, "Throttling") || code == "RequestLimitExceeded" ||
			code == "ProvisionedThroughputExceededException" || code == "InternalServerError"
	}
	var unsent *smithyhttp.RequestSendError
	return errors.As(err, &unsent) || errors.Is(err, errUnprocessed)
}

var errUnprocessed = errors.New("DynamoDB has not handled all rows of a batch")
