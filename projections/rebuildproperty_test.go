package projections

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/gatehouse-portal/gatehouse/events"
	"github.com/gatehouse-portal/gatehouse/journal/journaltest"
	"github.com/gatehouse-portal/gatehouse/portal"
	"github.com/gatehouse-portal/gatehouse/state"
)

// Facts are appended, projectors and readers use pointers that are up to a second old, two
// workers do steps of rebuilds, some of them twice, and requests to the tables fail before or
// after they took effect. No reader ever sees something vanish, or anything but the state of
// the facts up to its checkpoint. In the end readers see all facts, and the table has no other
// rows.
func TestReadersNeverSeeHalfBuiltViews(t *testing.T) {
	t.Parallel()
	base := newScreen(t)
	rapid.Check(t, func(rt *rapid.T) {
		c := newRebuildRun(rt, screenOn(t, journaltest.On(t, base.tables.Config)), screenOn(t, journaltest.On(t, base.tables.Config)))
		for range rapid.IntRange(10, 60).Draw(rt, "actions") {
			c.act()
			c.look()
		}
		c.finish()
	})
}

// rebuildRun is one run: the views under test, and others that are never rebuilt.
type rebuildRun struct {
	*rapid.T
	*screen
	plain      *screen
	clock      time.Time
	stories    []*story
	projectors []*Projector
	clients    []*watched
	readers    []*Views
	rebuilds   []*Rebuild
	queue      []events.Event
	cursor     string
	before     string
	demanded   int
	// told is the account at each sequence; seen is how far a reader saw a stream.
	told map[seenIn]Account
	seen map[readerOf]int64
}

type seenIn struct {
	id       portal.AccountID
	sequence int64
}

type readerOf struct {
	reader int
	id     portal.AccountID
}

func newRebuildRun(rt *rapid.T, live, plain *screen) *rebuildRun {
	c := &rebuildRun{T: rt, screen: live, plain: plain, clock: start, told: map[seenIn]Account{}, seen: map[readerOf]int64{}}
	now := func() time.Time { return c.clock }
	for i := range 4 { // two projectors, and those of the two workers that rebuild
		c.clients = append(c.clients, watch(live))
		c.projectors = append(c.projectors, live.watchedBy(c.clients[i]).Clock(now))
	}
	for i := range 2 {
		c.readers = append(c.readers, NewViews(live.tables.Client, live.names(), noDocuments{}).Clock(now))
		c.rebuilds = append(c.rebuilds, &Rebuild{
			Projector: c.projectors[2+i], Journal: live.journal, Rows: live.tables.Client, Scratch: &oneResult{},
			Now:  func() time.Time { c.clock = c.clock.Add(time.Nanosecond); return c.clock },
			Wait: func(_ context.Context, d time.Duration) error { c.clock = c.clock.Add(d); return nil },
		})
	}
	for i := range 2 {
		id := portal.AccountID(fmt.Sprint("account", i))
		c.stories = append(c.stories, &story{T: rt, id: id, folded: state.NewAccount(id)})
		c.told[seenIn{id, 0}] = Account{Profile: Profile{Status: StatusNone}}
	}
	return c
}

func (c *rebuildRun) act() {
	switch rapid.SampledFrom([]string{"append", "append", "deliver", "deliver", "deliver", "time", "step", "step", "step", "step", "again"}).Draw(c.T, "action") {
	case "append":
		c.append()
	case "deliver":
		c.deliver()
	case "time":
		c.clock = c.clock.Add(time.Duration(rapid.IntRange(1, 1000).Draw(c.T, "milliseconds")) * time.Millisecond)
	case "step":
		c.step()
	case "again": // a worker that was thought dead does the last step again
		_, err := c.someRebuild().Step(c.Context(), c.before)
		c.succeeded(err)
	}
}

