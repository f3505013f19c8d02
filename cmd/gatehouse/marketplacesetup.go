package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/gatehouse-portal/gatehouse/app"
	"github.com/gatehouse-portal/gatehouse/portal"
)

// dryRun makes commands only print what they would change, which is the default.
type dryRun struct {
	DryRun bool `xor:"yes" help:"Only print what would change. This is the default."`
	Yes    bool `xor:"yes" help:"Make the changes."`
}

func (d dryRun) options(o output) app.MarketplaceOptions {
	return app.MarketplaceOptions{Yes: d.Yes, Changed: func(change app.Change) {
		if !o.JSON {
			tellChange(os.Stdout, change, !d.Yes)
		}
	}}
}

type marketplaceSetupCommand struct {
	output
	dryRun
}

func (marketplaceSetupCommand) Help() string {
	return "A usage plan whose listing says \"meter: api-gateway\" gets the listing's product code. AWS allows one such change in 20 seconds, so many plans take a while; the command can be repeated. A plan that the portal meters must have no product code; the command says how to remove it. The catalog counts as workers last read it: run `gatehouse catalog sync` after changing it."
}

func (c marketplaceSetupCommand) Run(ctx context.Context) error {
	p, err := process(ctx)
	if err != nil {
		return err
	}
	result, err := app.SetupMarketplace(ctx, p, c.options(c.output))
	if len(result.Console) == 0 && err != nil {
		return err
	}
	if failed := c.print(os.Stdout, struct {
		DryRun bool `json:"dry_run"`
		app.MarketplaceSetup
	}{!c.Yes, result}, func(w io.Writer) { printMarketplaceSetup(w, result, c.Yes) }); failed != nil {
		return failed
	}
	if err != nil {
		return err
	}
	return result.Err()
}

func printMarketplaceSetup(w io.Writer, result app.MarketplaceSetup, yes bool) {
	printResult(w, result.MarketplaceResult, yes)
	paragraph(w, "In the AWS Marketplace Management Portal, each listing needs:")
	for _, a := range result.Console {
		fmt.Fprintf(w, "\n  product code     %s (%s)\n  fulfillment URL  %s\n", oneLine(string(a.Product)), oneLine(strings.Join(a.Plans, ", ")), oneLine(a.URL))
		if a.Dimension != "" {
			fmt.Fprintf(w, "  dimension        %s, in requests\n", oneLine(a.Dimension))
		}
	}
	if role := result.MeteringRole; role != nil {
		paragraph(w, "API Gateway meters with a role in its own AWS account. Create it once, with this trust policy and this policy:")
		fmt.Fprintf(w, "\n  name    %s\n\n  trust   %s\n\n  policy  %s\n", role.Name, role.Trust, role.Policy)
	}
}

type marketplaceSubscribeCommand struct {
	output
	dryRun
	Product      string `required:"" placeholder:"CODE" help:"The product code of the listing."`
	Notices      string `enum:"sns,eventbridge," default:"" placeholder:"KIND" help:"How AWS announces the purchases: sns for older listings with topics, eventbridge for those made since June 2026. Without it, product.yaml says."`
	TopicAccount string `placeholder:"ACCOUNT" help:"The AWS account that owns the topics, if it is not the usual one. AWS's e-mail about the listing has the topics' ARNs."`
	Queue        string `placeholder:"ARN" help:"Another queue than that of this installation. The command then prints the policy that the queue needs."`
}

func (marketplaceSubscribeCommand) Help() string {
	return "The command acts as the role of GATEHOUSE_MARKETPLACE_ROLE_ARN in the seller's AWS account, since AWS lets nobody else subscribe. It may be repeated."
}

func (c marketplaceSubscribeCommand) Run(ctx context.Context) error {
	p, err := process(ctx)
	if err != nil {
		return err
	}
	to := app.Subscription{Product: portal.ProductCode(c.Product), Notices: c.Notices, TopicAccount: portal.AWSAccount(c.TopicAccount), Queue: c.Queue}
	result, err := app.SubscribeMarketplace(ctx, p, to, c.options(c.output))
	if len(result.Settings) == 0 && err != nil {
		return err
	}
	if failed := c.print(os.Stdout, struct {
		DryRun bool `json:"dry_run"`
		app.MarketplaceSubscription
	}{!c.Yes, result}, func(w io.Writer) { printSubscription(w, result, c.Yes) }); failed != nil {
		return failed
	}
	if err != nil {
		return err
	}
	return result.Err()
}

func printSubscription(w io.Writer, result app.MarketplaceSubscription, yes bool) {
	printResult(w, result.MarketplaceResult, yes)
	if result.QueuePolicy != "" {
		paragraph(w, "The queue belongs to another AWS account or installation. Its owner has to give it this access policy:")
		fmt.Fprintf(w, "\n  %s\n", result.QueuePolicy)
	}
	switch {
	case result.Missing:
		paragraph(w, "Portal and workers need these variables. Set them, run `gatehouse setup`, and restart both:")
	default:
		paragraph(w, "Portal and workers need these variables, which this command has, too:")
	}
	fmt.Fprintln(w)
	for _, setting := range result.Settings {
		fmt.Fprintf(w, "  %s\n", setting)
	}
	paragraph(w, "Then `gatehouse marketplace doctor --send` shows whether notices arrive.")
}

// printResult prints what is right and what is left. The changes were printed as they were made.
func printResult(w io.Writer, result app.MarketplaceResult, yes bool) {
	for _, right := range result.Right {
		text := right.What
		if right.Note != "" {
			text += ": " + right.Note
		}
		row(w, "ok", oneLine(text))
	}
	for _, left := range result.Left {
		row(w, "LEFT", oneLine(left.What+": "+left.Problem))
		advise(w, left.Advice)
	}
	if len(result.Changes) > 0 && !yes {
		paragraph(w, "Nothing was changed. Add --yes to make these changes.")
	}
}

// paragraph is a text after an empty line.
func paragraph(w io.Writer, text string) { fmt.Fprintf(w, "\n%s\n", wrap(text, width(w), 0)) }
