package app

import (
	"context"
	"errors"
	"strings"
	"sync"

	"github.com/aws/aws-sdk-go-v2/aws"
	"golang.org/x/sync/errgroup"
)

// SetupOptions of SetupWith.
type SetupOptions struct {
	// DryRun has nothing changed; Changed is told what would be.
	DryRun bool
	// KeyUsers are the ARNs of the roles and users that alone may compute API keys with the
	// KMS key. None leaves the key's policy as it is.
	KeyUsers []string
	// Changed is told of each change; nil to do without. It is called by several goroutines,
	// one at a time.
	Changed func(Change)
}

// Change is one thing that set-up did, or in a dry run would do.
type Change struct {
	What string `json:"what"`
	// Did is an instruction, such as "create it".
	Did string `json:"did"`
}

// Setup creates and mends everything in AWS that Gatehouse needs: SetupWith without
// options.
func Setup(ctx context.Context, awsCfg aws.Config, cfg Config) error {
	return SetupWith(ctx, awsCfg, cfg, SetupOptions{})
}

// SetupWith creates the tables, queues, topic and KMS key that Gatehouse needs and are not
// there yet, and puts right whatever of them was changed. It may be run any number of
// times, and while everything runs. What it must not mend by itself, such as a KMS key that
// somebody disabled, is the error, which says what to do.
func SetupWith(ctx context.Context, awsCfg aws.Config, cfg Config, opts SetupOptions) error {
	e, err := openEstate(ctx, awsCfg, cfg)
	if err != nil {
		return told("", err)
	}
	e.keyUsers = opts.KeyUsers
	s := &setup{dryRun: opts.DryRun, tell: opts.Changed}
	var group errgroup.Group
	for _, chain := range e.chains() {
		group.Go(func() error { return s.settle(ctx, chain) })
	}
	err = group.Wait()
	if err == nil {
		err = s.settle(ctx, e.last())
	}
	return errors.Join(s.unmended(), err)
}

// setup mends resources and keeps what it could not.
type setup struct {
	dryRun bool

	mu   sync.Mutex
	tell func(Change)
	left []string
}

// rounds is how often a resource is looked at again after it was mended: what is created
// has further attributes to set.
const rounds = 3

func (s *setup) settle(ctx context.Context, chain []resource) error {
	for _, r := range chain {
		if err := s.mend(ctx, r); err != nil {
			return toldOf(r.what, err)
		}
	}
	return nil
}

func (s *setup) mend(ctx context.Context, r resource) error {
	quiet := false
	for range rounds {
		seen, err := r.inspect(ctx)
		var waits blocked
		if errors.As(err, &waits) {
			if s.dryRun {
				s.did(Change{r.what, "look at it once more is there: " + string(waits)})
				return nil
			}
			s.leave(r.what + ": " + capital(waits.Error()) + ".")
			return nil
		}
		if err != nil {
			return err
		}
		mended := false
		for _, f := range seen.faults {
			if f.mend == nil {
				s.leave(r.what + ": " + f.says + " " + f.remedy())
				continue
			}
			if !s.dryRun {
				if err := f.mend(ctx); err != nil {
					return err
				}
				mended = true
			}
			if !quiet {
				s.did(Change{r.what, f.mending})
			}
		}
		if !mended {
			return nil
		}
		quiet = true // what follows completes what has been told
	}
	return nil
}

func (s *setup) did(c Change) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.tell != nil {
		s.tell(c)
	}
}

// leave keeps what is left, once.
func (s *setup) leave(text string) {
	text = strings.ReplaceAll(text, "\n", "\n    ")
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, known := range s.left {
		if known == text {
			return
		}
	}
	s.left = append(s.left, text)
}

// unmended is the error of what is for an operator to put right.
func (s *setup) unmended() error {
	if len(s.left) == 0 {
		return nil
	}
	return errors.New("this is left for you to put right:\n  " + strings.Join(s.left, "\n  "))
}
