package portal_test

import (
	"context"
	"testing"

	"github.com/gatehouse-portal/gatehouse/portal"
)

func TestWorkLearnsThatTheProcessStops(t *testing.T) {
	t.Parallel()
	stopping := make(chan struct{})
	ctx, cancel := context.WithCancel(portal.WithStopping(t.Context(), stopping))
	defer cancel()
	isStopping := func(ctx context.Context) bool {
		select {
		case <-portal.Stopping(ctx):
			return true
		default:
			return false
		}
	}
	if isStopping(ctx) {
		t.Error("Stopping is closed before the process stops")
	}
	close(stopping)
	if !isStopping(ctx) || ctx.Err() != nil {
		t.Errorf("stopping: %v, and the context ended with %v", isStopping(ctx), ctx.Err())
	}
	if isStopping(t.Context()) {
		t.Error("a context without WithStopping says that the process stops")
	}
}
