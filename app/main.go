package app

import (
	"context"
	"fmt"
	"os"
	"os/signal"
	"runtime/debug"
	"syscall"
)

// heapGrowth is how far the heap may grow between two collections, in percent of what is
// live. Every message allocates much and keeps nothing, so what is live is small, and
// collecting seldom costs some tens of megabytes.
const heapGrowth = 400

// CollectSeldom sets the pace of the garbage collector for a process that carries
// messages, unless GOGC sets it.
func CollectSeldom() {
	if os.Getenv("GOGC") == "" {
		debug.SetGCPercent(heapGrowth)
	}
}

// Main is the main function of a process: configuration, signals, exit code. It returns
// 0 after INT or TERM and 1, with one clear message on stderr, when something is in the
// way.
func Main(name string, run func(context.Context, Process) error, needs ...Need) int {
	CollectSeldom()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	p, err := NewProcess(ctx, name, needs...)
	if err != nil {
		return Fail(name, err)
	}
	if overrides, _ := endpointOverrides(os.Environ(), p.AWS); len(overrides) > 0 {
		p.Log.Warn().Strs("endpoints", overrides).Msg("requests to AWS go to the endpoints that AWS_ENDPOINT_URL or the AWS profile gives")
	}
	if err := run(ctx, p); err != nil {
		return Fail(name, err)
	}
	return 0
}

// NewProcess is the process that the environment describes.
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
	return Process{AWS: awsCfg, Config: cfg, Log: log, Metrics: NewMetrics()}, nil
}

// Fail says what is in the way and returns the exit code.
func Fail(name string, err error) int {
	fmt.Fprintf(os.Stderr, "%s: %s\n", name, spoken(err))
	return 1
}
