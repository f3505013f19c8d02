package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"strings"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/gatehouse-portal/gatehouse/deadletters"
	"github.com/gatehouse-portal/gatehouse/events"
	"github.com/gatehouse-portal/gatehouse/journal"
	"github.com/gatehouse-portal/gatehouse/portal"
)

const writers = 32

// causes are seven errors as workers report them, with ids in them that differ.
var causes = []struct{ class, text string }{
	{"failed", "appending to account/%s: operation error DynamoDB: TransactWriteItems, exceeded maximum number of attempts, 3, https response error StatusCode: 400, RequestID: %s, ProvisionedThroughputExceededException"},
	{"failed", "operation error SQS: SendMessageBatch, https response error StatusCode: 503, RequestID: %[2]s, api error ServiceUnavailable"},
	{"failed", "operation error KMS: GenerateMac, https response error StatusCode: 400, RequestID: %[2]s, KMSInvalidStateException: arn:aws:kms:us-east-1:000000000000:key/mrk-%[1]s is pending deletion"},
	{"failed", "reading account/%s at 000000000003: dial tcp 10.0.%d.7:443: connect: connection refused (%[2]s)"},
	{"panic", "panic: runtime error: invalid memory address or nil pointer dereference"},
	{"redriven", "SQS moved it to a dead-letter queue"},
	{"invalid", "A RegisterUser is about an account, not about \"%s\"."},
}

// account returns the id of an account, which looks like a real one.
func account(n int) portal.AccountID {
	return portal.AccountID(portal.DeriveID("bench", fmt.Sprint(n))[:26])
}

func letterID(n int) string { return portal.DeriveID("letter", fmt.Sprint(n)) }

var began = time.Date(2026, 11, 22, 9, 0, 0, 0, time.UTC)

// register appends a registration to every account.
func (b *bench) register(ctx context.Context) error {
	return each(ctx, b.accounts, func(ctx context.Context, n int) error {
		stream := portal.AccountStream(account(n))
		cause := events.Event{ID: portal.DeriveID("register", fmt.Sprint(n)), Subject: stream, Intent: 1}
		return b.facts.Append(ctx, stream, 0, journal.Stamp(cause, "/bench", began, 0, []events.Fact{events.UserRegistered{}}))
	})
}

func each(ctx context.Context, n int, do func(ctx context.Context, n int) error) error {
	group, within := errgroup.WithContext(ctx)
	group.SetLimit(writers)
	for i := range n {
		group.Go(func() error { return do(within, i) })
	}
	return group.Wait()
}

// quiet records no failure in the streams.
type quiet struct{ *journal.Journal }

func (q quiet) Fail(ctx context.Context, _ events.Event, _ string, rows ...journal.Row) error {
	return q.Write(ctx, rows...)
}

// bury makes the letters with these numbers: requests to register, of accounts that are registered.
func (b *bench) bury(ctx context.Context, from, to int) error {
	recorder := deadletters.Recorder{Requests: quiet{b.facts}, Rows: b.facts, Tables: b.tables, Records: b.names.Records, Now: time.Now}
	return each(ctx, to-from, func(ctx context.Context, i int) error {
		n := from + i
		msg := events.Event{
			ID: letterID(n), Source: "/bench", Subject: portal.AccountStream(account(n)), Time: began, Operation: portal.OperationID(letterID(n)),
			Actor: portal.AccountActor(account(n)), Intent: 2, Correlation: letterID(n), Data: events.RegisterUser{},
		}
		body, err := events.Encode(msg)
		if err != nil {
			return err
		}
		cause := causes[n%len(causes)]
		text := cause.text
		if strings.Contains(text, "%") {
			text = fmt.Sprintf(text, account(n), letterID(n), n%256)
			text, _, _ = strings.Cut(text, "%!(EXTRA")
		}
		first := began.Add(time.Duration(n) * time.Second)
		return recorder.Bury(ctx, deadletters.Report{
			ID: msg.ID, FailureKey: "sqs-" + msg.ID, Queue: b.names.Commands, Consumer: "commands", Type: msg.Type(), Subject: msg.Subject,
			Operation: msg.Operation, Body: body, Class: cause.class, Error: text, Attempts: 5, First: first, Last: first.Add(15 * time.Minute),
		})
	})
}

type listed struct {
	Groups  []struct{ Letters int }
	Letters []struct{ ID, State string }
	Counts  map[string]int
}

