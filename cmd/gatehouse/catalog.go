package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"time"

	"github.com/gatehouse-portal/gatehouse/app"
)

// syncTime bounds the wait for the catalog.
const syncTime = 5 * time.Minute

type catalogCommand struct {
	Sync catalogSyncCommand `cmd:"" help:"Ask the workers to read the usage plans and APIs now, and wait until they have. They also do so every five minutes."`
}

type catalogSyncCommand struct{ output }

func (c catalogSyncCommand) Run(ctx context.Context) error {
	p, err := process(ctx)
	if err != nil {
		return err
	}
	desk, err := app.OpenDesk(p)
	if err != nil {
		return err
	}
	id, err := app.SyncCatalog(ctx, p)
	if err != nil {
		return err
	}
	fmt.Fprintln(os.Stderr, "Asked the workers to read the catalog; waiting for them.")
	within, cancel := context.WithTimeoutCause(ctx, syncTime, fmt.Errorf("no worker has read the catalog within %.0f minutes: is one running?", syncTime.Minutes()))
	defer cancel()
	progress, err := desk.AwaitCatalog(within, id, tellUntaken)
	if err != nil {
		return err
	}
	if err := ended("reading the catalog", progress); err != nil {
		return err
	}
	products, err := desk.Products(ctx)
	if err != nil {
		return err
	}
	changed := progress.Steps[len(progress.Steps)-1].Name == "CatalogPublished"
	return c.print(os.Stdout, map[string]any{"operation": id, "changed": changed, "products": products}, func(w io.Writer) {
		text := "The catalog is published"
		if !changed {
			text = "The catalog was up to date"
		}
		fmt.Fprintf(w, "%s: %s.\n", text, count(products, "product"))
	})
}
