package app

import (
	"cmp"
	"context"
	"errors"

	"golang.org/x/sync/errgroup"
)

// These ports require no sign-in, so the defaults are on loopback.
const (
	portalOperators = "127.0.0.1:8081"
	workerOperators = "127.0.0.1:8082"
)

// RunPortal runs the portal's process until ctx ends.
func RunPortal(ctx context.Context, p Process) error {
	portal, err := NewPortal(ctx, p)
	if err != nil {
		return err
	}
	public, err := Listen(p.Config.Addr)
	if err != nil {
		return err
	}
	operators, err := Listen(cmp.Or(p.Config.OperatorsAddr, portalOperators))
	if err != nil {
		_ = public.Close()
		return err
	}
	group, ctx := errgroup.WithContext(ctx)
	group.Go(func() error { return Serve(ctx, public, portal, p.Log, p.Config.MaxConnections) })
	group.Go(func() error { return ServeOperators(ctx, operators, p) })
	return errors.Join(group.Wait(), portal.Close())
}

// RunWorker runs a worker's process until ctx ends.
func RunWorker(ctx context.Context, p Process) error {
	worker, err := NewWorker(ctx, p)
	if err != nil {
		return err
	}
	operators, err := Listen(cmp.Or(p.Config.OperatorsAddr, workerOperators))
	if err != nil {
		return err
	}
	group, ctx := errgroup.WithContext(ctx)
	group.Go(func() error { return worker.Run(ctx) })
	group.Go(func() error { return ServeOperators(ctx, operators, p) })
	return group.Wait()
}
