// Package projections turns the journal's facts into the rows that pages and JSON read. A
// message about a fact only wakes the projector, which shows everything after its checkpoint,
// so messages may be lost, repeated or out of order. Each read model is one file: its row, how
// facts change it, and its query.
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
	"github.com/gatehouse-portal/gatehouse/traces"
)

type streams interface {
	Read(ctx context.Context, stream portal.Stream, after int64) ([]events.Event, error)
}

type accountReader interface {
	AccountSince(ctx context.Context, id portal.AccountID, after int64, fact events.Event) (accounts.History, error)
}

// Projector writes the views. It is safe for concurrent use, and several may show the same
// stream.
type Projector struct {
	journal  streams
	accounts accountReader
	store    store
	memory   *memory
}

// NewProjector returns a Projector that writes to the views table.
func NewProjector(journal streams, accounts accountReader, client client, tables Tables) *Projector {
	return &Projector{journal: journal, accounts: accounts, store: newStore(client, tables), memory: newMemory()}
}

// Handle shows the message's stream to its end, or to the end that this process remembers if that
// includes the message's fact. It skips a live generation that shows the fact already. A message
// without a sequence starts at the stored checkpoint. During a rebuild Handle writes both
// generations, the live one no further than the next one.
//
// Rows, steps of operations and the checkpoint appear together, or in that order if one
// transaction cannot hold them. So a reader who sees that an operation has succeeded also sees
// its result. After a crash or a lost answer the message is redelivered and does the same again.
// If another writer changes the same rows, each row is written alone unless a newer one is there.
// Handle returns *portal.Postponed if a table does not answer, or if the stream ends before the
// message's fact.
//
// A rebuild relies on this: when Handle returns nil, the stream is shown in every generation that
// was being written a second earlier, except in a next generation in which it cannot be shown.
func (p *Projector) Handle(ctx context.Context, msg events.Event) error {
	done := map[schema.Generation]bool{}
	for {
		now, err := p.store.generations.forWriting(ctx)
		if err != nil {
			return err
		}
		before, upTo := len(done), noLimit
		for _, generation := range now.written() {
			if done[generation] {
				continue
			}
			head, err := p.showWhile(ctx, now, generation, msg, upTo)
			if err != nil {
				return err
			}
			upTo, done[generation] = head, true
		}
		if len(done) == before {
			return nil
		}
	}
}

const noLimit int64 = math.MaxInt64

// showWhile shows the message's stream in one generation. A stream that cannot be shown in the
// next generation still goes to the live one; the rebuild counts it.
func (p *Projector) showWhile(ctx context.Context, now pointer, generation schema.Generation, msg events.Event, upTo int64) (head int64, err error) {
	if generation != now.Live {
		// Show all, since the live generation goes only as far
		// as this one.
		msg.Sequence = 0
	}
	head, err = p.showIn(ctx, generation, msg, upTo)
	if generation == now.Live || err == nil || !unreadable(ctx, err) {
		return head, err
	}
	zerolog.Ctx(ctx).Warn().Err(err).Str("stream", string(msg.Subject)).Int64("generation", int64(generation)).
		Msg("cannot show a stream in the views that are being built")
	return noLimit, nil
}

// unreadable is every error but Postponed, panics included, unless ctx has ended.
func unreadable(ctx context.Context, err error) bool {
	var postponed *portal.Postponed
	return err != nil && !errors.As(err, &postponed) && ctx.Err() == nil
}

func (p *Projector) showIn(ctx context.Context, generation schema.Generation, msg events.Event, upTo int64) (head int64, err error) {
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
		// If earlier facts are not shown yet, the stored checkpoint does not match and the write
		// fails.
		write = p.store.togetherIfFew
	}
	head, err = p.show(ctx, place, msg, shown, upTo, write)
	if guessed && err != nil {
		stored, unread := p.stored(ctx, place)
		switch {
		case unread != nil:
			return 0, unread
		case msg.Sequence <= stored:
			return stored, nil
		case errors.Is(err, errRaced):
			head, err = p.show(ctx, place, msg, stored, upTo, p.store.together)
		}
	}
	switch {
	case errors.Is(err, errRaced):
		return p.showAgain(ctx, place, msg.Sequence, upTo)
	case err != nil:
		return 0, err
	}
	p.memory.remember(place, head)
	return head, nil
}

