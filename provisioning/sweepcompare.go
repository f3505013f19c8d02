package provisioning

import (
	"context"
	"errors"
	"fmt"
	"sync"

	"github.com/rs/zerolog"
	"golang.org/x/sync/errgroup"

	"github.com/gatehouse-portal/gatehouse/events"
	"github.com/gatehouse-portal/gatehouse/gateway"
	"github.com/gatehouse-portal/gatehouse/journal"
	"github.com/gatehouse-portal/gatehouse/portal"
)

type compared struct {
	difference
	// recorded counts the keys that API Gateway holds by the journal.
	recorded                  int
	unshown, open, unreadable bool
	wake                      []events.Event
}

func (s *Sweep) comparePage(ctx context.Context, p sweepProgress) (sweepProgress, error) {
	streams, next, err := s.Journal.StreamPage(ctx, p.Position, sweepPage)
	if err != nil {
		return p, fmt.Errorf("listing streams: %w", err)
	}
	sv, err := s.surveyOf(ctx, p, streams)
	if err != nil {
		return p, err
	}
	results := make([]compared, len(streams))
	group, within := errgroup.WithContext(ctx)
	group.SetLimit(sweepReaders)
	for i, stream := range streams {
		group.Go(portal.Guard(func() (err error) {
			results[i], err = s.compare(within, stream, sv)
			return err
		}))
	}
	if err := group.Wait(); err != nil {
		return p, err
	}
	var wake []events.Event
	var seen keyNotes
	for i, result := range results {
		wake = append(wake, result.wake...)
		seen.add(streams[i], result.difference)
		p.Found.add(streams[i], result)
		p.Recorded += result.recorded
	}
	if err := s.noteKeys(ctx, p, fmt.Sprintf("%05d", p.Page), seen); err != nil {
		return p, err
	}
	if len(wake) > 0 {
		if err := s.Sender.SendAgain(ctx, wake...); err != nil {
			return p, portal.Postpone("the queues do not answer", err)
		}
	}
	return p.afterPage(next, findUnknown), nil
}

func (f *Found) add(stream portal.Stream, c compared) {
	if c.unreadable {
		note(&f.Unreadable, &f.First.Unreadable, stream)
		return
	}
	f.Streams++
	if c.unshown {
		note(&f.Unshown, &f.First.Unshown, stream)
	}
	switch {
	case c.drifted:
		note(&f.Drifted, &f.First.Drifted, stream)
	case c.open:
		note(&f.Open, &f.First.Open, stream)
	}
	if c.recent && !c.drifted {
		note(&f.Recent, &f.First.Recent, stream)
	}
}

// keyNotes are what a page of streams shows of keys.
type keyNotes struct {
	strays   []gateway.Listed
	findings []Finding
}

func (n *keyNotes) add(stream portal.Stream, d difference) {
	account, _ := stream.Account()
	n.strays = append(n.strays, d.strays...)
	for _, finding := range d.findings {
		finding.Account = account
		n.findings = append(n.findings, finding)
	}
}

func (s *Sweep) noteKeys(ctx context.Context, p sweepProgress, page string, seen keyNotes) error {
	if err := noteSome(ctx, s.Scratch, p, "strays-"+page, seen.strays); err != nil {
		return err
	}
	return noteSome(ctx, s.Scratch, p, "findings-"+page, seen.findings)
}

func noteSome[T any](ctx context.Context, to scratch, p sweepProgress, name string, some []T) error {
	if len(some) == 0 {
		return nil
	}
	return to.Put(ctx, p.set(), name, some, surveyKept)
}

// compare logs and passes over a stream that cannot be read, or whose comparison panics. A table
// that does not answer is an error.
func (s *Sweep) compare(ctx context.Context, stream portal.Stream, sv survey) (c compared, err error) {
	err = portal.Guard(func() (err error) {
		c, err = s.compareStream(ctx, stream, sv)
		return err
	})()
	var postponed *portal.Postponed
	if err == nil || errors.As(err, &postponed) || ctx.Err() != nil {
		return c, err
	}
	portal.WithStack(zerolog.Ctx(ctx).Error().Err(err).Str("stream", string(stream)), err).
		Msg("the sweep cannot read a stream and passes it over")
	return compared{unreadable: true}, nil
}

func (s *Sweep) compareStream(ctx context.Context, stream portal.Stream, sv survey) (compared, error) {
	head, err := s.Journal.Head(ctx, stream)
	if err != nil || head == 0 {
		return compared{}, err
	}
	var c compared
	if s.Shown != nil {
		shown, err := s.Shown.Checkpoint(ctx, stream)
		if err != nil {
			return c, err
		}
		if shown < head {
			c.unshown = true
			c.wake = append(c.wake, s.wakeUp(stream, head, events.ShowRequested{}))
		}
	}
	id, ok := stream.Account()
	if !ok {
		return c, nil
	}
	history, err := s.Accounts.Account(ctx, id)
	if err != nil {
		return c, err
	}
	if s.Told != nil && !history.Account.Standing.Leaving() {
		told, err := s.Told.Told(ctx, id)
		if err != nil {
			return c, err
		}
		if told < head {
			c.wake = append(c.wake, s.wakeUp(stream, head, events.TellRequested{}))
		}
	}
	holds := sv.accounts[id]
	if holds == nil {
		holds = &held{}
	}
	c.difference = differs(history.Account, *holds, sv.plans, sv.began)
	for _, key := range history.Account.Keys {
		if key.Created() {
			c.recorded++
		}
	}
	c.open = history.Account.HasOpenWishes()
	if c.drifted || c.open {
		c.wake = append(c.wake, s.wakeUp(stream, head, events.ProvisionRequested{Recheck: c.drifted}))
	}
	return c, nil
}

func (s *Sweep) wakeUp(stream portal.Stream, head int64, request events.Request) events.Event {
	now, last := s.Now(), journal.FactID(stream, head)
	return events.Event{
		ID: portal.DeriveID("sweep", request.EventType(), last, now.String()), Source: "/gatehouse/sweep", Subject: stream, Time: now,
		Causation: last, Correlation: last, Data: request,
	}
}

// findUnknown finds keys of accounts that the journal does not know.
func (s *Sweep) findUnknown(ctx context.Context, p sweepProgress) (sweepProgress, error) {
	accounts, err := s.load(ctx, p, p.Index)
	if err != nil {
		return p, err
	}
	var mu sync.Mutex
	var strays []gateway.Listed
	group, within := errgroup.WithContext(ctx)
	group.SetLimit(sweepReaders)
	for id, holds := range accounts {
		group.Go(portal.Guard(func() error {
			head, err := s.Journal.Head(within, portal.AccountStream(id))
			if err != nil || head > 0 {
				return err
			}
			mu.Lock()
			defer mu.Unlock()
			for _, key := range holds.keys {
				strays = append(strays, key.Listed)
			}
			return nil
		}))
	}
	if err := group.Wait(); err != nil {
		return p, err
	}
	if err := s.noteKeys(ctx, p, fmt.Sprintf("unknown-%02d", p.Index), keyNotes{strays: strays}); err != nil {
		return p, err
	}
	if p.Index++; p.Index < surveyShards {
		return p, nil
	}
	return p.to(conclude), nil
}
