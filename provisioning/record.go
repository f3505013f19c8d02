package provisioning

import (
	"bytes"
	"context"
	"errors"
	"slices"

	"github.com/gatehouse-portal/gatehouse/approvals"
	"github.com/gatehouse-portal/gatehouse/due"
	"github.com/gatehouse-portal/gatehouse/events"
	"github.com/gatehouse-portal/gatehouse/journal"
	"github.com/gatehouse-portal/gatehouse/portal"
	"github.com/gatehouse-portal/gatehouse/state"
)

func (c *convergence) done(ctx context.Context, pair portal.Pair, also ...events.Fact) error {
	delete(c.recheck, pair)
	touched, err := c.record(ctx, c.correlationOf(pair), watchPair(pair), func() []events.Fact {
		outcome := c.outcome(pair)
		if len(outcome) == 0 {
			return nil
		}
		return append(outcome[:1:1], append(also, outcome[1:]...)...)
	})
	if touched {
		c.recheck[pair] = true
	}
	return err
}

// outcome ends the wishes for these pairs, and the plans' wishes that waited for nothing else.
func (c *convergence) outcome(pairs ...portal.Pair) []events.Fact {
	var facts []events.Fact
	var ended []portal.SubscriptionID
	for _, pair := range pairs {
		now := c.account.Attachments[pair]
		link := events.Link{Wish: now.OpenedBy}
		switch now.Phase {
		case state.Wanted:
			facts = append(facts, events.KeyAttached{Link: link, Key: pair.Key, Plan: pair.Plan})
		case state.Ending:
			facts = append(facts, events.KeyDetached{Link: link, Key: pair.Key, Plan: pair.Plan})
		default:
			continue
		}
		// A change that is undone ends with its keys in the old plan.
		s := c.account.SubscribedBy(pair)
		for _, id := range []portal.SubscriptionID{c.account.SubscriptionOf(pair), s.Other(s.ChangesTo)} {
			if end := c.fulfilled(id, pairs...); len(end) > 0 && !slices.Contains(ended, id) {
				facts, ended = append(facts, end...), append(ended, id)
			}
		}
	}
	return append(facts, c.allReadied(pairs)...)
}

// allReadied ends the wishes for keys that waited only for these pairs.
func (c *convergence) allReadied(pairs []portal.Pair) []events.Fact {
	var facts []events.Fact
	keys := map[portal.KeyID]bool{}
	for _, pair := range pairs {
		if !keys[pair.Key] && c.account.Attachments[pair].Phase == state.Wanted {
			facts = append(facts, c.readied(pair.Key, pairs...)...)
		}
		keys[pair.Key] = true
	}
	return facts
}

// fulfilled ends a subscription's wish, unless it waits for a key that is not among done.
func (c *convergence) fulfilled(id portal.SubscriptionID, done ...portal.Pair) []events.Fact {
	s := c.account.Subscriptions[id]
	if !s.HasOpenWish() {
		return nil
	}
	for pair, attachment := range c.account.Attachments {
		of := c.account.SubscriptionOf(pair)
		concerns := of == id || s.Refusal != nil && of == s.Other(s.Replaces)
		if concerns && attachment.HasOpenWish() && attachment.OpenedBy == s.OpenedBy && !slices.Contains(done, pair) {
			return nil
		}
	}
	link := events.Link{Wish: s.OpenedBy}
	switch {
	case s.Refusal != nil:
		return []events.Fact{events.RequestRejected{Link: link, Code: s.Refusal.Code, Message: s.Refusal.Message}}
	case s.Replaces != "":
		return []events.Fact{events.PlanChanged{Link: link, From: s.Replaces, Plan: s.Plan, Payer: events.PaidBy(s.Ring)}}
	case s.Desired():
		return []events.Fact{events.SubscriptionActivated{Link: link, Plan: s.Plan, Payer: events.PaidBy(s.Ring)}}
	}
	return []events.Fact{events.SubscriptionEnded{Link: link, Plan: s.Plan, Payer: events.PaidBy(s.Ring)}}
}

