package transport

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/ThreeDotsLabs/watermill"
	"github.com/ThreeDotsLabs/watermill/message"
	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sns"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/google/go-cmp/cmp"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/rs/zerolog"

	"github.com/gatehouse-portal/gatehouse/events"
	"github.com/gatehouse-portal/gatehouse/outputtest"
	"github.com/gatehouse-portal/gatehouse/portal"
	"github.com/gatehouse-portal/gatehouse/transport/pubsub"
	"github.com/gatehouse-portal/gatehouse/transport/sqstest"
)

// work runs a worker until stop is called. wait also stops it, and waits for its end.
func work(t *testing.T, c *cloud, cfg WorkerConfig) (stop, wait func()) {
	t.Helper()
	cfg.Client, cfg.Queues = c.Hooked, c.queues
	for i := range cfg.Consumers {
		sub := &cfg.Consumers[i].Subscriber
		if sub.CloseTimeout == 0 {
			sub.CloseTimeout, sub.HandBackTime = patience+time.Second, patience
		}
	}
	w, err := NewWorker(cfg)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	result := make(chan error, 1)
	go func() { result <- w.Run(ctx) }()
	wait = sync.OnceFunc(func() {
		cancel()
		if err := sqstest.Next(t, result); err != nil {
			t.Errorf("the worker ended with %v", err)
		}
	})
	t.Cleanup(wait)
	sqstest.Ended(t, w.Running())
	return cancel, wait
}

func TestAWorkerHandlesBuriesCountsAndLogs(t *testing.T) {
	t.Parallel()
	c := startCloud(t)
	commands := c.Queue("commands.fifo")
	var lines outputtest.Buffer
	l, reg := &ledger{}, prometheus.NewRegistry()
	got := make(chan events.Event, 10)
	work(t, c, WorkerConfig{
		Failures: l, Metrics: reg, Log: zerolog.New(&lines).Level(zerolog.DebugLevel),
		Consumers: []Consumer{{Name: "deciding", Queue: commands, Handlers: map[string]Handler{
			registerType: func(ctx context.Context, ev events.Event) error {
				zerolog.Ctx(ctx).Info().Msg("hello from the handler")
				if _, ok := pubsub.Lease(ctx); !ok {
					t.Error("the handler has no lease")
				}
				got <- ev
				return nil
			},
		}}},
	})
	want := event("r1", "account/a", events.RegisterUser{})
	unwanted := event("j1", "job/x", events.JobRequested{Job: "sweep", Cursor: "a secret of the payload"})
	if err := c.sender().Send(t.Context(), want, unwanted); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, sqstest.Next(t, got)); diff != "" {
		t.Errorf("the event changed (-want +got):\n%s", diff)
	}
	sqstest.Eventually(t, "the other one is buried", func() bool { return len(l.buried()) == 1 })
	if letter := l.buried()[0]; letter.Class != UnknownType || letter.ID != "j1" || letter.Queue != commands {
		t.Errorf("buried %+v", letter)
	}
	sqstest.Eventually(t, "the queue is empty", func() bool {
		visible, hidden := c.Left(commands)
		return visible == "0" && hidden == "0"
	})
	sqstest.Eventually(t, "both are counted", func() bool {
		return counted(t, reg, registerType, "handled") == 1 && counted(t, reg, "other", "buried") == 1
	})
	for name, want := range map[string]float64{
		"gatehouse_message_age_seconds": 2, "gatehouse_dead_letters_total": 1, "gatehouse_failures_unrecorded_total": 0, "gatehouse_messages_overdue_total": 0,
	} {
		if got, found := measured(t, reg, name, "deciding"); !found || got != want {
			t.Errorf("%s is %v (there at all: %t), want %v", name, got, found, want)
		}
	}
	text := lines.String()
	for _, part := range []string{
		`"consumer":"deciding","message_id":"r1","type":"gatehouse.RegisterUser.v1","subject":"account/a","account":"a","correlation_id":"corr-r1","operation_id":"op-r1"`,
		`"subject":"job/x","correlation_id":"corr-j1"`,
		`"hello from the handler"`, `"level":"debug"`, `"message":"message buried"`,
	} {
		if !strings.Contains(text, part) {
			t.Errorf("the log lacks %s", part)
		}
	}
	if strings.Contains(text, "secret") {
		t.Error("the log contains a payload")
	}
	if t.Failed() {
		t.Log(text)
	}
}

