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
	"runtime"

	"github.com/gatehouse-portal/gatehouse/bench/program"
)

type settings struct {
	notices, people int
}

func main() {
	program.Main("bench/marketplace", program.WithAWS(run))
}

func run(ctx context.Context, args []string, stdout, stderr io.Writer) error {
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
	b, err := newBench(ctx, s)
	if err != nil {
		return err
	}
	defer b.close()
	if err := b.sell(ctx, tell); err != nil {
		return err
	}
	return b.measure(ctx, tell)
}
