package handlers

import (
	"context"

	"github.com/gatehouse-portal/gatehouse/events"
	"github.com/gatehouse-portal/gatehouse/journal"
	"github.com/gatehouse-portal/gatehouse/portal"
)

// Rehearse returns the facts that handling the request would append at this moment. It appends,
// writes and sends nothing. No facts and no error mean that the request was handled before, or leads
// to nothing. The error is the handler's, a panic included. ok is false for a message that no handler
// decides by the journal: a fact, a wake-up, or a request to read the catalog.
func (d *Decider) Rehearse(ctx context.Context, msg events.Event) (facts []events.Fact, ok bool, err error) {
	stage := &stage{facts: d.journal}
	rehearsing := *d
	rehearsing.journal, rehearsing.sender, rehearsing.catalog, rehearsing.followed = stage, nowhere{}, nil, newFollowed(d.now)
	handle, ok := rehearsing.Handlers()[msg.Type()]
	if _, catalog := msg.Data.(events.CatalogSyncRequested); !ok || catalog {
		return nil, false, nil
	}
	err = portal.Guard(func() error { return handle(ctx, msg) })()
	return stage.appended, true, err
}

// stage keeps the facts that a handler appends. Like the journal, it refuses them if the stream has newer facts.
type stage struct {
	facts
	appended []events.Fact
}

func (s *stage) Append(ctx context.Context, stream portal.Stream, after int64, facts []events.Event, _ ...journal.Row) error {
	newer, err := s.Read(ctx, stream, after)
	if err != nil {
		return err
	}
	if len(newer) > 0 {
		return journal.ErrTaken
	}
	for _, appended := range facts {
		if fact, ok := appended.Fact(); ok {
			s.appended = append(s.appended, fact)
		}
	}
	return nil
}

func (*stage) Write(context.Context, ...journal.Row) error { return nil }

// nowhere sends nothing.
type nowhere struct{}

func (nowhere) Send(context.Context, ...events.Event) error { return nil }

func (nowhere) SendAgain(context.Context, ...events.Event) error { return nil }
