// Package provisioning converges: it makes API Gateway match what an account's fold wants, and
// never decides what is wanted. A wake-up says only that an account may differ: an extra one
// does no harm, and the next one finds what an earlier one has missed.
package provisioning

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/rs/zerolog"

	"github.com/gatehouse-portal/gatehouse/accounts"
	"github.com/gatehouse-portal/gatehouse/events"
	"github.com/gatehouse-portal/gatehouse/gateway"
	"github.com/gatehouse-portal/gatehouse/journal"
	"github.com/gatehouse-portal/gatehouse/leases"
	"github.com/gatehouse-portal/gatehouse/portal"
	"github.com/gatehouse-portal/gatehouse/state"
)

const (
	// A wish younger than fresh counts as interactive.
	fresh = 30 * time.Second
	// A plan that was wanted and left again and again within flapping counts as backlog.
	flapping = 10 * time.Minute
	// accountLease keeps other workers off an account. Two at once would be slower, not wrong.
	accountLease = time.Minute
	// listDelay is how long API Gateway may take to list a change. Until then absence proves
	// nothing.
	listDelay = 5 * time.Minute
	// A message comes again after retry if API Gateway needs a moment, after unlisted while a
	// key exists that no list shows, and after upgrade if only newer workers understand its
	// stream.
	retry    = 15 * time.Second
	unlisted = time.Minute
	upgrade  = 30 * time.Second
	// A key that should leave a plan waits for its usage to be read for readable.
	readable = 2 * time.Minute
)

type facts interface {
	Append(ctx context.Context, stream portal.Stream, after int64, facts []events.Event, rows ...journal.Row) error
	Write(ctx context.Context, rows ...journal.Row) error
}

type accountReader interface {
	Account(ctx context.Context, id portal.AccountID) (accounts.History, error)
	Remembered(id portal.AccountID) (history accounts.History, ok bool)
}

type sender interface {
	Send(ctx context.Context, messages ...events.Event) error
	SendAgain(ctx context.Context, messages ...events.Event) error
}

// ControlPlane is what converging needs of API Gateway. Every call may be repeated.
type ControlPlane interface {
	// DeriveAndCreateKey creates the key that derive returns, or returns derive's error. It calls
	// derive once, and not after it has returned.
	DeriveAndCreateKey(ctx context.Context, derive func(context.Context) (gateway.Key, error)) (portal.GatewayKeyID, error)
	DeleteKey(ctx context.Context, key portal.GatewayKeyID) error
	Attach(ctx context.Context, plan portal.PlanID, key portal.GatewayKeyID) error
	Detach(ctx context.Context, plan portal.PlanID, key portal.GatewayKeyID) error
	Move(ctx context.Context, from, to portal.PlanID, key portal.GatewayKeyID) error
	FindKey(ctx context.Context, name string) (id portal.GatewayKeyID, found bool, err error)
	SetEnabled(ctx context.Context, key portal.GatewayKeyID, enabled bool) error
	SetCustomer(ctx context.Context, key portal.GatewayKeyID, customer string) error
	// QuotaOf and SetRemaining pass on what was used of a quota.
	QuotaOf(ctx context.Context, plan portal.PlanID, key portal.GatewayKeyID) (gateway.KeyQuota, error)
	SetRemaining(ctx context.Context, plan portal.PlanID, key portal.GatewayKeyID, remaining int64) error
	// Rechecks use HasPlan, Inspect, Rename and PlansOf. Attaching a key with a customer uses Inspect.
	HasPlan(ctx context.Context, plan portal.PlanID) (bool, error)
	Inspect(ctx context.Context, key portal.GatewayKeyID) (gateway.KeyState, error)
	Rename(ctx context.Context, key portal.GatewayKeyID, name string) error
	PlansOf(ctx context.Context, key portal.GatewayKeyID) ([]gateway.UsagePlan, error)
}

type values interface {
	Value(ctx context.Context, scheme, kmsKey string, account portal.AccountID, key portal.KeyID) (string, error)
}

type accountLeases interface {
	AccountLease(ctx context.Context, account portal.AccountID, message string, length time.Duration) (lease leases.AccountLease, ok bool, err error)
	NewAccountLease(ctx context.Context, account portal.AccountID, message string, length time.Duration) (lease leases.AccountLease, item leases.LeaseItem, ok bool)
}

// usageReader records what API Gateway has counted for a key in a plan. The converger calls it
// before it takes the key out of the plan or deletes it, since API Gateway may forget the counter
// then. It may be called twice. It returns what the key has of the plan's quota, if it knows the
// quota.
type usageReader interface {
	Final(ctx context.Context, urgency gateway.Urgency, lease func() time.Time, account portal.AccountID, pair portal.Pair, key portal.GatewayKeyID) (quota gateway.KeyQuota, known bool, err error)
}

