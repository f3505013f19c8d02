package state

import (
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/gatehouse-portal/gatehouse/events"
	"github.com/gatehouse-portal/gatehouse/portal"
)

func requested(id portal.KeyID) events.KeyWanted {
	k := key(id)
	k.Requested = true
	return k
}

func phases(a Account) map[portal.Pair]Phase {
	found := map[portal.Pair]Phase{}
	for pair, attachment := range a.Attachments {
		found[pair] = attachment.Phase
	}
	return found
}

func change(from, to portal.PlanID) events.PlanChangeWanted {
	return events.PlanChangeWanted{From: from, Plan: to, Name: "Plan " + string(to), Ring: portal.AccountRing}
}

var (
	free1, plus1 = portal.Pair{Key: "k1", Plan: "free"}, portal.Pair{Key: "k1", Plan: "plus"}
	free2, plus2 = portal.Pair{Key: "k2", Plan: "free"}, portal.Pair{Key: "k2", Plan: "plus"}
)

func inFree() []said {
	return []said{
		{fact: events.UserRegistered{}}, {fact: key("k1")}, {fact: wanted("free")},
		{fact: events.KeyCreated{Key: "k1", GatewayID: "gw1"}}, {fact: events.KeyAttached{Link: link(3), Key: "k1", Plan: "free"}},
		{fact: events.SubscriptionActivated{Link: link(3), Plan: "free"}},
	}
}

func TestASecondKeyHasAWishOfItsOwnForEveryPlanOfTheRing(t *testing.T) {
	t.Parallel()
	got := fold(append(inFree(), said{fact: requested("k2")})...)
	if diff := cmp.Diff(map[portal.Pair]Phase{free1: Active, free2: Wanted}, phases(got)); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if diff := cmp.Diff(map[int64]OpenWish{7: {At: at(7), Key: "k2"}}, got.OpenWishes()); diff != "" {
		t.Errorf("the wishes (-want +got):\n%s", diff)
	}
	got = fold(append(inFree(), said{fact: requested("k2")}, said{fact: events.KeyAttached{Link: link(7), Key: "k2", Plan: "free"}}, said{fact: events.KeyReady{Link: link(7), Key: "k2"}})...)
	if got.HasOpenWishes() {
		t.Errorf("open wishes: %v", got.OpenWishes())
	}
}

func TestAKeyThatIsEndingIsInNoPlanAndNeverComesBack(t *testing.T) {
	t.Parallel()
	history := append(inFree(), said{fact: events.KeyEnding{Key: "k1", Reason: events.EndRevoked}})
	got := fold(history...)
	k := got.Keys["k1"]
	if k.Live() || k.Ending != 7 || !got.Barred(k) || phases(got)[free1] != Ended {
		t.Errorf("the key is %+v in %v", k, phases(got))
	}
	for name, fact := range map[string]events.Payload{
		"another plan is wanted": wanted("plus"), "its end moves": events.KeyEndScheduled{Key: "k1", Reason: events.EndExpired},
		"it ends again": events.KeyEnding{Key: "k1", Reason: events.EndLeaked}, "it is created": events.KeyCreated{Key: "k1", GatewayID: "gw1"},
	} {
		got := fold(append(history, said{fact: fact})...)
		if k := got.Keys["k1"]; k.Live() || k.Ending != 7 || phases(got)[plus1] != "" {
			t.Errorf("after %s the key is %+v in %v", name, k, phases(got))
		}
	}
	if _, ok := got.KeyOf(portal.AccountRing); ok {
		t.Error("the ring still has a key")
	}
}

func TestAChangeOfPlansSpansBothUntilEveryKeyHasMoved(t *testing.T) {
	t.Parallel()
	history := append(inFree(), said{fact: change("free", "plus")})
	got := fold(history...)
	if s := got.Subscriptions["free"]; s.Phase != Active || s.ChangesTo != "plus" {
		t.Errorf("free is %+v", s)
	}
	if s := got.Subscriptions["plus"]; s.Phase != Wanted || s.Replaces != "free" {
		t.Errorf("plus is %+v", s)
	}
	if diff := cmp.Diff(map[portal.Pair]Phase{free1: Active, plus1: Wanted}, phases(got)); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	// A key that comes meanwhile goes to the new plan only.
	if p := phases(fold(append(history, said{fact: requested("k2")})...)); p[free2] != "" || p[plus2] != Wanted {
		t.Errorf("a new key is in %v", p)
	}
	got = fold(append(history, said{fact: events.KeyMoved{Link: link(7), Key: "k1", From: "free", Plan: "plus"}}, said{fact: events.PlanChanged{Link: link(7), From: "free", Plan: "plus"}})...)
	if free, plus := got.Subscriptions["free"], got.Subscriptions["plus"]; free.Phase != Ended || plus.Phase != Active || plus.Replaces != "" || free.ChangesTo != "" || got.HasOpenWishes() {
		t.Errorf("free is %+v, plus is %+v", free, plus)
	}
	if diff := cmp.Diff(map[portal.Pair]Phase{free1: Ended, plus1: Active}, phases(got)); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if got.Rings[portal.AccountRing] != (Ring{}) {
		t.Error("the ring counts as empty")
	}
}

