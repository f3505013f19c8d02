// Package provisioning converges: it makes API Gateway match what an account's fold
// wants. A wake-up says no more than "this account may differ", so waking it once too
// often does nothing, and whatever is lost on the way is found by the next wake-up.
// It never decides what is wanted.
package provisioning

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/rs/zerolog"

	"github.com/gatehouse-portal/gatehouse/events"
	"github.com/gatehouse-portal/gatehouse/gateway"
	"github.com/gatehouse-portal/gatehouse/journal"
	"github.com/gatehouse-portal/gatehouse/portal"
	"github.com/gatehouse-portal/gatehouse/state"
)

// fresh is how young a wish must be to count as somebody waiting at a screen.
const fresh = 30 * time.Second

// accountLease is how long one converger keeps others off an account. Not a guard,
// only thrift: two at once are slower, not wrong. One that was not settled tells the next
// holder to look before it creates.
const accountLease = time.Minute

// skew is how far the clocks of workers may lie apart for a lease to be certain to its end.
const skew = 10 * time.Second

type facts interface {
	Read(ctx context.Context, stream portal.Stream, after int64) ([]events.Event, error)
	Append(ctx context.Context, stream portal.Stream, after int64, facts []events.Event, rows ...journal.Row) error
}

type sender interface {
	Send(ctx context.Context, messages ...events.Event) error
	Repeat(ctx context.Context, messages ...events.Event) error
}

// ControlPlane is what converging needs of API Gateway; all of it may be repeated.
type ControlPlane interface {
	CreateKey(ctx context.Context, key gateway.Key) (portal.GatewayKeyID, error)
	Attach(ctx context.Context, plan portal.PlanID, key portal.GatewayKeyID) error
	Detach(ctx context.Context, plan portal.PlanID, key portal.GatewayKeyID) error
	// FindKey looks for the key of exactly that name.
	FindKey(ctx context.Context, name string) (id portal.GatewayKeyID, found bool, err error)
	// Present and PlansOf are for rechecks: whether the key is there, and which plans it opens.
	Present(ctx context.Context, key portal.GatewayKeyID) error
	PlansOf(ctx context.Context, key portal.GatewayKeyID) ([]gateway.UsagePlan, error)
}

type values interface {
	Value(ctx context.Context, scheme, kmsKey string, account portal.AccountID, key portal.KeyID) (string, error)
}

type accountLeases interface {
	AccountLease(ctx context.Context, account portal.AccountID, message string, length time.Duration) (lease gateway.AccountLease, ok bool, err error)
}

// Converger converges accounts.
type Converger struct {
	Journal facts
	Sender  sender
	// Session opens the control plane for one message, which is leased until lease says.
	Session func(urgency gateway.Urgency, lease func() time.Time) ControlPlane
	// Lease tells until when the message in ctx is leased.
	Lease  func(ctx context.Context) time.Time
	Leases accountLeases
	Values values
	// Bulk creates keys together with others'; nil creates each by itself.
	Bulk bulk
	// KeyName is a key's name in API Gateway.
	KeyName func(portal.AccountID, portal.KeyID) string
	Now     func() time.Time
}

// Handle converges the account that a ProvisionRequested names. Outcomes are appended
// as soon as they are known and published before the message is acknowledged; a
// second delivery publishes again what the first recorded, then compares again.
func (c *Converger) Handle(ctx context.Context, msg events.Event) error {
	id, ok := msg.Subject.Account()
	if !ok {
		return portal.Fail(portal.Invalid, fmt.Sprintf("Only accounts are provisioned, not %q.", msg.Subject))
	}
	lease, ok, err := c.Leases.AccountLease(ctx, id, msg.ID, accountLease)
	switch {
	case err != nil:
		return portal.Postpone("the lease of the account cannot be had", err)
	case !ok:
		return &portal.Postponed{After: time.Second, Reason: "another worker converges this account"}
	}
	r := &run{Converger: c, msg: msg, lease: lease, unsettled: !lease.Unsettled.IsZero(), recheck: map[portal.PlanID]bool{}, stuck: map[portal.PlanID]error{}, tried: map[portal.PlanID]bool{}, renewed: map[portal.KeyID]bool{}}
	defer func() { lease.End(r.settled()) }()
	if err := r.load(ctx); err != nil {
		return err
	}
	if err := r.publishAgain(ctx); err != nil {
		return err
	}
	if wake, ok := msg.Data.(events.ProvisionRequested); ok && wake.Recheck {
		if err := r.compare(ctx); err != nil {
			return err
		}
	}
	return r.converge(ctx)
}

