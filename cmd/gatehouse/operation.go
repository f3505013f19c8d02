package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"time"

	"github.com/gatehouse-portal/gatehouse/app"
	"github.com/gatehouse-portal/gatehouse/portal"
	"github.com/gatehouse-portal/gatehouse/projections"
)

const followEvery = time.Second

type operationCommand struct {
	Show   operationShowCommand   `cmd:"" help:"Show an operation with its steps."`
	Follow operationFollowCommand `cmd:"" help:"Print an operation's steps as they come, until it ends. The exit code is 0 if it succeeded, otherwise 1."`
}

type operationShowCommand struct {
	output
	ID portal.OperationID `arg:"" help:"The operation's id."`
}

func (c operationShowCommand) Run(ctx context.Context) error {
	desk, err := openDesk(ctx)
	if err != nil {
		return err
	}
	op, err := desk.Operation(ctx, c.ID)
	if err != nil {
		return err
	}
	return c.print(os.Stdout, operationJSONOf(op), func(w io.Writer) {
		printHead(w, op)
		fmt.Fprintln(w)
		for _, step := range op.Steps {
			printStep(w, step)
		}
	})
}

func printHead(w io.Writer, op app.FoundOperation) {
	pairs(w,
		[2]string{"operation", string(op.ID)}, [2]string{"type", op.Type}, [2]string{"account", string(op.Account)}, [2]string{"plan", string(op.Plan)},
		[2]string{"status", string(op.Status)}, [2]string{"why", withCode(op.Message, op.Code)}, [2]string{"waits for", waitsFor(op)},
		[2]string{"accepted", moment(op.CreatedAt)}, [2]string{"updated", moment(op.UpdatedAt)},
	)
}

// withCode adds the reason's code, by which programs and docs/runbook.md name it.
func withCode(text, code string) string {
	if text == "" || code == "" {
		return text
	}
	return text + " (" + code + ")"
}

func waitsFor(op app.FoundOperation) string {
	if op.HandedInAgain.IsZero() {
		return ""
	}
	return "a worker to handle it, or the views to show that a worker has. It is sent to the workers again within a minute after " + moment(op.HandedInAgain) + "."
}

func printStep(w io.Writer, step projections.Step) {
	const column = 32
	columns := width(w)
	if columns > 0 {
		columns -= column
	}
	fmt.Fprintf(w, "%s  %-11s%s\n", moment(step.At)[:len("2006-01-02 15:04:05")], step.Status, strings.ReplaceAll(wrap(withCode(oneLine(step.Detail), step.Code), columns, 0), "\n", "\n"+strings.Repeat(" ", column)))
}

type operationFollowCommand struct {
	output
	ID portal.OperationID `arg:"" help:"The operation's id."`
}

func (c operationFollowCommand) Run(ctx context.Context) error {
	desk, err := openDesk(ctx)
	if err != nil {
		return err
	}
	progress, err := follow(ctx, time.NewTicker(followEvery).C, func(ctx context.Context) (projections.Progress, error) {
		op, err := desk.Operation(ctx, c.ID)
		return op.Progress, err
	}, func(step projections.Step) {
		if c.JSON {
			_ = json.NewEncoder(os.Stdout).Encode(stepJSONOf(step))
			return
		}
		printStep(os.Stdout, step)
	})
	if err != nil {
		return err
	}
	return unlessSucceeded("operation "+string(c.ID), progress)
}

func unlessSucceeded(what string, progress projections.Progress) error {
	if progress.Status == projections.Succeeded {
		return nil
	}
	text := what + " is " + string(progress.Status)
	if progress.Message != "" {
		text += ": " + progress.Message
	}
	return errors.New(text)
}

var errUnfollowed = errors.New("interrupted; the operation goes on without you")

// follow looks at every tick, and tells each step once, until the operation has ended.
func follow(ctx context.Context, tick <-chan time.Time, look func(context.Context) (projections.Progress, error), tell func(projections.Step)) (projections.Progress, error) {
	printed := 0
	for {
		progress, err := look(ctx)
		switch {
		case ctx.Err() != nil:
			return progress, errUnfollowed
		case err != nil:
			return progress, err
		}
		for _, step := range progress.Steps[min(printed, len(progress.Steps)):] {
			tell(step)
		}
		printed = len(progress.Steps)
		if progress.Status.Over() {
			return progress, nil
		}
		select {
		case <-tick:
		case <-ctx.Done():
			return progress, errUnfollowed
		}
	}
}

type operationJSON struct {
	ID        portal.OperationID `json:"id"`
	Type      string             `json:"type"`
	Account   portal.AccountID   `json:"account"`
	Plan      portal.PlanID      `json:"plan,omitempty"`
	Status    projections.Status `json:"status"`
	Code      string             `json:"code,omitempty"`
	Message   string             `json:"message,omitempty"`
	CreatedAt *time.Time         `json:"created_at,omitempty"`
	UpdatedAt *time.Time         `json:"updated_at,omitempty"`
	// HandedInAgain is when a request that no worker has handled is sent again.
	HandedInAgain *time.Time `json:"handed_in_again_at,omitempty"`
	Steps         []stepJSON `json:"steps,omitempty"`
}

type stepJSON struct {
	At     *time.Time         `json:"at"`
	Name   string             `json:"name"`
	Status projections.Status `json:"status"`
	Detail string             `json:"detail,omitempty"`
	Code   string             `json:"code,omitempty"`
}

func stepJSONOf(s projections.Step) stepJSON {
	return stepJSON{At: instant(s.At), Name: s.Name, Status: s.Status, Detail: s.Detail, Code: s.Code}
}

func operationJSONOf(op app.FoundOperation) operationJSON {
	out := operationJSON{
		ID: op.ID, Type: op.Type, Account: op.Account, Plan: op.Plan, Status: op.Status, Code: op.Code, Message: op.Message,
		CreatedAt: instant(op.CreatedAt), UpdatedAt: instant(op.UpdatedAt), HandedInAgain: instant(op.HandedInAgain),
	}
	for _, step := range op.Steps {
		out.Steps = append(out.Steps, stepJSONOf(step))
	}
	return out
}

func openDesk(ctx context.Context) (*app.Desk, error) {
	p, err := process(ctx)
	if err != nil {
		return nil, err
	}
	return app.OpenDesk(p)
}
