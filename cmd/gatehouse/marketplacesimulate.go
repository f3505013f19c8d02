package main

import (
	"context"
	"fmt"
	"io"
	"maps"
	"os"
	"slices"

	"github.com/gatehouse-portal/gatehouse/app"
	"github.com/gatehouse-portal/gatehouse/local/simulate"
)

type marketplaceSimulateCommand struct {
	output
	All   bool `xor:"step" help:"Play every sequence of purchases, claims, payments and notices without a browser, and check the access after each step."`
	Buyer bool `xor:"step" help:"Have a new buyer subscribe, and print how to go on."`
	Older bool `help:"With --buyer: buy from a listing whose notices come by SNS topics."`
	// Contract and the two below say what is bought.
	Contract  bool   `help:"With --buyer: buy a contract from a listing that sells two plans by contract dimensions, small and large."`
	Dimension string `placeholder:"NAME" help:"With --amend: the dimension to buy instead. Without it, the other one."`
	Quantity  int    `default:"1" help:"With --amend: how much of it."`

	Pay         string `xor:"step" placeholder:"AGREEMENT" help:"The payment succeeds."`
	FailPayment string `xor:"step" placeholder:"AGREEMENT" help:"The payment fails."`
	Cancel      string `xor:"step" placeholder:"AGREEMENT" help:"The buyer cancels."`
	End         string `xor:"step" placeholder:"AGREEMENT" help:"The agreement ends."`
	Deprovision string `xor:"step" placeholder:"AGREEMENT" help:"AWS takes the licence of an ended agreement away."`
	Amend       string `xor:"step" placeholder:"AGREEMENT" help:"The buyer changes what a contract buys."`
	Renew       string `xor:"step" placeholder:"AGREEMENT" help:"The buyer renews, and AWS makes another licence."`
	RenewSame   string `xor:"step" placeholder:"AGREEMENT" help:"The buyer renews, and AWS keeps the licence."`
	Resubscribe string `xor:"step" placeholder:"AGREEMENT" help:"The buyer who has cancelled buys again at once."`
}

func (marketplaceSimulateCommand) Help() string {
	return "This works with gatehouse local only, in a terminal with the variables that it prints. The accounts and purchases that it makes stay until gatehouse local --fresh."
}

func (c marketplaceSimulateCommand) step() (name, agreement string) {
	for _, one := range [][2]string{
		{"pay", c.Pay}, {"fail-payment", c.FailPayment}, {"cancel", c.Cancel}, {"end", c.End}, {"deprovision", c.Deprovision}, {"resubscribe", c.Resubscribe},
		{"renew", c.Renew}, {"renew-same", c.RenewSame},
	} {
		if one[1] != "" {
			return one[0], one[1]
		}
	}
	return "", ""
}

func (c marketplaceSimulateCommand) Run(ctx context.Context) error {
	name, agreement := c.step()
	switch {
	case c.Older && !c.Buyer:
		return usageError("--older needs --buyer")
	case c.Contract && !c.Buyer:
		return usageError("--contract needs --buyer")
	case (c.Dimension != "" || c.Quantity != 1) && c.Amend == "":
		return usageError("--dimension and --quantity need --amend")
	case !c.All && !c.Buyer && c.Amend == "" && name == "":
		return usageError("nothing to play: give --all, --buyer, or one step with the agreement that --buyer prints, such as --pay")
	}
	p, err := process(ctx)
	if err != nil {
		return err
	}
	sim, err := simulate.Open(ctx, p)
	if err != nil {
		return err
	}
	if c.All {
		return c.playAll(ctx, sim)
	}
	var bought simulate.Purchase
	switch {
	case c.Buyer:
		bought, err = sim.Buy(ctx, c.Older, c.Contract)
	case c.Amend != "":
		bought, err = sim.Amend(ctx, c.Amend, c.Dimension, c.Quantity)
	default:
		bought, err = sim.Take(ctx, name, agreement)
	}
	if err != nil {
		return app.InWords(err)
	}
	return c.print(os.Stdout, bought, func(w io.Writer) { printPurchase(w, bought) })
}

func (c marketplaceSimulateCommand) playAll(ctx context.Context, sim *simulate.Simulator) error {
	all := []simulate.Scenario{}
	failure := sim.All(ctx, func(one simulate.Scenario) {
		all = append(all, one)
		if !c.JSON {
			printScenario(os.Stdout, one)
		}
	})
	if c.JSON {
		if err := c.print(os.Stdout, map[string]any{"ok": failure == nil, "scenarios": all}, nil); err != nil {
			return err
		}
	}
	return app.InWords(failure)
}

var resultWords = map[string]string{
	simulate.Right: "ok", simulate.Differs: "DIFFERS", simulate.Broken: "FAILED", simulate.NotPlayed: "NOT PLAYED",
}

func printScenario(w io.Writer, one simulate.Scenario) {
	name := one.Name
	if one.Contract {
		name = "contract: " + name
	}
	fmt.Fprintf(w, "%-10s  %-11s  %s\n", resultWords[one.Result], one.Listing, name)
	if one.Note != "" {
		fmt.Fprintf(w, "            %s\n", wrap(oneLine(one.Note), width(w), 12))
	}
}

// printPurchase also prints the commands of the steps that are possible now.
func printPurchase(w io.Writer, p simulate.Purchase) {
	pairs(w, [2]string{"agreement", p.Agreement}, [2]string{"licence", p.Licence}, [2]string{"buyer", p.Buyer}, [2]string{"product", p.Product},
		[2]string{"status", statusOf(p)})
	for _, dimension := range slices.Sorted(maps.Keys(p.Bought)) {
		pairs(w, [2]string{"bought", fmt.Sprintf("%d of %s", p.Bought[dimension], dimension)})
	}
	fmt.Fprintf(w, "\nComing to the portal as the buyer, in a browser:\n  %s\n\nNext steps of the buyer and of AWS:\n", p.Arrival)
	for _, step := range nextSteps(p) {
		fmt.Fprintf(w, "  %s marketplace simulate --%s %s\n", processName, step, p.Agreement)
	}
	when := ""
	if waitsForPayment(p) {
		when = ", after the payment or the claim"
	}
	fmt.Fprintf(w, "\nWhat the portal knows%s:\n  %s marketplace show %s\n", when, processName, p.Licence)
}

func waitsForPayment(p simulate.Purchase) bool {
	return p.Status == "ACTIVE" && p.Entitlement == "PENDING"
}

// statusOf has AWS's words for the agreement and its entitlement.
func statusOf(p simulate.Purchase) string {
	status := fmt.Sprintf("agreement %s, entitlement %s", p.Status, p.Entitlement)
	switch {
	case waitsForPayment(p):
		status += ": AWS waits for the payment"
	case p.Status == "ACTIVE" && p.Entitlement == "PROVISIONED":
		status += ": the buyer has paid"
	}
	return status
}

func nextSteps(p simulate.Purchase) []string {
	switch {
	case waitsForPayment(p):
		return []string{"pay", "fail-payment"}
	case p.Status == "ACTIVE" && p.Cancelling:
		return []string{"end", "resubscribe"}
	case p.Status == "ACTIVE":
		steps := []string{"cancel", "end", "renew", "renew-same"}
		if len(p.Bought) > 0 {
			steps = append(steps, "amend")
		}
		return steps
	case !p.Older && p.Entitlement == "PROVISIONED":
		return []string{"deprovision", "resubscribe"}
	}
	return []string{"resubscribe"}
}
