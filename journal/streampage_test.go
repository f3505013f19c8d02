package journal_test

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/gatehouse-portal/gatehouse/events"
	"github.com/gatehouse-portal/gatehouse/journal"
	"github.com/gatehouse-portal/gatehouse/journal/journaltest"
	"github.com/gatehouse-portal/gatehouse/portal"
)

func TestEveryStreamIsOnExactlyOnePage(t *testing.T) {
	t.Parallel()
	facts := journaltest.Start(t).Open()
	var want []portal.Stream
	for n := range 60 {
		stream := portal.AccountStream(portal.AccountID(fmt.Sprint("acct", n)))
		fact := journal.Stamp(events.Event{ID: "cause", Subject: stream}, "/test", time.Now(), 0, []events.Fact{events.UserRegistered{}})
		if err := facts.Append(t.Context(), stream, 0, fact); err != nil {
			t.Fatal(err)
		}
		want = append(want, stream)
	}
	slices.Sort(want)
	var got []portal.Stream
	position := ""
	for range 200 {
		page, next, err := facts.StreamPage(t.Context(), position, 2)
		if err != nil {
			t.Fatal(err)
		}
		if len(page) > 2 {
			t.Errorf("a page has %d streams, want at most 2", len(page))
		}
		got = append(got, page...)
		if position = next; position == "" {
			break
		}
	}
	slices.Sort(got)
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("streams (-want +got):\n%s", diff)
	}
	if _, _, err := facts.StreamPage(t.Context(), "nonsense", 2); err == nil {
		t.Error("nonsense was accepted as a position")
	}
}
