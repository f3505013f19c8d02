package main

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"sync/atomic"
	"time"

	"github.com/ThreeDotsLabs/watermill/message"
	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sqs"

	"github.com/gatehouse-portal/gatehouse/transport/pubsub"
)

type settings struct {
	latency, handler, window time.Duration
	scale                    int
}

// Phase is the figures of publishing or consuming.
type Phase struct {
	Messages  int     `json:"messages"`
	Requests  int     `json:"requests"`
	Seconds   float64 `json:"seconds"`
	PerSecond float64 `json:"messages_per_second"`
	// RequestsPerMessage counts requests to SQS.
	RequestsPerMessage float64 `json:"requests_per_message"`
	// AllocsPerMessage and BytesPerMessage are this process's, the SDK included.
	AllocsPerMessage float64 `json:"allocs_per_message"`
	BytesPerMessage  float64 `json:"bytes_per_message"`
}

// Result is one contestant's figures on one kind of queue.
type Result struct {
	Queue     string `json:"queue"`
	Transport string `json:"transport"`
	Publish   Phase  `json:"publish"`
	Consume   Phase  `json:"consume"`
	Order     Order  `json:"order"`
}

func (r Result) requestsPerMessage() float64 {
	return r.Publish.RequestsPerMessage + r.Consume.RequestsPerMessage
}

func kinds() []queueKind {
	return []queueKind{
		{name: "FIFO, 1,000 groups", groups: 1000},
		{name: "FIFO, 20 groups", groups: 20},
		{name: "standard"},
	}
}

func compare(ctx context.Context, s settings, tell func(string)) (report Report, err error) {
	endpoint, stop, err := startLocalAWS()
	if err != nil {
		return Report{}, err
	}
	defer func() { err = errors.Join(err, stop()) }()
	report = newReport(s)
	for _, kind := range kinds() {
		for _, c := range contestants() {
			tell(fmt.Sprintf("%s: %s", kind.name, c.name))
			result, err := measure(ctx, s, endpoint, kind, c)
			if err != nil {
				return Report{}, fmt.Errorf("%s, %s: %w", kind.name, c.name, err)
			}
			report.Results = append(report.Results, result)
		}
	}
	return report, nil
}

func measure(ctx context.Context, s settings, endpoint string, kind queueKind, c contestant) (Result, error) {
	net := newNetwork(s.latency)
	cfg := net.config(endpoint)
	client := sqs.NewFromConfig(cfg)
	queue, err := createQueue(ctx, client, kind)
	if err != nil {
		return Result{}, err
	}
	queues := pubsub.NewQueues(client)
	if _, err := queues.URL(ctx, queue); err != nil {
		return Result{}, err
	}
	pub, sub, err := c.open(cfg, client, queues)
	if err != nil {
		return Result{}, err
	}
	result := Result{Queue: kind.name, Transport: c.name}
	load := load{kind: kind, messages: max(1, c.messages*s.scale/100)}

	phase := begin(net)
	if err := load.publish(func(msgs ...*message.Message) error { return pub.Publish(queue, msgs...) }); err != nil {
		return Result{}, err
	}
	result.Publish = phase.end(load.messages)

	result.Consume, result.Order, err = consume(ctx, s, net, load, c, sub, queue)
	return result, errors.Join(err, pub.Close())
}

// consume counts the requests of closing, but not the time.
func consume(ctx context.Context, s settings, net *network, l load, c contestant, sub message.Subscriber, queue string) (Phase, Order, error) {
	ctx, cancel := context.WithTimeout(ctx, s.window)
	defer cancel()
	order := newOrderWatch(l)
	var handled, unreadable atomic.Int64
	handle := func(msg *message.Message) {
		n, err := number(msg)
		if err != nil {
			unreadable.Add(1)
			return
		}
		order.begin(n)
		time.Sleep(s.handler)
		seen := order.end(n)
		if msg.Ack() {
			handled.Add(1)
		}
		if seen == l.messages {
			cancel()
		}
	}
	phase := begin(net)
	over, err := c.subscribe(ctx, sub, queue, handle)
	if err != nil {
		return Phase{}, Order{}, err
	}
	<-ctx.Done()
	phase.stop(int(handled.Load()))
	err = sub.Close()
	over()
	if unreadable.Load() > 0 {
		err = errors.Join(err, fmt.Errorf("%d messages could not be read", unreadable.Load()))
	}
	return phase.end(int(handled.Load())), order.found(), err
}

func createQueue(ctx context.Context, client *sqs.Client, kind queueKind) (string, error) {
	name := fmt.Sprintf("bench-%d", time.Now().UnixNano())
	in := &sqs.CreateQueueInput{Attributes: map[string]string{"VisibilityTimeout": "120"}}
	if kind.fifo() {
		name += ".fifo"
		in.Attributes["FifoQueue"] = "true"
		in.Attributes["DeduplicationScope"] = "messageGroup"
		in.Attributes["FifoThroughputLimit"] = "perMessageGroupId"
	}
	in.QueueName = aws.String(name)
	_, err := client.CreateQueue(ctx, in)
	return name, err
}

type phase struct {
	net      *network
	requests int64
	memory   runtime.MemStats
	since    time.Time
	result   Phase
}

func begin(net *network) *phase {
	p := &phase{net: net, requests: net.requests.Load()}
	runtime.ReadMemStats(&p.memory)
	p.since = time.Now()
	return p
}

func (p *phase) stop(messages int) {
	p.result.Seconds = time.Since(p.since).Seconds()
	p.result.PerSecond = float64(messages) / p.result.Seconds
}

func (p *phase) end(messages int) Phase {
	if p.result.Seconds == 0 {
		p.stop(messages)
	}
	var memory runtime.MemStats
	runtime.ReadMemStats(&memory)
	n := float64(max(messages, 1))
	p.result.Messages = messages
	p.result.Requests = int(p.net.requests.Load() - p.requests)
	p.result.RequestsPerMessage = float64(p.result.Requests) / n
	p.result.AllocsPerMessage = float64(memory.Mallocs-p.memory.Mallocs) / n
	p.result.BytesPerMessage = float64(memory.TotalAlloc-p.memory.TotalAlloc) / n
	return p.result
}
