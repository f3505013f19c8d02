package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"

	"github.com/gatehouse-portal/gatehouse/app"
)

type keysPurgeCommand struct {
	output
	dryRun
	Confirm       string `placeholder:"PREFIX" help:"The installation's prefix (GATEHOUSE_PREFIX), instead of typing it."`
	WorkersMayRun bool   `help:"Delete although workers seem to run. They make the keys again."`
}

func (keysPurgeCommand) Help() string {
	return `Only for uninstalling: the command deletes every API key in API Gateway that this installation has made, at most five a second and within the budget. It knows them by their names and descriptions. Keys that other people have made stay. Without --yes it only counts.

Stop all workers first. They make deleted keys again, with the same values. The command refuses if a worker has worked on a job within the last three minutes. You can interrupt it and run it again.`
}

type purgedJSON struct {
	DryRun  bool `json:"dry_run"`
	Ours    int  `json:"keys"`
	Named   int  `json:"left_with_such_a_name"`
	Others  int  `json:"left"`
	Deleted int  `json:"deleted"`
}

func (c keysPurgeCommand) Run(ctx context.Context) error {
	p, err := process(ctx)
	if err != nil {
		return err
	}
	if c.Confirm != "" && c.Confirm != p.Config.Prefix {
		return usageError(fmt.Sprintf("--confirm %s: the installation's prefix is %s", c.Confirm, p.Config.Prefix))
	}
	purge, err := app.OpenKeyPurge(p)
	if err != nil {
		return err
	}
	all, err := purge.List(ctx)
	if err != nil {
		return err
	}
	result := purgedJSON{DryRun: !c.Yes, Ours: len(all.Ours), Named: all.Named, Others: all.Others}
	if c.Yes && len(all.Ours) > 0 {
		if !c.WorkersMayRun {
			if err := purge.WorkersStopped(ctx); err != nil {
				return err
			}
		}
		if err := c.confirm(ctx, p.Config.Prefix, len(all.Ours)); err != nil {
			return err
		}
		bar := newProgressBar(os.Stderr, "", 0)
		result.Deleted, err = purge.Purge(ctx, func(done, total int) { bar.begin("deleted", total); bar.tell(done) })
		bar.end()
	}
	printed := c.print(os.Stdout, result, func(w io.Writer) { printPurged(w, result) })
	return errors.Join(err, printed)
}

func (c keysPurgeCommand) confirm(ctx context.Context, prefix string, keys int) error {
	if c.Confirm == prefix {
		return nil
	}
	yes, err := newQuestions().typed(ctx, fmt.Sprintf("%s will stop working at once. The programs of your users that use them get 403.\nType %s to go on", count(keys, "key"), prefix), prefix)
	if err == nil && !yes {
		err = fmt.Errorf("nothing was deleted: type the installation's prefix, or give --confirm %s", prefix)
	}
	return err
}

func printPurged(w io.Writer, result purgedJSON) {
	if result.DryRun {
		fmt.Fprintf(w, "This installation has made %s in API Gateway.\n", count(result.Ours, "key"))
	} else {
		fmt.Fprintf(w, "Deleted %s of %d.\n", count(result.Deleted, "key"), max(result.Ours, result.Deleted))
	}
	if result.Named > 0 {
		fmt.Fprintf(w, "%s with such a name, made by somebody else, left alone.\n", count(result.Named, "key"))
	}
	fmt.Fprintf(w, "%s of other people left alone.\n", count(result.Others, "key"))
	if result.DryRun && result.Ours > 0 {
		fmt.Fprintln(w, "Nothing was deleted. Stop all workers, then add --yes.")
	}
}
