package main

import (
	"context"
	"errors"
	"fmt"

	"github.com/gatehouse-portal/gatehouse/app"
)

type setupCommand struct {
	Demo        bool   `help:"Add a user pool with two accounts, and an API with two plans."`
	DemoBackend string `help:"URL that answers the demo API's requests; required with --demo." placeholder:"URL"`
}

// Run sets up; running it again changes nothing that is there.
func (c setupCommand) Run(ctx context.Context) error {
	if c.Demo && c.DemoBackend == "" {
		return errors.New("--demo needs --demo-backend: the URL that answers the demo API's requests")
	}
	p, err := app.NewProcess(ctx, processName)
	if err != nil {
		return err
	}
	if err := app.Setup(ctx, p.AWS, p.Config); err != nil {
		return err
	}
	fmt.Printf("Tables, queues, topic and KMS key are there, named %s-….\n", p.Config.Prefix)
	if !c.Demo {
		return nil
	}
	demo, err := app.SetupDemo(ctx, p.AWS, p.Config, c.DemoBackend)
	if err != nil {
		return err
	}
	fmt.Printf("The demo is there: user pool %s, client %s, API %s.\n", demo.PoolID, demo.ClientID, demo.API.APIID)
	return nil
}
