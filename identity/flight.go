package identity

import (
	"context"

	"golang.org/x/sync/singleflight"
)

// flight does the same work for several callers, one run at a time. Callers that wait for a
// run share its outcome. A caller stops waiting when its context ends; the run continues.
type flight struct{ group singleflight.Group }

func (f *flight) do(ctx context.Context, work func(context.Context) error) error {
	done := f.group.DoChan("", func() (any, error) {
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), 2*providerTimeout)
		defer cancel()
		return nil, work(ctx)
	})
	select {
	case result := <-done:
		return result.Err
	case <-ctx.Done():
		return ctx.Err()
	}
}
