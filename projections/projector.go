// Package projections shows: it turns the journal's facts into the rows that pages and
// JSON read. A message about a fact is only a wake-up: the projector reads the journal
// itself and shows what is not shown yet, so that messages may be lost, repeated or out
// of order. What one wake-up shows appears in one transaction, as far as it fits into
// one. Every read model is one file: its row, how facts change it, its query.
package projections

import (
	"context"
	"errors"
	"fmt"
	"math"
	"time"

	"github.com/rs/zerolog"

	"github.com/gatehouse-portal/gatehouse/accounts"
	"github.com/gatehouse-portal/gatehouse/events"
	"github.com/gatehouse-portal/gatehouse/portal"
	"github.com/gatehouse-portal/gatehouse/schema"
	"github.com/gatehouse-portal/gatehouse/state"
)

type streams interface {
	Read(ctx context.Context, stream portal.Stream, after int64) ([]events.Event, error)
}

type accountReader interface {
	AccountFrom(ctx context.Context, id portal.AccountID, after int64) (accounts.History, error)
}

// Projector writes the views. It is safe for concurrent use, and any number of them may
// show the same stream. It remembers how far it has seen streams to be shown, to save
// reading checkpoints.
type Projector struct {
	journal  streams
	accounts accountReader
	store    store
	memory   *memory
}

// NewProjector returns a Projector that reads that journal.
func NewProjector(journal streams, accounts accountReader, client client, tables Tables) *Projector {
	return &Projector{journal: journal, accounts: accounts, store: newStore(client, tables), memory: newMemory()}
}

// Handle shows everything its stream holds, at least up to the fact that the message
// is. A message about what is shown already changes nothing, and one without a sequence shows
// whatever the stored checkpoint says is missing. While the views are being rebuilt it does so
// in both generations, and in the live one no further than in the next one: a fact that is
// appended meanwhile is left to its own message.
//
// Rows, the steps of operations and the checkpoint appear together, or in that order if
// they do not fit into one transaction: who reads that an operation has succeeded finds
// what it has brought about. After a crash or a lost answer the message comes again and
// repeats harmlessly. When others write the same rows, each row is written by itself,
// unless a newer one is there. A table that does not answer, and a stream that ends
// before the message's fact, is *portal.Postponed.
//
// When Handle returns nil, the stream is shown in every generation that was written a second
// before, however long showing took. A rebuild relies on that.
func (p *Projector) Handle(ctx context.Context, msg events.Event) error {
	done := map[schema.Generation]bool{}
	for {
		now, err := p.store.generations.forWriting(ctx)
		if err != nil {
			return err
		}
		before, most := len(done), noLimit
		for _, generation := range now.written() {
			if done[generation] {
				continue
			}
			head, err := p.showWhile(ctx, now, generation, msg, most)
			if err != nil {
				return err
			}
			most, done[generation] = head, true
		}
		if len(done) == before {
			return nil
		}
	}
}

// noLimit has a stream shown to its end.
const noLimit int64 = math.MaxInt64

// showWhile shows the message's stream in one of the generations that the pointer names, no
// further than most, and returns how far it is shown there. A stream that cannot be shown in
// the next generation holds up no reader of the live one: the rebuild counts it.
func (p *Projector) showWhile(ctx context.Context, now pointer, generation schema.Generation, msg events.Event, most int64) (head int64, err error) {
	if generation != now.Live {
		// The live one is shown to the stream's end, so this one must be, too, even where it
		// has the message's fact.
		msg.Sequence = 0
	}
	head, err = p.showIn(ctx, generation, msg, most)
	if generation == now.Live || err == nil || !unreadable(ctx, err) {
		return head, err
	}
	zerolog.Ctx(ctx).Warn().Err(err).Str("subject", string(msg.Subject)).Int64("generation", int64(generation)).
		Msg("a stream cannot be shown in the views that are being built")
	return noLimit, nil
}

// unreadable says whether an error of showing comes from what the stream holds and not from a
// table that does not answer.
func unreadable(ctx context.Context, err error) bool {
	var postponed *portal.Postponed
	return err != nil && !errors.As(err, &postponed) && ctx.Err() == nil
}

