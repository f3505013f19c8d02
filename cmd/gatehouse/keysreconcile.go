package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"

	"github.com/gatehouse-portal/gatehouse/app"
	"github.com/gatehouse-portal/gatehouse/provisioning"
)

type keysReconcileCommand struct {
	output
	dryRun
	Kind       []string `placeholder:"KIND" help:"Only differences of this kind; may be repeated. Kinds are in the table's first column."`
	Key        []string `placeholder:"ID" help:"Only this key, by its id in the portal or in API Gateway; may be repeated."`
	Values     bool     `help:"Compare the keys' values, too. This takes a call of KMS for each key."`
	EvenIfMany bool     `help:"Make the changes even if they are for more than 5 % of the keys."`
}

func (keysReconcileCommand) Help() string {
	return `The command compares the API keys in API Gateway, and their plans, with the journal. Without --yes it only prints what differs. With --yes it wakes the workers, which repair what they repair hourly anyway, and it deletes strays: keys that Gatehouse has made and that the journal does not know under their names. Keys that other people have made are counted and left alone.

A key with another value than the portal shows is replaced only with --kind key_value, because programs that use the other value stop working. To look for such keys, add --values.

The calls stay within the budget that all processes share. You can interrupt the command and run it again.`
}

func (c keysReconcileCommand) Validate() error {
	for _, kind := range c.Kind {
		if !slices.Contains(provisioning.Kinds(), provisioning.Kind(kind)) {
			return usageError(fmt.Sprintf("--kind %s: there is no such kind; want one of %s", kind, kindNames()))
		}
	}
	if slices.Contains(c.Kind, string(provisioning.KeyValue)) && !c.Values {
		return usageError("--kind key_value needs --values, since only that compares values")
	}
	return nil
}

func kindNames() string {
	var names []string
	for _, kind := range provisioning.Kinds() {
		names = append(names, string(kind))
	}
	return strings.Join(names, ", ")
}

type driftJSON struct {
	DryRun bool `json:"dry_run"`
	provisioning.Drift
	Selected int                  `json:"selected"`
	Mended   *provisioning.Mended `json:"mended,omitempty"`
}

func (c keysReconcileCommand) Run(ctx context.Context) error {
	p, err := process(ctx)
	if err != nil {
		return err
	}
	r, err := app.OpenReconciliation(p)
	if err != nil {
		return err
	}
	bar := newProgressBar(os.Stderr, "", 0)
	drift, err := r.Look(ctx, c.Values, func(at provisioning.LookProgress) { bar.begin(at.Phase, 0); bar.tell(at.Done) })
	bar.end()
	if err != nil {
		return err
	}
	kinds := make([]provisioning.Kind, len(c.Kind))
	for i, kind := range c.Kind {
		kinds[i] = provisioning.Kind(kind)
	}
	some := drift.Selected(kinds, c.Key)
	if !c.JSON {
		printDrift(os.Stdout, drift, some)
	}
	result := driftJSON{DryRun: !c.Yes, Drift: drift, Selected: len(some)}
	if c.Yes && len(some) > 0 {
		if err := c.plausible(ctx, drift, some); err != nil {
			return err
		}
		mended, failed := r.Mend(ctx, some, func(done, total int) { bar.begin("mended", total); bar.tell(done) })
		bar.end()
		result.Mended, err = &mended, failed
	}
	printed := c.print(os.Stdout, result, func(w io.Writer) { printMended(w, result) })
	return errors.Join(err, printed)
}

func (c keysReconcileCommand) plausible(ctx context.Context, drift provisioning.Drift, some []provisioning.Finding) error {
	changes := provisioning.Changes(some)
	if c.EvenIfMany || !drift.Implausible(changes) {
		return nil
	}
	many := fmt.Sprintf("%s would be changed, which is %s of all keys. So many differences may mean that the journal is old, or that this is another AWS account.", count(changes, "key"), drift.Share(changes))
	yes, err := newQuestions().typed(ctx, wrap(many, width(os.Stderr), 0)+"\nType yes to go on", "yes")
	if err == nil && !yes {
		err = errors.New(many + " Nothing was changed. If all of this is right, add --even-if-many")
	}
	return err
}

func printDrift(w io.Writer, drift provisioning.Drift, some []provisioning.Finding) {
	fmt.Fprintf(w, "Compared %s in API Gateway with %s.\n%s of other people left alone.\n",
		count(drift.Keys, "key"), count(drift.Streams, "stream"), count(drift.Others, "key"))
	if drift.Recent > 0 {
		fmt.Fprintf(w, "%s changed just now and may differ only because of that.\n", count(drift.Recent, "account"))
	}
	if drift.Unreadable > 0 {
		fmt.Fprintf(w, "%s cannot be read, so their keys were not compared.\n", count(drift.Unreadable, "stream"))
	}
	if len(drift.Findings) == 0 {
		fmt.Fprintln(w, "Nothing differs.")
		return
	}
	selected := map[provisioning.Finding]bool{}
	for _, f := range some {
		selected[f] = true
	}
	rows := make([][]string, 0, len(drift.Findings))
	for _, f := range drift.Findings {
		if !selected[f] && f.Mending != provisioning.Leave {
			continue
		}
		rows = append(rows, []string{
			string(f.Kind), string(f.Mending), oneLine(string(f.Account)), oneLine(string(f.Key)), oneLine(string(f.GatewayID)), oneLine(string(f.Plan)),
		})
	}
	fmt.Fprintln(w)
	table(w, "", []string{"KIND", "MENDING", "ACCOUNT", "KEY", "API GATEWAY", "PLAN"}, rows)
	if hidden := len(drift.Findings) - len(rows); hidden > 0 {
		fmt.Fprintf(w, "%s not selected.\n", count(hidden, "other difference"))
	}
}

func printMended(w io.Writer, result driftJSON) {
	switch mended := result.Mended; {
	case mended != nil:
		fmt.Fprintf(w, "\nWoke the workers for %s, and deleted %s. Workers repair within minutes, and all\ndifferences of those accounts: run this again to see what is left.\n", count(mended.Woken, "account"), count(mended.Deleted, "key"))
		for _, left := range mended.Left {
			fmt.Fprintf(w, "  %s is left alone: %s\n", left.GatewayID, oneLine(left.Because))
		}
	case result.Selected > 0:
		fmt.Fprintln(w, "\nNothing was changed. Add --yes to repair these differences.")
	}
}
