// Command screenshots takes pictures of every page of the portal in Chromium. It starts a local
// portal with the demo, signs in as the demo's user, subscribes to a plan and tries an operation. Then it signs
// in as an admin. `make screenshots` runs it.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/exec"
	"time"

	"github.com/rs/zerolog"

	"github.com/gatehouse-portal/gatehouse/app"
	"github.com/gatehouse-portal/gatehouse/local"
)

const patience = 7 * time.Minute

func main() {
	dir := flag.String("dir", "docs/screenshots", "folder for the pictures")
	only := flag.String("only", "", "take only the pictures of pages whose name contains this")
	flag.Parse()
	if err := run(os.Stdout, *dir, *only); err != nil {
		fmt.Fprintln(os.Stderr, "screenshots:", err)
		os.Exit(1)
	}
}

func run(out io.Writer, dir, only string) error {
	chromium, err := exec.LookPath("chromium")
	if err != nil {
		fmt.Fprintln(out, "NOT RUN: chromium is not installed")
		return nil
	}
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return err
	}
	ctx, stop := context.WithTimeout(context.Background(), patience)
	defer stop()
	return withPortal(ctx, func(ctx context.Context, site local.Portal) error {
		return withTab(ctx, chromium, func(ctx context.Context) error {
			p := &photographer{base: site.PortalURL, dir: dir, only: only, out: out}
			return p.takeAll(ctx, site.Demo.API.FreePlanID)
		})
	})
}

// withPortal runs a local portal on free ports, in its own folder, while f runs.
func withPortal(ctx context.Context, f func(context.Context, local.Portal) error) error {
	dir, err := os.MkdirTemp("", "gatehouse-screenshots-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	cfg, err := app.LoadConfig(nil)
	if err != nil {
		return err
	}
	ctx, stop := context.WithCancel(ctx)
	ready, ended := make(chan local.Portal, 1), make(chan error, 1)
	go func() {
		ended <- local.Run(ctx, app.Process{Config: cfg, Log: zerolog.Nop(), Metrics: app.NewMetrics("gatehouse")},
			local.Options{Dir: dir, Ready: ready})
	}()
	select {
	case site := <-ready:
		err := f(ctx, site)
		stop()
		return errors.Join(err, <-ended)
	case err := <-ended:
		stop()
		return err
	}
}
