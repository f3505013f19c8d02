package journal

import (
	"strconv"
	"time"

	"github.com/gatehouse-portal/gatehouse/events"
	"github.com/gatehouse-portal/gatehouse/portal"
)

// Stamp makes facts from payloads, to follow sequence after in the cause's stream. They have the
// cause's operation, actor, intent, correlation and trace context, and its id as causation.
func Stamp(cause events.Event, source string, at time.Time, after int64, payloads []events.Fact) []events.Event {
	stamped := make([]events.Event, len(payloads))
	for i, payload := range payloads {
		seq := after + int64(i) + 1
		stamped[i] = events.Event{
			ID:          FactID(cause.Subject, seq),
			Source:      source,
			Subject:     cause.Subject,
			Time:        at.UTC().Round(0), // as it will be read back
			Sequence:    seq,
			Operation:   cause.Operation,
			Actor:       cause.Actor,
			Intent:      cause.Intent,
			Causation:   cause.ID,
			Correlation: cause.Correlation,
			TraceParent: cause.TraceParent,
			TraceState:  cause.TraceState,
			Data:        payload,
		}
	}
	return stamped
}

// FactID returns the id of the stream's fact with that sequence.
func FactID(stream portal.Stream, seq int64) string {
	return portal.DeriveID("fact", string(stream), strconv.FormatInt(seq, 10))
}
