package identity

import (
	"context"

	"golang.org/x/sync/singleflight"

	"github.com/gatehouse-portal/gatehouse/portal"
)

// flight lets one caller at a time do what all of them need; the others wait for
// its outcome. Nobody waits longer than their own context, and the work goes on
// if the one who began it leaves.
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
