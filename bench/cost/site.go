package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"sync/atomic"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/apigateway"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/aws-sdk-go-v2/service/sqs/types"
	"github.com/rs/zerolog"

	"github.com/gatehouse-portal/gatehouse/app"
	"github.com/gatehouse-portal/gatehouse/bench/issuer"
	"github.com/gatehouse-portal/gatehouse/demo"
	"github.com/gatehouse-portal/gatehouse/localaws"
)

// site is a portal and a worker on a local AWS, as AWS Lambda would run them. Its clock
// jumps ahead when nothing is left to do.
type site struct {
	dir     string
	aws     *localaws.Server
	counter *counter
	issuer  *issuer.Issuer
	queues  *sqs.Client
	urls    map[string]string
	names   app.Names
	demo    demo.Installed
	portal  http.Handler
	worker  *app.InvokedWorker
	ahead   atomic.Int64 // of the real clock
	logged  atomic.Int64
	// invoked counts invocations, and took their assumed time.
	invoked map[string]float64
	took    map[string]time.Duration
}

const (
	// Each request to AWS is assumed to take roundTrip, and what an invocation does beside them ownTime.
	roundTrip = 10 * time.Millisecond
	ownTime   = 10 * time.Millisecond
)

func (s *site) clock() time.Time { return time.Now().Add(time.Duration(s.ahead.Load())) }

func (s *site) pass(d time.Duration) { s.ahead.Add(int64(d)) }

type lengths struct{ n *atomic.Int64 }

func (l lengths) Write(p []byte) (int, error) {
	l.n.Add(int64(len(p)))
	return len(p), nil
}

func newSite(ctx context.Context) (_ *site, err error) {
	s := &site{invoked: map[string]float64{}, took: map[string]time.Duration{}, urls: map[string]string{}}
	s.counter = &counter{aws: func() http.Handler { return s.aws }}
	defer func() {
		if err != nil {
			s.close()
		}
	}()
	if s.dir, err = os.MkdirTemp("", "gatehouse-cost-"); err != nil {
		return nil, fmt.Errorf("creating a folder: %w", err)
	}
	if s.issuer, err = issuer.Start(); err != nil {
		return nil, err
	}
	s.aws, err = localaws.Open(localaws.Options{
		Dir: s.dir, Addr: "127.0.0.1:0", NoSync: true, Now: s.clock, Log: zerolog.Nop(),
		Mount: map[string]http.Handler{"/demo/": http.StripPrefix("/demo", demo.API()), "/counted/": s.counter},
	})
	if err != nil {
		return nil, fmt.Errorf("starting the local AWS: %w", err)
	}
	return s, s.setUp(ctx)
}

func (s *site) setUp(ctx context.Context) error {
	cfg, err := app.LoadConfig([]string{
		"GATEHOUSE_OIDC_ISSUER=" + s.issuer.URL, "GATEHOUSE_OIDC_CLIENT_ID=" + issuer.ClientID, "GATEHOUSE_OIDC_JWKS_URL=" + s.issuer.KeysURL(),
	})
	if err != nil {
		return err
	}
	plain := s.aws.AWSConfig()
	if err := app.Setup(ctx, plain, cfg); err != nil {
		return err
	}
	if s.demo, err = demo.Install(ctx, apigateway.NewFromConfig(plain), s.aws.Endpoint()+"/demo"); err != nil {
		return err
	}
	s.names, s.queues = app.NamesFor(cfg.Prefix), sqs.NewFromConfig(plain)
	for _, queue := range s.names.Queues() {
		out, err := s.queues.GetQueueUrl(ctx, &sqs.GetQueueUrlInput{QueueName: &queue})
		if err != nil {
			return fmt.Errorf("finding a queue: %w", err)
		}
		s.urls[queue] = aws.ToString(out.QueueUrl)
		// A receive of this program must not wait, and the SDK leaves out a wait of 0 seconds.
		_, err = s.queues.SetQueueAttributes(ctx, &sqs.SetQueueAttributesInput{QueueUrl: out.QueueUrl, Attributes: map[string]string{"ReceiveMessageWaitTimeSeconds": "0"}})
		if err != nil {
			return fmt.Errorf("configuring a queue: %w", err)
		}
	}
	counted := plain.Copy()
	counted.BaseEndpoint = aws.String(s.aws.Endpoint() + countedPath)
	p := app.Process{AWS: counted, Config: cfg, Log: zerolog.New(lengths{&s.logged}).Level(zerolog.InfoLevel), Metrics: app.NewMetrics("gatehouse"), Now: s.clock}
	if s.portal, err = app.NewPortal(ctx, p); err != nil {
		return err
	}
	p.Metrics = app.NewMetrics("gatehouse")
	if s.worker, err = app.NewInvokedWorker(ctx, p); err != nil {
		return err
	}
	return s.passHours(ctx, 0.2)
}

