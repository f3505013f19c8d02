package projections

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/gatehouse-portal/gatehouse/events"
	"github.com/gatehouse-portal/gatehouse/journal"
	"github.com/gatehouse-portal/gatehouse/portal"
	"github.com/gatehouse-portal/gatehouse/schema"
)

func TestActivityIsPagedNewestFirst(t *testing.T) {
	t.Parallel()
	s := newScreen(t)
	var all []said
	for i := range 7 {
		all = append(all, said{"op", events.RequestRejected{Code: portal.Conflict, Message: fmt.Sprint(i + 1)}})
		if i == 3 {
			all = append(all, said{"op", events.RequestUnchanged{}}) // has no line
		}
	}
	s.shown(annStream, all...)
	var seen []int64
	cursor := ""
	for pages := 0; pages < 9; pages++ {
		page, err := s.Activity(t.Context(), ann, cursor, 3)
		if err != nil {
			t.Fatal(err)
		}
		if len(page.Lines) > 3 {
			t.Errorf("a page has %d lines", len(page.Lines))
		}
		for _, line := range page.Lines {
			seen = append(seen, line.Sequence)
			if !line.At.Equal(at(line.Sequence)) || line.Text == "" {
				t.Errorf("line %d is %q of %v", line.Sequence, line.Text, line.At)
			}
		}
		if cursor = page.Next; cursor == "" {
			break
		}
	}
	same(t, "lines", []int64{8, 7, 6, 4, 3, 2, 1}, seen)
}

func TestActivityThatCannotBeReadIsUnavailable(t *testing.T) {
	t.Parallel()
	s := newScreen(t)
	gone := NewViews(s.tables.Client, Tables{Views: "not-there", Records: s.tables.Records}, noDocuments{})
	_, activity := gone.Activity(t.Context(), ann, "", 3)
	_, account := gone.Account(t.Context(), ann)
	_, progress := gone.Progress(t.Context(), "op")
	_, offered := gone.Catalog(t.Context())
	_, shown := gone.Shown(t.Context(), annStream)
	for what, err := range map[string]error{"activity": activity, "account": account, "progress": progress, "catalog": offered, "how far it is shown": shown} {
		if portal.CodeOf(err) != portal.Unavailable {
			t.Errorf("reading %s: %v, want unavailable", what, err)
		}
	}
}

func TestAnInvalidCursorIsRefused(t *testing.T) {
	t.Parallel()
	s := newScreen(t)
	s.shown(annStream, whole...)
	page, err := s.Activity(t.Context(), ann, "", 2)
	if err != nil || page.Next == "" {
		t.Fatalf("the first page is %+v, %v", page, err)
	}
	facts, reveals, _ := strings.Cut(page.Next, ".")
	for name, cursor := range map[string]string{
		"a word":                    "newest",
		"a number":                  "7",
		"a dot":                     ".",
		"only the place of facts":   facts + ".",
		"only the place of reveals": "." + reveals,
		"a place that is too short": facts[1:] + "." + reveals,
		"a place that is too long":  facts + ".0" + reveals,
		"a letter among the digits": facts[:11] + "x." + reveals,
		"a place before the first":  "-" + facts[1:] + "." + reveals,
		"an impossible time":        facts + "." + strings.Repeat("9", len(reveals)),
		"a cursor with a suffix":    page.Next + ".1",
		"a whole sort key":          "log#activity#" + page.Next,
	} {
		if page, err := s.Activity(t.Context(), ann, cursor, 2); portal.CodeOf(err) != portal.Invalid || len(page.Lines) > 0 {
			t.Errorf("%s, %q: %+v, %v; want invalid", name, cursor, page, err)
		}
	}
	if next, err := s.Activity(t.Context(), ann, page.Next, 2); err != nil || len(next.Lines) != 2 || next.Lines[0].Sequence >= page.Lines[1].Sequence {
		t.Errorf("the valid cursor returned %+v, %v", next, err)
	}
}

// DynamoDB ends a page at 1 MB, even before the limit is reached.
func TestAPageOfLongLinesIsWhole(t *testing.T) {
	t.Parallel()
	s := newScreen(t)
	var all []said
	for i := range 30 {
		all = append(all, said{"op", events.RequestRejected{Code: portal.Conflict, Message: fmt.Sprint(i, strings.Repeat("x", 50<<10))}})
	}
	s.shown(annStream, all...)
	page, err := s.Activity(t.Context(), ann, "", 30)
	if err != nil || len(page.Lines) != 30 {
		t.Fatalf("the page has %d lines, %v", len(page.Lines), err)
	}
	rest, err := s.Activity(t.Context(), ann, page.Next, 30)
	if err != nil || len(rest.Lines) != 0 || rest.Next != "" {
		t.Errorf("after it come %d lines, %v", len(rest.Lines), err)
	}
}

// Facts and reveals in any order of time, in pages of any size: each line appears once, newest
// first. Lines added meanwhile do not appear and disturb nothing.
func TestPagingListsEachLineOnce(t *testing.T) {
	t.Parallel()
	s := newScreen(t)
	reveals := NewReveals(s.tables.Client, s.tables.Records)
	runs := 0
	rapid.Check(t, func(rt *rapid.T) {
		runs++
		id := portal.AccountID(fmt.Sprint("account", runs))
		stream := portal.AccountStream(id)
		now, head := start, int64(0)
		var want []string
		happen := func() {
			now = now.Add(time.Duration(rapid.IntRange(0, 2).Draw(rt, "half minutes later")) * 30 * time.Second)
			if rapid.Bool().Draw(rt, "a reveal") {
				now = now.Add(7 * time.Second) // ten in a minute are the limit
				if err := reveals.Record(rt.Context(), id, Key{ID: "k1", Name: "Default key"}, now, ""); err != nil {
					rt.Fatal(err)
				}
				want = append(want, "revealed "+schema.Nanoseconds(now))
				return
			}
			fact := journal.Stamp(events.Event{ID: "cause", Subject: stream}, "/test", now, head, []events.Fact{events.RequestRejected{Message: "No."}})
			if err := s.journal.Append(rt.Context(), stream, head, fact); err != nil {
				rt.Fatal(err)
			}
			wake(rt, s.projector, id, head+1)
			head++
			want = append(want, fmt.Sprint("fact ", head))
		}
		for range rapid.IntRange(0, 12).Draw(rt, "lines") {
			happen()
		}
		there := len(want)
		var got []string
		last := now
		for cursor, pages := "", 0; cursor != "" || pages == 0; pages++ {
			page, err := s.Activity(rt.Context(), id, cursor, rapid.Int32Range(1, 5).Draw(rt, "limit"))
			if err != nil {
				rt.Fatal(err)
			}
			for _, line := range page.Lines {
				if line.At.After(last) {
					rt.Errorf("a line of %v comes after one of %v", line.At, last)
				}
				last = line.At
				if line.Revealed != "" {
					got = append(got, "revealed "+schema.Nanoseconds(line.At))
				} else {
					got = append(got, fmt.Sprint("fact ", line.Sequence))
				}
			}
			if cursor = page.Next; rapid.IntRange(0, 3).Draw(rt, "something is added") == 0 {
				happen()
			}
		}
		want = want[:there]
		slices.Sort(want)
		slices.Sort(got)
		if !slices.Equal(want, got) {
			rt.Errorf("the lines are\n%v, want\n%v", got, want)
		}
	})
}
