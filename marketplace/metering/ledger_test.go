package metering

import (
	"encoding/json"
	"fmt"
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

func TestRecordsAndTalliesAreReadInPages(t *testing.T) {
	t.Parallel()
	tables, create := newTable(t)
	create("usage-pages")
	w := newWorld(t, tables.Client, "usage-pages")
	w.twoHours()
	var got []string
	for before := ""; len(got) < 3; {
		more := false
		err := w.Ledger.RecordsBefore(t.Context(), bought, before, func(r Record) bool {
			before, more = r.Place(), true
			got = append(got, r.Hour().Format("02T15"))
			return false
		})
		if err != nil {
			t.Fatal(err)
		}
		if !more {
			break
		}
	}
	if !slices.Equal(got, []string{"20T10", "20T09"}) {
		t.Errorf("the pages have %v", got)
	}
	asked := []portal.Stream{bought}
	for i := range 250 { // more than one request to DynamoDB takes
		asked = append(asked, portal.LicenceStream(portal.LicenceID(fmt.Sprintf("l-none%d", i))))
	}
	slices.Reverse(asked)
	tallies, err := w.Ledger.Tallies(t.Context(), asked...)
	if err != nil || len(tallies) != 1 || tallies[bought].Sums[Accepted] != 12 || tallies[bought].Licence != bought {
		t.Errorf("the tallies are %+v, %v", tallies, err)
	}
}

// Workers of different versions read each other's results.
func TestAResultIsStoredUnderTheSameNames(t *testing.T) {
	t.Parallel()
	var stored Result
	if err := json.Unmarshal([]byte(`{"silent": 2, "problem": "AWS does not answer."}`), &stored); err != nil || stored.Silent != 2 || stored.Problem == "" {
		t.Errorf("it reads %+v, %v", stored, err)
	}
}
