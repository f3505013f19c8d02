package provisioning

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/rs/zerolog"
	"golang.org/x/sync/errgroup"

	"github.com/gatehouse-portal/gatehouse/events"
	"github.com/gatehouse-portal/gatehouse/gateway"
	"github.com/gatehouse-portal/gatehouse/journal"
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
	Head(ctx context.Context, stream portal.Stream) (int64, error)
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
	Accounts accountReader
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
	attached map[portal.AccountID]map[portal.Pair]bool
	plans    map[portal.PlanID]bool
}

func (s *Sweep) survey(ctx context.Context) (actual, error) {
	a := actual{
		keys:     map[portal.AccountID]map[portal.KeyID]gateway.Listed{},
		attached: map[portal.AccountID]map[portal.Pair]bool{},
		plans:    map[portal.PlanID]bool{},
	}
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
		a.plans[plan.ID] = true
		keys, err := from.PlanKeys(ctx, plan.ID, s.NamePrefix)
		if err != nil {
			return a, fmt.Errorf("listing the keys of plan %s: %w", plan.ID, err)
		}
		for _, k := range keys {
			if account, key, ok := s.ParseName(k.Name); ok {
				if a.attached[account] == nil {
					a.attached[account] = map[portal.Pair]bool{}
				}
				a.attached[account][portal.Pair{Key: key, Plan: plan.ID}] = true
			}
		}
	}
	return a, nil
}

// stream compares one stream and wakes what it needs.
func (s *Sweep) stream(ctx context.Context, stream portal.Stream, a actual, began time.Time) (Found, error) {
	head, err := s.Journal.Head(ctx, stream)
	if err != nil || head == 0 {
		return Found{}, err
	}
	var found Found
	var wake []events.Event
	shown, err := s.Shown.Checkpoint(ctx, stream)
	if err != nil {
		return Found{}, err
	}
	if shown < head {
		found.Unshown++
		wake = append(wake, s.wakeUp(stream, head, events.ShowRequested{}))
	}
	if id, ok := stream.Account(); ok {
		history, err := s.Accounts.Account(ctx, id)
		if err != nil {
			return Found{}, err
		}
		switch {
		case a.differs(history.Account, began):
			found.Drifted++
			wake = append(wake, s.wakeUp(stream, head, events.ProvisionRequested{Recheck: true}))
		case history.Account.HasOpenWishes():
			found.Open++
			wake = append(wake, s.wakeUp(stream, head, events.ProvisionRequested{}))
		}
	}
	if len(wake) == 0 {
		return found, nil
	}
	return found, portal.Postpone("the queues do not answer", s.Sender.Repeat(ctx, wake...))
}

func (s *Sweep) wakeUp(stream portal.Stream, head int64, request events.Request) events.Event {
	now, last := s.Now(), journal.FactID(stream, head)
	return events.Event{
		ID: portal.DeriveID("sweep", request.EventType(), last, now.String()), Source: "/gatehouse/sweep", Subject: stream, Time: now,
		Causation: last, Correlation: last, Data: request,
	}
}

// differs says whether API Gateway holds something else than the fold holds for done.
// What changed so shortly before the survey that it may not have seen it does not count.
func (a actual) differs(account state.Account, began time.Time) bool {
	settled := func(t time.Time) bool { return t.Before(began.Add(-settling)) }
	attached, keys := a.attached[account.ID], a.keys[account.ID]
	for pair, attachment := range account.Attachments {
		if attachment.Open() || !settled(attachment.Since) {
			continue
		}
		if attached[pair] != (attachment.Phase == state.Active) {
			return true
		}
	}
	for pair := range attached {
		if account.Attachments[pair].Phase == "" {
			return true
		}
	}
	for id, key := range account.Keys {
		listed, there := keys[id]
		switch {
		case key.Released:
			if there {
				return true
			}
		case !key.Created() || key.Releasing != 0 || !settled(key.CreatedAt):
		case !there || listed.ID != key.GatewayID || listed.Disabled != key.Disabled:
			return true
		}
	}
	return false
}
