package gateway

import (
	"context"
	"time"

	"github.com/gatehouse-portal/gatehouse/portal"
)

// lastWait is how long a call still waits when the process is stopping: long enough for
// what is to be had at once, so that work that is nearly done is finished.
const lastWait = 100 * time.Millisecond

// unlessStopping is a context to wait in. It ends with ctx, and after lastWait when the
// process is stopping; then its cause is portal.ErrStopping.
func unlessStopping(ctx context.Context) (context.Context, context.CancelFunc) {
	stopping := portal.Stopping(ctx)
	if stopping == nil {
		return context.WithCancel(ctx)
	}
	waiting, end := context.WithCancelCause(ctx)
	go func() {
		select {
		case <-stopping:
			_ = sleep(waiting, lastWait)
			end(portal.ErrStopping)
		case <-waiting.Done():
		}
	}()
	return waiting, func() { end(nil) }
}

// stopped is the error for a wait that its context ended. With portal.ErrStopping the
// message is handed back at once.
func stopped(waiting context.Context) error {
	return portal.Postpone("stopping", context.Cause(waiting))
}
