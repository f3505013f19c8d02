// Command bench compares Gatehouse's transport with stock watermill-aws in one run,
// on this machine, against a local AWS in a process of its own: how many requests a
// message costs, how many messages are published and consumed a second, what they
// allocate, and whether groups keep their order.
//
// Each request is delayed by what a request to AWS takes; without that, a request
// would seem to cost nothing. It is a comparison, not a promise: AWS has no more
// than that in common with a local AWS on a busy machine.
//
// With -account it compares what subscribing and leaving costs an account with a long
// history and one with a short one.
package main

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"syscall"
	"time"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	err := run(ctx, os.Args[1:], os.Stdin, os.Stdout, os.Stderr)
	stop()
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func run(ctx context.Context, args []string, stdin io.Reader, stdout, stderr io.Writer) error {
	flags := flag.NewFlagSet("bench", flag.ContinueOnError)
	flags.SetOutput(stderr)
	asJSON := flags.Bool("json", false, "write JSON instead of a table")
	var s settings
	flags.DurationVar(&s.latency, "latency", 10*time.Millisecond, "`delay` of each request")
	flags.DurationVar(&s.handler, "handler", 20*time.Millisecond, "`time` that handling a message takes")
	flags.DurationVar(&s.window, "window", 6*time.Second, "longest `time` to consume from one queue")
	flags.IntVar(&s.scale, "scale", 100, "`percent` of the usual number of messages")
	account := flags.Bool("account", false, "instead of the transport: compare what an account costs that has a long history with one that has a short one")
	serve := flags.Bool("serve", false, "be the local AWS: write its address and serve until standard input ends")
	switch err := flags.Parse(args); {
	case errors.Is(err, flag.ErrHelp):
		return nil
	case err != nil:
		return err
	}
	if *serve {
		return serveLocalAWS(stdin, stdout)
	}
	if *account {
		return compareAccounts(ctx, stdout)
	}
	report, err := compare(ctx, s, func(line string) { fmt.Fprintln(stderr, line) })
	if err != nil {
		return err
	}
	if *asJSON {
		out := json.NewEncoder(stdout)
		out.SetIndent("", "  ")
		return out.Encode(report)
	}
	return report.write(stdout)
}
