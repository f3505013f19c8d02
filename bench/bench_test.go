package main

import (
	"bytes"
	"encoding/json"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/ThreeDotsLabs/watermill/message"
)

// TestMain lets the test binary serve as the local AWS, as the command does.
func TestMain(m *testing.M) {
	if slices.Contains(os.Args[1:], "-serve") {
		if err := serveLocalAWS(os.Stdin, os.Stdout); err != nil {
			panic(err)
		}
		return
	}
	os.Exit(m.Run())
}

func TestOursCostsLessAndKeepsTheOrder(t *testing.T) {
	t.Parallel()
	endpoint, stop, err := startLocalAWS()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := stop(); err != nil {
			t.Error(err)
		}
	})
	s := settings{handler: time.Millisecond, window: time.Minute, scale: 2}
	kind := queueKind{name: "FIFO", groups: 12}
	var results []Result
	all := contestants()
	for _, c := range []contestant{all[2], all[len(all)-1]} {
		c.messages = 10_000
		r, err := measure(t.Context(), s, endpoint, kind, c)
		if err != nil {
			t.Fatal(err)
		}
		// Stock may leave messages until their visibility timeout ends; ours may not.
		consumed := 200
		if len(results) == 0 {
			consumed = 180
		}
		if r.Order != (Order{}) || r.Publish.Messages != 200 || r.Consume.Messages < consumed {
			t.Errorf("%s: order %s, %d published, %d consumed", c.name, r.Order, r.Publish.Messages, r.Consume.Messages)
		}
		results = append(results, r)
	}
	if stock, ours := results[0].requestsPerMessage(), results[1].requestsPerMessage(); ours > stock/2 {
		t.Errorf("ours takes %.2f requests a message, stock %.2f", ours, stock)
	}
}

func TestTheReportShowsMachineFiguresAndRatios(t *testing.T) {
	t.Parallel()
	r := newReport(settings{latency: 10 * time.Millisecond, handler: 20 * time.Millisecond})
	r.Machine = Machine{Cores: 3, Go: "go1.0", OS: "plan9", Arch: "mips"}
	r.Results = []Result{
		{Queue: "FIFO", Transport: "stock", Publish: Phase{PerSecond: 100, RequestsPerMessage: 1}, Consume: Phase{PerSecond: 40, RequestsPerMessage: 2, AllocsPerMessage: 100}},
		{Queue: "FIFO", Transport: "ours", Publish: Phase{PerSecond: 200, RequestsPerMessage: .1}, Consume: Phase{PerSecond: 480, RequestsPerMessage: .2, AllocsPerMessage: 50}, Order: Order{Reordered: 7}},
	}
	var out bytes.Buffer
	if err := r.write(&out); err != nil {
		t.Fatal(err)
	}
	for _, part := range []string{
		"3 cores, go1.0, plan9/mips; 10 ms for each request, 20 ms", "kept", "7 reordered, 0 overlapping, 0 repeated", "ours to stock", "12.0x", "0.10x", "0.50x",
	} {
		if !strings.Contains(out.String(), part) {
			t.Errorf("the report lacks %q:\n%s", part, out.String())
		}
	}
	encoded, err := json.Marshal(r)
	if err != nil || !strings.Contains(string(encoded), `"requests_per_message":0.1`) || !strings.Contains(string(encoded), `"cores":3`) {
		t.Errorf("as JSON: %s, %v", encoded, err)
	}
}

func TestTheWatchCountsMessagesOutOfOrder(t *testing.T) {
	t.Parallel()
	o := newOrderWatch(load{kind: queueKind{groups: 2}, messages: 6})
	o.begin(2) // group 0, ahead of 0
	o.begin(0) // reordered, and overlapping
	o.end(2)
	o.end(0)
	o.begin(1)
	o.end(1)
	o.begin(1) // repeated
	if n := o.end(1); n != 3 {
		t.Errorf("%d messages were seen, want 3", n)
	}
	if got, want := o.found(), (Order{Reordered: 1, Overlapping: 1, Repeated: 1}); got != want {
		t.Errorf("found %+v, want %+v", got, want)
	}
}

func TestEachGroupIsPublishedInOrder(t *testing.T) {
	t.Parallel()
	l := load{kind: queueKind{groups: 5}, messages: 100}
	var mu sync.Mutex
	last, count := map[string]int{}, 0
	err := l.publish(func(msgs ...*message.Message) error {
		n, err := number(msgs[0])
		mu.Lock()
		defer mu.Unlock()
		group := msgs[0].Metadata.Get("MessageGroupId")
		if before, any := last[group]; any && n < before {
			t.Errorf("in %s, %d was published after %d", group, n, before)
		}
		last[group] = n
		count++
		return err
	})
	if err != nil || count != 100 || len(last) != 5 {
		t.Errorf("%d messages of %d groups, %v", count, len(last), err)
	}
}
