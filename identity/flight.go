package identity

import (
	"context"

	"golang.org/x/sync/singleflight"

	"github.com/gatehouse-portal/gatehouse/portal"
)

// flight does the same work once for several callers. A caller stops waiting when its context ends;
// the work continues.
type flight struct{ group singleflight.Group }

func (f *flight) do(ctx context.Context, work func(context.Context) error) error {
	done := f.group.DoChan("", func() (_ any, err error) {
		defer portal.Recover(&err)
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
