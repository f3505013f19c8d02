package deadletters_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/gatehouse-portal/gatehouse/deadletters"
	"github.com/gatehouse-portal/gatehouse/portal"
)

func (d *fixture) buryFailed(id, queue, class, text string, account portal.AccountID, first time.Time) {
	d.t.Helper()
	msg := register
	msg.ID, msg.Operation, msg.Subject = id, portal.OperationID(id), portal.AccountStream(account)
	report := reportOf(d.t, msg)
	report.FailureKey, report.Queue, report.Consumer, report.Class, report.Error, report.First, report.Last = "sqs-"+id, queue+".fifo", queue, class, text, first, first.Add(time.Minute)
	d.bury(report)
}

func fiveLetters(t *testing.T) *fixture {
	d := newFixture(t)
	d.buryFailed("a", "commands", "failed", "reading account/a: gone", "ann", opened.Add(3*time.Hour))
	d.buryFailed("b", "commands", "failed", "reading account/b: gone", "bob", opened.Add(1*time.Hour))
	d.buryFailed("c", "notices", "panic", "panic: no plan", "ann", opened.Add(2*time.Hour))
	d.buryFailed("d", "commands", "redriven", "SQS moved it to a dead-letter queue", "dan", opened)
	d.buryFailed("e", "commands", "invalid", "It names no plan.", "eve", opened.Add(4*time.Hour))
	d.replay("d")
	if err := d.Discard(t.Context(), "e", "a test"); err != nil {
		t.Fatal(err)
	}
	return d
}

func TestASurveyGroupsLettersByCause(t *testing.T) {
	t.Parallel()
	d := fiveLetters(t)
	found, err := d.List(t.Context(), deadletters.Choice{States: []deadletters.State{deadletters.Open, deadletters.Replayed}}, "", 0)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(map[deadletters.State]int{deadletters.Open: 3, deadletters.Replayed: 1, deadletters.Discarded: 1}, found.Counts); diff != "" {
		t.Errorf("counts (-want +got):\n%s", diff)
	}
	first := found.Groups[0]
	if len(found.Groups) != 3 || first.Letters != 2 || first.Text != "reading account/…: gone" || !first.First.Equal(opened.Add(time.Hour)) || !first.Last.Equal(opened.Add(3*time.Hour+time.Minute)) {
		t.Errorf("the groups are %+v", found.Groups)
	}
	if got := idsOf(found.Letters); !slices.Equal(got, []string{"b", "c", "a", "d"}) {
		t.Errorf("the letters are %v, want the open ones first, and of these the one that failed first", got)
	}
}

func TestASurveyIsReadPageByPage(t *testing.T) {
	t.Parallel()
	d := fiveLetters(t)
	everything := deadletters.Choice{States: []deadletters.State{deadletters.Open, deadletters.Replayed, deadletters.Settled, deadletters.Discarded}}
	var all []string
	after, left := "", []int{}
	for range 5 {
		page, err := d.List(t.Context(), everything, after, 2)
		if err != nil {
			t.Fatal(err)
		}
		all, left = append(all, idsOf(page.Letters)...), append(left, page.Left)
		if page.Left == 0 {
			break
		}
		after = page.Letters[len(page.Letters)-1].Place()
	}
	if !slices.Equal(all, []string{"b", "c", "a", "d", "e"}) || !slices.Equal(left, []int{3, 1, 0}) {
		t.Errorf("page by page: %v, left after each page: %v", all, left)
	}
}

func TestAChoiceIncludesOnlyWhatItNames(t *testing.T) {
	t.Parallel()
	d := fiveLetters(t)
	cause := deadletters.Report{Class: "failed", Error: "reading account/x: gone"}.Cause().ID
	for name, c := range map[string]struct {
		choice deadletters.Choice
		want   []string
	}{
		"nothing: all that are open":     {deadletters.Choice{}, []string{"b", "c", "a"}},
		"a queue":                        {deadletters.Choice{Queue: "notices.fifo"}, []string{"c"}},
		"a queue by its consumer":        {deadletters.Choice{Queue: "commands"}, []string{"b", "a"}},
		"a type":                         {deadletters.Choice{Type: "registeruser"}, []string{"b", "c", "a"}},
		"another type":                   {deadletters.Choice{Type: "SubscribeRequested"}, nil},
		"an account":                     {deadletters.Choice{Account: "ann"}, []string{"c", "a"}},
		"a class":                        {deadletters.Choice{Cause: "panic"}, []string{"c"}},
		"a cause":                        {deadletters.Choice{Cause: cause}, []string{"b", "a"}},
		"words of the error":             {deadletters.Choice{Cause: "NO PLAN"}, []string{"c"}},
		"an age":                         {deadletters.Choice{Before: opened.Add(2 * time.Hour)}, []string{"b"}},
		"another age":                    {deadletters.Choice{After: opened.Add(2 * time.Hour)}, []string{"c", "a"}},
		"a queue and an account":         {deadletters.Choice{Queue: "commands", Account: "ann"}, []string{"a"}},
		"a state":                        {deadletters.Choice{States: []deadletters.State{deadletters.Discarded}}, []string{"e"}},
		"an account that has no letters": {deadletters.Choice{Account: "an"}, nil},
	} {
		chosen, err := d.Chosen(t.Context(), c.choice)
		if err != nil {
			t.Fatal(err)
		}
		var got []string
		for _, one := range chosen {
			got = append(got, one.ID)
		}
		if !slices.Equal(got, c.want) {
			t.Errorf("%s (%s): %v, want %v", name, c.choice, got, c.want)
		}
	}
}

func TestASurveyOfErrorsThatAreAllDifferentKeepsToItsGroups(t *testing.T) {
	t.Parallel()
	d := newFixture(t)
	for i := range 210 {
		d.buryFailed(fmt.Sprintf("m%03d", i), "commands", "failed", "fault "+string(rune('a'+i/26))+string(rune('a'+i%26)), "ann", opened)
	}
	found, err := d.List(t.Context(), deadletters.Choice{}, "", 10)
	if err != nil || len(found.Groups) != 200 || found.More != 10 || len(found.Letters) != 10 || found.Left != 200 {
		t.Errorf("%d groups, %d letters of others, %d letters, %d left (%v)", len(found.Groups), found.More, len(found.Letters), found.Left, err)
	}
}

func TestAWholeLetterHasItsBody(t *testing.T) {
	t.Parallel()
	d := fiveLetters(t)
	large := reportOf(t, register)
	large.ID, large.Body, large.First = "large", make([]byte, 700<<10), opened
	d.bury(large)
	sizes := map[string]int{}
	err := d.EachWhole(t.Context(), deadletters.Choice{}, func(l deadletters.Letter) error {
		sizes[l.ID] = len(l.Body)
		return nil
	})
	if err != nil || len(sizes) != 4 || sizes["large"] != 700<<10 || sizes["a"] == 0 {
		t.Errorf("the bodies have %v bytes (%v)", sizes, err)
	}
	stop := errors.New("stop")
	if err := d.EachWhole(t.Context(), deadletters.Choice{}, func(deadletters.Letter) error { return stop }); !errors.Is(err, stop) {
		t.Errorf("the visit's error became %v", err)
	}
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := d.List(ended, deadletters.Choice{}, "", 1); err == nil {
		t.Error("a list whose time is over says nothing")
	}
}

func idsOf(letters []deadletters.Letter) []string {
	var ids []string
	for _, l := range letters {
		ids = append(ids, l.ID)
	}
	return ids
}