// showIn shows the message's stream in one generation, no further than most, and returns how
// far it is shown.
func (p *Projector) showIn(ctx context.Context, generation schema.Generation, msg events.Event, most int64) (head int64, err error) {
	place := shownIn{generation, msg.Subject}
	shown, known, guessed := p.memory.recall(place, msg.Sequence)
	if !known {
		if shown, err = p.stored(ctx, place); err != nil {
			return 0, err
		}
	}
	if msg.Sequence > 0 && msg.Sequence <= shown {
		return shown, nil
	}
	write := p.store.together
	if guessed {
		write = p.store.togetherIfFew
	}
	head, err = p.show(ctx, place, msg.Sequence, shown, most, write)
	if guessed && err != nil {
		stored, unread := p.stored(ctx, place)
		switch {
		case unread != nil:
			return 0, unread
		case msg.Sequence <= stored:
			return stored, nil
		case errors.Is(err, errRaced):
			head, err = p.show(ctx, place, msg.Sequence, stored, most, p.store.together)
		}
	}
	switch {
	case errors.Is(err, errRaced):
		return p.showAgain(ctx, place, msg.Sequence, most)
	case err != nil:
		return 0, err
	}
	p.memory.remember(place, head)
	return head, nil
}

// stored reads the stored checkpoint and remembers it.
func (p *Projector) stored(ctx context.Context, place shownIn) (shown int64, err error) {
	if shown, err = p.store.checkpoint(ctx, place); err == nil {
		p.memory.remember(place, shown)
	}
	return shown, err
}

// showAgain is for when what was known of the stream's rows did not hold: it begins at
// the stored checkpoint, lets every row decide for itself, and leaves nothing in memory.
func (p *Projector) showAgain(ctx context.Context, place shownIn, atLeast, most int64) (head int64, err error) {
	p.memory.forget(place)
	shown, err := p.store.checkpoint(ctx, place)
	if err != nil {
		return 0, err
	}
	return p.show(ctx, place, atLeast, shown, most, p.store.oneByOne)
}

// show writes, in that way, what the facts after shown and up to most change, and returns the
// sequence of the last one.
func (p *Projector) show(ctx context.Context, place shownIn, atLeast, shown, most int64, write func(context.Context, []row) error) (head int64, err error) {
	changed := newRows(place.generation)
	if id, ok := place.stream.Account(); ok {
		head, err = p.showAccount(ctx, changed, id, shown, most)
	} else {
		head, err = p.showStream(ctx, changed, place.stream, shown, most)
	}
	if err != nil {
		return 0, err
	}
	if head < atLeast {
		return 0, &portal.Postponed{After: time.Second, Reason: fmt.Sprintf("%s ends at %d, before %d", place.stream, head, atLeast)}
	}
	if head <= shown {
		return head, nil
	}
	changed.checkpoint(place.stream, shown, head)
	return head, write(ctx, changed.inOrder())
}

func (p *Projector) showAccount(ctx context.Context, changed rows, id portal.AccountID, shown, most int64) (head int64, err error) {
	history, err := p.accounts.AccountFrom(ctx, id, shown)
	if err != nil {
		return 0, err
	}
	account := history.Base
	for _, fact := range history.Facts {
		if fact.Sequence > most {
			break
		}
		if fact.Sequence <= shown {
			account.Apply(fact)
			continue
		}
		before := account.Clone()
		account.Apply(fact)
		profileRows(changed, account, fact)
		keyRows(changed, account, fact)
		subscriptionRows(changed, before, account, fact)
		activityRows(changed, account, fact)
		steps(changed, before, account, fact)
	}
	return account.Sequence, nil
}

// showStream shows a stream that is no account: the catalog, or one of a kind that has no
// views of its own here.
func (p *Projector) showStream(ctx context.Context, changed rows, stream portal.Stream, shown, most int64) (head int64, err error) {
	facts, err := p.journal.Read(ctx, stream, 0)
	if err != nil {
		return 0, err
	}
	var current state.Catalog
	for _, fact := range facts {
		if fact.Sequence > most {
			break
		}
		current.Apply(fact)
		if fact.Sequence <= shown {
			continue
		}
		if stream == portal.CatalogStream {
			catalogRows(changed, current, fact)
		}
		steps(changed, state.Account{}, state.Account{}, fact)
	}
	return current.Sequence, nil
}

// Clock sets the clock by which the Projector knows how old the pointer is that it has read,
// instead of the system's.
func (p *Projector) Clock(now func() time.Time) *Projector {
	p.store.generations.now = now
	return p
}

// Checkpoint is the sequence up to which readers see the stream.
func (p *Projector) Checkpoint(ctx context.Context, stream portal.Stream) (int64, error) {
	now, err := p.store.generations.current(ctx)
	if err != nil {
		return 0, err
	}
	return p.store.checkpoint(ctx, shownIn{now.Live, stream})
}

func (s store) checkpoint(ctx context.Context, place shownIn) (int64, error) {
	var shown struct {
		Seq int64 `dynamodbav:"seq"`
	}
	_, err := s.get(ctx, s.tables.Views, place.generation.Checkpoint(place.stream), &shown)
	return shown.Seq, err
}
