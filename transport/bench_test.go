package transport

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/aws-sdk-go-v2/service/sqs/types"

	"github.com/gatehouse-portal/gatehouse/events"
	"github.com/gatehouse-portal/gatehouse/portal"
)

// The benchmarks leave SQS out: what they measure is ours.

// taking is a queue that takes everything, a moment after it was asked.
type taking struct{ after time.Duration }

func (q taking) SendMessageBatch(_ context.Context, in *sqs.SendMessageBatchInput, _ ...func(*sqs.Options)) (*sqs.SendMessageBatchOutput, error) {
	time.Sleep(q.after)
	out := &sqs.SendMessageBatchOutput{}
	for _, e := range in.Entries {
		out.Successful = append(out.Successful, types.SendMessageBatchResultEntry{Id: e.Id})
	}
	return out, nil
}

func (taking) GetQueueUrl(_ context.Context, in *sqs.GetQueueUrlInput, _ ...func(*sqs.Options)) (*sqs.GetQueueUrlOutput, error) {
	return &sqs.GetQueueUrlOutput{QueueUrl: aws.String("https://sqs.invalid/" + *in.QueueName)}, nil
}

func BenchmarkPublishByMany(b *testing.B) {
	pub := NewPublisher(taking{after: time.Millisecond}, NewQueues(taking{}), PublisherConfig{})
	defer pub.Close()
	b.ReportAllocs()
	b.SetParallelism(64)
	b.RunParallel(func(p *testing.PB) {
		for p.Next() {
			if err := pub.Publish("bench", text("", "m")); err != nil {
				b.Error(err)
			}
		}
	})
}

func BenchmarkPublishTenOfOneGroup(b *testing.B) {
	pub := NewPublisher(taking{}, NewQueues(taking{}), PublisherConfig{})
	defer pub.Close()
	msgs := texts("g", "m", 10)
	b.ReportAllocs()
	for b.Loop() {
		if err := pub.Publish("bench.fifo", msgs...); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkNextBatch has every group but the last under way, the worst there is.
func BenchmarkNextBatch(b *testing.B) {
	q := &sendQueue{cfg: PublisherConfig{}.withDefaults(1 << 20), flying: map[string]bool{}}
	for i := range 1000 {
		group := fmt.Sprint("g", i)
		q.waiting = append(q.waiting, &entry{group: group, size: 100})
		q.flying[group] = i < 999
	}
	b.ReportAllocs()
	for b.Loop() {
		if batch, _, _ := q.next(); len(batch) != 1 {
			b.Fatal("the batch is not what it should be")
		}
	}
}

func sample() events.Event {
	return event("01jd3f0v5mvq8x6m7k2z", "account/"+portal.Stream(strings.Repeat("a", 20)), events.UnsubscribeRequested{Plan: "gold"})
}

func BenchmarkEncode(b *testing.B) {
	ev := sample()
	b.ReportAllocs()
	for b.Loop() {
		msg, err := Codec{}.Marshal(&ev)
		if err != nil {
			b.Fatal(err)
		}
		if _, err := (Wire{}).Marshal(msg); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkDecode(b *testing.B) {
	ev := sample()
	sent, err := Codec{}.Marshal(&ev)
	if err != nil {
		b.Fatal(err)
	}
	wire, err := Wire{}.Marshal(sent)
	if err != nil {
		b.Fatal(err)
	}
	b.ReportAllocs()
	for b.Loop() {
		msg := unmarshal(Wire{}, wire)
		var back events.Event
		if err := (Codec{}).Unmarshal(msg, &back); err != nil {
			b.Fatal(err)
		}
	}
}
