package app

import (
	"context"
	"fmt"
	"os"
	"os/signal"
	"syscall"
)

// Main is the main function of a process: configuration, signals, exit code. It returns
// 0 after INT or TERM and 1, with one clear line on stderr, when something is in the way.
func Main(name string, run func(context.Context, Process) error) int {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	cfg, err := LoadConfig(os.Environ())
	if err != nil {
		return Fail(name, err)
	}
	awsCfg, err := LoadAWS(ctx)
	if err != nil {
		return Fail(name, err)
	}
	err = run(ctx, Process{AWS: awsCfg, Config: cfg, Log: NewLog(cfg, name), Metrics: NewMetrics()})
	if err != nil {
		return Fail(name, err)
	}
	return 0
}

// Fail says what is in the way and returns the exit code.
func Fail(name string, err error) int {
	fmt.Fprintf(os.Stderr, "%s: %v\n", name, err)
	return 1
}
