// Command reads measures how many reads one portal process answers, and at what cost: the catalog in two sizes, a
// product's page, a documentation page, and the dashboard with 1,000 to 100,000 accounts in the tables. The portal is a process of its own; the client and the local AWS share this one.
package main

import (
	"context"
	"flag"
	"fmt"
	"io"
	"runtime"
	"time"

	"github.com/gatehouse-portal/gatehouse/bench/program"
)

type settings struct {
	duration time.Duration
	source   string
}

func main() {
	program.Main("bench/reads", run)
}

func run(ctx context.Context, args []string, stdout, stderr io.Writer) error {
	flags := flag.NewFlagSet("reads", flag.ContinueOnError)
	flags.SetOutput(stderr)
	var s settings
	flags.DurationVar(&s.duration, "duration", 3*time.Second, "how long to send each kind of request")
	flags.StringVar(&s.source, "source", "", "build the portal from this checkout instead of this one, to compare another version")
	if err := flags.Parse(args); err != nil {
		return err
	}
	site, err := start(ctx, s)
	if err != nil {
		return err
	}
	defer site.close()
	_, _ = fmt.Fprintf(stdout, "machine  %d cores, %s/%s, %s; the client, the portal and the local AWS share them\n\n%-26s%6s%8s%10s%9s%9s%11s%11s%10s\n",
		runtime.NumCPU(), runtime.GOOS, runtime.GOARCH, runtime.Version(),
		"read", "conns", "status", "per sec", "p50 ms", "p99 ms", "CPU µs", "bytes sent", "DynamoDB")
	all := map[string]measured{}
	show := func(r read) error {
		for _, connections := range []int{1, 16} {
			m, err := site.measure(ctx, r, connections, s.duration)
			if err != nil {
				return err
			}
			_, _ = fmt.Fprintf(stdout, "%-26s%6d%8d%10.0f%9.2f%9.2f%11.1f%11d%10.4f\n", r.name, connections, m.status, m.perSecond,
				milliseconds(m.median), milliseconds(m.p99), float64(m.cpu)/float64(time.Microsecond), m.bytes, m.dynamoDB)
			all[fmt.Sprint(r.name, " ", connections)] = m
		}
		return nil
	}
	for _, size := range []int{31 << 10, 518 << 10} {
		if err := site.publish(ctx, size); err != nil {
			return err
		}
		for _, r := range site.reads(size) {
			if err := show(r); err != nil {
				return err
			}
		}
	}
	before := 1
	for _, n := range accountCounts {
		if err := site.grow(ctx, site.names, before, n); err != nil {
			return err
		}
		before = n
		if err := show(site.dashboard(dashboardOf(n))); err != nil {
			return err
		}
	}
	return printGoals(stdout, goals(all))
}

// accountCounts are the numbers of accounts for the dashboard.
var accountCounts = []int{1_000, 10_000, 100_000}

func dashboardOf(accounts int) string { return fmt.Sprintf("dashboard, %d accounts", accounts) }

func milliseconds(d time.Duration) float64 { return float64(d) / float64(time.Millisecond) }

func ratio(a, b time.Duration) float64 { return float64(a) / float64(max(b, 1)) }
