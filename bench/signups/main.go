// Command signups puts all of Gatehouse under load: portals and workers as processes, against a
// local AWS. By default a crowd signs up and subscribes at once. With -flap, accounts keep
// subscribing and leaving, and newcomers are timed. With -alone, one person at a time
// subscribes, and round trips to AWS are counted. docs/performance.md explains the flags and
// the checks at the end.
package main

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"runtime"
	"syscall"
	"time"

	"github.com/gatehouse-portal/gatehouse/app"
	"github.com/gatehouse-portal/gatehouse/bench/program"
	"github.com/gatehouse-portal/gatehouse/localaws/faults"
)

type settings struct {
	users, apis, workers, clients int
	quotas                        bool
	share                         float64
	provisioning                  string
	kill, latency, click          time.Duration
	attaching                     time.Duration
	failing                       float64
	limit                         time.Duration
	flap, alone                   int
	lasting                       time.Duration
	source                        string
	seed                          uint64
	asJSON, byRow                 bool
}

func main() {
	app.CollectSeldom()
	program.Main("bench/signups", run)
}

func run(ctx context.Context, args []string, stdout, stderr io.Writer) error {
	s, err := parse(args, stderr)
	if err != nil {
		return err
	}
	tell := func(format string, values ...any) { fmt.Fprintf(stderr, format+"\n", values...) }
	site, err := newSite(ctx, s, tell)
	if err != nil {
		return err
	}
	defer site.close()
	switch {
	case s.alone > 0:
		return site.countRoundTrips(ctx, stdout)
	case s.flap > 0:
		return site.flapping(ctx, stdout)
	}
	report, err := site.crowd(ctx)
	if err != nil {
		return err
	}
	site.fleet.stop()
	report.Worked = site.worked(report.own)
	if s.asJSON {
		out := json.NewEncoder(stdout)
		out.SetIndent("", "  ")
		err = out.Encode(report)
	} else {
		err = report.write(stdout)
	}
	if !report.Kept {
		err = errors.Join(err, errors.New("the promises were not kept"))
	}
	return err
}

func parse(args []string, stderr io.Writer) (settings, error) {
	flags := flag.NewFlagSet("signups", flag.ContinueOnError)
	flags.SetOutput(stderr)
	var s settings
	flags.IntVar(&s.users, "users", 300, "how many sign up and subscribe")
	flags.IntVar(&s.apis, "apis", 2, "portal processes")
	flags.IntVar(&s.workers, "workers", 3, "worker processes")
	flags.IntVar(&s.clients, "clients", 64, "requests under way at once")
	flags.BoolVar(&s.quotas, "quotas", false, "enforce API Gateway's published quotas")
	flags.DurationVar(&s.attaching, "attaching", 0, "attaching a key takes API Gateway this long, one at a time")
	flags.Float64Var(&s.share, "share", 0.5, "share of the quotas that Gatehouse is given")
	flags.StringVar(&s.provisioning, "provisioning", "single", "single, or auto: import keys together if a probe shows that it works")
	flags.DurationVar(&s.kill, "kill", 0, "kill a random process this often, on average, and start another")
	flags.DurationVar(&s.latency, "latency", 0, "delay of every call to AWS")
	flags.Float64Var(&s.failing, "failing", 0, "part of the calls to AWS that fail, half of them after taking effect")
	flags.DurationVar(&s.click, "click", 0, "after this long, one more person subscribes, and is timed")
	flags.DurationVar(&s.limit, "limit", 30*time.Minute, "give up after this long")
	flags.Uint64Var(&s.seed, "seed", 1, "seed of the faults and kills")
	flags.IntVar(&s.flap, "flap", 0, "instead of a crowd: how many accounts subscribe and leave once a second, beside newcomers")
	flags.DurationVar(&s.lasting, "lasting", 2*time.Minute, "how long -flap goes on")
	flags.IntVar(&s.alone, "alone", 0, "instead of a crowd: how many people subscribe one by one, without and with -latency (50ms unless given)")
	flags.StringVar(&s.source, "source", "", "build the programs from this checkout instead of this one, to compare another version")
	flags.BoolVar(&s.byRow, "rows", false, "also count requests to DynamoDB by program, operation and kind of row")
	flags.BoolVar(&s.asJSON, "json", false, "write JSON instead of text")
	if err := flags.Parse(args); err != nil {
		return s, err
	}
	if s.users < 1 || s.apis < 1 || s.workers < 1 || s.clients < 1 {
		return s, errors.New("-users, -apis, -workers and -clients must be at least 1")
	}
	if s.alone > 0 && s.latency == 0 {
		s.latency = 50 * time.Millisecond
	}
	if s.users+s.more() > maxKeys {
		return s, fmt.Errorf("%d people need a key, but API Gateway keeps at most %d for an AWS account", s.users+s.more(), maxKeys)
	}
	return s, nil
}

// maxKeys is API Gateway's limit
// (https://docs.aws.amazon.com/apigateway/latest/developerguide/limits.html).
const maxKeys = 10_000

func (s settings) more() int {
	if s.click > 0 {
		return 1
	}
	return 0
}

// faults is what goes wrong on purpose once people arrive.
func (s settings) faults() faults.Plan {
	plan := faults.Plan{Seed: s.seed}
	if s.latency > 0 {
		plan.Rules = append(plan.Rules, faults.Rule{Service: "*", Kind: faults.Latency, Latency: faults.Range{Min: s.latency, Max: s.latency}})
	}
	if s.failing > 0 {
		plan.Rules = append(plan.Rules,
			faults.Rule{Service: "*", Kind: faults.Error, Error: faults.Unavailable, Rate: s.failing / 2},
			faults.Rule{Service: "*", Kind: faults.Lost, Rate: s.failing / 2})
	}
	return plan
}

func ownTime() time.Duration {
	var used syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &used); err != nil {
		return 0
	}
	return time.Duration(used.Utime.Nano() + used.Stime.Nano())
}

func machine() string {
	return fmt.Sprintf("%d cores, %s/%s, %s; clients, portals, workers and the local AWS share them", runtime.NumCPU(), runtime.GOOS, runtime.GOARCH, runtime.Version())
}
