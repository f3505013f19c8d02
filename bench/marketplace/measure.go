package main

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strconv"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/aws-sdk-go-v2/service/sqs/types"
	"github.com/rs/zerolog"

	"github.com/gatehouse-portal/gatehouse/app"
	"github.com/gatehouse-portal/gatehouse/events"
	"github.com/gatehouse-portal/gatehouse/marketplace/notice"
	"github.com/gatehouse-portal/gatehouse/portal"
	"github.com/gatehouse-portal/gatehouse/transport"
	"github.com/gatehouse-portal/gatehouse/transport/pubsub"
)

const limit = 20 * time.Minute

// measure starts the worker, and then people who sign up. It ends with an error if a notice was lost or recorded twice,
// or if the people had to wait for the burst to end.
func (b *bench) measure(ctx context.Context, tell func(string, ...any)) error {
	ctx, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	waiting, err := b.depth(ctx, b.names.Marketplace)
	if err != nil {
		return err
	}
	tell("burst       %d messages wait, %d of them again and %d unknown", waiting, b.repeats, len(b.unknown))
	stop, err := b.startWorker(ctx)
	if err != nil {
		return err
	}
	defer stop()
	began := time.Now()
	during := make(chan people, 1)
	go func() { during <- b.signUp(ctx, "during") }()
	if err := b.drained(ctx, b.names.Marketplace, b.names.Commands); err != nil {
		return err
	}
	recorded := time.Now()
	if err := b.drained(ctx, b.names.Projections, b.names.Notices, b.names.Jobs); err != nil {
		return err
	}
	shown, calls := time.Now(), b.calls.soFar()
	busy := <-during
	idle := b.signUp(ctx, "after")
	if err := errors.Join(busy.err, idle.err); err != nil {
		return err
	}
	expected, err := b.check(ctx)
	if err != nil {
		return err
	}
	took := recorded.Sub(began)
	tell("recorded    %d notices once each, in %s: %.2f ms for each message", expected, took.Round(10*time.Millisecond), milliseconds(took)/float64(waiting))
	tell("shown       after %s", shown.Sub(began).Round(10*time.Millisecond))
	for _, service := range slices.Sorted(maps.Keys(calls)) {
		tell("%-12s%-45s %6d requests, %.2f for each message", "", service, calls[service], float64(calls[service])/float64(waiting))
	}
	before := 0
	for _, end := range busy.ends {
		if end.Before(recorded) {
			before++
		}
	}
	tell("people      %d signed up and subscribed during the burst, %d were done before its end; median %s, at most %s",
		len(busy.took), before, busy.median(), busy.most())
	tell("            %d afterwards: median %s, at most %s; the burst makes the median %.1f times as long", len(idle.took), idle.median(), idle.most(),
		float64(busy.median())/float64(idle.median()))
	if before < len(busy.took) {
		return errors.New("other queues waited for the burst")
	}
	tell("promises kept")
	return nil
}

func milliseconds(d time.Duration) float64 { return float64(d) / float64(time.Millisecond) }

func (b *bench) startWorker(ctx context.Context) (stop func(), err error) {
	cfg := b.awsConfig.Copy()
	cfg.HTTPClient = &http.Client{Transport: b.calls}
	worker, err := app.NewWorker(ctx, app.Process{AWS: cfg, Config: b.config, Log: zerolog.Nop(), Metrics: app.NewMetrics("worker"), PollWait: time.Second})
	if err != nil {
		return nil, err
	}
	running, cancel := context.WithCancel(ctx)
	done := make(chan struct{})
	go func() {
		defer close(done)
		_ = worker.Run(running)
	}()
	return func() { cancel(); <-done }, nil
}

// people has how long each person took to sign up and get a key that works, and when that was done.
type people struct {
	took []time.Duration
	ends []time.Time
	err  error
}

func (p people) median() time.Duration {
	return slices.Sorted(slices.Values(p.took))[len(p.took)/2].Round(time.Millisecond)
}
func (p people) most() time.Duration { return slices.Max(p.took).Round(time.Millisecond) }