// run is the handling of one wake-up.
type run struct {
	*Converger
	msg     events.Event
	account state.Account
	history []events.Event
	plane   ControlPlane

	lease gateway.AccountLease
	// unsettled says that somebody may have tried to create the account's keys, in this run
	// or before it, who could not record it.
	unsettled bool

	// recheck holds plans to compare even where the fold holds them for done: while we
	// worked on one, somebody else recorded something about it, and our work may have
	// come after theirs.
	recheck map[portal.PlanID]bool
	// stuck holds plans that are left for later, and why.
	stuck map[portal.PlanID]error
	// tried holds plans that were detached again for the sake of another.
	tried map[portal.PlanID]bool
	// renewed holds keys made anew in this run, because API Gateway had lost them.
	renewed map[portal.KeyID]bool
}

func (r *run) load(ctx context.Context) error {
	history, err := r.Journal.Read(ctx, r.msg.Subject, 0)
	if err != nil {
		return err
	}
	id, _ := r.msg.Subject.Account()
	r.history, r.account = history, state.FoldAccount(id, history)
	return nil
}

// settled says that no key of the account may be there without being recorded.
func (r *run) settled() bool {
	if !r.unsettled {
		return true
	}
	for _, key := range r.account.Keys {
		if !key.Created() {
			return false
		}
	}
	return len(r.history) > 0 // without it nothing was loaded
}

func (r *run) publishAgain(ctx context.Context) error {
	var recorded []events.Event
	for _, fact := range r.history {
		if fact.Causation == r.msg.ID {
			recorded = append(recorded, fact)
		}
	}
	if len(recorded) == 0 {
		return nil
	}
	return portal.Postpone("the topic does not answer", r.Sender.Repeat(ctx, recorded...))
}

// converge works on one plan after the other until none is left but the stuck ones,
// whose trouble it returns.
func (r *run) converge(ctx context.Context) error {
	for {
		s, ok := r.next()
		if !ok {
			return r.trouble()
		}
		r.open(ctx, r.urgency(s))
		err := r.settle(ctx, s)
		var postponed *portal.Postponed
		switch {
		case errors.As(err, &postponed):
			return err
		case err != nil:
			if err := r.park(ctx, s, err); err != nil {
				return err
			}
		}
	}
}

// open opens the control plane for what comes next.
func (r *run) open(ctx context.Context, urgency gateway.Urgency) {
	r.plane = r.Session(urgency, r.leased(ctx))
}

// leased tells until when the message is leased.
func (r *run) leased(ctx context.Context) func() time.Time {
	return func() time.Time { return r.Lease(ctx) }
}

// next picks a plan to work on: endings first, since they make room on their stages.
func (r *run) next() (state.Subscription, bool) {
	var wanted state.Subscription
	found := false
	for _, plan := range r.account.Plans() {
		s := r.account.Subscriptions[plan]
		if r.stuck[plan] != nil || (!s.Open() && !r.recheck[plan]) {
			continue
		}
		if !s.Holds() {
			return s, true
		}
		if !found {
			wanted, found = s, true
		}
	}
	return wanted, found
}

func (r *run) urgency(s state.Subscription) gateway.Urgency {
	if r.Now().Sub(s.OpenedAt) < fresh {
		return gateway.Interactive
	}
	return gateway.Bulk
}

// trouble is what the stuck plans come to: a throttle or missing capacity is waited
// for, anything else is a failure of this message.
func (r *run) trouble() error {
	var worst error
	for plan, err := range r.stuck {
		var full *gateway.LimitReached
		var busy *gateway.Unavailable
		switch {
		case errors.As(err, &full):
			// The due row asks again; there is nothing to gain from the message coming back.
		case errors.As(err, &busy) && busy.Throttled && worst == nil:
			worst = &portal.Postponed{After: 15 * time.Second, Reason: "API Gateway throttles", Err: err}
		default:
			worst = fmt.Errorf("converging plan %s: %w", plan, err)
		}
	}
	return worst
}

// park leaves the plan for later. Why is recorded once, so that whoever waits can
// see it.
func (r *run) park(ctx context.Context, s state.Subscription, cause error) error {
	r.stuck[s.Plan] = cause
	reason := events.WaitingForAWS
	var full *gateway.LimitReached
	if errors.As(cause, &full) {
		reason = events.WaitingForCapacity
	}
	zerolog.Ctx(ctx).Warn().Err(cause).Str("plan", string(s.Plan)).Str("reason", string(reason)).Msg("provisioning waits")
	_, err := r.record(ctx, s.Plan, touchesPlan(s.Plan), func(now state.Subscription) []events.Fact {
		if !now.Open() || now.Parked == reason {
			return nil
		}
		return []events.Fact{events.SubscriptionParked{Plan: s.Plan, Reason: reason}}
	})
	return err
}
