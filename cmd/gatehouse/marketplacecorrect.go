package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/gatehouse-portal/gatehouse/administration"
	"github.com/gatehouse-portal/gatehouse/app"
	"github.com/gatehouse-portal/gatehouse/events"
	"github.com/gatehouse-portal/gatehouse/portal"
)

type marketplaceCorrectCommand struct {
	output
	dryRun
	Licence  string `arg:"" help:"The licence: licence/<id>, the id alone (l-…), or legacy/<product code>/<customer identifier>."`
	ARN      string `name:"arn" placeholder:"ARN" help:"The licence's ARN as AWS writes it."`
	Buyer    string `placeholder:"ACCOUNT" help:"The AWS account of the buyer."`
	Product  string `placeholder:"CODE" help:"The product code of the listing."`
	Customer string `placeholder:"ID" help:"The customer identifier, for an older listing."`
}

func (marketplaceCorrectCommand) Help() string {
	return "Metering uses the new names from the next record on. The account keeps the licence and its access. Without ARN, buyer, product or customer, the command prints the names that the portal has, and asks AWS which licences the agreements of the purchase grant. Afterwards, `gatehouse marketplace resend LICENCE` bills what AWS has refused and still takes."
}

func (c marketplaceCorrectCommand) names() events.Purchase {
	return events.Purchase{
		Product: portal.ProductCode(strings.TrimSpace(c.Product)), Buyer: portal.AWSAccount(strings.TrimSpace(c.Buyer)),
		Customer: strings.TrimSpace(c.Customer), ARN: strings.TrimSpace(c.ARN),
	}
}

func (c marketplaceCorrectCommand) Run(ctx context.Context) error {
	p, err := process(ctx)
	if err != nil {
		return err
	}
	desk, err := app.OpenDesk(p)
	if err != nil {
		return err
	}
	if c.names() == (events.Purchase{}) {
		return c.tell(ctx, p, desk)
	}
	correction, err := desk.Correction(ctx, c.Licence, c.names())
	if err != nil {
		return err
	}
	if c.Yes && correction.Changes() {
		if err := app.CorrectLicence(ctx, p, correction, c.names()); err != nil {
			return err
		}
	}
	return c.print(os.Stdout, correctionJSON{correction.Licence, !c.Yes, correction.Changes(), correction.Before, correction.After}, func(w io.Writer) { printCorrection(w, correction, c.Yes) })
}

// tell prints what the portal and AWS have.
func (c marketplaceCorrectCommand) tell(ctx context.Context, p app.Process, desk *app.Desk) error {
	found, err := desk.Licence(ctx, c.Licence)
	if err != nil {
		return err
	}
	granted, err := app.GrantedLicences(ctx, p, found.Purchase)
	if err != nil {
		return err
	}
	list := []grantedJSON{}
	for _, g := range granted {
		list = append(list, grantedJSON(g))
	}
	return c.print(os.Stdout, map[string]any{"licence": found.Stream, "purchase": found.Purchase, "granted": list}, func(w io.Writer) {
		fmt.Fprintf(w, "%s\n", oneLine(string(found.Stream)))
		for _, text := range administration.NamesOf(found.Purchase) {
			fmt.Fprintf(w, "  %s\n", oneLine(text))
		}
		fmt.Fprintln(w, "\nLicences that AWS grants by the agreements of this purchase:")
		for _, g := range granted {
			fmt.Fprintf(w, "  %s  %s  (%s)\n", oneLine(g.ARN), oneLine(g.Status), oneLine(g.Agreement))
		}
		if len(granted) == 0 {
			fmt.Fprintln(w, "  none")
		}
	})
}

type grantedJSON struct {
	Agreement string `json:"agreement"`
	ARN       string `json:"arn"`
	Status    string `json:"status"`
}

type correctionJSON struct {
	Licence portal.Stream   `json:"licence"`
	DryRun  bool            `json:"dry_run"`
	Changes bool            `json:"changes"`
	Before  events.Purchase `json:"before"`
	After   events.Purchase `json:"after"`
}

func printCorrection(w io.Writer, c app.Correction, yes bool) {
	if !c.Changes() {
		fmt.Fprintf(w, "%s has these names already.\n", oneLine(string(c.Licence)))
		return
	}
	verb := "would correct"
	if yes {
		verb = "corrected"
	}
	fmt.Fprintf(w, "%s %s\n  from  %s\n  to    %s\n", verb, oneLine(string(c.Licence)), oneLine(strings.Join(administration.NamesOf(c.Before), ", ")), oneLine(strings.Join(administration.NamesOf(c.After), ", ")))
	if !yes {
		paragraph(w, "Nothing was changed. Run the command with --yes to make the correction.")
		return
	}
	paragraph(w, "The next record of usage has these names. To bill what AWS has refused and still takes: "+processName+" marketplace resend "+oneLine(string(c.Licence)))
}
