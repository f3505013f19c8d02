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
	"time"

	"github.com/gatehouse-portal/gatehouse/events"
	"github.com/gatehouse-portal/gatehouse/portal"
	"github.com/gatehouse-portal/gatehouse/state"
)

type streams interface {
	Read(ctx context.Context, stream portal.Stream, after int64) ([]events.Event, error)
}

// Projector writes the views. It is safe for concurrent use, and any number of them may
// show the same stream. It remembers how far it has seen streams to be shown, to save
// reading checkpoints.
type Projector struct {
	journal streams
	store   store
	memory  *memory
}

// NewProjector returns a Projector that reads that journal.
func NewProjector(journal streams, client client, tables Tables) *Projector {
	return &Projector{journal: journal, store: store{client: client, tables: tables}, memory: newMemory()}
}

// Handle shows everything its stream holds, at least up to the fact that the message
// is. A message about what is shown already does nothing, and one without a sequence
// shows whatever the stored checkpoint says is missing.
//
// Rows, the steps of operations and the checkpoint appear together, or in that order if
// they do not fit into one transaction: who reads that an operation has succeeded finds
// what it has brought about. After a crash or a lost answer the message comes again and
// repeats harmlessly. When others write the same rows, each row is written by itself,
// unless a newer one is there. A table that does not answer, and a stream that ends
// before the message's fact, is *portal.Postponed.
func (p *Projector) Handle(ctx context.Context, msg events.Event) error {
	shown, known := p.memory.recall(msg)
	if !known {
		var err error
		if shown, err = p.Checkpoint(ctx, msg.Subject); err != nil {
			return err
		}
		p.memory.remember(msg.Subject, shown)
	}
	if msg.Sequence > 0 && msg.Sequence <= shown {
		return nil
	}
	head, err := p.show(ctx, msg, shown, p.store.together)
	switch {
	case errors.Is(err, errRaced):
		return p.showAgain(ctx, msg)
	case err != nil:
		return err
	}
	p.memory.remember(msg.Subject, head)
	return nil
}

// showAgain is for when what was known of the stream's rows did not hold: it begins at
// the stored checkpoint, lets every row decide for itself, and leaves nothing in memory.
func (p *Projector) showAgain(ctx context.Context, msg events.Event) error {
	p.memory.forget(msg.Subject)
	shown, err := p.Checkpoint(ctx, msg.Subject)
	if err != nil {
		return err
	}
	_, err = p.show(ctx, msg, shown, p.store.oneByOne)
	return err
}

// show writes, in that way, what the facts after shown change, and returns the sequence
// of the last one.
func (p *Projector) show(ctx context.Context, msg events.Event, shown int64, write func(context.Context, []row) error) (head int64, err error) {
	facts, err := p.journal.Read(ctx, msg.Subject, 0)
	if err != nil {
		return 0, err
	}
	head = int64(len(facts))
	if head < msg.Sequence {
		return 0, &portal.Postponed{After: time.Second, Reason: fmt.Sprintf("%s ends at %d, before %d", msg.Subject, head, msg.Sequence)}
	}
	if head <= shown {
		return head, nil
	}
	changed := rows{}
	if id, ok := msg.Subject.Account(); ok {
		showAccount(changed, id, facts, shown)
	} else if msg.Subject == portal.CatalogStream {
		showCatalog(changed, facts, shown)
	}
	changed.checkpoint(msg.Subject, shown, head)
	return head, write(ctx, changed.inOrder())
}

func showAccount(changed rows, id portal.AccountID, facts []events.Event, shown int64) {
	account := state.NewAccount(id)
	for _, fact := range facts {
		account.Apply(fact)
		if fact.Sequence <= shown {
			continue
		}
		profileRows(changed, account, fact)
		keyRows(changed, account, fact)
		subscriptionRows(changed, account, fact)
		activityRows(changed, account, fact)
		operationSteps(changed, account, fact)
	}
}

func showCatalog(changed rows, facts []events.Event, shown int64) {
	var current state.Catalog
	for _, fact := range facts {
		current.Apply(fact)
		if fact.Sequence <= shown {
			continue
		}
		catalogRows(changed, current, fact)
		operationSteps(changed, state.Account{}, fact)
	}
}

// Checkpoint is the sequence up to which the stream is shown, as the table has it.
func (p *Projector) Checkpoint(ctx context.Context, stream portal.Stream) (int64, error) {
	var shown struct {
		Seq int64 `dynamodbav:"seq"`
	}
	pk, sk := checkpointKey(stream)
	_, err := p.store.get(ctx, p.store.tables.Records, pk, sk, &shown)
	return shown.Seq, err
}
