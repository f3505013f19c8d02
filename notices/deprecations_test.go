package notices_test

import (
	"context"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/gatehouse-portal/gatehouse/notices"
	"github.com/gatehouse-portal/gatehouse/portal"
)

// held is who has keys in plans, in pages.
type held map[portal.PlanID][]portal.AccountID

func (h held) page(_ context.Context, plan portal.PlanID, after string, limit int) ([]portal.AccountID, string, error) {
	from, _ := strconv.Atoi(after)
	if rest := h[plan][from:]; len(rest) <= limit {
		return slices.Clone(rest), "", nil
	}
	return slices.Clone(h[plan][from : from+limit]), strconv.Itoa(from + limit), nil
}

func TestPeopleAreToldOnceThatAProductIsDeprecated(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	keys := held{}
	for range 250 { // ann's keys are on three pages
		keys["free"] = append(keys["free"], ann)
	}
	w.exists("bob")
	w.exists("cy")
	keys["plus"] = []portal.AccountID{ann, "bob", "gone"} // one account was erased
	products := []notices.Deprecated{{ID: "tides", Name: "Tides", Sunset: "2027-01-31", Successor: "Seas", Plans: []portal.PlanID{"free", "plus"}}}
	job := &notices.Deprecations{
		Store: w.notifier.Store, Notifier: w.notifier, Subscribers: keys.page, Now: w.now,
		Products: func(context.Context) ([]notices.Deprecated, error) { return products, nil },
	}
	run := func() (steps int) {
		t.Helper()
		for cursor := ""; ; steps++ {
			next := ""
			for range 2 { // a step may happen twice
				var err error
				if next, err = job.Step(t.Context(), cursor); err != nil {
					t.Fatal(err)
				}
			}
			if cursor = next; next == "" {
				return steps
			}
			w.later(time.Second)
		}
	}
	if steps := run(); steps < 4 {
		t.Errorf("the run has %d steps", steps)
	}
	run()
	for account, want := range map[portal.AccountID]int{ann: 1, "bob": 1, "cy": 0} {
		all, err := w.desk.List(t.Context(), account)
		if err != nil || len(all) != want {
			t.Fatalf("%s has %+v, %v", account, all, err)
		}
		for _, n := range all {
			if n.Kind != notices.ProductDeprecated || n.Title != "Tides may be gone after 31 January 2027" || !strings.Contains(n.Advice, "Seas") || n.Link != "/apis/tides" {
				t.Errorf("%s has %+v", account, n)
			}
		}
	}
	products[0].Sunset = "2027-06-30"
	run()
	if all := w.list(); len(all) != 2 || !strings.Contains(all[0].Title, "30 June 2027") || !all[1].Over {
		t.Errorf("with another sunset ann has %+v", all)
	}
	products = nil
	if steps := run(); steps != 0 {
		t.Errorf("without deprecated products a run has %d steps", steps)
	}
}

func TestACursorThatFitsNoProductBeginsAgain(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	job := &notices.Deprecations{
		Store: w.notifier.Store, Notifier: w.notifier, Subscribers: held{}.page, Now: w.now,
		Products: func(context.Context) ([]notices.Deprecated, error) { return nil, nil },
	}
	for _, cursor := range []string{"", "{", `{"product":"gone","sunset":"","plan":-5}`, "[]"} {
		if next, err := job.Step(t.Context(), cursor); next != "" || err != nil {
			t.Errorf("after %q comes %q, %v", cursor, next, err)
		}
	}
}
