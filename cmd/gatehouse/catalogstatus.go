package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"

	"github.com/gatehouse-portal/gatehouse/app"
	"github.com/gatehouse-portal/gatehouse/catalog"
)

type catalogStatusCommand struct{ output }

func (c catalogStatusCommand) Run(ctx context.Context) error {
	p, err := process(ctx)
	if err != nil {
		return err
	}
	report, ok, err := app.LastCatalogReport(ctx, p)
	switch {
	case err != nil:
		return err
	case !ok:
		return errors.New("no worker has read the catalog yet: is one running?")
	}
	return c.print(os.Stdout, report, func(w io.Writer) { printReport(w, report) })
}

func printReport(w io.Writer, report catalog.Report) {
	lines := [][2]string{{"Read", moment(report.Ended)}}
	for _, source := range report.Sources {
		name := source.Name
		if name == "catalog folder" {
			name = "Folder"
		}
		lines = append(lines, [2]string{name, howRead(source)})
	}
	if !report.Failed {
		lines = append(lines, [2]string{"Catalog", fmt.Sprintf("%s, %s, %s; %d of the APIs with an OpenAPI document",
			count(report.Products, "product"), count(report.Plans, "plan"), count(report.APIs, "API"), report.Definitions)})
	}
	pairs(w, lines...)
	if report.ProblemCount == 0 {
		fmt.Fprintln(w, "\nNo problems.")
	}
	printProblems(w, report)
	var plans []string
	for _, plan := range report.NotOffered {
		plans = append(plans, fmt.Sprintf("%s  %s: %s", oneLine(string(plan.Plan)), oneLine(plan.Name), oneLine(plan.Reason)))
	}
	printFirst(w, "Not offered", report.NotOfferedCount, plans)
}

func howRead(source catalog.SourceState) string {
	switch source.State {
	case catalog.SourceRemembered:
		return "could not be read; the catalog shows what it said on " + moment(source.Read)
	case catalog.SourceUnreadable:
		if source.Name == "catalog folder" {
			return "could not be read, and never has been"
		}
		return "could not be read, so the published catalog stays"
	}
	return "read"
}

func printProblems(w io.Writer, report catalog.Report) {
	var texts []string
	for _, problem := range report.Problems {
		text := oneLine(problem.String())
		if problem.Warning {
			text = "warning: " + text
		}
		texts = append(texts, text)
	}
	heading := count(report.Errors(), "problem")
	if warnings := report.ProblemCount - report.Errors(); warnings > 0 {
		heading += ", " + count(warnings, "warning")
	}
	printFirst(w, heading, report.ProblemCount, texts)
}
