package main

import (
	"context"
	"fmt"
	"os"

	"github.com/gatehouse-portal/gatehouse/app"
	"github.com/gatehouse-portal/gatehouse/local"
)

type localCommand struct {
	Data          string `help:"Folder for all data." default:".gatehouse" type:"path"`
	Fresh         bool   `help:"Start over: delete all data. The catalog folder stays."`
	Port          int    `help:"Port of the portal." default:"8080"`
	AWSPort       int    `name:"aws-port" help:"Port of the local AWS." default:"4566"`
	OperatorsPort int    `help:"Port of health and metrics." default:"8081"`

	Fault     []string `help:"Make the local AWS fail, as in sqs.SendMessage:lost,rate=0.1 or dynamodb:latency=10ms-50ms, or a handler, as in handler.SubscribeRequested:panic. seed=N changes which calls fail. Can be repeated." placeholder:"RULE" sep:"none"`
	AWSQuotas bool     `name:"aws-quotas" help:"Enforce AWS's quotas on API Gateway's control plane."`
}

func (c localCommand) Validate() error {
	for flag, port := range map[string]int{"--port": c.Port, "--aws-port": c.AWSPort, "--operators-port": c.OperatorsPort} {
		if port < 0 || port > 65535 {
			return usageError(fmt.Sprintf("%s %d: a port must be 1 to 65535, or 0 for a free one", flag, port))
		}
	}
	return nil
}

func (c localCommand) Run(ctx context.Context) error {
	app.CollectSeldom()
	// The demo shows several keys, and notices changes by hand, unless the environment says otherwise: of two values the
	// last counts.
	cfg, err := app.LoadConfig(append([]string{"GATEHOUSE_KEYS_PER_RING=3", "GATEHOUSE_TRAIL=on"}, os.Environ()...))
	if err != nil {
		return err
	}
	p, err := app.Process{Config: cfg, Log: app.NewLog(cfg, "gatehouse"), Metrics: app.NewMetrics("gatehouse")}.WithTraces("local")
	if err != nil {
		return err
	}
	defer p.CloseTraces()
	return local.Run(ctx, p, local.Options{
		Dir: c.Data, Fresh: c.Fresh, Port: c.Port, AWSPort: c.AWSPort, OperatorsPort: c.OperatorsPort,
		Faults: c.Fault, AWSQuotas: c.AWSQuotas, Out: os.Stdout,
	})
}
