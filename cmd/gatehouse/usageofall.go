package main

import (
	"cmp"
	"context"
	"fmt"
	"io"
	"os"
	"time"

	"github.com/gatehouse-portal/gatehouse/app"
	"github.com/gatehouse-portal/gatehouse/portal"
	"github.com/gatehouse-portal/gatehouse/usage"
)

type usageCommand struct {
	output
	Start string `help:"The first day (UTC). By default, the period is the 30 days that end with --end." placeholder:"YYYY-MM-DD"`
	End   string `help:"The last day (UTC). Without it, today." placeholder:"YYYY-MM-DD"`
	CSV   bool   `name:"csv" help:"Print the days of all accounts, plans and keys as CSV, instead of sums."`
}

// Validate checks the command line.
func (c usageCommand) Validate() error {
	if c.CSV && c.JSON {
		return usageError("--csv and --json can't be used together")
	}
	if _, err := usage.ParseDays(c.Start, c.End, time.Now()); err != nil {
		return usageError(app.Explain(err))
	}
	return nil
}

type usageJSON struct {
	Start    string           `json:"start"`
	End      string           `json:"end"`
	Used     int64            `json:"used"`
	Accounts int              `json:"accounts"`
	Active   int              `json:"active_accounts"`
	Top      []topAccountJSON `json:"top_accounts"`
	Plans    []topPlanJSON    `json:"plans"`
	Days     map[string]int64 `json:"days"`
}

type topAccountJSON struct {
	Account portal.AccountID `json:"account"`
	Name    string           `json:"name,omitempty"`
	Email   string           `json:"email,omitempty"`
	Used    int64            `json:"used"`
}

type topPlanJSON struct {
	Plan     portal.PlanID `json:"plan"`
	Name     string        `json:"name,omitempty"`
	Used     int64         `json:"used"`
	Accounts int           `json:"accounts"`
}

// Run sums up the usage of all accounts, or prints it as CSV.
func (c usageCommand) Run(ctx context.Context) error {
	q, err := usage.ParseDays(c.Start, c.End, time.Now())
	if err != nil {
		return err
	}
	desk, err := openDesk(ctx)
	if err != nil {
		return err
	}
	if c.CSV {
		return desk.WriteUsageOfAll(ctx, q, os.Stdout)
	}
	sum, err := desk.UsageOfAll(ctx, q)
	if err != nil {
		return err
	}
	shown := usageJSONOf(sum)
	return c.print(os.Stdout, shown, func(w io.Writer) { printUsage(w, shown) })
}

func usageJSONOf(sum app.SummedUsage) usageJSON {
	shown := usageJSON{
		Start: sum.First.Format(time.DateOnly), End: sum.Last.Format(time.DateOnly), Used: sum.Used, Accounts: sum.Accounts, Active: sum.Active,
		Top: []topAccountJSON{}, Plans: []topPlanJSON{}, Days: sum.Days,
	}
	for _, one := range sum.Top {
		person := sum.People[one.Account]
		shown.Top = append(shown.Top, topAccountJSON{one.Account, person.Name, person.Email, one.Used})
	}
	for _, plan := range sum.Ranked() {
		shown.Plans = append(shown.Plans, topPlanJSON{plan.Plan, sum.Names[plan.Plan], plan.Used, plan.Accounts})
	}
	return shown
}

func printUsage(w io.Writer, u usageJSON) {
	pairs(w, [2]string{"days", u.Start + " to " + u.End + " (UTC)"}, [2]string{"requests", fmt.Sprint(u.Used)}, [2]string{"accounts", fmt.Sprintf("%d of %d made requests", u.Active, u.Accounts)})
	var rows [][]string
	for _, one := range u.Top {
		rows = append(rows, []string{oneLine(string(one.Account)), oneLine(cmp.Or(one.Name, one.Email)), fmt.Sprint(one.Used)})
	}
	section(w, "accounts with the most requests", []string{"ACCOUNT", "NAME", "REQUESTS"}, rows)
	rows = nil
	for _, one := range u.Plans {
		rows = append(rows, []string{oneLine(string(one.Plan)), oneLine(one.Name), fmt.Sprint(one.Used), fmt.Sprint(one.Accounts)})
	}
	section(w, "plans with requests", []string{"PLAN", "NAME", "REQUESTS", "ACCOUNTS"}, rows)
}
