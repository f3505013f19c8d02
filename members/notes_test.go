package members_test

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/gatehouse-portal/gatehouse/members"
	"github.com/gatehouse-portal/gatehouse/portal"
)

func TestNotesAreKeptInOrderWithWhoWroteThem(t *testing.T) {
	t.Parallel()
	h := open(t, "ann", "ben")
	for _, text := range []string{" First. ", "Second.", "Third."} {
		if _, err := h.AddNote(t.Context(), members.By{Admin: "root"}, "ann", text); err != nil {
			t.Fatal(err)
		}
		h.now = h.now.Add(time.Second)
	}
	if _, err := h.AddNote(t.Context(), members.By{Operator: "olga@host"}, "ben", "Of another."); err != nil {
		t.Fatal(err)
	}
	var texts []string
	for before := ""; ; {
		page, next, err := h.Notes(t.Context(), "ann", before, 2)
		if err != nil {
			t.Fatal(err)
		}
		for _, note := range page {
			if note.Admin != "root" || note.At.IsZero() {
				t.Errorf("the note is %+v", note)
			}
			texts = append(texts, note.Text)
		}
		if before = next; next == "" {
			break
		}
	}
	if want := []string{"Third.", "Second.", "First."}; !slices.Equal(texts, want) {
		t.Errorf("the notes are %q, want %q", texts, want)
	}
	entries, _, err := h.Audit(t.Context(), members.AuditFilter{What: members.AuditNoted, Subject: "ben"}, "", 10)
	if err != nil || len(entries) != 1 || entries[0].Operator != "olga@host" || entries[0].Reason != "" {
		t.Errorf("the audit has %+v, %v", entries, err)
	}
}

func TestNotesThatCannotBeKeptAreRefused(t *testing.T) {
	t.Parallel()
	h := open(t, "ann")
	by := members.By{Admin: "root"}
	_, err := h.AddNote(t.Context(), by, "ann", " \n")
	h.refuses("an empty note", err, portal.Invalid, "empty")
	_, err = h.AddNote(t.Context(), by, "ann", strings.Repeat("ä", members.MaxNote+1))
	h.refuses("a long note", err, portal.Invalid, "2000 characters")
	_, err = h.AddNote(t.Context(), by, "nobody", "Hm.")
	h.refuses("a note about nobody", err, portal.NotFound, "no such account")
	if _, err := h.AddNote(t.Context(), by, "ann", strings.Repeat("ä", members.MaxNote)); err != nil {
		t.Errorf("the longest note: %v", err)
	}
	if entries, _, err := h.Audit(t.Context(), members.AuditFilter{}, "", 10); err != nil || len(entries) != 1 {
		t.Errorf("the audit has %+v, %v", entries, err)
	}
}
