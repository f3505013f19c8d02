package app

import (
	"context"
	"os"
	"slices"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"

	"github.com/gatehouse-portal/gatehouse/awsclient"
	"github.com/gatehouse-portal/gatehouse/traces/export"
)

// NewTracedProcess is NewProcess, and exports traces if the environment says so. The caller calls
// CloseTraces last.
func NewTracedProcess(ctx context.Context, name string, needs ...Need) (Process, error) {
	p, err := NewProcess(ctx, name, append(needs, usableTraces)...)
	if err != nil {
		return p, err
	}
	return p.WithTraces(name)
}

func usableTraces(Config) []error {
	_, faults := export.Parse(os.Environ())
	return faults
}

// WithTraces exports traces as the process of that name, if the environment says so.
func (p Process) WithTraces(name string) (Process, error) {
	settings, faults := export.Parse(os.Environ())
	if err := unusable(faults); err != nil {
		return p, err
	}
	var err error
	p.Traces, err = export.New(settings, p.Config.Prefix+"-"+name, Version, p.Log)
	if err != nil {
		return p, unusable([]error{err})
	}
	return p, nil
}

// closeTracesTime is part of the 30 seconds that orchestrators give a process to stop.
const closeTracesTime = 2 * time.Second

// CloseTraces exports what is left, for at most two seconds.
func (p Process) CloseTraces() {
	ctx, cancel := context.WithTimeout(context.Background(), closeTracesTime)
	defer cancel()
	p.Traces.Close(ctx)
}

// tracedAWS returns the configuration of clients whose calls are spans, if traces are on.
func (p Process) tracedAWS() aws.Config {
	cfg := p.AWS
	if p.Traces != nil {
		cfg.APIOptions = append(slices.Clip(cfg.APIOptions), awsclient.Traced)
	}
	return cfg
}
