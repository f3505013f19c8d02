// Marketplace measures one worker that gets thousands of notices of AWS Marketplace at once: how long it takes, the
// requests that it makes to each service of AWS, and whether other queues are served meanwhile. At the end it
// compares the journal with what AWS sent. The local AWS is a process of its own.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"runtime"
	"syscall"
)

type settings struct {
	notices, people int
}

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	err := run(ctx, os.Args[1:], os.Stdout, os.Stderr)
	switch {
	case errors.Is(err, flag.ErrHelp):
	case err != nil:
		fmt.Fprintln(os.Stderr, "bench/marketplace:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, args []string, stdout, stderr io.Writer) error {
	if len(args) == 2 && args[0] == "aws" {
		return serveAWS(ctx, args[1], stdout)
	}
	flags := flag.NewFlagSet("marketplace", flag.ContinueOnError)
	flags.SetOutput(stderr)
	var s settings
	flags.IntVar(&s.notices, "notices", 10_000, "how many notices wait when the worker starts, about")
	flags.IntVar(&s.people, "people", 20, "how many people sign up and subscribe meanwhile, and as many afterwards")
	if err := flags.Parse(args); err != nil {
		return err
	}
	if s.notices < 100 || s.people < 1 {
		return errors.New("want at least 100 notices and one person")
	}
	tell := func(format string, values ...any) { _, _ = fmt.Fprintf(stdout, format+"\n", values...) }
	tell("machine     %d cores, %s/%s, %s", runtime.NumCPU(), runtime.GOOS, runtime.GOARCH, runtime.Version())
	b, err := build(ctx, s)
	if err != nil {
		return err
	}
	defer b.close()
	if err := b.sell(ctx, tell); err != nil {
		return err
	}
	return b.measure(ctx, tell)
}
