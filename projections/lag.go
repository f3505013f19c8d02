package projections

import (
	"context"
	"sync"
	"time"

	"github.com/gatehouse-portal/gatehouse/portal"
)

// Lag is how far the live views are behind the journal.
type Lag struct {
	Streams int `json:"streams"`
	// Behind are the streams that are not shown to their end, and Unshown the facts that are missing.
	Behind  int   `json:"behind"`
	Unshown int64 `json:"unshown"`
	// Oldest is the time of the oldest fact that is not shown, zero if there is none.
	Oldest time.Time `json:"oldest,omitzero"`
}

// Lag compares the end of every stream with its checkpoint: two reads for each stream. A stream whose
// next fact cannot be read counts without its time. It calls tell with the number of streams so far.
func (v *Verifier) Lag(ctx context.Context, tell func(streams int)) (Lag, error) {
	now, err := v.projector.store.generations.read(ctx)
	if err != nil {
		return Lag{}, err
	}
	var lag Lag
	var mu sync.Mutex
	err = v.each(ctx, func(ctx context.Context, streams []portal.Stream) error {
		err := inParallel(ctx, streams, func(ctx context.Context, _ int, stream portal.Stream) error {
			shown, err := v.projector.store.checkpoint(ctx, shownIn{now.Live, stream})
			if err != nil {
				return err
			}
			head, err := v.journal.Head(ctx, stream)
			if err != nil || head <= shown {
				return err
			}
			next, err := v.journal.Read(ctx, stream, shown)
			if err != nil && !unreadable(ctx, err) {
				return err
			}
			mu.Lock()
			defer mu.Unlock()
			lag.Behind++
			lag.Unshown += head - shown
			if len(next) > 0 && (lag.Oldest.IsZero() || next[0].Time.Before(lag.Oldest)) {
				lag.Oldest = next[0].Time
			}
			return nil
		})
		lag.Streams += len(streams)
		tell(lag.Streams)
		return err
	})
	return lag, err
}
