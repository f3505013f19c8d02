package app

import (
	"context"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/apigateway"

	"github.com/gatehouse-portal/gatehouse/events"
	"github.com/gatehouse-portal/gatehouse/journal"
	"github.com/gatehouse-portal/gatehouse/portal"
)

func TestCatalogRequestsOfTheSameTimeAreOne(t *testing.T) {
	t.Parallel()
	slot := time.Date(2026, 11, 22, 9, 5, 0, 0, time.UTC)
	if a, b := CatalogSync(slot), CatalogSync(slot); a.ID != b.ID {
		t.Errorf("%s and %s", a.ID, b.ID)
	}
	if a, b := CatalogSync(slot), CatalogSync(slot.Add(time.Millisecond)); a.ID == b.ID {
		t.Error("two of different times are one")
	}
}

func working(t *testing.T, p Process) *journal.Journal {
	t.Helper()
	ok(t, Setup(t.Context(), p.AWS, p.Config))
	worker, err := NewWorker(t.Context(), p)
	ok(t, err)
	ctx, stop := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- worker.Run(ctx) }()
	t.Cleanup(func() {
		stop()
		if err := <-done; err != nil {
			t.Error(err)
		}
	})
	c, names := newClients(p.AWS), NamesFor(p.Config.Prefix)
	return journal.New(c.dynamodb, names.Journal, names.Records)
}

func becomes(t *testing.T, facts *journal.Journal, what string, fits func(events.Event) bool) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	for poll := time.NewTicker(50 * time.Millisecond); ; {
		history, err := facts.Read(ctx, portal.CatalogStream, 0)
		ok(t, err)
		for _, fact := range history {
			if fits(fact) {
				return
			}
		}
		select {
		case <-ctx.Done():
			t.Fatalf("%s: the catalog's stream holds %v", what, history)
		case <-poll.C:
		}
	}
}

func TestCatalogRequestRunsTheJobAndLostPlansStartASweep(t *testing.T) {
	t.Parallel()
	p := testProcess(t)
	p.PollWait = time.Second
	facts := working(t, p)
	demo := installDemo(t, p)
	published := func(products int) func(events.Event) bool {
		return func(e events.Event) bool {
			fact, is := e.Data.(events.CatalogPublished)
			return is && fact.Products == products
		}
	}
	becomes(t, facts, "the demo is published", published(1))

	messages := newMessaging(newClients(p.AWS), NamesFor(p.Config.Prefix))
	request := CatalogSync(time.Now())
	request.Operation = "op-operator"
	ok(t, messages.Send(t.Context(), request))
	becomes(t, facts, "the operator's request is answered", func(e events.Event) bool {
		_, unchanged := e.Data.(events.RequestUnchanged)
		return unchanged && e.Operation == "op-operator"
	})

	// Lost plans start a sweep.
	before := time.Now()
	_, err := apigateway.NewFromConfig(p.AWS).DeleteRestApi(t.Context(), &apigateway.DeleteRestApiInput{RestApiId: aws.String(demo.APIID)})
	ok(t, err)
	ok(t, messages.Send(t.Context(), CatalogSync(time.Now())))
	ok(t, messages.close())
	becomes(t, facts, "the empty catalog is published", published(0))
	within, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	for poll := time.NewTicker(50 * time.Millisecond); ; <-poll.C {
		last, _, err := LastSweep(within, p)
		ok(t, err)
		if last.Began.After(before) {
			break
		}
	}

	found, err := Sweep(t.Context(), p, func(string) { t.Error("no worker is said to have taken it") })
	ok(t, err)
	if found.Streams != 1 || found.Began.Before(before) || found.Ended.Before(found.Began) {
		t.Errorf("the sweep found %+v", found)
	}
	if last, there, err := LastSweep(t.Context(), p); err != nil || !there || !last.Began.Equal(found.Began) {
		t.Errorf("the last sweep is %+v, %t, %v", last, there, err)
	}
}
