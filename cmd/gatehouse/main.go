// Command gatehouse is the one for people: it runs a whole portal on this machine, and
// sets one up on AWS.
package main

import (
	"context"
	"os"
	"os/signal"
	"syscall"

	"github.com/alecthomas/kong"

	"github.com/gatehouse-portal/gatehouse/app"
)

// processName is what this command calls itself in logs and errors.
const processName = "gatehouse"

type commands struct {
	Local   localCommand   `cmd:"" help:"Run a whole portal on this machine, with an AWS of its own."`
	Setup   setupCommand   `cmd:"" help:"Create the tables, queues, topic and KMS key in the AWS account."`
	Sweep   sweepCommand   `cmd:"" help:"Compare API Gateway and the views with the journal, and have differences mended."`
	DLQ     dlqCommand     `cmd:"" name:"dlq" help:"Look into dead letters and replay them."`
	Doctor  doctorCommand  `cmd:"" help:"Check that everything Gatehouse relies on is there and answers."`
	Version versionCommand `cmd:"" help:"Say which version this is."`
}

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	parsed := kong.Parse(&commands{},
		kong.Name(processName),
		kong.Description("Gatehouse, a developer portal for Amazon API Gateway."),
		kong.UsageOnError(),
		kong.BindTo(ctx, (*context.Context)(nil)),
	)
	if err := parsed.Run(); err != nil {
		os.Exit(app.Fail(processName, err))
	}
}

type versionCommand struct{}

// Run prints the version.
func (versionCommand) Run(k *kong.Context) error {
	_, err := k.Stdout.Write([]byte("gatehouse " + app.Version + "\n"))
	return err
}
