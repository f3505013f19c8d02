// Command bench compares Gatehouse's transport with stock watermill-aws against a local AWS:
// requests for each message, messages a second, allocations, and whether groups keep their
// order. Each request is delayed like one to AWS.
//
// With -account it compares what subscribing and leaving costs an account with a long history
// and one with a short one.
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
	account := flags.Bool("account", false, "compare an account with a long history to one with a short history, instead of the transports")
	serve := flags.Bool("serve", false, "serve as the local AWS: print the address and serve until standard input ends")
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
