package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/gatehouse-portal/gatehouse/administration"
	"github.com/gatehouse-portal/gatehouse/app"
	"github.com/gatehouse-portal/gatehouse/catalog"
)

type catalogProductsCommand struct{ output }

type productJSON struct {
	ID       string            `json:"id"`
	Name     string            `json:"name"`
	Visible  string            `json:"visible_to"`
	File     string            `json:"file,omitempty"`
	Stale    bool              `json:"stale,omitempty"`
	Change   string            `json:"where_to_change"`
	Plans    []planJSON        `json:"plans"`
	Problems []catalog.Problem `json:"problems"`
}

// Run lists the published products.
func (c catalogProductsCommand) Run(ctx context.Context) error {
	p, err := process(ctx)
	if err != nil {
		return err
	}
	desk, err := app.OpenDesk(p)
	if err != nil {
		return err
	}
	published, err := desk.Catalog(ctx)
	if err != nil {
		return err
	}
	report, ok, err := app.LastCatalogReport(ctx, p)
	if err != nil {
		return err
	}
	last := &report
	if !ok {
		last = nil
	}
	list := []productJSON{}
	for _, product := range administration.ProductsOf(published.Document, last).Items {
		one := productJSON{
			ID: product.ID, Name: product.FullName(), Visible: product.VisibleTo(), File: product.File, Stale: product.Stale, Change: product.WhereToChange(last),
			Plans: []planJSON{}, Problems: append([]catalog.Problem{}, product.Problems...),
		}
		for _, plan := range product.Plans {
			one.Plans = append(one.Plans, planJSON{plan.ID, plan.Name})
		}
		list = append(list, one)
	}
	return c.print(os.Stdout, map[string]any{"products": list}, func(w io.Writer) { printProducts(w, list) })
}

func printProducts(w io.Writer, list []productJSON) {
	if len(list) == 0 {
		fmt.Fprintln(w, "No product is published. `gatehouse catalog status` says why.")
		return
	}
	for i, one := range list {
		if i > 0 {
			fmt.Fprintln(w)
		}
		var plans []string
		for _, plan := range one.Plans {
			plans = append(plans, fmt.Sprintf("%s (%s)", oneLine(plan.Name), oneLine(string(plan.ID))))
		}
		pairs(w, [2]string{"product", oneLine(one.ID)}, [2]string{"name", oneLine(one.Name)}, [2]string{"who sees it", oneLine(one.Visible)},
			[2]string{"plans", strings.Join(plans, ", ")}, [2]string{"file", printable(one.File)}, [2]string{"to change", oneLine(one.Change)})
		for _, problem := range one.Problems {
			fmt.Fprintln(w, "  "+oneLine(problem.String()))
		}
	}
}
