package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"slices"
	"time"

	"github.com/gatehouse-portal/gatehouse/events"
	"github.com/gatehouse-portal/gatehouse/journal"
	"github.com/gatehouse-portal/gatehouse/portal"
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

// measureViews has a worker fill the views by a rebuild, rebuilds them once more as an operator does,
// and compares them with the journal. It fails if a row differs.
func (b *bench) measureViews(ctx context.Context, stdout io.Writer) error {
	total := b.factsEach() * b.accounts
	_, _ = fmt.Fprintf(stdout, "made of    %d facts of %d accounts\n\n%-44s%10s%12s\n", total, b.accounts, "", "took", "memory")
	if err := b.live(ctx); err != nil {
		return err
	}
	if err := b.startWorker(ctx); err != nil {
		return err
	}
	line := func(what string, s said) {
		_, _ = fmt.Fprintf(stdout, "%-44s%10s%9.1f MB\n", what, s.took.Round(100*time.Millisecond), float64(s.memory)/(1<<20))
	}
	for _, c := range []struct {
		what string
		args []string
	}{
		{"projections rebuild, of empty views", []string{"projections", "rebuild"}},
		{"projections rebuild, of full views", []string{"projections", "rebuild"}},
		{"projections status", []string{"projections", "status"}},
	} {
		s, err := b.command(ctx, c.args...)
		if err != nil {
			return err
		}
		line(c.what, s)
	}
	s, err := b.command(ctx, "projections", "verify", "--json")
	if err != nil {
		return err
	}
	line("projections verify", s)
	var found struct{ Streams, Facts, Rows, Behind, Found int }
	if err := json.Unmarshal([]byte(s.stdout), &found); err != nil {
		return err
	}
	if found.Facts < total || found.Found > 0 || found.Behind > 0 {
		return fmt.Errorf("%w: %+v", errWrong, found)
	}
	_, _ = fmt.Fprintf(stdout, "\n%d rows follow from %d facts, and none differs.\n", found.Rows, found.Facts)
	return nil
}
