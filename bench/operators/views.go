package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"slices"
	"time"

	"github.com/gatehouse-portal/gatehouse/accounts"
	"github.com/gatehouse-portal/gatehouse/events"
	"github.com/gatehouse-portal/gatehouse/jobs"
	"github.com/gatehouse-portal/gatehouse/journal"
	"github.com/gatehouse-portal/gatehouse/portal"
	"github.com/gatehouse-portal/gatehouse/projections"
)

// life is a story of an account that goes on as long as it must: it registers, gets a key for a plan,
// and leaves and joins the plan again and again.
func life(n, facts int) []events.Fact {
	key, gateway := portal.KeyID("key-"+fmt.Sprint(n)), portal.GatewayKeyID("gw"+fmt.Sprint(n))
	story := []events.Fact{events.UserRegistered{}, events.KeyWanted{Key: key, Ring: portal.AccountRing, Name: "Default key", Scheme: "v1", KMSKey: "mrk-1"}}
	for first := true; len(story) < facts; first = false {
		wish := events.Link{Wish: int64(len(story)) + 1}
		story = append(story, events.SubscriptionWanted{Plan: "free", Name: "Free", Ring: portal.AccountRing, Stages: []portal.Stage{{API: "a", Stage: "v1"}}})
		if first {
			story = append(story, events.KeyCreated{Key: key, GatewayID: gateway})
		}
		story = append(story, events.KeyAttached{Link: wish, Key: key, Plan: "free"}, events.SubscriptionActivated{Link: wish, Plan: "free"})
		wish = events.Link{Wish: int64(len(story)) + 1}
		story = append(story, events.SubscriptionEnding{Plan: "free"}, events.KeyDetached{Link: wish, Key: key, Plan: "free"}, events.SubscriptionEnded{Link: wish, Plan: "free"})
	}
	return story[:facts]
}

func (b *bench) live(ctx context.Context) error {
	facts := b.factsEach()
	return each(ctx, b.accounts, func(ctx context.Context, n int) error {
		stream, after := portal.AccountStream(account(n)), int64(0)
		for part := range slices.Chunk(life(n, facts), journal.MaxFacts) {
			cause := events.Event{ID: portal.DeriveID("life", fmt.Sprint(n), fmt.Sprint(after)), Subject: stream, Operation: portal.OperationID(letterID(n)), Intent: portal.Intent(after + 1)}
			if err := b.facts.Append(ctx, stream, after, journal.Stamp(cause, "/bench", began, after, part)); err != nil {
				return err
			}
			after += int64(len(part))
		}
		return nil
	})
}

func (b *bench) factsEach() int { return b.settings.facts / b.accounts }

// rebuild does all steps of a rebuild, as a worker does them. live is when readers had the new views; the rest of the time
// went into checking them and deleting the old ones.
func (b *bench) rebuild(ctx context.Context) (live, took time.Duration, result projections.Rebuilt, err error) {
	tables := projections.Tables{Views: b.names.Views, Records: b.names.Records}
	scratch := jobs.NewScratch(b.tables, b.names.Records, time.Now)
	r := &projections.Rebuild{
		Projector: projections.NewProjector(b.facts, accounts.NewReader(b.facts, b.tables, b.names.Records, time.Now), b.tables, tables),
		Journal:   b.facts, Rows: b.tables, Scratch: scratch, Now: time.Now,
		Wait: func(ctx context.Context, d time.Duration) error {
			select {
			case <-time.After(d):
				return nil
			case <-ctx.Done():
				return ctx.Err()
			}
		},
	}
	started := time.Now()
	for cursor := projections.Demanded; cursor != ""; {
		if cursor, err = r.Step(ctx, cursor); err != nil {
			return 0, 0, result, err
		}
		if at, ok := projections.ParseRebuilding(cursor); ok && at.Phase == projections.PhaseMoved {
			live = time.Since(started)
		}
	}
	took = time.Since(started)
	result, _, err = projections.LastRebuild(ctx, scratch)
	return live, took, result, err
}

// measureViews rebuilds empty views and then full ones, without another worker, and compares the rows
// with the journal. It fails if a row differs.
func (b *bench) measureViews(ctx context.Context, stdout io.Writer) error {
	total := b.factsEach() * b.accounts
	_, _ = fmt.Fprintf(stdout, "made of    %d facts of %d accounts\n\n%-44s%10s%12s\n", total, b.accounts, "", "took", "memory")
	if err := b.live(ctx); err != nil {
		return err
	}
	for _, what := range []string{"rebuild of empty views", "rebuild of full views"} {
		before, serving := processorTime(os.Getpid()), processorTime(b.aws.Process.Pid)
		live, took, result, err := b.rebuild(ctx)
		if err != nil {
			return err
		}
		_, _ = fmt.Fprintf(stdout, "%-44s%10s   readers had the new views after %s; processor time: %s, of the local AWS: %s; passes: %d, rows deleted: %d\n", what,
			took.Round(100*time.Millisecond), live.Round(100*time.Millisecond), processorTime(os.Getpid())-before, processorTime(b.aws.Process.Pid)-serving, result.Passes, result.Deleted)
	}
	var s said
	var err error
	for _, args := range [][]string{{"projections", "status", "--json"}, {"projections", "verify", "--json"}} {
		if s, err = b.command(ctx, args...); err != nil {
			return err
		}
		_, _ = fmt.Fprintf(stdout, "%-44s%10s%9.1f MB\n", args[0]+" "+args[1], s.took.Round(100*time.Millisecond), float64(s.memory)/(1<<20))
	}
	var found struct{ Streams, Facts, Rows, Behind, Found int }
	if err := json.Unmarshal([]byte(s.stdout), &found); err != nil {
		return fmt.Errorf("reading what verify says: %w", err)
	}
	if found.Facts < total || found.Found > 0 || found.Behind > 0 {
		return fmt.Errorf("%w: %+v", errWrong, found)
	}
	_, _ = fmt.Fprintf(stdout, "\n%d rows follow from %d facts, and none differs.\n", found.Rows, found.Facts)
	return nil
}
