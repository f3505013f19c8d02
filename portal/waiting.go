package portal

import (
	"context"
	"time"
)

// LastWait is how long work still waits in a process that stops: enough to get a free token or
// lease, so that nearly finished work can finish.
const LastWait = 100 * time.Millisecond

// UnlessStopping returns a context to wait in. It ends with ctx, or LastWait after the process
// begins to stop; then its cause is ErrStopping. The caller must call the CancelFunc.
func UnlessStopping(ctx context.Context) (context.Context, context.CancelFunc) {
	stopping := Stopping(ctx)
	if stopping == nil {
		return context.WithCancel(ctx)
	}
	waiting, end := context.WithCancelCause(ctx)
	go func() {
		select {
		case <-stopping:
		case <-waiting.Done():
			return
		}
		last := time.NewTimer(LastWait)
		defer last.Stop()
		select {
		case <-last.C:
		case <-waiting.Done():
		}
		end(ErrStopping)
	}()
	return waiting, func() { end(nil) }
}

// Stopped returns the Postponed for a wait that its context ended. In a process that stops,
// ErrStopping is in its chain.
func Stopped(waiting context.Context) error {
	return Postpone("stopping", context.Cause(waiting))
}