// measured returns a counter, or how many values a histogram has, of a consumer.
func measured(t *testing.T, reg *prometheus.Registry, name, consumer string) (value float64, found bool) {
	t.Helper()
	families, err := reg.Gather()
	if err != nil {
		t.Fatal(err)
	}
	for _, family := range families {
		if family.GetName() != name {
			continue
		}
		for _, m := range family.GetMetric() {
			if len(m.GetLabel()) == 1 && m.GetLabel()[0].GetName() == "consumer" && m.GetLabel()[0].GetValue() == consumer {
				return m.GetCounter().GetValue() + float64(m.GetHistogram().GetSampleCount()), true
			}
		}
	}
	return 0, false
}

func counted(t *testing.T, reg *prometheus.Registry, eventType, outcome string) float64 {
	t.Helper()
	families, err := reg.Gather()
	if err != nil {
		t.Fatal(err)
	}
	for _, family := range families {
		if family.GetName() != "gatehouse_messages_handled_total" {
			continue
		}
		for _, m := range family.GetMetric() {
			labels := map[string]string{}
			for _, label := range m.GetLabel() {
				labels[label.GetName()] = label.GetValue()
			}
			if labels["type"] == eventType && labels["outcome"] == outcome {
				return m.GetCounter().GetValue()
			}
		}
	}
	return 0
}

func TestAHandledRequestOfAnOperationIsOneLineOfTheLogAndAWakeUpIsNone(t *testing.T) {
	t.Parallel()
	c := startCloud(t)
	commands, provisioning := c.Queue("commands.fifo"), c.Queue("provisioning")
	var lines outputtest.Buffer
	reg := prometheus.NewRegistry()
	wakeUp := events.ProvisionRequested{}.EventType()
	ignore := func(context.Context, events.Event) error { return nil }
	postponed := func(_ context.Context, ev events.Event) error {
		if ev.ID == "late" {
			return &portal.Postponed{After: time.Hour, Reason: "budget"}
		}
		return nil
	}
	work(t, c, WorkerConfig{
		Failures: &ledger{}, Metrics: reg, Log: zerolog.New(&lines).Level(zerolog.InfoLevel),
		Consumers: []Consumer{
			{Name: "deciding", Queue: commands, Handlers: map[string]Handler{registerType: postponed}},
			{Name: "converging", Queue: provisioning, Handlers: map[string]Handler{wakeUp: ignore}},
		},
	})
	wake := event("w1", "account/a", events.ProvisionRequested{})
	wake.Operation = ""
	err := c.sender().Send(t.Context(), wake,
		event("r1", "account/a", events.RegisterUser{}), event("late", "account/b", events.RegisterUser{}))
	if err != nil {
		t.Fatal(err)
	}
	sqstest.Eventually(t, "all are counted, which is after they are logged", func() bool {
		return counted(t, reg, registerType, "handled") == 1 && counted(t, reg, registerType, "postponed") == 1 &&
			counted(t, reg, wakeUp, "handled") == 1
	})
	text := strings.TrimSpace(lines.String())
	for _, part := range []string{
		`"level":"info"`, `"type":"gatehouse.RegisterUser.v1"`, `"subject":"account/a"`, `"operation_id":"op-r1"`, `"took":`, `"outcome":"handled"`,
	} {
		if !strings.Contains(text, part) {
			t.Errorf("the log lacks %s", part)
		}
	}
	if strings.Contains(text, "\n") || t.Failed() {
		t.Errorf("want one line:\n%s", text)
	}
}