func (p *Projector) stored(ctx context.Context, place shownIn) (shown int64, err error) {
	if shown, err = p.store.checkpoint(ctx, place); err == nil {
		p.memory.remember(place, shown)
	}
	return shown, err
}

// showAgain shows the stream after a conflict: from the stored checkpoint, row by row,
// remembering nothing.
func (p *Projector) showAgain(ctx context.Context, place shownIn, atLeast, upTo int64) (head int64, err error) {
	p.memory.forget(place)
	shown, err := p.store.checkpoint(ctx, place)
	if err != nil {
		return 0, err
	}
	return p.show(ctx, place, events.Event{Sequence: atLeast}, shown, upTo, p.store.oneByOne)
}

func (p *Projector) show(ctx context.Context, place shownIn, msg events.Event, shown, upTo int64, write func(context.Context, []row) error) (head int64, err error) {
	changed := newRows(place.generation)
	if id, ok := place.stream.Account(); ok {
		head, err = p.showAccount(ctx, changed, id, msg, shown, upTo)
	} else {
		head, err = p.showStream(ctx, changed, place.stream, shown, upTo)
	}
	if err != nil {
		return 0, err
	}
	if head < msg.Sequence {
		return 0, &portal.Postponed{After: time.Second, Reason: fmt.Sprintf("%s ends at %d, before %d", place.stream, head, msg.Sequence)}
	}
	if head <= shown {
		return head, nil
	}
	changed.checkpoint(place.stream, shown, head)
	ctx, span := traces.Start(ctx, traces.Internal, "write views", "")
	defer span.End()
	list := changed.inOrder()
	span.Set(traces.Subject, string(place.stream))
	span.SetInt(traces.Facts, int(head-shown))
	span.SetInt(traces.Rows, len(list))
	return head, write(ctx, list)
}

// shows links the handling to the trace in which the fact was made.
func shows(ctx context.Context, fact events.Event) {
	traces.Link(ctx, traces.Remote{Parent: fact.TraceParent, State: fact.TraceState})
}

func (p *Projector) showAccount(ctx context.Context, changed rows, id portal.AccountID, msg events.Event, shown, upTo int64) (head int64, err error) {
	history, err := p.accounts.AccountSince(ctx, id, shown, msg)
	if err != nil {
		return 0, err
	}
	account := history.Base
	for _, fact := range history.Facts {
		if fact.Sequence > upTo {
			break
		}
		if fact.Sequence <= shown {
			account.Apply(fact)
			continue
		}
		shows(ctx, fact)
		before := account.Clone()
		account.Apply(fact)
		profileRows(changed, account, fact)
		listRows(changed, account, fact)
		keyRows(changed, before, account, fact)
		subscriptionRows(changed, before, account, fact)
		holderRows(changed, before, account, fact)
		activityRows(changed, account, fact)
		steps(changed, before, account, fact)
	}
	return account.Sequence, nil
}

func (p *Projector) showStream(ctx context.Context, changed rows, stream portal.Stream, shown, upTo int64) (head int64, err error) {
	facts, err := p.journal.Read(ctx, stream, 0)
	if err != nil {
		return 0, err
	}
	var current state.Catalog
	licence := state.Licence{Stream: stream}
	for _, fact := range facts {
		if fact.Sequence > upTo {
			break
		}
		current.Apply(fact)
		before := licence
		licence.Apply(fact)
		if fact.Sequence <= shown {
			continue
		}
		shows(ctx, fact)
		if stream.IsLicence() {
			licenceRows(changed, before, licence, fact)
		}
		if stream.Kind() == portal.KindMarketplace {
			keptRows(changed, fact)
		}
		if stream == portal.CatalogStream {
			catalogRows(changed, current, fact)
		}
		steps(changed, state.Account{}, state.Account{}, fact)
	}
	return current.Sequence, nil
}

// Clock replaces the clock that tells the pointer's age.
func (p *Projector) Clock(now func() time.Time) *Projector {
	p.store.generations.now = now
	return p
}

// Checkpoint returns the sequence up to which readers see the stream.
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
