package app

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"runtime/debug"
	"slices"
	"syscall"
	"time"

	"github.com/gatehouse-portal/gatehouse/emf"
	"github.com/gatehouse-portal/gatehouse/portal"
)

// heapGrowth is in percent of the live heap. Messages allocate much and keep nothing, so rare
// collections cost only tens of megabytes.
const heapGrowth = 400

// CollectSeldom makes the garbage collector work less often, for processes that carry messages. It
// does nothing if GOGC is set.
func CollectSeldom() {
	if os.Getenv("GOGC") == "" {
		debug.SetGCPercent(heapGrowth)
	}
}

// The exit codes of all commands.
const (
	// ExitOK: also after INT or TERM.
	ExitOK = 0
	// ExitFailed: the command failed, or found something wrong.
	ExitFailed = 1
	// ExitUsage: the command line is wrong, and the command did nothing.
	ExitUsage = 2
)

// Main is the main function of a process. It returns ExitOK after INT or TERM. If the process
// fails, it prints one message to stderr and returns ExitFailed. Its arguments are --help, which
// prints summary, and --version.
func Main(name, summary string, run func(context.Context, Process) error, needs ...Need) int {
	if code, over := arguments(name, summary, os.Args[1:], os.Stdout, os.Stderr); over {
		return code
	}
	CollectSeldom()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	p, err := NewTracedProcess(ctx, name, needs...)
	if err != nil {
		return Fail(name, err)
	}
	defer p.CloseTraces()
	if overrides, _ := endpointOverrides(os.Environ(), p.AWS); len(overrides) > 0 {
		p.Log.Warn().Strs("endpoints", overrides).Msg("requests to AWS go to the endpoints that AWS_ENDPOINT_URL or the AWS profile gives")
	}
	if err := run(ctx, p); err != nil {
		return Fail(name, err)
	}
	return 0
}

// NewProcess configures a process from the environment, and checks that there are credentials.
func NewProcess(ctx context.Context, name string, needs ...Need) (Process, error) {
	cfg, err := LoadConfig(os.Environ(), needs...)
	if err != nil {
		return Process{}, err
	}
	awsCfg, err := LoadAWS(ctx)
	if err != nil {
		return Process{}, err
	}
	if _, err := endpointOverrides(os.Environ(), awsCfg); err != nil {
		return Process{}, err
	}
	log := NewLog(cfg, name)
	awsCfg.Logger = sdkLog(log)
	p := Process{AWS: awsCfg, Config: cfg, Log: log, Metrics: NewMetrics(name)}
	if cfg.Metrics == MetricsCloudWatch {
		p.CloudWatch = emf.New(cfg.Prefix, name, os.Stdout, time.Now)
	}
	return p, nil
}

// Fail prints the error to stderr and returns ExitFailed.
func Fail(name string, err error) int {
	fmt.Fprintf(os.Stderr, "%s: %s\n", name, Explain(err))
	return ExitFailed
}

// Explain returns the error's text for people, with AWS errors explained.
func Explain(err error) string {
	var later *portal.Postponed
	switch {
	case rawAWS(err):
		return inWords(err)
	case errors.As(err, &later) && later.Err == nil:
		return "It has to wait, for " + later.Reason + ". Try again in a minute."
	}
	return spoken(err)
}

func arguments(name, summary string, args []string, out, errs io.Writer) (code int, over bool) {
	switch {
	case len(args) == 0:
		return ExitOK, false
	case len(args) == 1 && slices.Contains([]string{"--version", "-v", "version"}, args[0]):
		fmt.Fprintln(out, name, Build())
	case len(args) == 1 && slices.Contains([]string{"--help", "-h", "help"}, args[0]):
		fmt.Fprintf(out, help, name, summary)
	default:
		fmt.Fprintf(errs, "%s: unexpected argument %q\nRun `%[1]s --help` for usage.\n", name, args[0])
		return ExitUsage, true
	}
	return ExitOK, true
}

const help = `Usage: %[1]s [--help] [--version]

%[2]s

It takes no arguments; environment variables configure it, and
docs/configuration.md describes each. It runs until it gets INT or TERM.

Exit codes: 0 stopped by a signal; 1 failed; 2 wrong command line.
`
