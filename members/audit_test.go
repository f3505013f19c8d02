package members_test

import (
	"slices"
	"testing"
	"time"

	"github.com/gatehouse-portal/gatehouse/members"
	"github.com/gatehouse-portal/gatehouse/portal"
)

// busy is a hall whose audit has four entries, a minute apart.
func busy(t *testing.T) *testStore {
	t.Helper()
	h := open(t)
	for _, done := range []members.AuditEntry{
		{Admin: "root", What: "A", Subject: "ann"}, {Operator: "olga@host", What: "B"}, {Admin: "root", What: "C", Subject: "bob"}, {Admin: "rita", What: "D", Subject: "ann"},
	} {
		if err := h.Record(t.Context(), done); err != nil {
			t.Fatal(err)
		}
		h.now = h.now.Add(time.Minute)
	}
	return h
}

// began is the time of the first entry.
func (h *testStore) began() time.Time { return h.now.Add(-4 * time.Minute) }

func (h *testStore) entries(filter members.AuditFilter, limit int) (what []string) {
	h.t.Helper()
	for before := ""; ; {
		page, next, err := h.Audit(h.t.Context(), filter, before, limit)
		if err != nil {
			h.t.Fatal(err)
		}
		for _, entry := range page {
			what = append(what, entry.What)
		}
		if next == "" {
			return what
		}
		before = next
	}
}

func TestTheAuditIsFilteredByTimeAndByWhoDidIt(t *testing.T) {
	t.Parallel()
	h := busy(t)
	at := func(minutes int) time.Time { return h.began().Add(time.Duration(minutes) * time.Minute) }
	for name, c := range map[string]struct {
		filter members.AuditFilter
		want   []string
	}{
		"all":                          {members.AuditFilter{}, []string{"D", "C", "B", "A"}},
		"an admin":                     {members.AuditFilter{By: "root"}, []string{"C", "A"}},
		"an operator":                  {members.AuditFilter{By: "olga@host"}, []string{"B"}},
		"an account and an admin":      {members.AuditFilter{By: "rita", Subject: "ann"}, []string{"D"}},
		"from a time on, which counts": {members.AuditFilter{From: at(1)}, []string{"D", "C", "B"}},
		"up to a time, which does not": {members.AuditFilter{To: at(2)}, []string{"B", "A"}},
		"between":                      {members.AuditFilter{From: at(1), To: at(3)}, []string{"C", "B"}},
		"between, of an account":       {members.AuditFilter{From: at(0), To: at(3), Subject: "ann"}, []string{"A"}},
		"a time that ends first":       {members.AuditFilter{From: at(3), To: at(1)}, nil},
		"no time at all":               {members.AuditFilter{From: at(2), To: at(2)}, nil},
		"before all":                   {members.AuditFilter{To: time.Time{}.Add(time.Second)}, nil},
	} {
		for limit := 1; limit <= 5; limit++ {
			if got := h.entries(c.filter, limit); !slices.Equal(got, c.want) {
				t.Errorf("%s, %d on a page: %v, want %v", name, limit, got, c.want)
			}
		}
	}
}

// DynamoDB answers such a cursor with an error of its own.
func TestACursorOutsideTheTimesIsRefused(t *testing.T) {
	t.Parallel()
	h := busy(t)
	_, next, err := h.Audit(t.Context(), members.AuditFilter{}, "", 1)
	if err != nil || next == "" {
		t.Fatalf("%q, %v", next, err)
	}
	_, _, err = h.Audit(t.Context(), members.AuditFilter{To: h.began()}, next, 1)
	h.refuses("a cursor after the times", err, portal.Invalid, "Start with the first.")
	_, _, err = h.Audit(t.Context(), members.AuditFilter{From: h.now}, next, 1)
	h.refuses("a cursor before the times", err, portal.Invalid, "Start with the first.")
}
