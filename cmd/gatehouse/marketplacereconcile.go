package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"time"

	"github.com/gatehouse-portal/gatehouse/app"
	"github.com/gatehouse-portal/gatehouse/marketplace/metering"
	"github.com/gatehouse-portal/gatehouse/marketplace/reconcile"
	"github.com/gatehouse-portal/gatehouse/portal"
)

type marketplaceReconcileCommand struct{ output }

func (marketplaceReconcileCommand) Help() string {
	return "A worker compares the agreements at once. If AWS knows something about a purchase that the portal does not, the worker sends a notice of it to the portal's queue, as if AWS had sent it. That can give or end access."
}

func (c marketplaceReconcileCommand) Run(ctx context.Context) error {
	p, err := process(ctx)
	if err != nil {
		return err
	}
	desk, err := app.OpenDesk(p)
	if err != nil {
		return err
	}
	fmt.Fprintln(os.Stderr, "Asking a worker to compare the agreements of AWS Marketplace with the licences,\nand waiting until it has.")
	found, ran, err := app.ReconcileMarketplace(ctx, p, warnWaiting)
	if err != nil {
		return err
	}
	balances, err := desk.Balances(ctx)
	if err != nil {
		return err
	}
	return c.print(os.Stdout, reconciledJSONOf(found, ran, balances), func(w io.Writer) { printReconciled(w, found, ran, balances, time.Now()) })
}

func printReconciled(w io.Writer, found reconcile.Result, ran bool, balances []app.LicenceBalance, now time.Time) {
	switch {
	case !ran:
		fmt.Fprintln(w, "The workers do not compare agreements: set GATEHOUSE_MARKETPLACE_ACCOUNTS for them.")
	case found.Problem != "":
		fmt.Fprintln(w, wrap(found.Problem, width(w), 0))
	default:
		fmt.Fprintf(w, "Compared %s; sent %s for what the portal did not know.\n", count(found.Agreements, "agreement"), count(found.Sent, "notice"))
	}
	fmt.Fprintln(w)
	metered := 0
	for _, b := range balances {
		if b.ByGateway && b.Metered == 0 {
			fmt.Fprintf(w, "%s\n  API Gateway meters it, so the portal does not. It collected %s.\n\n", oneLine(string(b.Licence)), count(int(b.Collected), "request"))
			continue
		}
		metered++
		fmt.Fprintf(w, "%s\n  collected %d, metered %d, accepted %d, difference %d\n", oneLine(string(b.Licence)), b.Collected, b.Metered, b.Accepted, b.Difference())
		for _, r := range b.Reasons {
			fmt.Fprintf(w, "  %9d  %s\n", r.Quantity, r.Words)
		}
		fmt.Fprintln(w)
	}
	fmt.Fprintf(w, "%s metered by the portal.\n%s\n", count(metered, "licence"), nextMetering(now))
}

type reconciledJSON struct {
	// Agreements is null if the workers compare no agreements.
	Agreements *reconcile.Result `json:"agreements"`
	Licences   []balanceJSON     `json:"licences"`
}

type balanceJSON struct {
	Licence    portal.Stream `json:"licence"`
	ByGateway  bool          `json:"metered_by_api_gateway"`
	Collected  int64         `json:"collected"`
	Metered    int64         `json:"metered"`
	Accepted   int64         `json:"accepted"`
	Difference int64         `json:"difference"`
	Reasons    []reasonJSON  `json:"reasons"`
}

type reasonJSON struct {
	Cause    metering.Cause `json:"status"`
	Quantity int64          `json:"quantity"`
	Words    string         `json:"words"`
}

func reconciledJSONOf(found reconcile.Result, ran bool, balances []app.LicenceBalance) reconciledJSON {
	out := reconciledJSON{Licences: []balanceJSON{}}
	if ran {
		out.Agreements = &found
	}
	for _, b := range balances {
		one := balanceJSON{Licence: b.Licence, ByGateway: b.ByGateway, Collected: b.Collected, Metered: b.Metered, Accepted: b.Accepted, Difference: b.Difference(), Reasons: []reasonJSON{}}
		for _, r := range b.Reasons {
			one.Reasons = append(one.Reasons, reasonJSON(r))
		}
		out.Licences = append(out.Licences, one)
	}
	return out
}
