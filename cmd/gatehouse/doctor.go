package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"time"

	"github.com/gatehouse-portal/gatehouse/app"
	"github.com/gatehouse-portal/gatehouse/gateway"
)

// probeTime bounds a probe: it waits for the budget, which others may be using up.
const probeTime = 5 * time.Minute

type doctorCommand struct {
	ProbeImport bool `help:"Try out, with a few throw-away keys, whether keys can be created many at a time, and keep the answer for the workers."`
}

// Run examines what Gatehouse relies on; anything wrong is an error.
func (c doctorCommand) Run(ctx context.Context) error {
	p, err := app.NewProcess(ctx, processName)
	if err != nil {
		return err
	}
	if c.ProbeImport {
		return probeImport(ctx, p)
	}
	problems := report(os.Stdout, app.Examine(ctx, p))
	if problems > 0 {
		return fmt.Errorf("%d of these need attention", problems)
	}
	return nil
}

func report(out io.Writer, checks []app.Check) (problems int) {
	for _, check := range checks {
		mark, text := "ok   ", check.Note
		if check.Problem != "" {
			problems++
			mark, text = "WRONG", check.Problem
		}
		if text != "" {
			text = ": " + text
		}
		fmt.Fprintf(out, "%s  %s%s\n", mark, check.What, text)
	}
	return problems
}

func probeImport(ctx context.Context, p app.Process) error {
	fmt.Println("Trying out ImportApiKeys with a few throw-away keys; this may take a minute.")
	ctx, cancel := context.WithTimeout(ctx, probeTime)
	defer cancel()
	finding, err := app.ProbeImport(ctx, p)
	if len(finding.Observations) > 0 {
		describe(os.Stdout, finding)
	}
	if err != nil {
		return err
	}
	if !finding.Usable {
		return errors.New("imports do not work here as Gatehouse needs them to")
	}
	return nil
}

// describe prints a finding for people.
func describe(out io.Writer, finding gateway.Finding) {
	fmt.Fprintf(out, "\nWhat ImportApiKeys does in %s:\n\n", finding.Region)
	for _, o := range finding.Observations {
		verdict := "as needed"
		switch {
		case !o.Needed && o.Expected:
			verdict = "fine"
		case !o.Needed:
			verdict = "not as expected, but harmless"
		case !o.Expected:
			verdict = "NOT AS NEEDED"
		}
		fmt.Fprintf(out, "  %s\n      %s: %s\n", o.What, verdict, o.Seen)
	}
	if finding.Usable {
		fmt.Fprint(out, `
Keys can be created many at a time. Workers with GATEHOUSE_PROVISIONING=auto, the default,
do so from now on (within some minutes) where many people wait; somebody who asks alone is
still served at once. GATEHOUSE_PROVISIONING=single turns it off.
`)
		return
	}
	fmt.Fprint(out, `
Keys cannot safely be created many at a time here. Workers go on creating them one by one,
which is slower when many people sign up at once and otherwise the same. There is nothing
to set; try again when AWS has changed.
`)
}
