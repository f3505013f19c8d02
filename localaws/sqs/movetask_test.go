package sqs_test

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/aws-sdk-go-v2/service/sqs/types"
	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
)

// deadLetters are two queues with the same dead-letter queue.
type deadLetters struct{ dead, a, b string }

func (l *local) deadLetters(suffix string) deadLetters {
	l.t.Helper()
	d := deadLetters{dead: l.create("dead" + suffix)}
	redrive := `{"maxReceiveCount":1,"deadLetterTargetArn":"` + l.arn(d.dead) + `"}`
	d.a, d.b = l.create("a"+suffix, "RedrivePolicy", redrive), l.create("b"+suffix, "RedrivePolicy", redrive)
	return d
}

// giveUp sends messages with these bodies and makes the queue give them up.
func (l *local) giveUp(queue string, bodies ...string) {
	l.t.Helper()
	fifo := l.attributes(queue)["FifoQueue"] == "true"
	for _, body := range bodies {
		if fifo {
			l.send(queue, body, inGroup(body[:1], body))
		} else {
			l.send(queue, body)
		}
		if err := l.changeVisibility(queue, l.wantReceived(queue, 1, body)[0], 0); err != nil {
			l.t.Fatal(err)
		}
		l.wantReceived(queue, 1)
	}
}

func (l *local) startTask(source string, adjust ...func(*sqs.StartMessageMoveTaskInput)) (string, error) {
	in := &sqs.StartMessageMoveTaskInput{SourceArn: aws.String(l.arn(source))}
	for _, f := range adjust {
		f(in)
	}
	out, err := l.StartMessageMoveTask(context.Background(), in)
	if err != nil {
		return "", err
	}
	return *out.TaskHandle, nil
}

func to(arn string) func(*sqs.StartMessageMoveTaskInput) {
	return func(in *sqs.StartMessageMoveTaskInput) { in.DestinationArn = &arn }
}

func atRate(n int32) func(*sqs.StartMessageMoveTaskInput) {
	return func(in *sqs.StartMessageMoveTaskInput) { in.MaxNumberOfMessagesPerSecond = &n }
}

func (l *local) tasks(source string) []types.ListMessageMoveTasksResultEntry {
	l.t.Helper()
	out, err := l.ListMessageMoveTasks(context.Background(), &sqs.ListMessageMoveTasksInput{
		SourceArn: aws.String(l.arn(source)), MaxResults: aws.Int32(10),
	})
	if err != nil {
		l.t.Fatal(err)
	}
	return out.Results
}

// awaitTask waits until is holds for the newest task.
func (l *local) awaitTask(source string, is func(types.ListMessageMoveTasksResultEntry) bool) types.ListMessageMoveTasksResultEntry {
	l.t.Helper()
	deadline := time.Now().Add(20 * time.Second)
	for {
		newest := l.tasks(source)[0]
		if is(newest) {
			return newest
		}
		if time.Now().After(deadline) {
			l.t.Fatalf("the task is %+v", newest)
		}
		time.Sleep(5 * time.Millisecond)
	}
}

func status(want string) func(types.ListMessageMoveTasksResultEntry) bool {
	return func(e types.ListMessageMoveTasksResultEntry) bool { return *e.Status == want }
}

