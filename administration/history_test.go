package administration_test

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/gatehouse-portal/gatehouse/administration"
	"github.com/gatehouse-portal/gatehouse/events"
	"github.com/gatehouse-portal/gatehouse/portal"
)

// stream is a journal of one stream.
type stream []events.Event

func (s stream) Head(context.Context, portal.Stream) (int64, error) { return int64(len(s)), nil }

func (s stream) ReadUpTo(_ context.Context, _ portal.Stream, after int64, limit int) ([]events.Event, bool, error) {
	rest := s[min(int(after), len(s)):]
	return rest[:min(limit, len(rest))], len(rest) > limit, nil
}

func TestTheHistorySaysWhoAndWhy(t *testing.T) {
	t.Parallel()
	at := time.Date(2026, 11, 22, 9, 0, 0, 0, time.UTC)
	facts := stream{
		{Sequence: 1, Time: at, Actor: portal.AccountActor("ann"), Operation: "op-1", Data: events.UserRegistered{}},
		{Sequence: 2, Time: at, Data: events.KeyEnding{Key: "key-1", Reason: events.EndExpired}},
		{Sequence: 3, Time: at, Actor: portal.AccountActor("root"), Operation: "op-2", Data: events.AccountSuspended{Message: "Unpaid bills."}},
		{Sequence: 4, Time: at, Actor: portal.Operator, Data: events.SubscriptionActivated{Plan: "plan-1"}},
	}
	want := []administration.HistoryEntry{
		{Sequence: 4, At: at, What: "SubscriptionActivated", Actor: portal.Operator, Plan: "plan-1"},
		{Sequence: 3, At: at, What: "AccountSuspended", Actor: portal.AccountActor("root"), Operation: "op-2", Why: "Unpaid bills."},
		{Sequence: 2, At: at, What: "KeyEnding", Key: "key-1", Why: "expired", Coded: true},
		{Sequence: 1, At: at, What: "UserRegistered", Actor: portal.AccountActor("ann"), Operation: "op-1"},
	}
	for limit := 1; limit <= 5; limit++ {
		var got []administration.HistoryEntry
		for before := int64(0); ; {
			page, older, err := administration.History{Journal: facts}.Page(t.Context(), "ann", before, limit)
			if err != nil || len(page) > limit {
				t.Fatal(fmt.Sprint(len(page), err))
			}
			got = append(got, page...)
			if before = older; older == 0 {
				break
			}
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%d on a page (-want +got):\n%s", limit, diff)
		}
	}
	if page, older, err := (administration.History{Journal: stream{}}).Page(t.Context(), "nobody", 0, 5); len(page) > 0 || older != 0 || err != nil {
		t.Errorf("of nobody: %v, %d, %v", page, older, err)
	}
}