func TestAWorkerThatIsStoppedFinishesWhatItHandles(t *testing.T) {
	t.Parallel()
	c := startCloud(t)
	commands := c.Queue("commands.fifo")
	started, release := make(chan string, 10), make(chan struct{})
	stop, wait := work(t, c, WorkerConfig{
		Failures: &ledger{},
		Consumers: []Consumer{{
			Name: "deciding", Queue: commands, Subscriber: pubsub.SubscriberConfig{CloseTimeout: patience},
			Handlers: map[string]Handler{registerType: func(ctx context.Context, ev events.Event) error {
				started <- ev.ID
				<-release
				return ctx.Err()
			}},
		}},
	})
	if err := c.sender().Send(t.Context(),
		event("1", "account/a", events.RegisterUser{}), event("2", "account/a", events.RegisterUser{}),
		event("3", "account/b", events.RegisterUser{})); err != nil {
		t.Fatal(err)
	}
	sqstest.Next(t, started)
	sqstest.Next(t, started)
	stop()
	close(release)
	wait()
	if visible, hidden := c.Left(commands); visible != "1" || hidden != "0" {
		t.Errorf("%s messages are visible and %s leased, want only the one that was not begun, visible", visible, hidden)
	}
	if len(started) > 0 {
		t.Error("a message was begun after the stop")
	}
}

func TestAHandlerThatDoesNotEndIsCutOffAndItsMessageHandedBack(t *testing.T) {
	t.Parallel()
	c := startCloud(t)
	commands := c.Queue("commands.fifo")
	started, l := make(chan struct{}), &ledger{}
	_, wait := work(t, c, WorkerConfig{
		Failures: l,
		Consumers: []Consumer{{
			Name: "deciding", Queue: commands, Subscriber: pubsub.SubscriberConfig{CloseTimeout: patience + 50*time.Millisecond, HandBackTime: patience},
			Handlers: map[string]Handler{registerType: func(ctx context.Context, _ events.Event) error {
				close(started)
				<-ctx.Done()
				return ctx.Err()
			}},
		}},
	})
	if err := c.sender().Send(t.Context(), event("1", "account/a", events.RegisterUser{})); err != nil {
		t.Fatal(err)
	}
	sqstest.Ended(t, started)
	wait()
	if visible, hidden := c.Left(commands); visible != "1" || hidden != "0" {
		t.Errorf("%s messages are visible and %s leased, want 1 visible", visible, hidden)
	}
	if len(l.failures) > 0 {
		t.Errorf("being cut off was counted: %v", l.failures)
	}
}

func TestAPostponedMessageIsAskedForAgainAfterItsDelay(t *testing.T) {
	t.Parallel()
	c := startCloud(t)
	provisioning := c.Queue("provisioning")
	work(t, c, WorkerConfig{
		Failures: &ledger{},
		Consumers: []Consumer{{Name: "converging", Queue: provisioning, Handlers: map[string]Handler{
			events.ProvisionRequested{}.EventType(): func(context.Context, events.Event) error {
				return &portal.Postponed{After: 17 * time.Second, Reason: "budget"}
			},
		}}},
	})
	if err := c.sender().Send(t.Context(), event("1", "account/a", events.ProvisionRequested{})); err != nil {
		t.Fatal(err)
	}
	sqstest.Eventually(t, "the message goes back", func() bool { return cmp.Equal(c.Visibilities(), []int32{17}) })
}

func TestADeadLetterQueueIsDrained(t *testing.T) {
	t.Parallel()
	c := startCloud(t)
	dlq := c.Queue("commands-dlq.fifo")
	l := &ledger{}
	for group, body := range map[string]string{"a": "not an event", "b": "neither"} {
		msg := message.NewMessage(watermill.NewUUID(), []byte(body))
		msg.Metadata.Set(pubsub.GroupID, group)
		msg.Metadata.Set(pubsub.DeduplicationID, msg.UUID)
		if err := c.publisher.Publish(dlq, msg); err != nil {
			t.Fatal(err)
		}
	}
	work(t, c, WorkerConfig{Failures: l, Consumers: []Consumer{Drain("dead commands", dlq)}})
	sqstest.Eventually(t, "both are buried and deleted", func() bool {
		visible, hidden := c.Left(dlq)
		return len(l.buried()) == 2 && visible == "0" && hidden == "0"
	})
	for _, letter := range l.buried() {
		if letter.Class != Redriven || letter.Attempts != 1 || time.Since(letter.First) > time.Hour {
			t.Errorf("buried %+v", letter)
		}
	}
}

