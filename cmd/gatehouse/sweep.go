package main

import (
	"context"
	"fmt"
	"io"
	"os"

	"github.com/gatehouse-portal/gatehouse/app"
)

type sweepCommand struct{ output }

// Run sweeps once and says what was found.
func (c sweepCommand) Run(ctx context.Context) error {
	p, err := process(ctx)
	if err != nil {
		return err
	}
	found, err := app.Sweep(ctx, p)
	if err != nil {
		return err
	}
	return c.print(os.Stdout, found, func(w io.Writer) {
		fmt.Fprintf(w, "Compared %d streams: %d with something open, %d that differ in API Gateway,\n%d not fully shown.\n",
			found.Streams, found.Open, found.Drifted, found.Unshown)
		if found.Unreadable > 0 {
			fmt.Fprintf(w, "%d cannot be read; the workers' log names them.\n", found.Unreadable)
		}
		if found.Strays > 0 {
			fmt.Fprintf(w, "%d keys in API Gateway have names of Gatehouse's and are not; the workers' log\nnames them.\n", found.Strays)
		}
		if found.Open+found.Drifted+found.Unshown > 0 {
			fmt.Fprintln(w, "Workers have been woken for them.")
		}
	})
}
