package sqs_test

import (
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/google/go-cmp/cmp"

	"github.com/gatehouse-portal/gatehouse/localaws"
)

// restarted runs before, restarts the server on the same file and runs after. Queue URLs
// change with the port, so after gets a function that finds them
// by name.
func restarted(t *testing.T, before func(*local), after func(l *local, url func(string) string)) {
	t.Helper()
	dir, c := t.TempDir(), newClock()
	for i := range 2 {
		srv, err := localaws.Open(localaws.Options{Dir: dir, Addr: "127.0.0.1:0", NoSync: true, Now: c.Now})
		if err != nil {
			t.Fatal(err)
		}
		l := &local{t, sqs.NewFromConfig(srv.AWSConfig()), c}
		if i == 0 {
			before(l)
		} else {
			after(l, func(name string) string {
				out, err := l.GetQueueUrl(t.Context(), &sqs.GetQueueUrlInput{QueueName: &name})
				if err != nil {
					t.Fatal(err)
				}
				return *out.QueueUrl
			})
		}
		if err := srv.Close(); err != nil {
			t.Fatal(err)
		}
	}
}

func TestARestartChangesNothing(t *testing.T) {
	t.Parallel()
	var handle, path string
	var attributes map[string]string
	restarted(t, func(l *local) {
		dead := l.create("dead.fifo")
		q := l.create("q.fifo", "RedrivePolicy", `{"maxReceiveCount":2,"deadLetterTargetArn":"`+l.arn(dead)+`"}`)
		path = q[strings.Index(q, "/000"):]
		l.sendAll(q, "x0", "a1", "b1", "a2")
		l.delete(q, l.wantReceived(q, 1, "x0")[0])
		a1 := l.wantReceived(q, 1, "a1")
		handle = *a1[0].ReceiptHandle
		slow := l.create("slow")
		l.send(slow, "delayed", func(in *sqs.SendMessageInput) { in.DelaySeconds = 60 })
		attributes = l.attributes(q)
	}, func(l *local, url func(string) string) {
		q := url("q.fifo")
		if !strings.HasSuffix(q, path) {
			t.Errorf("the URL is %s, want one that ends in %s", q, path)
		}
		if diff := cmp.Diff(attributes, l.attributes(q)); diff != "" {
			t.Errorf("attributes differ (-before +after):\n%s", diff)
		}
		l.wantReceived(q, 10, "b1")
		l.sendAll(q, "x0", "a3") // x0 is still a duplicate
		l.advance(20 * time.Second)
		if _, err := l.ChangeMessageVisibility(t.Context(), &sqs.ChangeMessageVisibilityInput{QueueUrl: &q, ReceiptHandle: &handle}); err != nil {
			t.Fatalf("changing visibility with the earlier handle: %v", err)
		}
		again := l.wantReceived(q, 10, "a1", "a2", "a3")
		if count := again[0].Attributes["ApproximateReceiveCount"]; count != "2" {
			t.Errorf("the receive count is %s, want 2", count)
		}
		if again[2].Attributes["SequenceNumber"] <= again[1].Attributes["SequenceNumber"] {
			t.Error("a sequence number was given again")
		}
		l.wantReceived(url("slow"), 10)
		l.advance(40 * time.Second)
		l.wantReceived(url("slow"), 10, "delayed")
		l.wantReceived(q, 10, "b1", "a2", "a3") // in the order they became visible; a1 is given up
		l.wantReceived(url("dead.fifo"), 10, "a1")
	})
}

func TestADeletedQueueStaysDeletedAndAPurgedOneEmptyAcrossARestart(t *testing.T) {
	t.Parallel()
	restarted(t, func(l *local) {
		gone, empty := l.create("gone"), l.create("empty")
		l.send(gone, "m")
		l.send(empty, "m")
		if _, err := l.DeleteQueue(t.Context(), &sqs.DeleteQueueInput{QueueUrl: &gone}); err != nil {
			t.Fatal(err)
		}
		if _, err := l.PurgeQueue(t.Context(), &sqs.PurgeQueueInput{QueueUrl: &empty}); err != nil {
			t.Fatal(err)
		}
	}, func(l *local, url func(string) string) {
		l.wantReceived(url("empty"), 10)
		_, err := l.CreateQueue(t.Context(), &sqs.CreateQueueInput{QueueName: aws.String("gone")})
		wantCode(t, err, "AWS.SimpleQueueService.QueueDeletedRecently")
	})
}