func TestAMoveTaskSendsEveryMessageBackToItsQueueAsANewOne(t *testing.T) {
	t.Parallel()
	for _, suffix := range []string{"", ".fifo"} {
		l := start(t)
		d := l.deadLetters(suffix)
		l.giveUp(d.a, "a1", "c1")
		l.giveUp(d.b, "b1")
		dead := l.receive(d.dead, 10)
		for _, m := range dead {
			if err := l.changeVisibility(d.dead, m, 0); err != nil {
				t.Fatal(err)
			}
		}
		before := dead[0]
		l.advance(time.Minute)
		handle, err := l.startTask(d.dead)
		if err != nil {
			t.Fatal(err)
		}
		got := l.awaitTask(d.dead, status("COMPLETED"))
		want := types.ListMessageMoveTasksResultEntry{
			ApproximateNumberOfMessagesMoved: 3, ApproximateNumberOfMessagesToMove: aws.Int64(3),
			SourceArn: aws.String(l.arn(d.dead)), StartedTimestamp: l.Now().UnixMilli(), Status: aws.String("COMPLETED"),
		}
		if diff := cmp.Diff(want, got, cmpopts.IgnoreUnexported(want)); diff != "" {
			t.Errorf("the task (-want +got):\n%s", diff)
		}
		m := l.wantReceived(d.a, 1, "a1")[0]
		l.wantReceived(d.b, 10, "b1")
		l.wantReceived(d.dead, 10)
		if *m.MessageId == *before.MessageId || m.Attributes["ApproximateReceiveCount"] != "1" ||
			m.Attributes["SentTimestamp"] != fmt.Sprint(l.Now().UnixMilli()) || m.Attributes["DeadLetterQueueSourceArn"] != "" {
			t.Errorf("message %s came back as %s with %v", *before.MessageId, *m.MessageId, m.Attributes)
		}
		_, err = l.CancelMessageMoveTask(context.Background(), &sqs.CancelMessageMoveTaskInput{TaskHandle: &handle})
		wantCode(t, err, "ResourceNotFoundException")
	}
}

func TestAMoveTaskWithADestinationMovesMessagesOfEverySource(t *testing.T) {
	t.Parallel()
	l := start(t)
	d := l.deadLetters("")
	l.giveUp(d.a, "a1")
	l.send(d.dead, "sent here")
	other := l.create("other")
	if _, err := l.startTask(d.dead, to(l.arn(other))); err != nil {
		t.Fatal(err)
	}
	if got := l.awaitTask(d.dead, status("COMPLETED")); *got.DestinationArn != l.arn(other) {
		t.Errorf("the destination is %s", *got.DestinationArn)
	}
	l.wantReceived(other, 10, "a1", "sent here")
}

func TestAMoveTaskFailsOnAMessageWithoutADestination(t *testing.T) {
	t.Parallel()
	l := start(t)
	d := l.deadLetters("")
	l.giveUp(d.a, "a1")
	l.send(d.dead, "sent here")
	l.giveUp(d.b, "b1")
	if _, err := l.startTask(d.dead); err != nil {
		t.Fatal(err)
	}
	got := l.awaitTask(d.dead, status("FAILED"))
	if *got.FailureReason != "CouldNotDetermineMessageSource" || got.ApproximateNumberOfMessagesMoved != 1 {
		t.Errorf("failed with %s after %d messages", *got.FailureReason, got.ApproximateNumberOfMessagesMoved)
	}
	l.wantReceived(d.dead, 10, "sent here", "b1")
}

func TestAMoveTaskObeysItsRateAndCanBeCancelled(t *testing.T) {
	t.Parallel()
	l := start(t)
	d := l.deadLetters("")
	l.giveUp(d.a, "1", "2", "3", "4", "5", "6")
	handle, err := l.startTask(d.dead, atRate(2))
	if err != nil {
		t.Fatal(err)
	}
	moved := func(n int64) func(types.ListMessageMoveTasksResultEntry) bool {
		return func(e types.ListMessageMoveTasksResultEntry) bool { return e.ApproximateNumberOfMessagesMoved == n }
	}
	l.awaitTask(d.dead, moved(1))
	l.advance(time.Second)
	running := l.awaitTask(d.dead, moved(3))
	if *running.Status != "RUNNING" || *running.TaskHandle != handle || *running.MaxNumberOfMessagesPerSecond != 2 {
		t.Errorf("the task is %+v", running)
	}
	_, err = l.startTask(d.dead)
	wantCode(t, err, "InvalidParameterValue")
	out, err := l.CancelMessageMoveTask(context.Background(), &sqs.CancelMessageMoveTaskInput{TaskHandle: &handle})
	if err != nil || out.ApproximateNumberOfMessagesMoved != 3 {
		t.Fatalf("cancelling: %v, %v", out, err)
	}
	l.awaitTask(d.dead, status("CANCELLED"))
	l.advance(time.Minute)
	l.wantReceived(d.dead, 10, "4", "5", "6")
}

