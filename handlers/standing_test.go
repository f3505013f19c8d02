package handlers

import (
	"fmt"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/gatehouse-portal/gatehouse/events"
	"github.com/gatehouse-portal/gatehouse/journal"
	"github.com/gatehouse-portal/gatehouse/portal"
	"github.com/gatehouse-portal/gatehouse/state/statetest"
)

var accountOnly = events.Decides{Scopes: []portal.Scope{portal.AccountScope}}

func suspended() said {
	return said{events.AccountSuspended{Decides: accountOnly, Message: "Unpaid bills."}, "op-suspend", 5}
}

func reinstated() said {
	return said{events.AccountReinstated{Decides: accountOnly}, "op-reinstate", 6}
}

func switched(opened int64) said { return said{fact: events.AccountKeysSwitched{Link: wish(opened)}} }

func deleting() said { return said{events.AccountDeleting{Decides: accountOnly}, "op-delete", 7} }

func rejection(decides events.Decides, code portal.Code, message string) []events.Fact {
	return []events.Fact{events.RequestRejected{Decides: decides, Code: code, Message: message}}
}

func TestSuspension(t *testing.T) {
	t.Parallel()
	suspend := events.AccountSuspensionRequested{Message: " Unpaid bills. "}
	suspends := events.AccountSuspended{Decides: accountOnly, Message: "Unpaid bills."}
	check(t, Suspension(promotedNow{}), []decision{
		{"it suspends an account", freeActive(), suspend, 5, []events.Fact{suspends}},
		{"an account without keys is suspended, too", []said{registered()}, suspend, 5, []events.Fact{suspends}},
		{"subscriptions that are on their way stay wanted", []said{registered(), keyWanted(), freeWanted("op-first", 2)}, suspend, 5, []events.Fact{suspends}},
		{"a second one joins the first", []said{registered(), suspended()}, suspend, 6,
			[]events.Fact{events.RequestJoined{Decides: accountOnly, Link: wish(2)}}},
		{"one for an account whose keys are disabled changes nothing", []said{registered(), suspended(), switched(2)}, suspend, 6,
			[]events.Fact{events.RequestUnchanged{Decides: accountOnly}}},
		{"it overturns a reinstatement under way", []said{registered(), suspended(), switched(2), reinstated()}, suspend, 7,
			[]events.Fact{events.RequestSuperseded{Link: wish(4)}, suspends}},
		{"one older than the reinstatement is superseded", []said{registered(), suspended(), reinstated()}, suspend, 4,
			[]events.Fact{events.RequestSuperseded{}}},
		{"without a reason it is refused", []said{registered()}, events.AccountSuspensionRequested{Message: " \n"}, 5,
			rejection(accountOnly, portal.Invalid, "Say why the account is suspended. Its owner reads the message.")},
		{"an account that nobody has registered is refused", nil, suspend, 5,
			rejection(accountOnly, portal.NotRegistered, "The account is not registered, so it has nothing to suspend.")},
		{"an account that is being deleted is refused", []said{registered(), deleting()}, suspend, 8,
			rejection(accountOnly, portal.Deleting, "The account is being deleted, and its keys with it.")},
	})
}

func TestReinstatement(t *testing.T) {
	t.Parallel()
	reinstate := events.AccountReinstatementRequested{}
	check(t, Reinstatement, []decision{
		{"it reinstates a suspended account", []said{registered(), suspended(), switched(2)}, reinstate, 6,
			[]events.Fact{events.AccountReinstated{Decides: accountOnly}}},
		{"it overturns a suspension under way", []said{registered(), suspended()}, reinstate, 6,
			[]events.Fact{events.RequestSuperseded{Link: wish(2)}, events.AccountReinstated{Decides: accountOnly}}},
		{"a second one joins the first", []said{registered(), suspended(), reinstated()}, reinstate, 7,
			[]events.Fact{events.RequestJoined{Decides: accountOnly, Link: wish(3)}}},
		{"one for an account that is not suspended changes nothing", []said{registered()}, reinstate, 7,
			[]events.Fact{events.RequestUnchanged{Decides: accountOnly}}},
		{"one older than the suspension is superseded", []said{registered(), suspended()}, reinstate, 4,
			[]events.Fact{events.RequestSuperseded{}}},
		{"an account that nobody has registered is refused", nil, reinstate, 5,
			rejection(accountOnly, portal.NotRegistered, "The account is not registered, so it is not suspended either.")},
		{"an account that is being deleted is refused", []said{registered(), suspended(), deleting()}, reinstate, 8,
			rejection(accountOnly, portal.Deleting, "The account is being deleted. Nothing brings it back.")},
	})
}

func TestDeletion(t *testing.T) {
	t.Parallel()
	erase := events.AccountDeletionRequested{}
	deletes := []events.Fact{events.AccountDeleting{Decides: accountOnly}}
	check(t, Deletion(true, promotedNow{}), []decision{
		{"it deletes an account with its keys", freeActive(), erase, 7, deletes},
		{"it deletes an account whose subscription is under way", []said{registered(), keyWanted(), freeWanted("op-first", 2)}, erase, 7, deletes},
		{"it deletes the personal data of a person who never registered", nil, erase, 1, deletes},
		{"a second one joins the first", []said{registered(), deleting()}, erase, 8,
			[]events.Fact{events.RequestJoined{Decides: accountOnly, Link: wish(2)}}},
		{"one for a deleted account changes nothing", []said{registered(), deleting(), {fact: events.AccountDeleted{Link: wish(2)}}}, erase, 8,
			[]events.Fact{events.RequestUnchanged{Decides: accountOnly}}},
		{"the owner of a suspended account is refused", []said{registered(), suspended()}, erase, 8,
			rejection(accountOnly, portal.Suspended, "The operator of this portal has suspended your account. Ask the operator to delete it.")},
	})
	check(t, Deletion(false, promotedNow{}), []decision{
		{"an admin deletes a suspended account", []said{registered(), suspended()}, erase, 8, deletes},
	})
}

