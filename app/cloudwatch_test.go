package app

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/gatehouse-portal/gatehouse/emf"
	"github.com/gatehouse-portal/gatehouse/events"
	"github.com/gatehouse-portal/gatehouse/outputtest"
	"github.com/gatehouse-portal/gatehouse/provisioning"
)

func TestAWorkerWritesItsMetricsWhenItStops(t *testing.T) {
	t.Parallel()
	p := testProcess(t)
	ok(t, Setup(t.Context(), p.AWS, p.Config))
	out := &outputtest.Buffer{}
	p.CloudWatch = emf.New(p.Config.Prefix, "worker", out, time.Now)
	worker, err := NewWorker(t.Context(), p)
	ok(t, err)
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	ended := make(chan error, 1)
	go func() { ended <- worker.Run(ctx) }()
	<-worker.Running()
	newMeasure(p).swept(provisioning.Found{Keys: 7, Drifted: 2})
	cancel()
	ok(t, <-ended)
	if text := out.String(); !strings.Contains(text, `"KeysHeld":7`) || !strings.Contains(text, `"Drifted":2`) {
		t.Errorf("it wrote %q", text)
	}
}

func TestOnlyFactsThatWereShownCount(t *testing.T) {
	t.Parallel()
	at := time.Date(2026, 11, 28, 0, 0, 0, 0, time.UTC)
	for name, c := range map[string]struct {
		data   events.Payload
		err    error
		writes bool
	}{
		"a fact":                    {events.UserRegistered{}, nil, true},
		"a wake-up":                 {events.ShowRequested{}, nil, false},
		"a fact that was not shown": {events.UserRegistered{}, errors.New("the table does not answer"), false},
	} {
		out := &outputtest.Buffer{}
		now := func() time.Time { return at.Add(3 * time.Second) }
		p := Process{CloudWatch: emf.New("acme", "worker", out, now), Metrics: NewMetrics("worker"), Now: now}
		handle := newMeasure(p).shown(func(context.Context, events.Event) error { return c.err })
		if err := handle(t.Context(), events.Event{Time: at, Data: c.data}); !errors.Is(err, c.err) {
			t.Errorf("%s: the error is %v", name, err)
		}
		ok(t, p.CloudWatch.Flush())
		if got := strings.Contains(out.String(), `"FactShownAfter":3`); got != c.writes {
			t.Errorf("%s writes %q", name, out)
		}
	}
}
