package app

import (
	"context"
	"errors"
	"strings"
	"sync"

	"github.com/aws/aws-sdk-go-v2/aws"
	"golang.org/x/sync/errgroup"
)

// SetupOptions are the options of SetupWith.
type SetupOptions struct {
	// DryRun changes nothing. Changed then gets what would change.
	DryRun bool
	// KeyUsers are the ARNs of the only roles and users that may compute API keys with the KMS
	// key. None leaves the key's policy as it is.
	KeyUsers []string
	// Changed, if not nil, gets each change. Several goroutines call it, one at a time.
	Changed func(Change)
}

// Change is something that set-up did, or in a dry run would do.
type Change struct {
	What string `json:"what"`
	Did  string `json:"did"`
}

// Setup is SetupWith without options.
func Setup(ctx context.Context, awsCfg aws.Config, cfg Config) error {
	return SetupWith(ctx, awsCfg, cfg, SetupOptions{})
}

// SetupWith creates missing tables, queues, topic and KMS key, and mends what was changed. It may
// be repeated, also while portal and workers run. Its error names the faults that it must not
// mend, such as a disabled KMS key.
func SetupWith(ctx context.Context, awsCfg aws.Config, cfg Config, opts SetupOptions) error {
	e, err := openEstate(ctx, awsCfg, cfg)
	if err != nil {
		return explained("", err)
	}
	e.keyUsers = opts.KeyUsers
	s := &setup{dryRun: opts.DryRun, tell: opts.Changed}
	var group errgroup.Group
	for _, chain := range e.chains() {
		group.Go(func() error { return s.mendAll(ctx, chain) })
	}
	err = group.Wait()
	if err == nil {
		err = s.mendAll(ctx, e.last())
	}
	return errors.Join(s.unmended(), err)
}

type setup struct {
	dryRun bool

	mu   sync.Mutex
	tell func(Change)
	left []string
}

// rounds bounds how often a resource is inspected. A new one may have further attributes to
// set.
const rounds = 3

func (s *setup) mendAll(ctx context.Context, chain []resource) error {
	for _, r := range chain {
		if err := s.mend(ctx, r); err != nil {
			return explainedOf(r.what, err)
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
				s.did(Change{r.what, "not known yet: " + string(waits)})
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
		quiet = true // later rounds complete changes that were reported
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

func (s *setup) unmended() error {
	if len(s.left) == 0 {
		return nil
	}
	return errors.New("set-up leaves this to you:\n  " + strings.Join(s.left, "\n  "))
}