func TestAnImpossibleMoveTaskIsRefused(t *testing.T) {
	t.Parallel()
	l := start(t)
	d, fifo, missing := l.deadLetters(""), l.create("q.fifo"), "arn:aws:sqs:us-east-1:000000000000:none"
	for name, c := range map[string]struct {
		source string
		adjust func(*sqs.StartMessageMoveTaskInput)
		want   string
	}{
		"a source that is not a dead-letter queue": {d.a, atRate(1), "InvalidParameterValue"},
		"a source that is missing":                 {d.dead, func(in *sqs.StartMessageMoveTaskInput) { in.SourceArn = &missing }, "ResourceNotFoundException"},
		"a destination that is missing":            {d.dead, to(missing), "ResourceNotFoundException"},
		"a destination of the other type":          {d.dead, to(l.arn(fifo)), "InvalidParameterValue"},
		"the source as destination":                {d.dead, to(l.arn(d.dead)), "InvalidParameterValue"},
		"a rate over 500":                          {d.dead, atRate(501), "InvalidParameterValue"},
	} {
		if _, err := l.startTask(c.source, c.adjust); code(err) != c.want {
			t.Errorf("%s: %v, want %s", name, err, c.want)
		}
	}
	for handle, want := range map[string]string{
		"nonsense": "InvalidParameterValue",
		"eyJ0YXNrSWQiOiJ4Iiwic291cmNlQXJuIjoieSJ9": "ResourceNotFoundException",
	} {
		_, err := l.CancelMessageMoveTask(context.Background(), &sqs.CancelMessageMoveTaskInput{TaskHandle: &handle})
		wantCode(t, err, want)
	}
	_, err := l.ListMessageMoveTasks(context.Background(), &sqs.ListMessageMoveTasksInput{SourceArn: &missing})
	wantCode(t, err, "ResourceNotFoundException")
	if got := l.tasks(d.dead); len(got) != 0 {
		t.Errorf("tasks are %v, want none", got)
	}
}

func TestTheTenNewestTasksAreListedNewestFirst(t *testing.T) {
	t.Parallel()
	l := start(t)
	d := l.deadLetters("")
	for range 12 {
		l.advance(time.Second)
		if _, err := l.startTask(d.dead); err != nil {
			t.Fatal(err)
		}
		l.awaitTask(d.dead, status("COMPLETED"))
	}
	got := l.tasks(d.dead)
	if len(got) != 10 || got[0].StartedTimestamp != l.Now().UnixMilli() || got[9].StartedTimestamp != l.Now().Add(-9*time.Second).UnixMilli() {
		t.Errorf("listed are %v", got)
	}
}

func TestAMoveTaskContinuesAfterARestart(t *testing.T) {
	t.Parallel()
	restarted(t, func(l *local) {
		d := l.deadLetters("")
		l.giveUp(d.a, "1", "2", "3")
		if _, err := l.startTask(d.dead, atRate(1)); err != nil {
			t.Fatal(err)
		}
		l.awaitTask(d.dead, func(e types.ListMessageMoveTasksResultEntry) bool { return e.ApproximateNumberOfMessagesMoved == 1 })
	}, func(l *local, url func(string) string) {
		l.advance(time.Minute)
		if got := l.awaitTask(url("dead"), status("COMPLETED")); got.ApproximateNumberOfMessagesMoved != 3 {
			t.Errorf("moved %d messages", got.ApproximateNumberOfMessagesMoved)
		}
		l.wantReceived(url("a"), 10, "1", "2", "3")
	})
}
