// Package program has what the benchmark programs share: how they start and end, and a local AWS in
// a process of its own, so that its work does not count as that of what is measured.
package program

import (
	"bufio"
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/exec"
	"os/signal"
	"strings"
	"syscall"

	"github.com/rs/zerolog"

	"github.com/gatehouse-portal/gatehouse/localaws"
)

// Run is the body of a program. An interrupt cancels ctx.
type Run func(ctx context.Context, args []string, stdout, stderr io.Writer) error

// Main runs a program and ends the process: with 1 and the error if it failed.
func Main(name string, run Run) {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	err := run(ctx, os.Args[1:], os.Stdout, os.Stderr)
	stop()
	if err != nil && !errors.Is(err, flag.ErrHelp) {
		fmt.Fprintf(os.Stderr, "%s: %v\n", name, err)
		os.Exit(1)
	}
}

// WithAWS adds the command "aws <folder>" to a program, with which StartAWS starts it again to serve the local AWS.
func WithAWS(run Run) Run {
	return func(ctx context.Context, args []string, stdout, stderr io.Writer) error {
		if len(args) == 2 && args[0] == "aws" {
			return serveAWS(ctx, args[1], stdout)
		}
		return run(ctx, args, stdout, stderr)
	}
}

// serveAWS runs a local AWS with its file in a folder, and prints its address.
func serveAWS(ctx context.Context, dir string, stdout io.Writer) error {
	server, err := localaws.Open(localaws.Options{Dir: dir, Addr: "127.0.0.1:0", NoSync: true, Log: zerolog.Nop()})
	if err != nil {
		return fmt.Errorf("starting the local AWS: %w", err)
	}
	_, _ = fmt.Fprintln(stdout, server.Endpoint())
	<-ctx.Done()
	return server.Close()
}

// StartAWS starts a local AWS in a process of its own, with its file in a folder, and returns its address.
// The process ends with ctx.
func StartAWS(ctx context.Context, dir string) (aws *exec.Cmd, endpoint string, err error) {
	program, err := os.Executable()
	if err != nil {
		return nil, "", fmt.Errorf("finding this program: %w", err)
	}
	aws = exec.CommandContext(ctx, program, "aws", dir)
	aws.Cancel = func() error { return aws.Process.Signal(syscall.SIGTERM) }
	aws.Stderr = os.Stderr
	out, err := aws.StdoutPipe()
	if err == nil {
		err = aws.Start()
	}
	if err != nil {
		return nil, "", fmt.Errorf("starting the local AWS: %w", err)
	}
	line, err := bufio.NewReader(out).ReadString('\n')
	if err != nil {
		return aws, "", fmt.Errorf("starting the local AWS: %w", err)
	}
	return aws, strings.TrimSpace(line), nil
}