// Converger converges accounts.
type Converger struct {
	Journal       facts
	Accounts      accountReader
	Sender        sender
	Session       func(urgency gateway.Urgency, lease func() time.Time) ControlPlane
	MessageLease  func(ctx context.Context) time.Time
	AccountLeases accountLeases
	Values        values
	Bulk          bulk
	KeyName       func(portal.AccountID, portal.KeyID) string
	// Usage is nil if nothing collects usage.
	Usage usageReader
	// KeepIdleKeys is how long API Gateway keeps the keys of a ring without plans; 0 is for
	// ever.
	KeepIdleKeys time.Duration
	// CarryUsage keeps a key that enters a plan from having a second quota in the same period.
	CarryUsage bool
	// KeepEndedKeys is how long API Gateway keeps keys that have ended, so that their last usage can
	// be read.
	KeepEndedKeys time.Duration
	// Erase deletes the personal data of an account that has no key left, and may be repeated. nil
	// deletes no account.
	Erase func(ctx context.Context, account portal.AccountID) error
	// Waits counts parked tasks by reason; nil counts nothing.
	Waits func(reason events.Reason)
	Now   func() time.Time

	wakeUps seen
}

// Handle converges the account that a ProvisionRequested names. Outcomes are appended at once,
// and published before the message is acknowledged. A second delivery publishes again what the
// first recorded, then compares again.
func (c *Converger) Handle(ctx context.Context, msg events.Event) error {
	id, ok := msg.Subject.Account()
	if !ok {
		return portal.Fail(portal.Invalid, fmt.Sprintf("Only accounts are provisioned, not %q.", msg.Subject))
	}
	r, err := c.begin(ctx, id, msg)
	if err != nil {
		return err
	}
	defer r.endLease()
	err = r.handle(ctx)
	// The redelivery sends the facts that were not sent.
	if unsent := r.published(); unsent != nil {
		zerolog.Ctx(ctx).Warn().Err(err).Msg("cannot send the recorded facts")
		return unsent
	}
	return err
}

func (c *convergence) handle(ctx context.Context) error {
	if !c.loaded {
		if err := c.load(ctx); err != nil {
			return err
		}
	}
	if err := c.publishAgain(ctx); err != nil {
		return err
	}
	if wake, ok := c.msg.Data.(events.ProvisionRequested); ok && wake.Recheck {
		c.keepLease = true // comparing records outcomes before it has found all that is to do
		if err := c.compare(ctx); err != nil {
			return err
		}
		if err := c.eraseAgain(ctx); err != nil {
			return err
		}
	}
	return c.converge(ctx)
}

type convergence struct {
	*Converger
	id      portal.AccountID
	msg     events.Event
	account state.Account
	latest  []events.Event
	loaded  bool
	plane   ControlPlane
	// sending gets the result of sending the last facts; nil if all are sent.
	sending chan error

	lease leases.AccountLease
	// leaseEnded: the lease ended with the last outcome. keepLease: it must not.
	leaseEnded, keepLease bool
	// mayBeUnrecorded: a worker may have tried to create the account's keys without recording it.
	mayBeUnrecorded bool

	// recheck holds keys in plans to compare even if the fold says that they are done: another
	// worker recorded something about them during this run's call, which may have come later.
	recheck map[portal.Pair]bool
	// reswitch holds keys to disable or enable again, for the same reason.
	reswitch map[portal.KeyID]bool
	stuck    map[task]error
	// takenOut holds keys in plans that were detached to make way for another plan.
	takenOut map[portal.Pair]bool
	// renewed holds keys that this run has created again.
	renewed map[portal.KeyID]bool
}

func newConvergence(c *Converger, id portal.AccountID, msg events.Event, lease leases.AccountLease) *convergence {
	return &convergence{
		Converger: c, id: id, msg: msg, lease: lease,
		mayBeUnrecorded: !lease.LastUnrecorded.IsZero(),
		recheck:         map[portal.Pair]bool{},
		reswitch:        map[portal.KeyID]bool{},
		stuck:           map[task]error{},
		takenOut:        map[portal.Pair]bool{},
		renewed:         map[portal.KeyID]bool{},
	}
}

func (c *convergence) load(ctx context.Context) error {
	history, err := c.Accounts.Account(ctx, c.id)
	if err != nil {
		return err
	}
	c.take(history)
	if unknown := c.account.NotUnderstood; unknown != "" {
		return &portal.Postponed{After: upgrade, Reason: fmt.Sprintf("%s holds a %s, which only newer workers understand", c.msg.Subject, events.Name(unknown))}
	}
	return nil
}

func (c *convergence) take(history accounts.History) {
	c.account, c.latest, c.loaded = history.Account, history.Facts, true
}

func (c *convergence) endLease() {
	if !c.leaseEnded {
		c.lease.End(c.allRecorded())
	}
}

// allRecorded: no key of the account may exist unrecorded.
func (c *convergence) allRecorded() bool {
	if !c.mayBeUnrecorded {
		return true
	}
	for _, key := range c.account.Keys {
		if !key.Created() && !key.Released {
			return false
		}
	}
	return c.loaded
}

