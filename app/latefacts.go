package app

import (
	"context"
	"sync"
	"time"

	"github.com/rs/zerolog"

	"github.com/gatehouse-portal/gatehouse/events"
	"github.com/gatehouse-portal/gatehouse/portal"
	"github.com/gatehouse-portal/gatehouse/records"
	"github.com/gatehouse-portal/gatehouse/schema"
	"github.com/gatehouse-portal/gatehouse/transport"
)

const (
	// A fact that is not shown after lateAfter is late. A process notes that at most once in noteEvery,
	// and a note counts for noteCounts.
	lateAfter  = 5 * time.Minute
	noteEvery  = 30 * time.Second
	noteCounts = 3 * time.Minute
)

// lateFacts notes in a row that a fact was shown too late, or that it still cannot be shown.
type lateFacts struct {
	rows records.Table
	now  func() time.Time
	// shown tells how far a stream is shown.
	shown func(ctx context.Context, stream portal.Stream) (int64, error)

	mu   sync.Mutex
	last time.Time
}

type lateFact struct {
	// At is when the note was made, and Fact the time of the fact.
	At   time.Time `dynamodbav:"at"`
	Fact time.Time `dynamodbav:"fact"`
}

// noting wraps the handler of the projections. A late fact that was shown before is a duplicate, and
// not late.
func (l *lateFacts) noting(handle transport.Handler) transport.Handler {
	return func(ctx context.Context, msg events.Event) error {
		_, fact := msg.Data.(events.Fact)
		if !fact || l.now().Sub(msg.Time) < lateAfter || !l.turn() {
			return handle(ctx, msg)
		}
		if shown, err := l.shown(ctx, msg.Subject); err != nil || shown < msg.Sequence {
			l.note(ctx, msg.Time)
		}
		return handle(ctx, msg)
	}
}

func (l *lateFacts) turn() bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	now := l.now()
	if now.Sub(l.last).Abs() < noteEvery {
		return false
	}
	l.last = now
	return true
}

// note only logs errors: showing the fact matters more.
func (l *lateFacts) note(ctx context.Context, fact time.Time) {
	err := l.rows.Transact(ctx, "noting that a fact is late", records.Write{Key: schema.ShownLate(), Put: lateFact{At: l.now().UTC(), Fact: fact}})
	if err != nil {
		zerolog.Ctx(ctx).Warn().Err(err).Msg("cannot note that a fact is shown late")
	}
}

// recent returns the time of a fact that a worker lately noted as late.
func (l *lateFacts) recent(ctx context.Context) (fact time.Time, late bool, err error) {
	var row lateFact
	found, err := l.rows.Get(ctx, schema.ShownLate(), &row)
	if err != nil || !found || l.now().Sub(row.At).Abs() >= noteCounts {
		return time.Time{}, false, err
	}
	return row.Fact, true, nil
}
