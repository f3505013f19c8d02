// Operators measures what the operators' commands cost in a large installation: dead letters of seven
// causes among many accounts, and views of many facts that are rebuilt and compared with the journal.
// The local AWS, a worker and each command are processes of their own.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"runtime"
	"time"

	"github.com/gatehouse-portal/gatehouse/bench/program"
)

type settings struct {
	accounts, letters, facts, rate int
	views                          bool
}

func main() {
	program.Main("bench/operators", program.WithAWS(run))
}

func run(ctx context.Context, args []string, stdout, stderr io.Writer) error {
	flags := flag.NewFlagSet("operators", flag.ContinueOnError)
	flags.SetOutput(stderr)
	var s settings
	flags.IntVar(&s.accounts, "accounts", 10_000, "how many accounts there are")
	flags.IntVar(&s.letters, "letters", 5_000, "how many dead letters there are, at most one of an account")
	flags.IntVar(&s.rate, "rate", 100, "how many letters are replayed in a second, at most 100")
	flags.BoolVar(&s.views, "views", false, "instead of dead letters: rebuild the views and compare them with the journal")
	flags.IntVar(&s.facts, "facts", 100_000, "with -views: how many facts there are, the same number of each account")
	if err := flags.Parse(args); err != nil {
		return err
	}
	if s.letters > s.accounts || s.accounts < 1 || s.facts < s.accounts || s.rate < 1 || s.rate > 100 {
		return errors.New("want 1 <= letters <= accounts <= facts, and 1 <= rate <= 100")
	}
	b, err := build(ctx, s)
	if err != nil {
		return err
	}
	defer b.close()
	_, _ = fmt.Fprintf(stdout, "machine    %d cores, %s/%s, %s\n", runtime.NumCPU(), runtime.GOOS, runtime.GOARCH, runtime.Version())
	if s.views {
		return b.measureViews(ctx, stdout)
	}
	return b.measureLetters(ctx, stdout)
}

// said is what a command did.
type said struct {
	stdout string
	took   time.Duration
	memory int64 // the most that it had, in bytes
}
