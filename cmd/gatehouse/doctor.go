package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"time"

	"github.com/gatehouse-portal/gatehouse/app"
	"github.com/gatehouse-portal/gatehouse/gateway/keyimport"
)

// probeTime includes waiting for the budget.
const probeTime = 5 * time.Minute

type doctorCommand struct {
	output
	ProbeImport bool          `xor:"what" help:"Test with a few throw-away keys whether workers can create many keys at a time here, and save the result for them."`
	AWS         bool          `name:"aws" xor:"what" help:"Ask this AWS account what AWS's documentation leaves open (docs/aws-checklist.md), after asking you."`
	Yes         bool          `help:"With --aws: make the temporary resources without asking."`
	Timeout     time.Duration `default:"10m" help:"With --aws: how long to wait for each change to take effect."`
}

func (c doctorCommand) Run(ctx context.Context) error {
	p, err := process(ctx)
	if err != nil {
		return err
	}
	switch {
	case c.ProbeImport:
		return c.probeImport(ctx, p)
	case c.AWS:
		return c.runAWSChecklist(ctx, p)
	}
	checks := app.Examine(ctx, p)
	if err := c.print(os.Stdout, checksJSON(checks), func(w io.Writer) { report(w, checks) }); err != nil {
		return err
	}
	return verdict(checks)
}

type checkJSON struct {
	Name    string `json:"name"`
	Status  string `json:"status"` // ok, wrong or skipped
	Problem string `json:"problem,omitempty"`
	Advice  string `json:"advice,omitempty"`
	Note    string `json:"note,omitempty"`
}

func checksJSON(checks []app.Check) map[string]any {
	list := make([]checkJSON, 0, len(checks))
	for _, check := range checks {
		one := checkJSON{Name: check.What, Status: "ok", Problem: check.Problem, Advice: check.Advice, Note: check.Note}
		switch {
		case check.Problem != "":
			one.Status = "wrong"
		case check.Skipped != "":
			one.Status, one.Note = "skipped", check.Skipped
		}
		list = append(list, one)
	}
	return map[string]any{"healthy": verdict(checks) == nil, "checks": list}
}

func verdict(checks []app.Check) error {
	wrong, skipped := 0, 0
	for _, check := range checks {
		switch {
		case check.Problem != "":
			wrong++
		case check.Skipped != "":
			skipped++
		}
	}
	if wrong == 0 {
		return nil
	}
	text := fmt.Sprintf("%d of %d checks found a problem", wrong, len(checks))
	if skipped > 0 {
		text += fmt.Sprintf(", and %d were skipped because of that", skipped)
	}
	return errors.New(text)
}

// report prints advice on lines of its own.
func report(out io.Writer, checks []app.Check) {
	for _, check := range checks {
		mark, text := "ok", check.Note
		switch {
		case check.Problem != "":
			mark, text = "WRONG", check.Problem
		case check.Skipped != "":
			mark, text = "-", "not checked, since "+check.Skipped
		}
		line := check.What
		if text != "" {
			line += ": " + text
		}
		row(out, mark, line)
		advise(out, check.Advice)
	}
}

// markWidth is the width of the column of marks.
const markWidth = len("WRONG  ")

func row(out io.Writer, mark, text string) {
	fmt.Fprintf(out, "%-*s%s\n", markWidth, mark, indented(out, text, 0))
}

// advise prints an advice. Lines after the first are commands, which stay whole so that they can be
// copied.
func advise(out io.Writer, advice string) {
	for i, line := range strings.Split(advice, "\n") {
		switch {
		case i > 0:
			fmt.Fprintf(out, "%*s%s\n", markWidth+3, "", line)
		case line != "":
			fmt.Fprintf(out, "%*s%s\n", markWidth, "", indented(out, "-> "+line, 3))
		}
	}
}

// indented wraps a text to the column after the marks.
func indented(out io.Writer, text string, indent int) string {
	limit := width(out)
	if limit > 0 {
		limit -= markWidth
	}
	return strings.ReplaceAll(wrap(text, limit, indent), "\n", "\n"+strings.Repeat(" ", markWidth))
}

func (c doctorCommand) probeImport(ctx context.Context, p app.Process) error {
	fmt.Fprintln(os.Stderr, "Trying out ImportApiKeys with a few throw-away keys; this may take a minute.")
	ctx, cancel := context.WithTimeout(ctx, probeTime)
	defer cancel()
	finding, err := app.ProbeImport(ctx, p)
	if len(finding.Observations) > 0 {
		if failed := c.print(os.Stdout, findingJSON(finding), func(w io.Writer) { describe(w, finding) }); failed != nil {
			return failed
		}
	}
	if err != nil {
		return err
	}
	if !finding.Usable {
		return errors.New("imports do not work here as Gatehouse needs them to")
	}
	return nil
}

func findingJSON(finding keyimport.Finding) map[string]any {
	type observation struct {
		What     string `json:"what"`
		Seen     string `json:"seen"`
		Expected bool   `json:"as_expected"`
		Needed   bool   `json:"needed"`
	}
	list := make([]observation, 0, len(finding.Observations))
	for _, o := range finding.Observations {
		list = append(list, observation{What: o.What, Seen: o.Seen, Expected: o.Expected, Needed: o.Needed})
	}
	return map[string]any{"region": finding.Region, "usable": finding.Usable, "at": instant(finding.At), "observations": list}
}

func describe(out io.Writer, finding keyimport.Finding) {
	columns := 80
	if terminal := width(out); terminal > 0 {
		columns = min(columns, terminal)
	}
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
		fmt.Fprintf(out, "  %s\n      %s\n", wrap(o.What, columns-2, 4), wrap(verdict+": "+oneLine(o.Seen), columns-6, 8))
	}
	if finding.Usable {
		fmt.Fprint(out, `
Workers can create many keys at a time here. With GATEHOUSE_PROVISIONING=auto,
the default, they begin to do so within a few minutes, when many people wait. A
person who waits alone is still served at once. GATEHOUSE_PROVISIONING=single
turns this off.
`)
		return
	}
	fmt.Fprint(out, `
Workers cannot safely create many keys at a time here. They go on creating keys
one by one, which is slower only when many people sign up at once. You need not
change any setting. Run this again if AWS has changed ImportApiKeys.
`)
}
