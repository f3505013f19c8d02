package provisioning

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/rs/zerolog"
	"golang.org/x/sync/errgroup"

	"github.com/gatehouse-portal/gatehouse/events"
	"github.com/gatehouse-portal/gatehouse/gateway"
	"github.com/gatehouse-portal/gatehouse/portal"
	"github.com/gatehouse-portal/gatehouse/state"
)

// sweepReaders bounds how many streams are read at once.
const sweepReaders = 16

// settling is how long a change may be on its way before the sweep takes a difference
// for drift.
const settling = time.Minute

// Listings are what the sweep reads of API Gateway.
type Listings interface {
	UsagePlans(ctx context.Context) ([]gateway.UsagePlan, error)
	Keys(ctx context.Context, namePrefix string) ([]gateway.Listed, error)
	PlanKeys(ctx context.Context, plan portal.PlanID, namePrefix string) ([]gateway.Listed, error)
}

type sweptStreams interface {
	Streams(ctx context.Context, visit func(portal.Stream) error) error
	Read(ctx context.Context, stream portal.Stream, after int64) ([]events.Event, error)
}

// checkpoints tell how far a stream is shown.
type checkpoints interface {
	Checkpoint(ctx context.Context, stream portal.Stream) (int64, error)
}

// Sweep compares everything with everything: keys and attachments in API Gateway with
// the folds, and the folds with what is shown. It mends nothing itself; it wakes what
// does. So it repairs whatever acted late, was lost or was changed by hand, and running
// it twice at once costs calls and nothing else. Keys with other names than ours are
// left alone.
type Sweep struct {
	Journal  sweptStreams
	Sender   sender
	Shown    checkpoints
	Listings func(lease func() time.Time) Listings
	Lease    func(ctx context.Context) time.Time
	// NamePrefix begins the names of our keys in API Gateway; ParseName takes them apart.
	NamePrefix string
	ParseName  func(name string) (portal.AccountID, portal.KeyID, bool)
	Now        func() time.Time
}

// Found is what one sweep came upon.
type Found struct {
	Streams, Open, Drifted, Unshown int
}

// Run sweeps once, in background urgency: it leaves the budget to whoever waits.
func (s *Sweep) Run(ctx context.Context) (Found, error) {
	began := s.Now()
	actual, err := s.survey(ctx)
	if err != nil {
		return Found{}, err
	}
	var found Found
	results := make(chan Found)
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(sweepReaders)
	tallied := make(chan struct{})
	go func() {
		defer close(tallied)
		for f := range results {
			found.Streams++
			found.Open += f.Open
			found.Drifted += f.Drifted
			found.Unshown += f.Unshown
		}
	}()
	err = s.Journal.Streams(ctx, func(stream portal.Stream) error {
		group.Go(func() error {
			f, err := s.stream(ctx, stream, actual, began)
			if err == nil {
				results <- f
			}
			return err
		})
		return ctx.Err()
	})
	err = errors.Join(err, group.Wait())
	close(results)
	<-tallied
	zerolog.Ctx(ctx).Info().Int("streams", found.Streams).Int("open", found.Open).Int("drifted", found.Drifted).
		Int("unshown", found.Unshown).Dur("took", s.Now().Sub(began)).Err(err).Msg("swept")
	return found, err
}

// actual is what API Gateway holds of our keys.
type actual struct {
	keys     map[portal.AccountID]map[portal.KeyID]gateway.Listed
	attached map[portal.AccountID]map[portal.PlanID]bool
}

func (s *Sweep) survey(ctx context.Context) (actual, error) {
	a := actual{keys: map[portal.AccountID]map[portal.KeyID]gateway.Listed{}, attached: map[portal.AccountID]map[portal.PlanID]bool{}}
	from := s.Listings(func() time.Time { return s.Lease(ctx) })
	keys, err := from.Keys(ctx, s.NamePrefix)
	if err != nil {
		return a, fmt.Errorf("listing keys: %w", err)
	}
	for _, k := range keys {
		if account, id, ok := s.ParseName(k.Name); ok {
			if a.keys[account] == nil {
				a.keys[account] = map[portal.KeyID]gateway.Listed{}
			}
			a.keys[account][id] = k
		}
	}
	plans, err := from.UsagePlans(ctx)
	if err != nil {
		return a, fmt.Errorf("listing plans: %w", err)
	}
	for _, plan := range plans {
		keys, err := from.PlanKeys(ctx, plan.ID, s.NamePrefix)
		if err != nil {
			return a, fmt.Errorf("listing the keys of plan %s: %w", plan.ID, err)
		}
		for _, k := range keys {
			if account, _, ok := s.ParseName(k.Name); ok {
				if a.attached[account] == nil {
					a.attached[account] = map[portal.PlanID]bool{}
				}
				a.attached[account][plan.ID] = true
			}
		}
	}
	return a, nil
}

// stream compares one stream and wakes what it needs.
func (s *Sweep) stream(ctx context.Context, stream portal.Stream, a actual, began time.Time) (Found, error) {
	facts, err := s.Journal.Read(ctx, stream, 0)
	if err != nil || len(facts) == 0 {
		return Found{}, err
	}
	var found Found
	var wake []events.Event
	last := facts[len(facts)-1]
	shown, err := s.Shown.Checkpoint(ctx, stream)
	if err != nil {
		return Found{}, err
	}
	if known := newestKnown(facts); shown < known.Sequence {
		found.Unshown++
		wake = append(wake, known)
	}
	if id, ok := stream.Account(); ok {
		account := state.FoldAccount(id, facts)
		switch {
		case a.differs(account, began):
			found.Drifted++
			wake = append(wake, s.wakeUp(last, true))
		case hasOpen(account):
			found.Open++
			wake = append(wake, s.wakeUp(last, false))
		}
	}
	if len(wake) == 0 {
		return found, nil
	}
	return found, portal.Postpone("the queues do not answer", s.Sender.Repeat(ctx, wake...))
}

// newestKnown is the last fact that projections of this version show; they pass over the
// message of any other.
func newestKnown(facts []events.Event) events.Event {
	for _, fact := range slices.Backward(facts) {
		if _, unknown := fact.Data.(events.Unknown); !unknown {
			return fact
		}
	}
	return events.Event{}
}

func (s *Sweep) wakeUp(last events.Event, recheck bool) events.Event {
	now := s.Now()
	return events.Event{
		ID: portal.DeriveID("sweep", last.ID, now.String()), Source: "/gatehouse/sweep", Subject: last.Subject, Time: now,
		Causation: last.ID, Correlation: last.Correlation, Data: events.ProvisionRequested{Recheck: recheck},
	}
}

// differs says whether API Gateway holds something else than the fold holds for done.
// What changed so shortly before the survey that it may not have seen it does not count.
func (a actual) differs(account state.Account, began time.Time) bool {
	settled := func(t time.Time) bool { return t.Before(began.Add(-settling)) }
	for plan, s := range account.Subscriptions {
		if s.Open() || !settled(s.Since) {
			continue
		}
		if a.attached[account.ID][plan] != (s.Phase == state.Active) {
			return true
		}
	}
	for plan := range a.attached[account.ID] {
		if _, known := account.Subscriptions[plan]; !known {
			return true
		}
	}
	for id, key := range account.Keys {
		if !key.Created() || !settled(key.CreatedAt) {
			continue
		}
		listed, there := a.keys[account.ID][id]
		if !there || listed.ID != key.GatewayID {
			return true
		}
	}
	return false
}

func hasOpen(account state.Account) bool {
	for _, s := range account.Subscriptions {
		if s.Open() {
			return true
		}
	}
	return false
}
