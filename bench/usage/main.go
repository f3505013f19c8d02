// Usage measures what a run of the job usage costs: calls of API Gateway's control plane, requests
// to DynamoDB, and the worker's CPU time. The local AWS is a process of its own. Calls take no
// token, to save time; the report says how long they take within the budget.
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
	plans, keys, plansPerKey, large int
}

func main() {
	program.Main("bench/usage", program.WithAWS(run))
}

func run(ctx context.Context, args []string, stdout, stderr io.Writer) error {
	flags := flag.NewFlagSet("usage", flag.ContinueOnError)
	flags.SetOutput(stderr)
	var s settings
	flags.IntVar(&s.plans, "plans", 300, "how many usage plans there are; AWS allows 300")
	flags.IntVar(&s.keys, "keys", 10_000, "how many keys there are; AWS allows 10,000")
	flags.IntVar(&s.plansPerKey, "plans-per-key", 3, "how many plans each key is in; AWS allows 10")
	flags.IntVar(&s.large, "large", 10, "how many plans share most keys; the others have one key each at least")
	if err := flags.Parse(args); err != nil {
		return err
	}
	if s.plansPerKey > s.large || s.large > s.plans || s.plans > s.keys || s.plansPerKey < 1 {
		return errors.New("want 1 <= plans-per-key <= large <= plans <= keys")
	}
	b, err := build(ctx, s)
	if err != nil {
		return err
	}
	defer b.close()
	_, _ = fmt.Fprintf(stdout, "machine    %d cores, %s/%s, %s\nmade of    %d plans, %d keys, each in %d plans\n\n%-34s%8s%10s%10s%10s%10s\n",
		runtime.NumCPU(), runtime.GOOS, runtime.GOARCH, runtime.Version(), s.plans, s.keys, s.plansPerKey,
		"run", "calls", "DynamoDB", "written", "CPU s", "took s")
	for _, name := range []string{"first, everything is new", "second, nothing has changed", "third, a tenth has changed"} {
		if name[0] == 't' {
			b.changeSome()
		}
		m, err := b.measure(ctx)
		if err != nil {
			return err
		}
		_, _ = fmt.Fprintf(stdout, "%-34s%8d%10d%10d%10.2f%10.1f\n", name, m.calls, m.requests, m.written, m.cpu.Seconds(), m.took.Seconds())
		if err := m.check(s); err != nil {
			return err
		}
		if name[0] == 's' {
			defer b.sayHowLong(stdout, m.calls)
		}
	}
	return nil
}

// sayHowLong works out the time within the budget: by default Gatehouse takes half of AWS's 10
// calls a second, and background calls leave half of that to others.
func (b *bench) sayHowLong(stdout io.Writer, calls int) {
	const perSecond = 10 * 0.5 * 0.5
	most := 1 + b.plans + 10*b.keys/500
	_, _ = fmt.Fprintf(stdout, "\nAt %g background calls a second, half of Gatehouse's default share, a run takes %s. If each key\nwere in 10 plans, a run would make at most %d calls, in %s.\n",
		perSecond, inMinutes(calls, perSecond), most, inMinutes(most, perSecond))
}

func inMinutes(calls int, perSecond float64) time.Duration {
	return time.Duration(float64(calls) / perSecond * float64(time.Second)).Round(time.Second)
}
