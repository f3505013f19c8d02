package sqs_test

import (
	"fmt"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/aws-sdk-go-v2/service/sqs/types"

	"github.com/gatehouse-portal/gatehouse/localaws"
	"github.com/gatehouse-portal/gatehouse/localaws/localawstest"
)

// The benchmarks send, receive and delete b.N messages of 1 KB in one
// queue, with the SDK's client over HTTP and synced commits.

func BenchmarkStandard(b *testing.B) { benchmarkQueue(b, "bench", 1, 16) }

func BenchmarkStandardInBatches(b *testing.B) { benchmarkQueue(b, "bench", 10, 16) }

func BenchmarkFIFOOf1000Groups(b *testing.B) { benchmarkQueue(b, "bench.fifo", 1, 16) }

func BenchmarkFIFOOf1000GroupsInBatches(b *testing.B) { benchmarkQueue(b, "bench.fifo", 10, 16) }

func benchmarkQueue(b *testing.B, name string, batch, clients int) {
	srv := localawstest.Start(b, func(o *localaws.Options) { o.NoSync = false })
	l := &local{b, sqs.NewFromConfig(srv.AWSConfig(), func(o *sqs.Options) {
		o.HTTPClient = &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: 64}}
	}), newClock()}
	q := l.create(name)
	body := strings.Repeat("x", 1024)
	var sent, received atomic.Int64
	b.ResetTimer()
	var running sync.WaitGroup
	for range clients {
		running.Go(func() {
			for {
				first := sent.Add(int64(batch)) - int64(batch)
				if first >= int64(b.N) {
					return
				}
				l.sendBatch(q, name == "bench.fifo", first, min(first+int64(batch), int64(b.N)), body)
			}
		})
		running.Go(func() {
			for received.Load() < int64(b.N) {
				got := l.receive(q, int32(batch), func(in *sqs.ReceiveMessageInput) { in.WaitTimeSeconds = 1 })
				if received.Add(int64(len(got))); len(got) > 0 {
					l.deleteBatch(q, got)
				}
			}
		})
	}
	running.Wait()
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "messages/s")
}

func (l *local) sendBatch(queue string, fifo bool, from, to int64, body string) {
	var entries []types.SendMessageBatchRequestEntry
	for i := from; i < to; i++ {
		e := types.SendMessageBatchRequestEntry{Id: aws.String(fmt.Sprint(i)), MessageBody: &body}
		if fifo {
			e.MessageGroupId, e.MessageDeduplicationId = aws.String(fmt.Sprint("g", i%1000)), e.Id
		}
		entries = append(entries, e)
	}
	out, err := l.SendMessageBatch(l.t.Context(), &sqs.SendMessageBatchInput{QueueUrl: &queue, Entries: entries})
	if err != nil || len(out.Failed) > 0 {
		l.t.Errorf("sending: %v", err)
	}
}

func (l *local) deleteBatch(queue string, messages []types.Message) {
	var entries []types.DeleteMessageBatchRequestEntry
	for i, m := range messages {
		entries = append(entries, types.DeleteMessageBatchRequestEntry{Id: aws.String(fmt.Sprint(i)), ReceiptHandle: m.ReceiptHandle})
	}
	out, err := l.DeleteMessageBatch(l.t.Context(), &sqs.DeleteMessageBatchInput{QueueUrl: &queue, Entries: entries})
	if err != nil || len(out.Failed) > 0 {
		l.t.Errorf("deleting: %v", err)
	}
}
