package metering

import (
	"slices"
	"testing"

	"github.com/gatehouse-portal/gatehouse/portal"
)

// Two workers may send a record at once. The one whose answer comes last must not undo what AWS bills.
func TestTheOutcomeOfTwoTriesAtOnce(t *testing.T) {
	t.Parallel()
	tables, create := newTable(t)
	for name, c := range map[string]struct {
		// first is the outcome that is written first, of either try.
		first, second RecordStatus
		want          string
		waiting       int64
	}{
		"a try that AWS billed replaces one that was too late": {Returned, Accepted, "20T09 7 accepted", 0},
		"a try that was too late leaves what AWS billed":       {Accepted, Returned, "20T09 7 accepted", 0},
		"both were too late, and neither knows of the other":   {Returned, Returned, "20T09 7 too_late", 0},
		"a refusal stays": {Refused, Duplicate, "20T09 7 refused", 0},
	} {
		table := "usage-" + portal.DeriveID(name)
		create(table)
		w := newWorld(t, tables.Client, table)
		w.used(7)
		w.aws.next = []fault{throttled}
		w.tick(Demanded)
		records, _, err := w.Ledger.unanswered(t.Context(), unansweredOf(must(w.subject(t.Context(), bought))), "", 10)
		if err != nil || len(records) != 1 {
			t.Fatalf("%s: unanswered are %+v, %v", name, records, err)
		}
		one, ok, err := w.Ledger.noteTry(t.Context(), records[0], w.clock)
		if err != nil || !ok {
			t.Fatal(ok, err)
		}
		if _, ok, err := w.Ledger.noteTry(t.Context(), records[0], w.clock); err != nil || ok {
			t.Errorf("%s: a worker that read the record before the try sends it, too: %t, %v", name, ok, err)
		}
		two, ok, err := w.Ledger.noteTry(t.Context(), one, w.clock)
		if err != nil || !ok {
			t.Fatal(ok, err)
		}
		one.Status, two.Status = c.first, c.second
		for _, ended := range []Record{one, two} {
			if err := w.Ledger.noteOutcome(t.Context(), ended, w.clock); err != nil {
				t.Fatal(err)
			}
		}
		if got := w.records(); !slices.Equal(got, []string{c.want}) {
			t.Errorf("%s: the records are %q, want %q", name, got, c.want)
		}
		if tally := w.tally(); tally.Waiting() != c.waiting || tally.Total() != 7 {
			t.Errorf("%s: the tally is %+v", name, tally)
		}
		if left, _, err := w.Ledger.unanswered(t.Context(), unansweredOf(must(w.subject(t.Context(), bought))), "", 10); err != nil || len(left) > 0 {
			t.Errorf("%s: unanswered are %+v, %v", name, left, err)
		}
	}
}

func must(of subject, err error) subject {
	if err != nil {
		panic(err)
	}
	return of
}
