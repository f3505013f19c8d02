package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/gatehouse-portal/gatehouse/app"
	"github.com/gatehouse-portal/gatehouse/local"
)

type setupCommand struct {
	output
	DryRun      bool     `help:"Only print what would be created or repaired."`
	KeyUser     []string `help:"ARN of a role or user that may compute API keys with the KMS key. From then on nobody else may, so name the roles of the portal, the workers and the operators, and your own, all in one run." placeholder:"ARN"`
	Demo        bool     `help:"Add a user pool with two accounts, and an API with two plans."`
	DemoBackend string   `help:"URL that answers the demo API's requests; required with --demo." placeholder:"URL"`
}

func (c setupCommand) Validate() error {
	if c.Demo && c.DemoBackend == "" {
		return usageError("--demo needs --demo-backend: the URL that answers the demo API's requests")
	}
	for _, arn := range c.KeyUser {
		if parts := strings.Split(arn, ":"); len(parts) != 6 || parts[0] != "arn" || parts[2] != "iam" {
			return usageError(fmt.Sprintf("--key-user %q: want the ARN of a role or user, like arn:aws:iam::111122223333:role/gatehouse-worker", arn))
		}
	}
	return nil
}

func (c setupCommand) Run(ctx context.Context) error {
	p, err := process(ctx)
	if err != nil {
		return err
	}
	changes := []app.Change{}
	err = app.SetupWith(ctx, p.AWS, p.Config, app.SetupOptions{DryRun: c.DryRun, KeyUsers: c.KeyUser, Changed: func(change app.Change) {
		changes = append(changes, change)
		if !c.JSON {
			tellChange(os.Stdout, change, c.DryRun)
		}
	}})
	if failed := c.print(os.Stdout, map[string]any{"dry_run": c.DryRun, "changes": changes}, func(w io.Writer) {
		if err == nil && len(changes) == 0 {
			fmt.Fprintf(w, "Nothing to do: everything named %s-… exists and is as it must be.\n", p.Config.Prefix)
		}
	}); failed != nil {
		return failed
	}
	if err != nil || !c.Demo || c.DryRun {
		return err
	}
	demo, err := local.SetupDemo(ctx, p.AWS, p.Config, c.DemoBackend)
	if err != nil {
		return err
	}
	if !c.JSON {
		fmt.Printf("The demo is installed: user pool %s, client %s, API %s.\n", demo.PoolID, demo.ClientID, demo.API.APIID)
	}
	return nil
}

func tellChange(out io.Writer, change app.Change, dryRun bool) {
	did := "done"
	if dryRun {
		did = "would"
	}
	row(out, did, change.What+": "+change.Did)
}