func (c *convergence) finish(ctx context.Context, id portal.SubscriptionID) error {
	_, err := c.record(ctx, c.correlation(id), watchSubscription(id), func() []events.Fact { return c.fulfilled(id) })
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

func watchSubscription(id portal.SubscriptionID) watch {
	return func(a state.Account) any {
		s := a.Subscriptions[id]
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
// too late, so touched is true and nothing is recorded. Without an outcome it only checks that.
func (c *convergence) record(ctx context.Context, correlation string, about watch, outcome func() []events.Fact) (touched bool, err error) {
	for {
		happened := outcome()
		if len(happened) == 0 {
			return c.reload(ctx, about)
		}
		head := c.account.Sequence
		cause := events.Event{ID: c.msg.ID, Subject: c.msg.Subject, Correlation: correlation, TraceParent: c.msg.TraceParent, TraceState: c.msg.TraceState}
		appended := journal.Stamp(cause, "/gatehouse/provisioning", c.Now(), head, happened)
		after := c.account.Clone()
		for _, fact := range appended {
			after.Apply(fact)
		}
		rows, last := c.rows(after), c.isLast(after)
		if last {
			rows = append(rows, journal.DropLease(c.lease.Key, c.lease.Holder))
		}
		err := c.Journal.Append(ctx, c.msg.Subject, head, appended, rows...)
		if errors.Is(err, journal.ErrTaken) {
			c.keepLease = true // it may be another worker's by now
			touched, err := c.reload(ctx, about)
			if err != nil {
				return false, err
			}
			// This append succeeded and its answer was lost, so nobody has published it.
			if c.appended(appended[0]) {
				if err := c.published(); err != nil {
					return false, err
				}
				return false, portal.Postpone("the topic does not answer", c.Sender.SendAgain(ctx, appended...))
			}
			if touched {
				return true, nil
			}
			continue
		}
		if err != nil {
			return false, err
		}
		c.leaseEnded = last
		c.latest, c.account = append(c.latest, appended...), after
		return false, c.publish(ctx, appended)
	}
}

// isLast: nothing is left to do in that state, so the outcome may end the lease.
func (c *convergence) isLast(after state.Account) bool {
	if c.lease.Holder == "" || c.keepLease || len(c.stuck) > 0 || len(c.recheck) > 0 || len(c.reswitch) > 0 || after.Standing.Leaving() {
		return false
	}
	then := *c
	then.account = after
	_, more := then.next()
	return !more && len(then.heldUp()) == 0 && then.allRecorded()
}

// publish sends the facts, and what follows from them, while the run goes on. Its error is that of the facts before them.
func (c *convergence) publish(ctx context.Context, facts []events.Event) error {
	if err := c.published(); err != nil {
		return err
	}
	sent := make(chan error, 1)
	messages := append(facts[:len(facts):len(facts)], c.endsOverdue(facts)...)
	send := portal.Guard(func() error { return c.Sender.Send(ctx, messages...) })
	go func() { sent <- send() }()
	c.sending = sent
	return nil
}

func (c *convergence) published() error {
	if c.sending == nil {
		return nil
	}
	err := <-c.sending
	c.sending = nil
	return portal.Postpone("the topic does not answer", err)
}

// appended reports whether exactly that fact is in the stream. Another delivery may have appended
// others with the same cause.
func (c *convergence) appended(fact events.Event) bool {
	want, err := events.Encode(fact)
	if err != nil {
		return false
	}
	for _, recorded := range c.latest {
		if recorded.Sequence == fact.Sequence {
			is, err := events.Encode(recorded)
			return err == nil && bytes.Equal(is, want)
		}
	}
	return false
}

func (c *convergence) reload(ctx context.Context, about watch) (touched bool, err error) {
	before := about(c.account)
	if err := c.load(ctx); err != nil {
		return false, err
	}
	return about(c.account) != before, nil
}

// rows changes the due rows: ended wishes lose theirs; each key of a ring that became empty gets
// one, and so does each key that has ended.
func (c *convergence) rows(after state.Account) []journal.Row {
	rows := approvals.Changes(c.account, after)
	stream := c.msg.Subject
	opened, ended := state.WishesBetween(c.account, after)
	for wish, about := range opened {
		rows = append(rows, journal.PutDue(due.OfWish(stream, wish, about.At, about.Key, about.Plan, c.msg.Correlation)))
	}
	for wish, about := range ended {
		rows = append(rows, journal.DropDue(due.OfWish(stream, wish, about.At, about.Key, about.Plan, "")))
	}
	for name, ring := range after.Rings {
		if ring.EmptiedBy == 0 || ring == c.account.Rings[name] || c.KeepIdleKeys == 0 {
			continue
		}
		for id, key := range after.Keys {
			if key.Ring == name && key.Created() && key.Live() && !key.Adopted {
				rows = append(rows, journal.PutDue(due.OfIdleKey(stream, id, ring.EmptiedBy, ring.EmptiedAt, c.KeepIdleKeys)))
			}
		}
	}
	for id, key := range after.Keys {
		if key.EndedBy != 0 && key.EndedBy != c.account.Keys[id].EndedBy && key.Releasing == 0 {
			rows = append(rows, journal.PutDue(due.OfKeyRemoval(stream, id, key.EndedBy, key.EndedAt, c.KeepEndedKeys)))
		}
	}
	return rows
}
