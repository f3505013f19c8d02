package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"reflect"
	"time"

	"github.com/gatehouse-portal/gatehouse/app"
	"github.com/gatehouse-portal/gatehouse/catalog"
	"github.com/gatehouse-portal/gatehouse/portal"
	"github.com/gatehouse-portal/gatehouse/projections"
)

const syncTime = 5 * time.Minute

type catalogCommand struct {
	Check    catalogCheckCommand    `cmd:"" help:"Check a catalog folder on this machine, and say what to change. It needs no AWS."`
	Sync     catalogSyncCommand     `cmd:"" help:"Ask the workers to read the usage plans, the APIs and the catalog folder now, and wait until they have. They also do so every five minutes."`
	Products catalogProductsCommand `cmd:"" help:"List the products that the portal shows: who sees them, their plans, the file that describes them, and their problems."`
	Status   catalogStatusCommand   `cmd:"" help:"Show what the workers found when they last read the catalog: problems, and the plans that are not offered."`
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
	before, err := desk.Catalog(ctx)
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
	progress, err := desk.AwaitCatalog(within, id, warnWaiting)
	if err != nil {
		return err
	}
	if err := unlessSucceeded("reading the catalog", progress); err != nil {
		return err
	}
	after, err := desk.Catalog(ctx)
	if err != nil {
		return err
	}
	report, _, err := app.LastCatalogReport(ctx, p)
	if err != nil {
		return err
	}
	plans := comparePlans(before, after)
	changed := progress.Steps[len(progress.Steps)-1].Name == "CatalogPublished"
	value := map[string]any{"operation": id, "changed": changed, "products": len(after.Products), "plans": plans, "problems": report.Problems}
	return c.print(os.Stdout, value, func(w io.Writer) {
		text := "The catalog is published"
		if !changed {
			text = "The catalog was up to date"
		}
		fmt.Fprintf(w, "%s: %s.\n", text, count(len(after.Products), "product"))
		plans.print(w)
		printProblems(w, report)
	})
}

type planChanges struct {
	Added   []planJSON `json:"added"`
	Changed []planJSON `json:"changed"`
	Gone    []planJSON `json:"gone"`
}

type planJSON struct {
	ID   portal.PlanID `json:"id"`
	Name string        `json:"name"`
}

func comparePlans(before, after projections.Catalog) planChanges {
	changes := planChanges{Added: []planJSON{}, Changed: []planJSON{}, Gone: []planJSON{}}
	old := map[portal.PlanID]catalog.Plan{}
	for _, product := range before.Products {
		for _, plan := range product.Plans {
			old[plan.ID] = plan
		}
	}
	now := map[portal.PlanID]bool{}
	for _, product := range after.Products {
		for _, plan := range product.Plans {
			now[plan.ID] = true
			was, known := old[plan.ID]
			switch {
			case !known:
				changes.Added = append(changes.Added, planJSON{plan.ID, plan.Name})
			case !reflect.DeepEqual(was, plan):
				changes.Changed = append(changes.Changed, planJSON{plan.ID, plan.Name})
			}
		}
	}
	for _, product := range before.Products {
		for _, plan := range product.Plans {
			if !now[plan.ID] {
				changes.Gone = append(changes.Gone, planJSON{plan.ID, plan.Name})
			}
		}
	}
	return changes
}

func (c planChanges) print(w io.Writer) {
	for _, group := range []struct {
		did   string
		plans []planJSON
	}{{"added", c.Added}, {"changed", c.Changed}, {"gone", c.Gone}} {
		for _, plan := range group.plans {
			fmt.Fprintf(w, "  %-7s  %s  %s\n", group.did, oneLine(string(plan.ID)), oneLine(plan.Name))
		}
	}
	if len(c.Gone) > 0 {
		fmt.Fprintln(w, wrap("A sweep, which a worker begins now, ends the subscriptions of plans that API Gateway no longer has. "+
			"Subscriptions to plans that are only not offered any more stay.", width(w), 0))
	}
}
