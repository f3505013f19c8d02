// Package projections shows: it turns the journal's facts into the rows that pages and
// JSON read. A message about a fact is only a wake-up: the projector reads the journal
// itself, from its checkpoint on, so that messages may be lost, repeated or out of
// order. Every read model is one file: its row, how facts change it, its query.
package projections

import (
	"context"
	"fmt"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/gatehouse-portal/gatehouse/events"
	"github.com/gatehouse-portal/gatehouse/portal"
	"github.com/gatehouse-portal/gatehouse/state"
)

// parallelWrites bounds how many rows of one stream are written at once.
const parallelWrites = 8

type streams interface {
	Read(ctx context.Context, stream portal.Stream, after int64) ([]events.Event, error)
}

// Projector writes the views.
type Projector struct {
	journal streams
	store   store
}

// NewProjector returns a Projector that reads that journal.
func NewProjector(journal streams, client client, tables Tables) *Projector {
	return &Projector{journal: journal, store: store{client: client, tables: tables}}
}

// Handle shows everything its stream holds, at least up to the fact that the message
// is. A message about what is shown already does nothing. Rows come first, then the
// steps of operations, the checkpoint last: who reads that an operation has succeeded
// finds what it has brought about, and a crash in between repeats harmlessly.
func (p *Projector) Handle(ctx context.Context, msg events.Event) error {
	shown, err := p.Checkpoint(ctx, msg.Subject)
	if err != nil {
		return err
	}
	if msg.Sequence > 0 && msg.Sequence <= shown {
		return nil
	}
	facts, err := p.journal.Read(ctx, msg.Subject, 0)
	if err != nil {
		return err
	}
	head := int64(len(facts))
	if head < msg.Sequence {
		return &portal.Postponed{After: time.Second, Reason: fmt.Sprintf("%s ends at %d, before %d", msg.Subject, head, msg.Sequence)}
	}
	changed := newRows()
	if id, ok := msg.Subject.Account(); ok {
		showAccount(changed, id, facts, shown)
	} else if msg.Subject == portal.CatalogStream {
		showCatalog(changed, facts, shown)
	}
	return p.write(ctx, msg.Subject, changed, head)
}

func showAccount(changed *rows, id portal.AccountID, facts []events.Event, shown int64) {
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

func showCatalog(changed *rows, facts []events.Event, shown int64) {
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

// rows collects what to write: of several states of one row, the last.
type rows struct {
	views, steps map[[2]string]row
}

func newRows() *rows { return &rows{views: map[[2]string]row{}, steps: map[[2]string]row{}} }

func (r *rows) view(pk, sk string, seq int64, value any) {
	r.views[[2]string{pk, sk}] = row{pk: partition(pk), sk: sk, seq: seq, value: value}
}

func (r *rows) step(pk, sk string, seq int64, value any) {
	r.steps[[2]string{pk, sk}] = row{pk: partition(pk), sk: sk, seq: seq, value: value}
}

func (p *Projector) write(ctx context.Context, stream portal.Stream, changed *rows, head int64) error {
	for _, wave := range []map[[2]string]row{changed.views, changed.steps} {
		group, ctx := errgroup.WithContext(ctx)
		group.SetLimit(parallelWrites)
		for _, r := range wave {
			group.Go(func() error { return p.store.put(ctx, p.store.tables.Views, r) })
		}
		if err := group.Wait(); err != nil {
			return err
		}
	}
	return p.store.put(ctx, p.store.tables.Records, checkpoint(stream, head))
}

// checkpoint is the row that says how far a stream is shown.
func checkpoint(stream portal.Stream, head int64) row {
	return row{pk: partition("checkpoint#" + string(stream)), sk: "checkpoint", seq: head, value: struct{}{}}
}

// Checkpoint is the sequence up to which the stream is shown.
func (p *Projector) Checkpoint(ctx context.Context, stream portal.Stream) (int64, error) {
	var shown struct {
		Seq int64 `dynamodbav:"seq"`
	}
	key := checkpoint(stream, 0)
	_, err := p.store.get(ctx, p.store.tables.Records, key.pk, key.sk, &shown)
	return shown.Seq, err
}