// measureLetters lists a tenth of the letters and then all. It replays them, is interrupted several
// times, and fails unless every request was handled exactly once.
func (b *bench) measureLetters(ctx context.Context, stdout io.Writer) error {
	_, _ = fmt.Fprintf(stdout, "made of    %d accounts, %d dead letters of %d causes\n\n%-44s%10s%12s\n", b.accounts, b.letters, len(causes), "", "took", "memory")
	if err := b.register(ctx); err != nil {
		return err
	}
	line := func(what string, s said) {
		_, _ = fmt.Fprintf(stdout, "%-44s%10s%9.1f MB\n", what, s.took.Round(time.Millisecond), float64(s.memory)/(1<<20))
	}
	for _, part := range [][2]int{{0, b.letters / 10}, {b.letters / 10, b.letters}} {
		if err := b.bury(ctx, part[0], part[1]); err != nil {
			return err
		}
		best := said{took: time.Hour}
		for range 3 {
			s, err := b.command(ctx, "dlq", "list")
			if err != nil {
				return err
			}
			if s.took < best.took {
				best = s
			}
		}
		line(fmt.Sprintf("dlq list, %d letters, best of three", part[1]), best)
	}
	list, err := b.list(ctx)
	if err != nil {
		return err
	}
	if len(list.Groups) != len(causes) || list.Counts["open"] != b.letters {
		return fmt.Errorf("%w: there are %d causes and %v letters", errWrong, len(list.Groups), list.Counts)
	}
	for _, c := range []struct {
		what string
		args []string
	}{
		{"dlq list --cause panic", []string{"dlq", "list", "--cause", "panic"}},
		{"dlq export", []string{"dlq", "export"}},
		{"dlq replay --all, without --yes", []string{"dlq", "replay", "--all"}},
	} {
		s, err := b.command(ctx, c.args...)
		if err != nil {
			return err
		}
		line(c.what, s)
	}
	if err := b.startWorker(ctx); err != nil {
		return err
	}
	started := time.Now()
	interruptions, err := b.replayInterrupted(ctx)
	if err != nil {
		return err
	}
	_, _ = fmt.Fprintf(stdout, "%-44s%10s\n", fmt.Sprintf("dlq replay --all --yes, killed %d times", interruptions), time.Since(started).Round(time.Second))
	if err := b.settled(ctx); err != nil {
		return err
	}
	_, _ = fmt.Fprintf(stdout, "%-44s%10s\n\nAll %d requests were handled exactly once.\n", "until all were handled", time.Since(started).Round(time.Second), b.letters)
	return nil
}

func (b *bench) list(ctx context.Context) (list listed, err error) {
	s, err := b.command(ctx, "dlq", "list", "--json", "--limit", "1")
	if err != nil {
		return list, err
	}
	return list, json.Unmarshal([]byte(s.stdout), &list)
}

// kills is how often a replay is killed.
const kills = 3

// replayInterrupted replays all letters, with a command that is killed several times in the middle.
func (b *bench) replayInterrupted(ctx context.Context) (interruptions int, err error) {
	for {
		cmd := b.program(ctx, "gatehouse", "dlq", "replay", "--all", "--yes", "--rate", fmt.Sprint(b.rate))
		if err := cmd.Start(); err != nil {
			return interruptions, fmt.Errorf("replaying: %w", err)
		}
		var kill <-chan time.Time
		if interruptions < kills {
			kill = time.After(time.Duration(b.letters/b.rate/(kills+2)+1) * time.Second)
		}
		died := make(chan error, 1)
		go func() { died <- cmd.Wait() }()
		select {
		case err := <-died:
			if err != nil {
				return interruptions, fmt.Errorf("replaying: %w", err)
			}
			list, err := b.list(ctx)
			if err == nil && list.Counts["open"] > 0 {
				err = fmt.Errorf("%w: %d letters are open after the last replay", errWrong, list.Counts["open"])
			}
			return interruptions, err
		case <-kill:
			interruptions++
			_ = cmd.Process.Kill()
			if err := <-died; err == nil {
				interruptions-- // it was done before
			}
		}
	}
}

// settled waits until every replay was handled, and compares the journal.
func (b *bench) settled(ctx context.Context) error {
	for {
		list, err := b.list(ctx)
		if err != nil {
			return err
		}
		if list.Counts["settled"] == b.letters {
			break
		}
		select {
		case <-time.After(time.Second):
		case <-ctx.Done():
			return fmt.Errorf("%w: %v", errWrong, list.Counts)
		}
	}
	return each(ctx, b.letters, func(ctx context.Context, n int) error {
		facts, err := b.facts.Read(ctx, portal.AccountStream(account(n)), 0)
		if err != nil {
			return err
		}
		if len(facts) != 2 || facts[1].Causation != letterID(n) {
			return fmt.Errorf("%w: account %s has %d facts, want the registration and the answer to the request", errWrong, account(n), len(facts))
		}
		return nil
	})
}
