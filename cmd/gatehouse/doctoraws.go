package main

import (
	"cmp"
	"context"
	"fmt"
	"io"
	"os"
	"slices"
	"time"

	"github.com/gatehouse-portal/gatehouse/app"
	"github.com/gatehouse-portal/gatehouse/awschecklist"
)

const beforeTrying = `gatehouse doctor --aws creates a REST API, two usage plans and about 60 API keys
in this AWS account. Their names begin with %s/probe-aws/ and %[1]s/probe/. It
calls the API, then deletes them all. It waits up to %v for each answer, and uses a
quarter of API Gateway's control-plane quota. Until it ends, the portal may list
the API. Use a test AWS account if you can.
`

func (c doctorCommand) runAWSChecklist(ctx context.Context, p app.Process) error {
	try, err := c.confirmTrials(ctx, app.NamesFor(p.Config.Prefix).KeyNamePrefix())
	if err != nil {
		return err
	}
	asked, err := app.RunAWSChecklist(ctx, p, app.AWSChecklistOptions{
		Try: try, Timeout: c.Timeout, Tell: func(what string) { fmt.Fprintln(os.Stderr, "... "+what) },
	})
	if len(asked.Answers) > 0 {
		if failed := c.print(os.Stdout, asked, func(w io.Writer) { printAWSAnswers(w, asked, try) }); failed != nil {
			return failed
		}
	}
	return err
}

// confirmTrials asks the operator whether to make the temporary resources. Without a terminal and without --yes the answer is no.
func (c doctorCommand) confirmTrials(ctx context.Context, prefix string) (bool, error) {
	fmt.Fprintf(os.Stderr, beforeTrying, prefix, c.Timeout)
	q := newQuestions()
	switch {
	case c.Yes:
		return true, nil
	case !q.terminal:
		fmt.Fprintln(os.Stderr, "Without --yes, it asks only what needs none of them.")
		return false, nil
	}
	return q.yes(ctx, "Make them?")
}

// printAWSAnswers prints lines that can be pasted into notes.
func printAWSAnswers(w io.Writer, asked app.AWSAnswers, tried bool) {
	fmt.Fprintf(w, "Asked on %s: %s\n\n", asked.At.Format(time.DateOnly), oneLine(asked.Place))
	answers := slices.Clone(asked.Answers)
	slices.SortStableFunc(answers, func(a, b awschecklist.Answer) int { return cmp.Compare(a.Number, b.Number) })
	for _, a := range append(answers, asked.Left...) {
		fmt.Fprintf(w, "- %d. %s: %s\n", a.Number, oneLine(a.Question), oneLine(a.Found))
	}
	if !tried {
		fmt.Fprintf(w, "\nQuestions 1 to 5 and 10 need temporary resources: `%s doctor --aws --yes`.\n", processName)
	}
}
