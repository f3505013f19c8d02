package provisioning

import (
	"bytes"
	"context"
	"errors"
	"slices"

	"github.com/gatehouse-portal/gatehouse/due"
	"github.com/gatehouse-portal/gatehouse/events"
	"github.com/gatehouse-portal/gatehouse/journal"
	"github.com/gatehouse-portal/gatehouse/portal"
	"github.com/gatehouse-portal/gatehouse/state"
)

// done records that a key in a plan is as the fold wants it.
func (r *run) done(ctx context.Context, pair portal.Pair) error {
	delete(r.recheck, pair)
	touched, err := r.record(ctx, r.correlation(pair.Plan), watchPair(pair), func() []events.Fact {
		return r.outcome(pair)
	})
	if touched {
		r.recheck[pair] = true
	}
	return err
}

// outcome ends the wishes for these pairs, and the plans' wishes that waited for nothing else.
func (r *run) outcome(pairs ...portal.Pair) []events.Fact {
	var facts []events.Fact
	for _, pair := range pairs {
		now := r.account.Attachments[pair]
		link := events.Link{Wish: now.OpenedBy}
		switch now.Phase {
		case state.Wanted:
			facts = append(facts, events.KeyAttached{Link: link, Key: pair.Key, Plan: pair.Plan})
		case state.Ending:
			facts = append(facts, events.KeyDetached{Link: link, Key: pair.Key, Plan: pair.Plan})
		default:
			continue
		}
		facts = append(facts, r.fulfilled(pair.Plan, pairs...)...)
	}
	return facts
}

// fulfilled ends a plan's wish, unless it waits for a key that is not among done.
func (r *run) fulfilled(plan portal.PlanID, done ...portal.Pair) []events.Fact {
	s := r.account.Subscriptions[plan]
	if !s.Open() {
		return nil
	}
	for pair, attachment := range r.account.Attachments {
		if pair.Plan == plan && attachment.Open() && attachment.OpenedBy == s.OpenedBy && !slices.Contains(done, pair) {
			return nil
		}
	}
	link := events.Link{Wish: s.OpenedBy}
	if s.Desired() {
		return []events.Fact{events.SubscriptionActivated{Link: link, Plan: plan}}
	}
	return []events.Fact{events.SubscriptionEnded{Link: link, Plan: plan}}
}

// finish ends a plan's wish if no key is left to do so.
func (r *run) finish(ctx context.Context, plan portal.PlanID) error {
	_, err := r.record(ctx, r.correlation(plan), watchPlan(plan), func() []events.Fact { return r.fulfilled(plan) })
	return err
}

// watch selects the part of an account that an outcome is about.
type watch func(state.Account) any

func watchPair(pair portal.Pair) watch {
	return func(a state.Account) any {
		now := a.Attachments[pair]
		return [3]any{now.Phase, now.OpenedBy, now.Since.UnixNano()}
	}
}

func watchKey(key portal.KeyID) watch {
	return func(a state.Account) any {
		k := a.Keys[key]
		return [4]any{k.GatewayID, k.Disabled, k.Releasing, k.Released}
	}
}

func watchPlan(plan portal.PlanID) watch {
	return func(a state.Account) any {
		s := a.Subscriptions[plan]
		return [2]any{s.Phase, s.OpenedBy}
	}
}

func watchAll(parts ...watch) watch {
	return func(a state.Account) any {
		var all [1 + journal.MaxFacts]any
		for i, part := range parts {
			all[i] = part(a)
		}
		return all
	}
}

// record appends the outcome and publishes it. If other workers have appended meanwhile it
// reloads and tries again, unless their facts touch what was done: the call may then have come
// too late, so touched is true and nothing is recorded. Without an outcome record only checks
// that.
func (r *run) record(ctx context.Context, correlation string, about watch, outcome func() []events.Fact) (touched bool, err error) {
	for {
		happened := outcome()
		if len(happened) == 0 {
			return r.reload(ctx, about)
		}
		head := r.account.Sequence
		cause := events.Event{ID: r.msg.ID, Subject: r.msg.Subject, Correlation: correlation, TraceParent: r.msg.TraceParent}
		appended := journal.Stamp(cause, "/gatehouse/provisioning", r.Now(), head, happened)
		after := r.account.Clone()
		for _, fact := range appended {
			after.Apply(fact)
		}
		err := r.Journal.Append(ctx, r.msg.Subject, head, appended, r.rows(after)...)
		if errors.Is(err, journal.ErrTaken) {
			touched, err := r.reload(ctx, about)
			if err != nil {
				return false, err
			}
			// This append succeeded and its answer was lost, so nobody has published it.
			if r.appended(appended[0]) {
				if err := r.published(); err != nil {
					return false, err
				}
				return false, portal.Postpone("the topic does not answer", r.Sender.Repeat(ctx, appended...))
			}
			if touched {
				return true, nil
			}
			continue
		}
		if err != nil {
			return false, err
		}
		r.latest, r.account = append(r.latest, appended...), after
		return false, r.publish(ctx, appended)
	}
}

// publish sends the facts while the run goes on. Its error is that of the facts before them.
func (r *run) publish(ctx context.Context, facts []events.Event) error {
	if err := r.published(); err != nil {
		return err
	}
	sent := make(chan error, 1)
	send := portal.Guard(func() error { return r.Sender.Send(ctx, facts...) })
	go func() { sent <- send() }()
	r.sending = sent
	return nil
}

func (r *run) published() error {
	if r.sending == nil {
		return nil
	}
	err := <-r.sending
	r.sending = nil
	return portal.Postpone("the topic does not answer", err)
}

// appended reports whether exactly that fact is in the stream. Another delivery may have appended
// others with the same cause.
func (r *run) appended(fact events.Event) bool {
	want, err := events.Encode(fact)
	if err != nil {
		return false
	}
	for _, recorded := range r.latest {
		if recorded.Sequence == fact.Sequence {
			is, err := events.Encode(recorded)
			return err == nil && bytes.Equal(is, want)
		}
	}
	return false
}

func (r *run) reload(ctx context.Context, about watch) (touched bool, err error) {
	before := about(r.account)
	if err := r.load(ctx); err != nil {
		return false, err
	}
	return about(r.account) != before, nil
}

// rows are the due rows of the step to that state: those of ended wishes are deleted, and a
// ring that became empty gets one for each key.
func (r *run) rows(after state.Account) []journal.Row {
	var rows []journal.Row
	stream := r.msg.Subject
	for plan, s := range r.account.Subscriptions {
		if s.Open() && !after.Subscriptions[plan].Open() {
			rows = append(rows, journal.DropDue(due.OfWish(stream, s.OpenedBy, s.OpenedAt, "", plan, "")))
		}
	}
	for id, key := range r.account.Keys {
		if key.Releasing != 0 && after.Keys[id].Releasing == 0 {
			rows = append(rows, journal.DropDue(due.OfWish(stream, key.Releasing, key.ReleasingAt, id, "", "")))
		}
	}
	for name, ring := range after.Rings {
		if ring.EmptiedBy == 0 || ring == r.account.Rings[name] || r.KeepIdleKeys == 0 {
			continue
		}
		for id, key := range after.Keys {
			if key.Ring == name && key.Created() {
				rows = append(rows, journal.PutDue(due.OfIdleKey(stream, id, ring.EmptiedBy, ring.EmptiedAt, r.KeepIdleKeys)))
			}
		}
	}
	return rows
}
