package app

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/aws/aws-sdk-go-v2/aws"
)

const examineTime = 10 * time.Second

// Check is the result of examining one thing.
type Check struct {
	What string
	// Both are "" if nothing is wrong.
	Problem, Advice string
	// Skipped says why the thing could not be examined.
	Skipped string
	Note    string
}

// Examine checks that everything that portals and workers need exists, is configured as it must
// be, and answers. It changes nothing. Of checks with one cause, one reports it and the others
// are skipped.
func Examine(ctx context.Context, p Process) []Check {
	e, err := openEstateWithin(ctx, p)
	if err != nil {
		return []Check{
			{What: "AWS", Problem: inWords(err)},
			{What: "everything in AWS", Skipped: "AWS cannot be used"},
			examine(ctx, providerOf(p.Config)),
			examine(ctx, brandingOf(p.Config)),
		}
	}
	var all []resource
	for _, chain := range e.chains() {
		all = append(all, chain...)
	}
	all = slices.Concat(all, e.last(), []resource{
		workersOf(e, p), alarmsOf(e, p), viewsOf(e, p), controlPlane(e, p), catalogOf(e, p), marketplaceOf(e, p), providerOf(p.Config), signInClient(e), brandingOf(p.Config),
	})
	if e.cfg.Trail != TrailOn {
		all = append(all, withoutTrail())
	}
	return append([]Check{{What: "AWS", Note: e.place()}}, examineAll(ctx, all)...)
}

func examineAll(ctx context.Context, all []resource) []Check {
	checks := make([]Check, len(all))
	var group errgroup.Group
	for i, one := range all {
		group.Go(func() error {
			checks[i] = examine(ctx, one)
			return nil
		})
	}
	_ = group.Wait()
	return checks
}

func openEstateWithin(ctx context.Context, p Process) (estate, error) {
	ctx, cancel := context.WithTimeout(ctx, examineTime)
	defer cancel()
	return openEstate(ctx, p.AWS, p.Config)
}

func (e estate) place() string {
	place := fmt.Sprintf("account %s, %s", e.owner.account, e.config.Region)
	if endpoint := aws.ToString(e.config.BaseEndpoint); endpoint != "" {
		place += ", at " + endpoint
	}
	return place + ", as " + e.owner.principal
}

func examine(ctx context.Context, r resource) Check {
	ctx, cancel := context.WithTimeout(ctx, examineTime)
	defer cancel()
	seen, err := r.inspect(ctx)
	check := Check{What: r.what, Note: seen.note}
	var waits blocked
	switch {
	case errors.As(err, &waits):
		check.Skipped = string(waits)
	case err != nil:
		check.Problem = inWords(err)
	}
	var says, advice []string
	for _, f := range seen.faults {
		says = append(says, f.says)
		if a := f.remedy(); !slices.Contains(advice, a) {
			advice = append(advice, a)
		}
	}
	if len(says) > 0 {
		check.Problem, check.Advice = strings.Join(says, " "), strings.Join(advice, " ")
	}
	return check
}