func (c *rebuildRun) append() {
	story := rapid.SampledFrom(c.stories).Draw(c.T, "story")
	stream, after := portal.AccountStream(story.id), story.folded.Sequence
	facts := story.next()
	for _, s := range []*screen{c.screen, c.plain} {
		if err := s.journal.Append(c.Context(), stream, after, facts); err != nil {
			c.Fatal(err)
		}
	}
	c.queue = append(c.queue, facts...)
	wake(c.T, c.plain.projector, story.id, story.folded.Sequence)
	said, err := c.plain.Views.Account(c.Context(), story.id)
	if err != nil {
		c.Fatal(err)
	}
	c.told[seenIn{story.id, story.folded.Sequence}] = said
}

// deliver has a projector handle a message; a failed message stays in the queue.
func (c *rebuildRun) deliver() {
	if len(c.queue) == 0 {
		return
	}
	i := rapid.IntRange(0, len(c.queue)-1).Draw(c.T, "message")
	one := rapid.IntRange(0, 1).Draw(c.T, "projector")
	c.fate(c.clients[one])
	if err := c.projectors[one].Handle(c.Context(), c.queue[i]); err != nil {
		c.succeeded(err)
		return
	}
	c.queue = append(c.queue[:i:i], c.queue[i+1:]...)
}

// step does a step of the current run, or starts another run on demand.
func (c *rebuildRun) step() {
	if c.cursor == "" {
		c.cursor = Demanded
		c.demanded++
	}
	next, err := c.someRebuild().Step(c.Context(), c.cursor)
	if c.succeeded(err) {
		c.before, c.cursor = c.cursor, next
	}
}

func (c *rebuildRun) someRebuild() *Rebuild {
	one := rapid.IntRange(0, 1).Draw(c.T, "worker")
	c.fate(c.clients[2+one])
	return c.rebuilds[one]
}

// fate makes some of the next requests fail.
func (c *rebuildRun) fate(w *watched) {
	kinds := rapid.SliceOfN(rapid.SampledFrom([]string{"", "", "", "", "refused", "lost"}), 3, 3).Draw(c.T, "fate")
	w.trouble(kinds)
}

// succeeded reports whether there was no error. Only *portal.Postponed is allowed.
func (c *rebuildRun) succeeded(err error) bool {
	var postponed *portal.Postponed
	if err != nil && !errors.As(err, &postponed) {
		c.Fatal(err)
	}
	return err == nil
}

func (c *rebuildRun) look() {
	for i, reader := range c.readers {
		for _, story := range c.stories {
			shown, err := reader.Shown(c.Context(), portal.AccountStream(story.id))
			if err != nil {
				c.Fatal(err)
			}
			by := readerOf{i, story.id}
			if shown < c.seen[by] {
				c.Fatalf("reader %d saw %s up to %d, and now up to %d", i, story.id, c.seen[by], shown)
			}
			c.seen[by] = shown
			got, err := reader.Account(c.Context(), story.id)
			if err != nil {
				c.Fatal(err)
			}
			same(c.t, fmt.Sprintf("reader %d sees %s at %d", i, story.id, shown), c.told[seenIn{story.id, shown}], got)
			if c.t.Failed() {
				c.FailNow()
			}
		}
	}
}

// finish runs a rebuild to its end while nothing fails.
func (c *rebuildRun) finish() {
	for _, w := range c.clients {
		w.trouble(nil)
	}
	if c.demanded > 0 && c.cursor == "" {
		c.cursor = Demanded
	}
	for c.cursor != "" {
		next, err := c.rebuilds[0].Step(c.Context(), c.cursor)
		if err != nil {
			c.Fatal(err)
		}
		c.cursor = next
		c.look()
	}
	for _, msg := range c.queue {
		if err := c.projectors[0].Handle(c.Context(), msg); err != nil {
			c.Fatal(err)
		}
	}
	c.look()
	live := c.pointer().Live
	for _, story := range c.stories {
		want, got := c.plain.rows(story.partitions()...), c.rowsIn(live, story.partitions()...)
		for key, row := range got {
			if want[key] != nil {
				row["pk"] = want[key]["pk"]
			}
		}
		same(c.t, "rows", want, got)
	}
	for generation, rows := range c.rowsByGeneration() {
		if generation != live {
			c.t.Errorf("%d rows of generation %d are left, and %d is live", rows, generation, live)
		}
	}
	if c.t.Failed() {
		c.FailNow()
	}
}