func TestFactsReachAQueueThroughATopicInOrder(t *testing.T) {
	t.Parallel()
	c := startCloud(t)
	projections := c.Queue("projections.fifo")
	topic := c.topic("events.fifo", projections)
	pub := pubsub.NewTopicPublisher(c.Topics, func(context.Context, string) (string, error) { return topic, nil }, pubsub.PublisherConfig{})
	defer pub.Close()
	var facts []events.Event
	for i := range 25 {
		fact := event(fmt.Sprint("f", i), portal.Stream(fmt.Sprint("account/", i%2)), events.UserRegistered{})
		fact.Sequence = int64(i/2 + 1)
		facts = append(facts, fact)
	}
	if err := NewSender(nil, pub, routes).Send(t.Context(), facts...); err != nil {
		t.Fatal(err)
	}
	got := make(chan events.Event, len(facts))
	work(t, c, WorkerConfig{
		Failures: &ledger{},
		Consumers: []Consumer{{Name: "showing", Queue: projections, IgnoreUnknown: true, Handlers: map[string]Handler{
			events.UserRegistered{}.EventType(): func(_ context.Context, ev events.Event) error { got <- ev; return nil },
		}}},
	})
	last := map[portal.Stream]int64{}
	for range facts {
		ev := sqstest.Next(t, got)
		if ev.Sequence != last[ev.Subject]+1 {
			t.Errorf("%s: fact %d came after fact %d", ev.Subject, ev.Sequence, last[ev.Subject])
		}
		last[ev.Subject] = ev.Sequence
	}
}

func TestAHandlerSeesTheMessagesOfItsStreamThatCameWithItsOwn(t *testing.T) {
	t.Parallel()
	c := startCloud(t)
	queue := c.Queue("projections.fifo")
	topic := c.topic("events.fifo", queue)
	pub := pubsub.NewTopicPublisher(c.Topics, func(context.Context, string) (string, error) { return topic, nil }, pubsub.PublisherConfig{})
	defer pub.Close()
	var facts []events.Event
	for i, stream := range []portal.Stream{"account/a", "account/b", "account/a", "account/a"} {
		fact := event(fmt.Sprint("f", i), stream, events.UserRegistered{})
		fact.Sequence = int64(i + 1)
		facts = append(facts, fact)
	}
	if err := NewSender(nil, pub, routes).Send(t.Context(), facts...); err != nil {
		t.Fatal(err)
	}
	type seen struct {
		sequence  int64
		following []int64
	}
	got := make(chan seen, len(facts))
	work(t, c, WorkerConfig{
		Failures: &ledger{},
		Consumers: []Consumer{{Name: "showing", Queue: queue, IgnoreUnknown: true, Handlers: map[string]Handler{
			events.UserRegistered{}.EventType(): func(ctx context.Context, ev events.Event) error {
				var behind []int64
				for _, next := range events.Following(ctx) {
					behind = append(behind, next.Sequence)
				}
				got <- seen{ev.Sequence, behind}
				return nil
			},
		}}},
	})
	all := map[int64][]int64{}
	for range facts {
		one := sqstest.Next(t, got)
		all[one.sequence] = one.following
	}
	want := map[int64][]int64{1: {3, 4}, 2: nil, 3: {4}, 4: nil}
	if diff := cmp.Diff(want, all); diff != "" {
		t.Errorf("what follows each message (-want +got):\n%s", diff)
	}
}