// signUp has one person after the other register and subscribe, and waits for each.
func (b *bench) signUp(ctx context.Context, name string) (all people) {
	queues := pubsub.NewQueues(b.queues)
	publisher := pubsub.NewPublisher(b.queues, queues, pubsub.PublisherConfig{})
	defer func() { all.err = errors.Join(all.err, publisher.Close()) }()
	sender := transport.NewSender(publisher, nil, func(events.Event) (transport.Destination, error) {
		return transport.Destination{Queue: b.names.Commands, FIFO: true}, nil
	})
	for i := range b.people {
		began, stream := time.Now(), portal.AccountStream(portal.AccountID(name+strconv.Itoa(i)))
		for n, request := range []events.Request{
			events.RegisterUser{}, events.SubscribeRequested{Plan: portal.PlanID(b.demo.FreePlanID), Name: "Free", Stages: []portal.Stage{{API: b.demo.APIID, Stage: b.demo.Stage}}},
		} {
			op := portal.OperationID(fmt.Sprintf("%s%d-%d", name, i, n))
			if all.err = sender.Send(ctx, events.Event{
				ID: string(op), Source: "/bench", Subject: stream, Time: time.Now(), Operation: op, Intent: portal.Intent(n + 1), Data: request,
			}); all.err != nil {
				return all
			}
		}
		if all.err = b.until(ctx, "a subscription", func() (bool, error) {
			facts, err := b.journal.Read(ctx, stream, 0)
			return slices.ContainsFunc(facts, func(e events.Event) bool { _, is := e.Data.(events.SubscriptionActivated); return is }), err
		}); all.err != nil {
			return all
		}
		all.took, all.ends = append(all.took, time.Since(began)), append(all.ends, time.Now())
	}
	return all
}

func (b *bench) until(ctx context.Context, what string, so func() (bool, error)) error {
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for {
		if is, err := so(); is || err != nil {
			return err
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			return fmt.Errorf("waiting for %s: %w", what, ctx.Err())
		}
	}
}

// drained waits until no message is in the queues, or on its way from one to the next.
func (b *bench) drained(ctx context.Context, queues ...string) error {
	return b.until(ctx, "the queues to be empty", func() (bool, error) {
		for _, queue := range queues {
			if n, err := b.depth(ctx, queue); n > 0 || err != nil {
				return false, err
			}
		}
		return true, nil
	})
}

func (b *bench) depth(ctx context.Context, queue string) (int, error) {
	url, err := b.queues.GetQueueUrl(ctx, &sqs.GetQueueUrlInput{QueueName: &queue})
	if err != nil {
		return 0, fmt.Errorf("finding the queue %s: %w", queue, err)
	}
	out, err := b.queues.GetQueueAttributes(ctx, &sqs.GetQueueAttributesInput{QueueUrl: url.QueueUrl, AttributeNames: []types.QueueAttributeName{
		types.QueueAttributeNameApproximateNumberOfMessages, types.QueueAttributeNameApproximateNumberOfMessagesNotVisible,
		types.QueueAttributeNameApproximateNumberOfMessagesDelayed,
	}})
	if err != nil {
		return 0, fmt.Errorf("reading the queue %s: %w", queue, err)
	}
	total := 0
	for _, text := range out.Attributes {
		n, _ := strconv.Atoi(text)
		total += n
	}
	return total, nil
}

// check compares the journal with what AWS sent, and returns how many notices that were.
func (b *bench) check(ctx context.Context) (expected int, err error) {
	sent, err := b.market.Notices(ctx)
	if err != nil {
		return 0, err
	}
	want := map[portal.Stream]map[string]bool{}
	expect := func(body string, from notice.Delivery) error {
		n, err := notice.Parse([]byte(body), from)
		if err != nil {
			return fmt.Errorf("reading a notice that AWS sent: %w", err)
		}
		stream := n.Subject
		if stream == portal.MarketplaceStream {
			stream = portal.NoticeStream(n.ID())
		}
		if want[stream] == nil {
			want[stream] = map[string]bool{}
		}
		want[stream][n.Data.Source] = true
		return nil
	}
	for _, n := range sent {
		if err := expect(n.Body, notice.Delivery{ID: n.MessageID, At: n.At}); err != nil {
			return 0, err
		}
	}
	for _, body := range b.unknown {
		if err := expect(body, notice.Delivery{}); err != nil {
			return 0, err
		}
	}
	for stream, sources := range want {
		facts, err := b.journal.Read(ctx, stream, 0)
		if err != nil {
			return 0, fmt.Errorf("reading %s: %w", stream, err)
		}
		found := map[string]int{}
		for _, fact := range facts {
			switch f := fact.Data.(type) {
			case events.LicenceNoticed:
				found[f.Notice.Source]++
			case events.MarketplaceNoticeKept:
				found[f.Notice.Source]++
			}
		}
		for source := range sources {
			if found[source] != 1 {
				return 0, fmt.Errorf("notice %s of %s was recorded %d times, want once", source, stream, found[source])
			}
		}
		expected += len(sources)
	}
	return expected, nil
}
