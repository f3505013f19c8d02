package app

import (
	"context"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/rs/zerolog"

	"github.com/gatehouse-portal/gatehouse/events"
	"github.com/gatehouse-portal/gatehouse/outputtest"
	"github.com/gatehouse-portal/gatehouse/portal"
)

// stalling is an AWS that stops answering once it stalls.
type stalling struct {
	aws.HTTPClient
	stalls  atomic.Bool
	waiting chan struct{}
	// only is the operation that it does not answer; "" is all.
	only string
}

func (s *stalling) Do(req *http.Request) (*http.Response, error) {
	if !s.stalls.Load() || !strings.HasSuffix(req.Header.Get("X-Amz-Target"), s.only) {
		return s.HTTPClient.Do(req)
	}
	select {
	case s.waiting <- struct{}{}:
	default:
	}
	<-req.Context().Done()
	return nil, req.Context().Err()
}

func TestWorkerStopsInTimeAlthoughAWSHangs(t *testing.T) {
	t.Parallel()
	p := testProcess(t)
	ok(t, Setup(t.Context(), p.AWS, p.Config))
	client := &stalling{HTTPClient: p.AWS.HTTPClient, waiting: make(chan struct{}, 1)}
	if client.HTTPClient == nil {
		client.HTTPClient = http.DefaultClient
	}
	p.AWS.HTTPClient, p.StopTime = client, 3*time.Second
	worker, err := NewWorker(t.Context(), p)
	ok(t, err)
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	ended := make(chan error, 1)
	go func() { ended <- worker.Run(ctx) }()
	select {
	case <-worker.Running():
	case <-time.After(patience):
		t.Fatal("it does not run")
	}
	// When AWS stops answering, one message is in hand and another is being sent.
	ok(t, worker.messaging.Send(t.Context(), events.Event{
		ID: "1", Source: "/test", Subject: portal.AccountStream("a"), Time: time.Now(), Operation: "1", Intent: 1, Data: events.RegisterUser{},
	}))
	client.stalls.Store(true)
	select {
	case <-client.waiting:
	case <-time.After(patience):
		t.Fatal("nobody calls AWS")
	}
	cancel()
	select {
	case err := <-ended:
		ok(t, err)
	case <-time.After(patience / 3):
		t.Fatal("it does not stop")
	}
}

// The worker's deadline is earlier than that of the publisher, which would go on trying.
func TestStoppingWorkerGivesUpOnUnsentMessages(t *testing.T) {
	t.Parallel()
	p := testProcess(t)
	ok(t, Setup(t.Context(), p.AWS, p.Config))
	client := &stalling{HTTPClient: p.AWS.HTTPClient, waiting: make(chan struct{}, 1)}
	if client.HTTPClient == nil {
		client.HTTPClient = http.DefaultClient
	}
	log := &outputtest.Buffer{}
	p.AWS.HTTPClient, p.StopTime, p.Log = client, time.Second, zerolog.New(log)
	worker, err := NewWorker(t.Context(), p)
	ok(t, err)
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	ended := make(chan error, 1)
	go func() { ended <- worker.Run(ctx) }()
	select {
	case <-worker.Running():
	case <-time.After(patience):
		t.Fatal("it does not run")
	}
	client.only = "SendMessageBatch"
	client.stalls.Store(true)
	go func() {
		_ = worker.messaging.Send(context.WithoutCancel(t.Context()), events.Event{
			ID: "1", Source: "/test", Subject: portal.AccountStream("a"), Time: time.Now(), Operation: "1", Intent: 1, Data: events.RegisterUser{},
		})
	}()
	select {
	case <-client.waiting:
	case <-time.After(patience):
		t.Fatal("nothing is sent")
	}
	cancel()
	ok(t, <-ended)
	if !strings.Contains(log.String(), "stopping before AWS has confirmed") {
		t.Error("it waited for the publisher, which gives up later")
	}
}

func TestOutlastingContextEndsAfterItsParent(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancel(t.Context())
	longer, done := outlasting(ctx, time.Millisecond)
	defer done()
	if longer.Err() != nil {
		t.Error("it ended before the first")
	}
	cancel()
	select {
	case <-longer.Done():
	case <-time.After(patience):
		t.Error("it does not end")
	}
	never, stop := outlasting(t.Context(), time.Hour)
	stop()
	if never.Err() == nil {
		t.Error("it does not end when it is told to")
	}
}
