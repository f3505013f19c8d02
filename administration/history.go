package administration

import (
	"cmp"
	"context"
	"encoding/json"
	"slices"
	"time"

	"github.com/gatehouse-portal/gatehouse/events"
	"github.com/gatehouse-portal/gatehouse/portal"
)

// HistoryEntry is a fact about an account, as admins read it: what, who and why.
type HistoryEntry struct {
	Sequence int64
	At       time.Time
	// The fact has the type What, such as KeyEnding.
	What string
	// Actor submitted the request that led to the fact, "" for a worker.
	Actor     portal.Actor
	Operation portal.OperationID
	Plan      portal.PlanID
	Key       portal.KeyID
	// Why is the reason or the message that the fact carries, or "". WhyText says a reason in words.
	Why string
	// Coded says that Why is the code of a reason, such as expired.
	Coded bool
}

type streamReader interface {
	Head(ctx context.Context, stream portal.Stream) (int64, error)
	ReadUpTo(ctx context.Context, stream portal.Stream, after int64, limit int) ([]events.Event, bool, error)
}

// History reads accounts' facts from the journal.
type History struct{ Journal streamReader }

// Page lists at most limit facts about an account, the latest first: those before that sequence, or the
// latest of all if before is 0. older is the before of the next page, 0 on the last one.
func (h History) Page(ctx context.Context, account portal.AccountID, before int64, limit int) (entries []HistoryEntry, older int64, err error) {
	stream := portal.AccountStream(account)
	if before <= 0 {
		head, err := h.Journal.Head(ctx, stream)
		if err != nil {
			return nil, 0, err
		}
		before = head + 1
	}
	after := max(0, before-1-int64(limit))
	facts, _, err := h.Journal.ReadUpTo(ctx, stream, after, limit)
	if err != nil {
		return nil, 0, err
	}
	for _, fact := range facts {
		if fact.Sequence < before {
			entries = append(entries, entryOf(fact))
		}
	}
	slices.Reverse(entries)
	if after > 0 && len(entries) > 0 {
		older = entries[len(entries)-1].Sequence
	}
	return entries, older, nil
}

func entryOf(fact events.Event) HistoryEntry {
	entry := HistoryEntry{Sequence: fact.Sequence, At: fact.Time, What: events.Name(fact.Data.EventType()), Actor: fact.Actor, Operation: fact.Operation}
	var about struct {
		Plan    portal.PlanID `json:"plan"`
		Key     portal.KeyID  `json:"key"`
		Message string        `json:"message"`
		Reason  any           `json:"reason"`
	}
	data, err := json.Marshal(fact.Data)
	if err != nil || json.Unmarshal(data, &about) != nil {
		return entry // the fact has other members under these names
	}
	reason, _ := about.Reason.(string)
	entry.Plan, entry.Key, entry.Why, entry.Coded = about.Plan, about.Key, cmp.Or(about.Message, reason), about.Message == "" && reason != ""
	return entry
}
