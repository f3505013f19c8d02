package projections

import (
	"fmt"
	"testing"

	"github.com/gatehouse-portal/gatehouse/events"
	"github.com/gatehouse-portal/gatehouse/portal"
)

func TestActivityIsPagedNewestFirst(t *testing.T) {
	t.Parallel()
	s := newScreen(t)
	var all []said
	for i := range 7 {
		all = append(all, said{"op", events.RequestRejected{Code: portal.Conflict, Message: fmt.Sprint(i + 1)}})
		if i == 3 {
			all = append(all, said{"op", events.RequestUnchanged{}}) // no line of its own
		}
	}
	s.shown(annStream, all...)
	var seen []int64
	before := int64(0)
	for pages := 0; pages < 9; pages++ {
		lines, err := s.Activity(t.Context(), ann, before, 3)
		if err != nil {
			t.Fatal(err)
		}
		if len(lines) == 0 {
			break
		}
		if len(lines) > 3 {
			t.Errorf("a page has %d lines", len(lines))
		}
		for _, line := range lines {
			seen = append(seen, line.Sequence)
			if !line.At.Equal(at(line.Sequence)) || line.Text == "" {
				t.Errorf("line %d is %q of %v", line.Sequence, line.Text, line.At)
			}
		}
		before = lines[len(lines)-1].Sequence
	}
	same(t, "lines", []int64{8, 7, 6, 4, 3, 2, 1}, seen)
}

func TestActivityThatCannotBeReadIsUnavailable(t *testing.T) {
	t.Parallel()
	s := newScreen(t)
	gone := NewViews(s.tables.Client, Tables{Views: "not-there", Records: s.tables.Records}, noDocuments{})
	_, activity := gone.Activity(t.Context(), ann, 0, 3)
	_, account := gone.Account(t.Context(), ann)
	_, progress := gone.Progress(t.Context(), "op")
	_, offered := gone.Catalog(t.Context())
	for what, err := range map[string]error{"activity": activity, "account": account, "progress": progress, "catalog": offered} {
		if portal.CodeOf(err) != portal.Unavailable {
			t.Errorf("reading %s: %v, want unavailable", what, err)
		}
	}
}
