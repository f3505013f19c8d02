package provisioning

import (
	"context"
	"errors"

	"github.com/gatehouse-portal/gatehouse/events"
	"github.com/gatehouse-portal/gatehouse/jobs"
	"github.com/gatehouse-portal/gatehouse/journal"
	"github.com/gatehouse-portal/gatehouse/portal"
	"github.com/gatehouse-portal/gatehouse/state"
)

// done records the outcome of a subscription. Where the fold holds it for done
// already there is nothing to record, only to forget that it was to be rechecked.
func (r *run) done(ctx context.Context, s state.Subscription, outcome func(now state.Subscription) events.Fact) error {
	delete(r.recheck, s.Plan)
	touched, err := r.record(ctx, s.Plan, touchesPlan(s.Plan), func(now state.Subscription) []events.Fact {
		if !now.Open() {
			return nil
		}
		return []events.Fact{outcome(now)}
	})
	if touched {
		r.recheck[s.Plan] = true
	}
	return err
}

// record appends what happened to a plan and publishes it. If the stream has moved on
// meanwhile it reloads; facts that do not touch what was done make no difference, any
// that do mean that it may have come too late: touched is true and nothing is recorded.
// Where there is nothing to record it only looks whether that is so.
func (r *run) record(ctx context.Context, plan portal.PlanID, touch func(events.Fact) bool, outcome func(now state.Subscription) []events.Fact) (touched bool, err error) {
	for {
		now := r.account.Subscriptions[plan]
		happened := outcome(now)
		if len(happened) == 0 {
			return r.reload(ctx, touch)
		}
		cause := events.Event{ID: r.msg.ID, Subject: r.msg.Subject, Correlation: r.correlation(now), TraceParent: r.msg.TraceParent}
		appended := journal.Stamp(cause, "/gatehouse/provisioning", r.Now(), r.account.Sequence, happened)
		err := r.Journal.Append(ctx, r.msg.Subject, r.account.Sequence, appended, r.closes(happened)...)
		if errors.Is(err, journal.ErrTaken) {
			if touched, err := r.reload(ctx, touch); touched || err != nil {
				return touched, err
			}
			continue
		}
		if err != nil {
			return false, err
		}
		for _, fact := range appended {
			r.history = append(r.history, fact)
			r.account.Apply(fact)
		}
		return false, portal.Postpone("the topic does not answer", r.Sender.Send(ctx, appended...))
	}
}

// reload folds the stream anew and says whether a fact that is new touches.
func (r *run) reload(ctx context.Context, touch func(events.Fact) bool) (touched bool, err error) {
	known := len(r.history)
	if err := r.load(ctx); err != nil {
		return false, err
	}
	for _, fact := range r.history[known:] {
		if f, ok := fact.Fact(); ok && touch(f) {
			return true, nil
		}
	}
	return false, nil
}

// correlation is that of the request that opened the wish, so that a request's trail
// runs on through outcomes which another wake-up brought about.
func (r *run) correlation(s state.Subscription) string {
	if i := s.OpenedBy - 1; i >= 0 && i < int64(len(r.history)) && r.history[i].Correlation != "" {
		return r.history[i].Correlation
	}
	return r.msg.Correlation
}

// closes are the due rows that go because the facts end wishes.
func (r *run) closes(happened []events.Fact) []journal.Row {
	var rows []journal.Row
	gone := func(plan portal.PlanID) {
		s := r.account.Subscriptions[plan]
		rows = append(rows, jobs.Wish{Stream: r.msg.Subject, OpenedBy: s.OpenedBy, OpenedAt: s.OpenedAt}.Gone())
	}
	for _, fact := range happened {
		switch f := fact.(type) {
		case events.SubscriptionActivated:
			gone(f.Plan)
		case events.SubscriptionEnded:
			gone(f.Plan)
		case events.RequestRejected:
			gone(f.Withdraws)
		}
	}
	return rows
}

// touchesPlan tells facts that change what is wanted, or was done, of the plan. One
// more operation that waits for it does not.
func touchesPlan(plan portal.PlanID) func(events.Fact) bool {
	return func(fact events.Fact) bool {
		switch f := fact.(type) {
		case events.SubscriptionWanted:
			return f.Plan == plan
		case events.SubscriptionEnding:
			return f.Plan == plan
		case events.SubscriptionActivated:
			return f.Plan == plan
		case events.SubscriptionEnded:
			return f.Plan == plan
		case events.RequestRejected:
			return f.Withdraws == plan
		}
		return false
	}
}

// touchesKey tells facts that change what was done of the key.
func touchesKey(key portal.KeyID) func(events.Fact) bool {
	return func(fact events.Fact) bool {
		created, ok := fact.(events.KeyCreated)
		return ok && created.Key == key
	}
}
