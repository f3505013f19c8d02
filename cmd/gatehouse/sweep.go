package main

import (
	"context"
	"fmt"

	"github.com/gatehouse-portal/gatehouse/app"
)

type sweepCommand struct{}

// Run sweeps once and says what was found.
func (sweepCommand) Run(ctx context.Context) error {
	p, err := app.NewProcess(ctx, processName)
	if err != nil {
		return err
	}
	found, err := app.Sweep(ctx, p)
	if err != nil {
		return err
	}
	fmt.Printf("Compared %d streams: %d with something open, %d that differ in API Gateway, %d not fully shown.\n",
		found.Streams, found.Open, found.Drifted, found.Unshown)
	if found.Open+found.Drifted+found.Unshown > 0 {
		fmt.Println("Workers have been woken for them.")
	}
	return nil
}
