package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"time"

	"github.com/gatehouse-portal/gatehouse/app"
)

type marketplaceDoctorCommand struct {
	output
	Send bool `help:"Also send a test notice on each possible way, and wait up to 30 seconds until a worker has recorded it. It changes nothing else."`
}

func (c marketplaceDoctorCommand) Run(ctx context.Context) error {
	p, err := process(ctx)
	if err != nil {
		return err
	}
	patience := time.Duration(0)
	if c.Send {
		patience = app.TestTime
		fmt.Fprintln(os.Stderr, "Sending test notices; this takes up to half a minute.")
	}
	checks := app.ExamineMarketplace(ctx, p, patience)
	if err := c.print(os.Stdout, checksJSON(checks), func(w io.Writer) { report(w, checks) }); err != nil {
		return err
	}
	return marketplaceVerdict(checks)
}

// marketplaceVerdict does not count skipped checks: most are of what this installation does not use.
func marketplaceVerdict(checks []app.Check) error {
	wrong := 0
	for _, check := range checks {
		if check.Problem != "" {
			wrong++
		}
	}
	if wrong == 0 {
		return nil
	}
	return fmt.Errorf("%d of %d checks found a problem", wrong, len(checks))
}