func TestAChangeThatIsRefusedBringsEveryKeyBack(t *testing.T) {
	t.Parallel()
	history := append(inFree(), said{fact: requested("k2")}, said{fact: events.KeyAttached{Link: link(7), Key: "k2", Plan: "free"}}, said{fact: change("free", "plus")},
		said{fact: events.KeyMoved{Link: link(9), Key: "k1", From: "free", Plan: "plus"}},
		said{fact: events.PlanChangeRefused{Link: link(9), Plan: "plus", Code: portal.NotFound, Message: "Gone."}})
	got := fold(history...)
	if diff := cmp.Diff(map[portal.Pair]Phase{free1: Wanted, free2: Wanted, plus1: Ending, plus2: Ending}, phases(got)); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if s := got.Subscriptions["plus"]; s.Phase != Ending || s.OpenedBy != 9 || !cmp.Equal(s.Refusal, &Refusal{portal.NotFound, "Gone."}) {
		t.Errorf("plus is %+v", s)
	}
	if !got.WishOpen(9) {
		t.Error("the wish is over before the keys are back")
	}
	for _, back := range []events.Payload{
		events.KeyDetached{Link: link(9), Key: "k1", Plan: "plus"}, events.KeyDetached{Link: link(9), Key: "k2", Plan: "plus"},
		events.KeyAttached{Link: link(9), Key: "k1", Plan: "free"}, events.KeyAttached{Link: link(9), Key: "k2", Plan: "free"},
		events.RequestRejected{Link: link(9), Code: portal.NotFound, Message: "Gone."},
	} {
		history = append(history, said{fact: back})
	}
	got = fold(history...)
	if free, plus := got.Subscriptions["free"], got.Subscriptions["plus"]; free.Phase != Active || free.ChangesTo != "" || plus.Phase != Ended || plus.Replaces != "" {
		t.Errorf("free is %+v, plus is %+v", free, plus)
	}
	if diff := cmp.Diff(map[portal.Pair]Phase{free1: Active, free2: Active, plus1: Ended, plus2: Ended}, phases(got)); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	// The key's own wish is over only once a KeyReady says so.
	if diff := cmp.Diff(map[int64]OpenWish{7: {At: at(7), Key: "k2"}}, got.OpenWishes()); diff != "" {
		t.Errorf("the wishes (-want +got):\n%s", diff)
	}
}

func TestASubscriptionWaitsForApprovalWithoutWorkForTheConverger(t *testing.T) {
	t.Parallel()
	pending := said{fact: events.SubscriptionApprovalPending{Plan: "plus", Name: "Plus", Ring: portal.AccountRing, Replaces: "free"}, op: "op-plus"}
	got := fold(append(inFree(), pending)...)
	if got.HasOpenWishes() || got.Subscriptions["plus"].Phase != AwaitingApproval || got.Subscriptions["free"].ChangesTo != "" {
		t.Errorf("it has %+v", got.Subscriptions)
	}
	approved := fold(append(inFree(), pending, said{fact: events.SubscriptionApproved{Link: link(7), Plan: "plus"}})...)
	s := approved.Subscriptions["plus"]
	if s.Phase != Wanted || s.OpenedBy != 7 || s.Replaces != "free" || approved.Subscriptions["free"].ChangesTo != "plus" || approved.Attachments[plus1].OpenedBy != 7 {
		t.Errorf("approved, it is %+v with %+v", s, approved.Attachments)
	}
	if len(s.Flips) != 1 {
		t.Errorf("asking and the approval count as %d decisions, want one: %v", len(s.Flips), s.Flips)
	}
	denied := fold(append(inFree(), pending, said{fact: events.SubscriptionDenied{Link: link(7), Plan: "plus"}})...)
	if s := denied.Subscriptions["plus"]; s.Phase != Ended || denied.WishOpen(7) {
		t.Errorf("denied, it is %+v", s)
	}
}

func TestADeletedAccountHasNoPlansAndAsksForEveryKeyToBeDeleted(t *testing.T) {
	t.Parallel()
	got := fold(append(inFree(), said{fact: requested("k2")}, said{fact: events.AccountSuspended{}}, said{fact: events.AccountDeleting{}})...)
	for id, k := range got.Keys {
		if k.Live() || k.Releasing != 9 || !got.Barred(k) {
			t.Errorf("%s is %+v", id, k)
		}
	}
	if s := got.Subscriptions["free"]; s.Phase != Ended || got.Standing.Switching != 0 {
		t.Errorf("free is %+v, the account %+v", s, got.Standing)
	}
	if diff := cmp.Diff(map[int64]OpenWish{9: {At: at(9)}}, got.OpenWishes()); diff != "" {
		t.Errorf("the wishes (-want +got):\n%s", diff)
	}
}

