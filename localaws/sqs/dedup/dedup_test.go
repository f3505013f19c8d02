package dedup_test

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/gatehouse-portal/gatehouse/localaws/sqs/dedup"
)

func TestAnEntryIsFoundForFiveMinutesAndThenForgottenOnce(t *testing.T) {
	t.Parallel()
	at := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	var w dedup.Window
	w.Add(dedup.Entry{Key: "a", MessageID: "1", At: at})
	w.Add(dedup.Entry{Key: "b", MessageID: "2", At: at.Add(time.Minute)})
	end := at.Add(dedup.Length)
	if _, ok := w.Find("a", end.Add(-1)); !ok {
		t.Error("a is not found within the window")
	}
	if _, ok := w.Find("a", end); ok {
		t.Error("a is found at the end of the window")
	}
	// a is sent again before the old entry is removed: the new one must stay.
	w.Add(dedup.Entry{Key: "a", MessageID: "3", At: end})
	if keys := w.Expire(end); len(keys) != 0 {
		t.Errorf("%v were forgotten, want none", keys)
	}
	if e, ok := w.Find("a", end); !ok || e.MessageID != "3" {
		t.Errorf("a is %v, want the second", e)
	}
	if diff := cmp.Diff([]string{"b"}, w.Expire(end.Add(time.Minute))); diff != "" {
		t.Errorf("forgotten keys differ (-want +got):\n%s", diff)
	}
}

func TestAKeyIsTheIDAloneOrWithinItsGroup(t *testing.T) {
	t.Parallel()
	if a, b := dedup.Key(false, "g", "d"), dedup.Key(false, "h", "d"); a != b {
		t.Errorf("across groups the keys are %q and %q", a, b)
	}
	if a, b := dedup.Key(true, "g", "d"), dedup.Key(true, "h", "d"); a == b {
		t.Errorf("within groups both keys are %q", a)
	}
}
