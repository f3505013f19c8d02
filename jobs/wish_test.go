package jobs

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/gatehouse-portal/gatehouse/events"
	"github.com/gatehouse-portal/gatehouse/journal"
)

var opened = time.Date(2026, 11, 22, 9, 0, 0, 0, time.UTC)

func TestAWishIsAskedAgainAfterTwoMinutesDoublingToAnHour(t *testing.T) {
	t.Parallel()
	wish := Wish{Stream: "account/ann", OpenedBy: 3, OpenedAt: opened}
	before := opened
	for i, minutes := range []time.Duration{2, 4, 8, 16, 32, 60, 60, 60} {
		if got := wish.Due().Sub(before); got != minutes*time.Minute {
			t.Errorf("ask %d comes %v after the one before, want %d minutes", i+1, got, minutes)
		}
		before = wish.Due()
		wish = wish.Again(before)
	}
}

func TestAfterAnOutageTheTimesThatHavePassedAreSkipped(t *testing.T) {
	t.Parallel()
	wish := Wish{Stream: "account/ann", OpenedBy: 3, OpenedAt: opened}
	now := opened.Add(30 * 24 * time.Hour)
	again := wish.Again(now)
	if due := again.Due(); !due.After(now) || due.Sub(now) > lastAsk {
		t.Errorf("at %v it is next due at %v, want within the hour", now, due)
	}
	if after := again.Again(again.Due()); after.Due().Sub(again.Due()) != lastAsk {
		t.Errorf("then it is due at %v and at %v", again.Due(), after.Due())
	}
}

// The keys are data: rows that are stored already are found, and deleted, by them.
func TestTheKeysOfDueRowsAreWhatTheyWere(t *testing.T) {
	t.Parallel()
	fact := events.Event{Subject: "account/ann", Sequence: 3, Time: opened, Correlation: "corr"}
	row := NewWish(fact).Row()
	want := journal.Row{PK: "due#04", SK: "001795338120000#y774nmrqc2pp9ftqjffmwsam2r", Value: Wish{
		Stream: "account/ann", OpenedBy: 3, OpenedAt: opened, Correlation: "corr",
	}}
	if diff := cmp.Diff(want, row); diff != "" {
		t.Errorf("the row (-want +got):\n%s", diff)
	}
	// An outcome knows the stream and who opened the wish when, and nothing else of it.
	gone := Wish{Stream: "account/ann", OpenedBy: 3, OpenedAt: opened}.Gone()
	if gone.PK != row.PK || gone.SK != row.SK || gone.Value != nil {
		t.Errorf("an outcome would delete %+v, the row is %+v", gone, row)
	}
}

func TestNoTwoWishesShareARow(t *testing.T) {
	t.Parallel()
	seen := map[string]Wish{}
	for _, wish := range []Wish{
		{Stream: "account/ann", OpenedBy: 3, OpenedAt: opened},
		{Stream: "account/ann", OpenedBy: 4, OpenedAt: opened},
		{Stream: "account/bob", OpenedBy: 3, OpenedAt: opened},
		{Stream: "account/ann", OpenedBy: 3, OpenedAt: opened, Asked: 1},
	} {
		if other, ok := seen[wish.Row().SK]; ok {
			t.Errorf("%+v and %+v have one row", other, wish)
		}
		seen[wish.Row().SK] = wish
	}
}
