package pubsub

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/aws-sdk-go-v2/service/sqs/types"
)

// The benchmarks measure this package without SQS.

// taking is a queue that takes everything, after a pause.
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

// BenchmarkNextBatch measures the worst case: every group but the last is in flight.
func BenchmarkNextBatch(b *testing.B) {
	q := &sendQueue{cfg: PublisherConfig{}.withDefaults(1 << 20), groupsInFlight: map[string]bool{}}
	for i := range 1000 {
		group := fmt.Sprint("g", i)
		q.waiting = append(q.waiting, &entry{group: group, size: 100})
		q.groupsInFlight[group] = i < 999
	}
	b.ReportAllocs()
	for b.Loop() {
		if batch, _, _ := q.next(); len(batch) != 1 {
			b.Fatal("want a batch of one")
		}
	}
}