func TestAnAccountThatIsNotInGoodStandingChangesNothing(t *testing.T) {
	t.Parallel()
	pending := said{events.RegistrationPending{Decides: events.Decides{Scopes: []portal.Scope{portal.RegistrationScope}}}, "op-register", 1}
	isSuspended := portal.AccountSuspended("Unpaid bills.")
	for name, given := range map[string]struct {
		facts []said
		want  *portal.Error
	}{
		"suspended":                  {append(freeActive(), suspended()), isSuspended},
		"being deleted":              {append(freeActive(), deleting()), portal.AccountDeleting()},
		"deleted":                    {append(freeActive(), deleting(), said{fact: events.AccountDeleted{Link: wish(7)}}), portal.AccountDeleting()},
		"suspended and then deleted": {append(freeActive(), suspended(), deleting()), portal.AccountDeleting()},
		"waiting for approval": {[]said{pending}, portal.Fail(portal.NotRegistered,
			"The operator of this portal has to approve your registration first. There is nothing you need to do.")},
	} {
		refused := func(decides events.Decides) []events.Fact {
			return rejection(decides, given.want.Code, given.want.Message)
		}
		check(t, Subscribing(scheme, limits, Rings{}), []decision{
			{"subscribing, " + name, given.facts, nextPlan, 20, refused(events.Decides{Scopes: []portal.Scope{"plan/next"}})},
			{"subscribing to a plan that it has, " + name, given.facts, freePlan, 20, refused(freeOnly)},
		})
		check(t, unlessRefused("Nobody can subscribe to Free.", "free", Subscribing(scheme, limits, Rings{})), []decision{
			{"subscribing to a plan that nobody can subscribe to, " + name, given.facts, freePlan, 20, refused(freeOnly)},
		})
		check(t, inGoodStanding(Unsubscribing), []decision{
			{"leaving, " + name, given.facts, events.UnsubscribeRequested{Plan: "free"}, 20, refused(freeOnly)},
		})
	}
}

// A request that was accepted before the account was deleted may be decided after.
func TestDeletionDuringASubscriptionEndsItsWish(t *testing.T) {
	t.Parallel()
	d := newFixture(t)
	d.handle(register, subscribe, ask("op-delete", 3, events.AccountDeletionRequested{}), ask("op-late", 4, nextPlan))
	folded := statetest.FoldAccount(account, d.facts())
	if diff := cmp.Diff([]int64{4}, folded.WaitingWishes()); diff != "" {
		t.Errorf("open wishes (-want +got):\n%s", diff)
	}
	if held := folded.Held(portal.AccountRing); len(held) > 0 {
		t.Errorf("it holds %v", held)
	}
}

func TestAnAccountWithHundredsOfOpenWishesCanBeDeleted(t *testing.T) {
	t.Parallel()
	d := newFixture(t)
	d.handle(register)
	var facts []events.Fact
	for i := range 300 {
		plan := portal.PlanID(fmt.Sprint("p", i))
		facts = append(facts, events.SubscriptionWanted{Plan: plan, Name: "P", Ring: portal.Ring("plan/" + plan)})
	}
	for i := range maxWaiting {
		plan := portal.PlanID(fmt.Sprint("w", i))
		facts = append(facts, events.SubscriptionApprovalPending{Plan: plan, Name: "W", Ring: portal.Ring("plan/" + plan)})
	}
	after := int64(1)
	for part := range slices.Chunk(facts, journal.MaxFacts) {
		stream := portal.AccountStream(account)
		stamped := journal.Stamp(events.Event{ID: "cause", Subject: stream}, "/test", opened, after, part)
		if err := d.journal.Append(t.Context(), stream, after, stamped); err != nil {
			t.Fatal(err)
		}
		after += int64(len(part))
	}
	d.handle(ask("op-delete", 3, events.AccountDeletionRequested{}))
	folded := statetest.FoldAccount(account, d.facts())
	if diff := cmp.Diff([]int64{after + 1}, folded.WaitingWishes()); diff != "" {
		t.Errorf("open wishes (-want +got):\n%s", diff)
	}
}

func TestOnlyOthersDeleteASuspendedAccount(t *testing.T) {
	t.Parallel()
	for actor, want := range map[portal.Actor]bool{portal.AccountActor(account): false, portal.AccountActor("admin1"): true, portal.Operator: true} {
		d := newFixture(t)
		erase := ask("op-delete", 9, events.AccountDeletionRequested{})
		erase.Actor = actor
		d.handle(register, ask("op-suspend", 2, events.AccountSuspensionRequested{Message: "No."}), erase)
		if got := statetest.FoldAccount(account, d.facts()).Standing.Leaving(); got != want {
			t.Errorf("after a request of %s the account is being deleted: %t", actor, got)
		}
	}
}
