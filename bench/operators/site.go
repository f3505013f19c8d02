package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/smithy-go/middleware"

	"github.com/gatehouse-portal/gatehouse/app"
	"github.com/gatehouse-portal/gatehouse/awsclient"
	"github.com/gatehouse-portal/gatehouse/bench/program"
	"github.com/gatehouse-portal/gatehouse/journal"
	"github.com/gatehouse-portal/gatehouse/localaws"
)

// bench is an installation on a local AWS in another process.
type bench struct {
	settings
	dir    string
	env    []string
	aws    *exec.Cmd
	worker *exec.Cmd
	tables *dynamodb.Client
	names  app.Names
	facts  *journal.Journal
}

func build(ctx context.Context, s settings) (_ *bench, err error) {
	b := &bench{settings: s}
	defer func() {
		if err != nil {
			b.close()
		}
	}()
	if b.dir, err = os.MkdirTemp("", "gatehouse-operators-"); err != nil {
		return nil, fmt.Errorf("creating a folder: %w", err)
	}
	compile := exec.CommandContext(ctx, "go", "build", "-trimpath", "-o", b.dir, "./cmd/gatehouse", "./cmd/worker")
	if out, err := compile.CombinedOutput(); err != nil {
		return nil, fmt.Errorf("building the programs: %w\n%s", err, out)
	}
	var endpoint string
	b.aws, endpoint, err = program.StartAWS(ctx, b.dir)
	if err != nil {
		return nil, err
	}
	b.env = []string{
		"HOME=" + b.dir, "AWS_EC2_METADATA_DISABLED=true", "AWS_ENDPOINT_URL=" + endpoint, "AWS_REGION=" + localaws.Region,
		"AWS_ACCESS_KEY_ID=local", "AWS_SECRET_ACCESS_KEY=local", "GATEHOUSE_OPERATORS_ADDR=127.0.0.1:0",
	}
	cfg := aws.Config{
		Region: localaws.Region, BaseEndpoint: &endpoint, HTTPClient: awsclient.HTTPClient(),
		Credentials: credentials.NewStaticCredentialsProvider("local", "local", ""),
		APIOptions:  []func(*middleware.Stack) error{awsclient.PlainBodies},
	}
	config, err := app.LoadConfig(nil)
	if err != nil {
		return nil, err
	}
	if err := app.Setup(ctx, cfg, config); err != nil {
		return nil, err
	}
	b.names, b.tables = app.NamesFor(config.Prefix), dynamodb.NewFromConfig(cfg)
	b.facts = journal.New(b.tables, b.names.Journal, b.names.Records)
	return b, nil
}

func (b *bench) startWorker(ctx context.Context) error {
	b.worker = b.program(ctx, "worker")
	return b.worker.Start()
}

func (b *bench) program(ctx context.Context, name string, args ...string) *exec.Cmd {
	cmd := exec.CommandContext(ctx, filepath.Join(b.dir, name), args...)
	cmd.Env = b.env
	return cmd
}

// command runs a command of gatehouse to its end.
func (b *bench) command(ctx context.Context, args ...string) (said, error) {
	cmd := b.program(ctx, "gatehouse", args...)
	var out, errs bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &errs
	began := time.Now()
	err := cmd.Run()
	s := said{stdout: out.String(), took: time.Since(began), memory: memoryOf(cmd)}
	if err != nil {
		err = fmt.Errorf("gatehouse %s: %w\n%s", strings.Join(args, " "), err, errs.String())
	}
	return s, err
}

func memoryOf(cmd *exec.Cmd) int64 {
	if usage, ok := cmd.ProcessState.SysUsage().(*syscall.Rusage); ok {
		return usage.Maxrss << 10
	}
	return 0
}

func (b *bench) close() {
	for _, cmd := range []*exec.Cmd{b.worker, b.aws} {
		if cmd != nil && cmd.Process != nil {
			_ = cmd.Process.Signal(syscall.SIGTERM)
			_ = cmd.Wait()
		}
	}
	_ = os.RemoveAll(b.dir)
}

// processorTime is what a process of Linux has used so far; elsewhere it is 0.
func processorTime(pid int) time.Duration {
	stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return 0
	}
	_, rest, _ := strings.Cut(string(stat), ") ")
	fields := strings.Fields(rest)
	if len(fields) < 13 {
		return 0
	}
	total := time.Duration(0)
	for _, field := range fields[11:13] { // user and system, in hundredths of a second
		ticks, _ := strconv.ParseInt(field, 10, 64)
		total += time.Duration(ticks) * 10 * time.Millisecond
	}
	return total
}

var errWrong = errors.New("the measurement does not count")