// topic creates a FIFO topic with raw message delivery to the queue.
func (c *cloud) topic(name, queue string) string {
	c.T.Helper()
	made, err := c.Topics.CreateTopic(context.Background(), &sns.CreateTopicInput{
		Name: aws.String(name), Attributes: map[string]string{"FifoTopic": "true"},
	})
	if err != nil {
		c.T.Fatal(err)
	}
	url, attributes := c.Attributes(queue)
	_, err = c.SetQueueAttributes(context.Background(), &sqs.SetQueueAttributesInput{
		QueueUrl: aws.String(url), Attributes: map[string]string{"Policy": fmt.Sprintf(
			`{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"Service":"sns.amazonaws.com"},"Action":"sqs:SendMessage","Resource":%q,"Condition":{"ArnEquals":{"aws:SourceArn":%q}}}]}`,
			attributes["QueueArn"], *made.TopicArn)},
	})
	if err != nil {
		c.T.Fatal(err)
	}
	_, err = c.Topics.Subscribe(context.Background(), &sns.SubscribeInput{
		TopicArn: made.TopicArn, Protocol: aws.String("sqs"), Endpoint: aws.String(attributes["QueueArn"]),
		Attributes: map[string]string{"RawMessageDelivery": "true"},
	})
	if err != nil {
		c.T.Fatal(err)
	}
	return *made.TopicArn
}

func TestAWorkerSaysWhichQueueIsMissing(t *testing.T) {
	t.Parallel()
	c := startCloud(t)
	w, err := NewWorker(WorkerConfig{
		Client: c.Hooked, Queues: c.queues, Failures: &ledger{}, Consumers: []Consumer{Drain("draining", "nowhere")},
	})
	if err != nil {
		t.Fatal(err)
	}
	err = w.Run(t.Context())
	if err == nil || !strings.Contains(err.Error(), "draining") || !strings.Contains(err.Error(), "nowhere") {
		t.Errorf("got %v", err)
	}
}

func TestAWorkerRefusesAFaultyConfiguration(t *testing.T) {
	t.Parallel()
	c := startCloud(t)
	twice := []Consumer{Drain("same", "a"), Drain("same", "b")}
	for name, cfg := range map[string]WorkerConfig{
		"an empty one":          {},
		"no place for failures": {Client: c.Hooked, Queues: c.queues},
		"two of the same name":  {Client: c.Hooked, Queues: c.queues, Failures: &ledger{}, Consumers: twice},
		"no handlers":           {Client: c.Hooked, Queues: c.queues, Failures: &ledger{}, Consumers: []Consumer{{Name: "x", Queue: "y"}}},
	} {
		if _, err := NewWorker(cfg); err == nil {
			t.Errorf("%s: it was accepted", name)
		}
	}
}

func TestTwoWorkersShareOneRegistry(t *testing.T) {
	t.Parallel()
	reg := prometheus.NewRegistry()
	first, err1 := newMetrics(reg)
	second, err2 := newMetrics(reg)
	if err := errors.Join(err1, err2); err != nil {
		t.Fatal(err)
	}
	if first.handled != second.handled {
		t.Error("the second has its own counter")
	}
}

func TestWatermillsLogLinesAreDemotedAndHoldNoPayload(t *testing.T) {
	t.Parallel()
	var lines outputtest.Buffer
	l := NewLogger(zerolog.New(&lines).Level(zerolog.DebugLevel)).With(watermill.LogFields{"topic": "q", "payload": "secret"})
	l.Info("for debugging", watermill.LogFields{"body": "secret", "count": 3})
	l.Debug("for tracing", nil)
	l.Error("serious", errors.New("oh"), watermill.LogFields{"msg": "secret"})
	want := `{"level":"debug","topic":"q","count":3,"message":"for debugging"}
{"level":"error","topic":"q","error":"oh","message":"serious"}
`
	if diff := cmp.Diff(want, lines.String()); diff != "" {
		t.Errorf("log (-want +got):\n%s", diff)
	}
}