func (c *convergence) publishAgain(ctx context.Context) error {
	var recorded []events.Event
	for _, fact := range c.latest {
		if fact.Causation == c.msg.ID {
			recorded = append(recorded, fact)
		}
	}
	if len(recorded) == 0 {
		return nil
	}
	return portal.Postpone("the topic does not answer", c.Sender.SendAgain(ctx, recorded...))
}

func (c *convergence) converge(ctx context.Context) error {
	for !c.leaseEnded {
		t, ok := c.next()
		if !ok {
			if err := c.awaitReinstatement(ctx); err != nil {
				return err
			}
			if err := c.stuckError(); err != nil {
				return err
			}
			return c.erase(ctx)
		}
		c.plane = c.Session(c.urgency(t), c.leased(ctx))
		err := c.do(ctx, t)
		var postponed *portal.Postponed
		var between *betweenPlans
		switch {
		case errors.As(err, &postponed):
			return err
		case err != nil:
			if err := c.park(ctx, t, err); err != nil {
				return err
			}
		}
		if errors.As(err, &between) {
			return c.moveAgain(t.pair(), between)
		}
	}
	return nil
}

func (c *convergence) leased(ctx context.Context) func() time.Time {
	return func() time.Time { return c.MessageLease(ctx) }
}

func (c *convergence) urgency(t task) gateway.Urgency {
	if t.kind != keyInPlan && t.kind != finishSubscription {
		return c.keyUrgency(t)
	}
	if c.movesFrom(t.pair()) != "" {
		return gateway.Interactive
	}
	s := c.subscriptionOf(t)
	opened := s.OpenedAt
	if attachment, ok := c.account.Attachments[t.pair()]; ok {
		opened = attachment.OpenedAt
	}
	if c.Now().Sub(opened) < fresh && !s.Flapping(c.Now(), flapping) {
		return gateway.Interactive
	}
	return gateway.Backlog
}

// stuckError is the error for the stuck tasks, nil for those that other messages wake: due rows
// and sweeps, or the task of a plan that is being left. The message comes again after a
// throttle, and while a key is not listed yet. Any other error is a failure.
func (c *convergence) stuckError() error {
	var wait *portal.Postponed
	for t, err := range c.stuck {
		var busy *gateway.Unavailable
		switch {
		case parkedFor(err) != events.WaitingForAWS, errors.Is(err, errBeingLeft):
		case errors.As(err, &busy) && busy.Throttled:
			wait = &portal.Postponed{After: retry, Reason: "API Gateway throttles", Err: err}
		case errors.As(err, &busy) && busy.ValueTaken:
			wait = &portal.Postponed{After: unlisted, Reason: "API Gateway has a key that it does not list", Err: err}
		default:
			return fmt.Errorf("converging %s: %w", t, err)
		}
	}
	if wait == nil {
		return nil
	}
	return wait
}

func (c *convergence) park(ctx context.Context, t task, cause error) error {
	c.stuck[t] = cause
	reason := parkedFor(cause)
	level := zerolog.WarnLevel
	if reason == events.WaitingForKMSKey {
		level = zerolog.ErrorLevel // it lasts until an operator does what the error says
	}
	zerolog.Ctx(ctx).WithLevel(level).Err(cause).Stringer("task", t).Str("reason", string(reason)).Msg("provisioning waits")
	if c.Waits != nil {
		c.Waits(reason)
	}
	wish := c.wish(t)
	id := c.subscriptionOf(t).ID()
	_, err := c.record(ctx, c.correlation(id), watchSubscription(id), func() []events.Fact {
		if parked, open := c.parked(wish); !open || parked == reason {
			return nil
		}
		return []events.Fact{events.WishParked{Link: events.Link{Wish: wish}, Reason: reason}}
	})
	return err
}

type keyMaterial interface {
	error
	KeyMaterial()
	Passes() bool
}

func parkedFor(cause error) events.Reason {
	var limit *gateway.LimitReached
	var material keyMaterial
	switch {
	case errors.As(cause, &limit):
		return events.WaitingForCapacity
	case errors.As(cause, &material) && material.Passes():
		return events.WaitingForKMS
	case material != nil:
		return events.WaitingForKMSKey
	}
	return events.WaitingForAWS
}

func (c *convergence) wish(t task) int64 {
	if t.kind == endKey {
		return c.account.Keys[t.key].Ending
	}
	if attachment, ok := c.account.Attachments[t.pair()]; ok {
		return attachment.OpenedBy
	}
	return c.subscriptionOf(t).OpenedBy
}

func (c *convergence) subscriptionOf(t task) state.Subscription {
	if t.kind == finishSubscription {
		return c.account.Subscriptions[t.subscription]
	}
	return c.account.SubscribedBy(t.pair())
}

// correlation is that of the request that opened the wish, not that of the wake-up.
func (c *convergence) correlation(id portal.SubscriptionID) string {
	return cmp.Or(c.account.Subscriptions[id].Correlation, c.msg.Correlation)
}

func (c *convergence) correlationOf(pair portal.Pair) string {
	return c.correlation(c.account.SubscriptionOf(pair))
}