func (s *site) invoke(of string, run func() error) error {
	before := s.counter.asked()
	err := run()
	s.invoked[of]++
	s.took[of] += ownTime + time.Duration(s.counter.asked()-before)*roundTrip
	return err
}

// deadline is that of an invocation, by the site's clock as leases are.
func (s *site) deadline() time.Time { return s.clock().Add(time.Minute) }

// work has the worker handle what is in the queues until nothing comes for some seconds.
func (s *site) work(ctx context.Context) error {
	for quiet := 0; quiet < 12; {
		some := false
		for _, queue := range s.names.Queues() {
			any, err := s.deliver(ctx, queue)
			if err != nil {
				return err
			}
			some = some || any
		}
		if quiet++; some {
			quiet = 0
		}
		if !some {
			s.pass(time.Second)
		}
	}
	return nil
}

// deliver plays an event source: it receives a batch, invokes the worker, and deletes what was handled.
func (s *site) deliver(ctx context.Context, queue string) (some bool, err error) {
	url := s.urls[queue]
	out, err := s.queues.ReceiveMessage(ctx, &sqs.ReceiveMessageInput{
		QueueUrl: &url, MaxNumberOfMessages: 10, MessageAttributeNames: []string{"All"},
		MessageSystemAttributeNames: []types.MessageSystemAttributeName{types.MessageSystemAttributeNameAll},
	})
	if err != nil || len(out.Messages) == 0 {
		return false, err
	}
	var failed []string
	err = s.invoke("worker", func() (err error) {
		failed, err = s.worker.Handle(ctx, queue, out.Messages, s.deadline())
		return err
	})
	if err != nil {
		return false, fmt.Errorf("handling messages of %s: %w", queue, err)
	}
	name := "sqs_standard"
	if strings.HasSuffix(queue, ".fifo") {
		name = "sqs_fifo"
	}
	s.counter.note(counts{name: 2}) // the receive that found them, and the batch of deletions
	again := map[string]bool{}
	for _, id := range failed {
		again[id] = true
	}
	for _, m := range out.Messages {
		if !again[aws.ToString(m.MessageId)] {
			if _, err := s.queues.DeleteMessage(ctx, &sqs.DeleteMessageInput{QueueUrl: &url, ReceiptHandle: m.ReceiptHandle}); err != nil {
				return false, fmt.Errorf("deleting a message: %w", err)
			}
		}
	}
	return true, nil
}

// passHours moves the clock ahead by n hours, with a tick each minute.
func (s *site) passHours(ctx context.Context, n float64) error {
	for end := s.clock().Add(time.Duration(n * float64(time.Hour))); s.clock().Before(end); {
		next := s.clock().Add(time.Minute)
		if err := s.invoke("worker", func() error { return s.worker.Tick(ctx, s.deadline()) }); err != nil {
			return fmt.Errorf("ticking: %w", err)
		}
		if err := s.work(ctx); err != nil {
			return err
		}
		s.pass(max(0, next.Sub(s.clock())))
	}
	return nil
}

func (s *site) ask(token, method, path string, want int) error {
	r := httptest.NewRequest(method, "http://localhost:8080"+path, nil)
	if token != "" {
		r.Header.Set("Authorization", "Bearer "+token)
	}
	w := httptest.NewRecorder()
	err := s.invoke("portal", func() error {
		s.portal.ServeHTTP(w, r)
		return nil
	})
	if err == nil && w.Code != want {
		body, _ := io.ReadAll(w.Result().Body)
		err = fmt.Errorf("%s %s answered %d, want %d: %.300s", method, path, w.Code, want, body)
	}
	return err
}

func (s *site) close() {
	var faults []error
	if s.issuer != nil {
		faults = append(faults, s.issuer.Close())
	}
	if s.aws != nil {
		faults = append(faults, s.aws.Close())
	}
	if err := errors.Join(append(faults, os.RemoveAll(s.dir))...); err != nil {
		fmt.Fprintln(os.Stderr, "bench/cost: cleaning up:", err)
	}
}