// Nobody is woken for a wish that its fact does not announce.
func TestEveryWishIsAnnouncedByTheFactThatOpensIt(t *testing.T) {
	t.Parallel()
	plans, keys := []portal.PlanID{"free", "plus", "pro"}, []portal.KeyID{"k1", "k2", "k3"}
	random := rand.New(rand.NewPCG(1, 2))
	announced := map[string]bool{}
	for range 400 {
		a := NewAccount("ann")
		for seq := int64(1); seq < 40; seq++ {
			plan, other, k := plans[random.IntN(3)], plans[random.IntN(3)], keys[random.IntN(3)]
			wish := link(1 + random.Int64N(seq))
			facts := []events.Payload{
				wanted(plan), change(other, plan), events.SubscriptionEnding{Plan: plan}, requested(k), key(k), events.KeyEnding{Key: k},
				events.KeyReleasing{Key: k}, events.KeyReleased{Link: wish, Key: k}, events.KeyEnded{Key: k}, events.KeyReady{Key: k},
				events.SubscriptionApprovalPending{Plan: plan, Ring: portal.AccountRing, Replaces: other}, events.SubscriptionApproved{Link: wish, Plan: plan},
				events.PlanChangeRefused{Link: wish, Plan: plan}, events.RequestRejected{Link: wish}, events.SubscriptionDenied{Link: wish, Plan: plan},
				events.SubscriptionActivated{Plan: plan}, events.SubscriptionEnded{Plan: plan}, events.PlanChanged{From: other, Plan: plan},
				events.AccountSuspended{}, events.AccountReinstated{}, events.AccountKeysSwitched{}, events.AccountDeleting{}, events.AccountDeleted{},
				events.SubscriptionLost{Plan: plan}, events.KeyAttached{Key: k, Plan: plan}, events.KeyMoved{Key: k, From: other, Plan: plan},
			}
			e := events.Event{Sequence: seq, Time: at(seq), Data: facts[random.IntN(len(facts))]}
			before := a.Clone()
			a.Apply(e)
			opened, _ := WishesBetween(before, a)
			for wish := range opened {
				announced[events.Name(e.Type())] = true
				if wish != e.OpensWish() {
					t.Fatalf("%s (%+v) opens the wish %d and announces %d", e.Type(), e.Data, wish, e.OpensWish())
				}
			}
			for wanted, s := range a.Subscriptions {
				if to := s.ChangesTo; to != "" && a.Subscription(to).Replaces != wanted.Plan() {
					t.Fatalf("after %s (%+v), %s changes to %s, which replaces %q", e.Type(), e.Data, wanted, to, a.Subscription(to).Replaces)
				}
			}
		}
	}
	for _, name := range []string{"SubscriptionWanted", "SubscriptionEnding", "PlanChangeWanted", "SubscriptionApproved", "KeyWanted", "KeyEnding", "KeyReleasing", "AccountSuspended", "AccountReinstated", "AccountDeleting"} {
		if !announced[name] {
			t.Errorf("no %s opened a wish", name)
		}
	}
	if slices.Contains([]bool{announced["KeyAttached"], announced["KeyMoved"], announced["KeyEnded"]}, true) {
		t.Error("an outcome opened a wish")
	}
}

func TestAnApprovalKeepsThePersonsOperation(t *testing.T) {
	t.Parallel()
	got := fold(append(inFree(), said{fact: events.SubscriptionApprovalPending{Plan: "plus", Ring: portal.AccountRing}, op: "op-ann"},
		said{fact: events.SubscriptionApproved{Link: link(7), Plan: "plus"}, op: "op-admin"})...)
	if s := got.Subscriptions["plus"]; s.Operation != "op-ann" || s.Phase != Wanted {
		t.Errorf("it is %+v", s)
	}
}

func TestWhatWaitsForApprovalKeepsNoKeyInUse(t *testing.T) {
	t.Parallel()
	left := append(inFree(), said{fact: events.SubscriptionApprovalPending{Plan: "plus", Ring: portal.AccountRing}},
		said{fact: events.SubscriptionEnding{Plan: "free"}}, said{fact: events.SubscriptionEnded{Link: link(8), Plan: "free"}})
	emptied := fold(left...).Rings[portal.AccountRing]
	if emptied.EmptiedBy != 9 {
		t.Errorf("the ring is %+v", emptied)
	}
	if denied := fold(append(left, said{fact: events.SubscriptionDenied{Link: link(7), Plan: "plus"}})...).Rings[portal.AccountRing]; denied != emptied {
		t.Errorf("after the denial the ring is %+v, before %+v", denied, emptied)
	}
}

func TestADenialLeavesAnotherChangeOfTheOldPlanAlone(t *testing.T) {
	t.Parallel()
	got := fold(append(inFree(), said{fact: events.SubscriptionApprovalPending{Plan: "plus", Ring: portal.AccountRing, Replaces: "free"}},
		said{fact: change("free", "pro")}, said{fact: events.SubscriptionDenied{Link: link(7), Plan: "plus"}})...)
	if free, pro := got.Subscriptions["free"], got.Subscriptions["pro"]; free.ChangesTo != "pro" || pro.Replaces != "free" {
		t.Errorf("free is %+v, pro is %+v", free, pro)
	}
}
