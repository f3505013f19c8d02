package projections

import (
	"fmt"
	"testing"
	"time"

	"github.com/gatehouse-portal/gatehouse/events"
	"github.com/gatehouse-portal/gatehouse/portal"
)

func (s *screen) holders() *Holders {
	return NewHolders(s.tables.Client, Tables{Views: s.tables.Views, Records: s.tables.Records})
}

func TestAKeyHoldsItsPlanUntilItLeavesIt(t *testing.T) {
	t.Parallel()
	s := newScreen(t)
	of := s.holders()
	look := func(name string, want map[portal.GatewayKeyID]Holder) {
		t.Helper()
		got, err := of.Of(t.Context(), "free", []portal.GatewayKeyID{"gw1", "gw2", "foreign"})
		if err != nil {
			t.Fatal(err)
		}
		same(t, name, want, got)
	}
	isHeld := func(name string, after time.Time, want bool) {
		t.Helper()
		if got, err := of.Held(t.Context(), "free", after); err != nil || got != want {
			t.Errorf("%s: held is %v, %v", name, got, err)
		}
	}
	first := Holder{Account: ann, Plan: "free", Key: "k1", GatewayID: "gw1", Since: at(3)}
	s.shown(annStream, registered, keyWanted, freeWanted)
	look("a key that does not exist yet", map[portal.GatewayKeyID]Holder{})
	isHeld("nobody has a key in it", at(0), false)

	s.shown(annStream, keyCreated)
	look("a key that may be attached already", map[portal.GatewayKeyID]Holder{"gw1": first})
	s.shown(annStream, freeAttached, freeActive)
	isHeld("with an attached key", at(99), true)

	// API Gateway lost the key, and it was made again.
	s.shown(annStream, said{"", events.KeyCreated{Key: "k1", GatewayID: "gw2"}})
	second := first
	first.Since, first.Until, second.GatewayID = time.Time{}, at(7), "gw2"
	look("a key that was made again", map[portal.GatewayKeyID]Holder{"gw1": first, "gw2": second})

	s.shown(annStream, freeEnding)
	look("while it leaves", map[portal.GatewayKeyID]Holder{"gw1": first, "gw2": second})
	s.shown(annStream, said{"", events.KeyDetached{Link: link(8), Key: "k1", Plan: "free"}})
	second.Since, second.Until = time.Time{}, at(9)
	look("after it has left", map[portal.GatewayKeyID]Holder{"gw1": first, "gw2": second})
	isHeld("shortly after", at(8), true)
	isHeld("long after", at(9), false)
}

func TestMoreHoldersThanOneReadTakesAreFound(t *testing.T) {
	t.Parallel()
	s := newScreen(t)
	s.shown(annStream, registered, keyWanted, freeWanted, keyCreated)
	ids := make([]portal.GatewayKeyID, 0, 251)
	for range 250 {
		ids = append(ids, portal.GatewayKeyID("foreign"+string(rune('a'+len(ids)%26))+string(rune('a'+len(ids)/26))))
	}
	got, err := s.holders().Of(t.Context(), "free", append(ids, "gw1"))
	if err != nil || len(got) != 1 || got["gw1"].Account != ann {
		t.Errorf("found %v, %v", got, err)
	}
}

func TestAKeyIsFoundInWhicheverPlanItIsIn(t *testing.T) {
	t.Parallel()
	s := newScreen(t)
	s.shown(annStream, registered, keyWanted, freeWanted, keyCreated)
	plans := []portal.PlanID{"free", "free"}
	for i := range 250 {
		plans = append(plans, portal.PlanID(fmt.Sprintf("plan%03d", i)))
	}
	for key, want := range map[portal.GatewayKeyID]portal.AccountID{"gw1": ann, "foreign": ""} {
		if got, err := s.holders().In(t.Context(), plans, key); err != nil || got.Account != want {
			t.Errorf("%s is of %q, %v", key, got.Account, err)
		}
	}
	if got, err := s.holders().In(t.Context(), nil, "gw1"); err != nil || got.Account != "" {
		t.Errorf("in no plan there is %+v, %v", got, err)
	}
}

func TestTheKeysOfAPlanAreListedInPages(t *testing.T) {
	t.Parallel()
	s := newScreen(t)
	s.shown(annStream, registered, keyWanted, freeWanted, keyCreated, freeAttached, freeActive, said{"", events.KeyCreated{Key: "k1", GatewayID: "gw2"}})
	var pages [][]portal.GatewayKeyID
	for next, begun := "", false; !begun || next != ""; begun = true {
		page, following, err := s.holders().Page(t.Context(), "free", next, 1)
		if err != nil {
			t.Fatal(err)
		}
		var ids []portal.GatewayKeyID
		for _, h := range page {
			ids = append(ids, h.GatewayID)
		}
		pages, next = append(pages, ids), following
	}
	same(t, "the pages", [][]portal.GatewayKeyID{{"gw1"}, {"gw2"}, nil}, pages)
	if page, next, err := s.holders().Page(t.Context(), "free", "\x00~no such key", 5); err != nil || len(page) != 2 || next != "" {
		t.Errorf("after a cursor that names no key there is %v, %q, %v", page, next, err)
	}
}

func TestAKeyThatIsGoneHoldsNoPlanAndIsNotShown(t *testing.T) {
	t.Parallel()
	ended := []said{
		registered, keyWanted, freeWanted, keyCreated, freeAttached, freeActive, {"", events.KeyEnding{Key: "k1", Reason: events.EndRevoked}}, {"", events.KeyEnded{Link: link(7), Key: "k1"}},
	}
	released := append(ended, said{"", events.KeyReleasing{Key: "k1"}}, said{"", events.KeyReleased{Link: link(9), Key: "k1"}})
	for name, c := range map[string]struct {
		facts       []said
		later       time.Duration
		then        said
		shown, held bool
	}{
		"an ended key is shown until it is deleted":    {ended, 0, said{"", events.KeyRenamed{Key: "k9"}}, true, true},
		"a deleted key may be counted late":            {released, 0, said{"", events.KeyRenamed{Key: "k9"}}, false, true},
		"its calls count no more once it is forgotten": {released, 25 * time.Hour, said{"", events.KeyWanted{Key: "k2", Ring: portal.AccountRing, Name: "CI"}}, false, false},
		"nothing is left of it with a deleted account": {append(released, said{"", events.AccountDeleting{}}), 0, said{"", events.AccountDeleted{Link: link(11)}}, false, false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newScreen(t)
			s.shown(annStream, c.facts...)
			s.pass(c.later)
			s.shown(annStream, c.then)
			account, err := s.Account(t.Context(), ann)
			if err != nil {
				t.Fatal(err)
			}
			shown := false
			for _, key := range account.Keys {
				if key.ID == "" {
					t.Errorf("an empty key is shown: %+v", key)
				}
				shown = shown || key.ID == "k1"
			}
			held, err := s.holders().Of(t.Context(), "free", []portal.GatewayKeyID{"gw1"})
			if _, ok := held["gw1"]; err != nil || shown != c.shown || ok != c.held {
				t.Errorf("shown is %v, held %v, %v", shown, ok, err)
			}
			past, err := s.PastKeys(t.Context(), ann, []portal.KeyID{"k1", "k9"})
			if err != nil || (len(past) == 1) == c.shown || !c.shown && past[0].Name == "" {
				t.Errorf("the past keys are %+v, %v", past, err)
			}
			if others, err := s.PastKeys(t.Context(), "bob", []portal.KeyID{"k1"}); err != nil || len(others) > 0 {
				t.Errorf("another account sees %+v, %v", others, err)
			}
		})
	}
}
