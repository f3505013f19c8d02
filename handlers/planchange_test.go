package handlers

import (
	"fmt"
	"slices"
	"testing"

	"github.com/gatehouse-portal/gatehouse/events"
	"github.com/gatehouse-portal/gatehouse/journal"
	"github.com/gatehouse-portal/gatehouse/portal"
	"github.com/gatehouse-portal/gatehouse/state/statetest"
)

var (
	toPlus   = events.PlanChangeRequested{Plan: "plus", Replaces: "free", Name: "Plus", Stages: stageV1, Rivals: []portal.PlanID{"free", "pro"}, CatalogSequence: 1}
	both     = events.Decides{Scopes: []portal.Scope{"plan/plus", "plan/free"}}
	changed  = events.PlanChangeWanted{Decides: both, From: "free", Plan: "plus", Name: "Plus", Ring: portal.AccountRing, Stages: stageV1}
	underWay = said{changed, "op-change", 3}
	pending  = events.SubscriptionApprovalPending{Decides: both, Plan: "plus", Name: "Plus", Ring: portal.AccountRing, Stages: stageV1, Replaces: "free"}
	waiting  = said{pending, "op-change", 3}
	refused  = said{fact: events.PlanChangeRefused{Link: wish(7), Plan: "plus", Code: portal.NotFound, Message: "Gone."}}
	plusNow  = []said{underWay, {fact: events.KeyMoved{Link: wish(7), Key: "key1", From: "free", Plan: "plus"}}, {fact: events.PlanChanged{Link: wish(7), From: "free", Plan: "plus"}}}
)

func after(begin []said, more ...said) []said { return append(slices.Clone(begin), more...) }

func no(decides events.Decides, code portal.Code, message string) []events.Fact {
	return []events.Fact{events.RequestRejected{Decides: decides, Code: code, Message: message}}
}

func TestPlanChange(t *testing.T) {
	t.Parallel()
	wantedPlan := func(plan portal.PlanID, name string) said {
		return said{fact: events.SubscriptionWanted{Plan: plan, Name: name, Ring: portal.AccountRing}}
	}
	pendingPlan := func(plan portal.PlanID, name string) said {
		return said{fact: events.SubscriptionApprovalPending{Plan: plan, Name: name, Ring: portal.AccountRing}}
	}
	active := func(plan portal.PlanID, wished int64) said {
		return said{fact: events.SubscriptionActivated{Link: wish(wished), Plan: plan}}
	}
	manual := toPlus
	manual.Approval = events.ApprovalManual
	joined := []events.Fact{events.RequestJoined{Decides: both, Link: wish(7), Plan: "plus"}}
	check(t, PlanChange(limits), []decision{
		{"an active plan is replaced", freeActive(), toPlus, 3, []events.Fact{changed}},
		{"with manual approval it waits first", freeActive(), manual, 3, []events.Fact{pending}},
		{"an account that never signed up is refused", nil, toPlus, 3, no(both, portal.NotRegistered, "Register first: this account is not registered yet.")},
		{"a suspended account is refused", after(freeActive(), said{fact: events.AccountSuspended{}}), toPlus, 3,
			no(both, portal.Suspended, portal.AccountSuspended("").Message)},
		{"an account that is being deleted is refused", after(freeActive(), said{fact: events.AccountDeleting{}}), toPlus, 3,
			no(both, portal.Deleting, portal.AccountDeleting().Message)},
		{"a duplicate of one on its way joins it", after(freeActive(), underWay), toPlus, 4, joined},
		{"a duplicate of one that waits for approval joins it", after(freeActive(), waiting), manual, 4, joined},
		{"one that was made changes nothing", after(freeActive(), plusNow...), toPlus, 4, []events.Fact{events.RequestUnchanged{Decides: both}}},
		{"a plan that was left is replaced once it is gone", after(freeActive(), wantedPlan("plus", "Plus"), active("plus", 7), freeEnding("op-leave", 3)), toPlus, 4,
			[]events.Fact{events.RequestJoined{Decides: both, Link: wish(9), Plan: "free"}}},
		{"a subscription under way serves it if the old plan was left", after(freeActive(), freeEnding("op-leave", 3), wantedPlan("plus", "Plus")), toPlus, 4,
			[]events.Fact{events.RequestJoined{Decides: both, Link: wish(8), Plan: "plus"}}},
		{"without the old plan it is refused", []said{registered()}, toPlus, 3,
			no(both, portal.Conflict, "You do not have the plan that Plus should replace. Subscribe to Plus instead.")},
		{"a plan that is being set up cannot be replaced yet", []said{registered(), keyWanted(), freeWanted("op-first", 2)}, toPlus, 3,
			no(both, portal.Conflict, "Free is still being set up. Wait until it is active, then change to Plus.")},
		{"a plan that is being left cannot be replaced", after(freeActive(), freeEnding("op-leave", 3)), toPlus, 4,
			no(both, portal.Conflict, "You do not have the plan that Plus should replace. Subscribe to Plus instead.")},
		{"a plan that waits for approval cannot be replaced by one that waits, too", []said{registered(), pendingPlan("free", "Free"), pendingPlan("plus", "Plus")}, toPlus, 3,
			no(both, portal.Conflict, "You do not have Free yet, because it waits for approval. Withdraw that request first.")},
		{"a plan that waits for approval cannot be replaced by one that is active", []said{registered(), pendingPlan("free", "Free"), wantedPlan("plus", "Plus"), active("plus", 3)}, toPlus, 3,
			no(both, portal.Conflict, "You do not have Free yet, because it waits for approval. Withdraw that request first.")},
		{"holding both is refused", after(freeActive(), wantedPlan("plus", "Plus"), active("plus", 7)), toPlus, 3,
			no(both, portal.Conflict, "You have both Free and Plus. Leave Free if you no longer need it.")},
		{"while the new plan is being set up on its own it is refused", after(freeActive(), wantedPlan("plus", "Plus")), toPlus, 3,
			no(both, portal.Conflict, "Your subscription to Plus is being set up. Wait until it is active.")},
		{"while the new plan waits for approval on its own it is refused", after(freeActive(), said{fact: events.SubscriptionApprovalPending{Plan: "plus", Name: "Plus", Ring: portal.AccountRing}}), toPlus, 3,
			no(both, portal.Conflict, "You have asked for Plus already, and the operator of this portal has to approve it. Withdraw that request first.")},
		{"a new plan that is being left is taken back", after(freeActive(), wantedPlan("plus", "Plus"), active("plus", 7), said{fact: events.SubscriptionEnding{Plan: "plus"}}), toPlus, 3,
			[]events.Fact{events.RequestSuperseded{Link: wish(9)}, changed}},
		{"a new plan that is being left cannot be asked for at once if it needs approval", after(freeActive(), wantedPlan("plus", "Plus"), active("plus", 7), said{fact: events.SubscriptionEnding{Plan: "plus"}}), manual, 3,
			no(both, portal.Conflict, "You are leaving Plus. Wait until that is done, then ask for it again.")},
		{"while the old plan changes to another it is refused", after(freeActive(), said{fact: events.PlanChangeWanted{From: "free", Plan: "pro", Name: "Pro", Ring: portal.AccountRing}}), toPlus, 3,
			no(both, portal.Conflict, "You are changing from Free to Pro. Wait until that is done.")},
		{"a new plan that is being changed for another is not what it asks for", after(freeActive(), underWay), events.PlanChangeRequested{Plan: "free", Replaces: "pro", Name: "Free"}, 4,
			no(events.Decides{Scopes: []portal.Scope{"plan/free", "plan/pro"}}, portal.Conflict, "You are changing from Free to Plus. Wait until that is done.")},
		{"while the new plan replaces another it is refused", after(freeActive(), wantedPlan("pro", "Pro"), active("pro", 7), said{fact: events.PlanChangeWanted{From: "pro", Plan: "plus", Name: "Plus", Ring: portal.AccountRing}}), toPlus, 3,
			no(both, portal.Conflict, "You are changing from Pro to Plus. Wait until that is done.")},
		{"while a refused change is undone it is refused", after(freeActive(), underWay, refused), toPlus, 4,
			no(both, portal.Conflict, "API Gateway has refused Plus, and your keys are on their way back to Free. Wait until that is done.")},
		{"once a refused change is undone it can be tried again", after(freeActive(), underWay, refused, said{fact: events.RequestRejected{Link: wish(7)}}), toPlus, 4, []events.Fact{changed}},
		{"another plan on the same stage is in the way", after(freeActive(), wantedPlan("pro", "Pro")), toPlus, 3,
			no(both, portal.Conflict, "Plus and Pro are plans of the same API, and a key can hold only one of them. Change from Pro to Plus, or leave Pro first.")},
		{"a key that is in as many plans as it can be may change one of them", after(freeActive(), wantedPlan("next", "Next"), wantedPlan("far", "Far")), toPlus, 3, []events.Fact{changed}},
		{"a plan cannot replace itself", freeActive(), events.PlanChangeRequested{Plan: "next", Replaces: "next", Name: "Next"}, 3,
			no(events.Decides{Scopes: []portal.Scope{"plan/next", "plan/next"}}, portal.Invalid, "A plan cannot replace itself.")},
		{"one older than leaving the old plan is superseded", after(freeActive(), freeEnding("op-leave", 5), freeWanted("op-again", 6), active("free", 8)), toPlus, 4,
			[]events.Fact{events.RequestSuperseded{}}},
	})
}

func TestOtherRequestsDuringAChangeOfPlans(t *testing.T) {
	t.Parallel()
	check(t, Subscribing(scheme, limits, Rings{}), []decision{
		{"subscribing to the new plan joins the change", after(freeActive(), underWay), plusPlan, 4, []events.Fact{events.RequestJoined{Decides: plusOnly, Link: wish(7), Plan: "plus"}}},
		{"subscribing to the old plan is refused", after(freeActive(), underWay), freePlan, 4, no(freeOnly, portal.Conflict, "You are changing from Free to Plus. Wait until that is done.")},
		{"subscribing to a plan that API Gateway has just refused waits", after(freeActive(), underWay, refused), plusPlan, 4,
			no(plusOnly, portal.Conflict, "API Gateway has refused Plus, and your keys are on their way back to Free. Wait until that is done.")},
		{"a change takes one of the places of a key", after(freeActive(), underWay, wantedToo("next")), events.SubscribeRequested{Plan: "more", Name: "More", Stages: stageV2}, 4,
			[]events.Fact{events.SubscriptionWanted{Decides: events.Decides{Scopes: []portal.Scope{"plan/more"}}, Plan: "more", Name: "More", Ring: portal.AccountRing, Stages: stageV2}}},
	})
	endBoth := func(first, second portal.PlanID) []events.Fact {
		facts := []events.Fact{events.RequestSuperseded{Link: wish(7)}}
		for _, plan := range []portal.PlanID{first, second} {
			facts = append(facts, events.SubscriptionEnding{Decides: events.Decides{Scopes: []portal.Scope{portal.PlanScope(plan)}}, Plan: plan})
		}
		return facts
	}
	check(t, Unsubscribing, []decision{
		{"leaving the new plan ends both", after(freeActive(), underWay), events.UnsubscribeRequested{Plan: "plus"}, 4, endBoth("free", "plus")},
		{"leaving the old plan ends both", after(freeActive(), underWay), events.UnsubscribeRequested{Plan: "free"}, 4, endBoth("plus", "free")},
		{"leaving the old plan while the change is undone ends both", after(freeActive(), underWay, refused), events.UnsubscribeRequested{Plan: "free"}, 4, endBoth("plus", "free")},
		{"leaving a plan that API Gateway has refused changes nothing", after(freeActive(), underWay, refused), events.UnsubscribeRequested{Plan: "plus"}, 4,
			[]events.Fact{events.RequestUnchanged{Decides: plusOnly}}},
		{"a request that waits for approval is taken back, and the old plan stays", after(freeActive(), waiting), events.UnsubscribeRequested{Plan: "plus"}, 4,
			[]events.Fact{events.RequestSuperseded{Link: wish(7)}, events.SubscriptionEnding{Decides: plusOnly, Plan: "plus", Withdrawn: true}}},
		{"leaving the old plan leaves the request that waits for approval", after(freeActive(), waiting), events.UnsubscribeRequested{Plan: "free"}, 4,
			[]events.Fact{events.SubscriptionEnding{Decides: freeOnly, Plan: "free"}}},
	})
}

// An admin may answer late. By then, the person may want to keep the old plan.
func TestAskingForAPlanTakesBackChangesAwayFromItThatWait(t *testing.T) {
	t.Parallel()
	taken := []events.Fact{events.RequestSuperseded{Link: wish(7)}, events.SubscriptionEnding{Plan: "plus", Withdrawn: true}}
	wanted := events.SubscriptionWanted{Decides: freeOnly, Plan: "free", Name: "Free", Ring: portal.AccountRing, Stages: stageV1}
	left := freeEnding("op-leave", 4)
	proToFree := events.PlanChangeRequested{Plan: "free", Replaces: "next", Name: "Free", Stages: stageV1}
	check(t, Subscribing(scheme, limits, Rings{}), []decision{
		{"while the plan is active", after(freeActive(), waiting), freePlan, 4, append(slices.Clone(taken), events.RequestUnchanged{Decides: freeOnly})},
		{"after it was left", after(freeActive(), waiting, left), freePlan, 5,
			append(slices.Clone(taken), events.RequestSuperseded{Link: wish(8)}, wanted)},
		{"once it was asked for again", after(freeActive(), waiting, left, said{wanted, "op-again", 5}), freePlan, 6,
			append(slices.Clone(taken), events.RequestJoined{Decides: freeOnly, Link: wish(9), Plan: "free"})},
		{"but not if the request is older than the change", after(freeActive(), waiting), freePlan, 2, []events.Fact{events.RequestUnchanged{Decides: freeOnly}}},
		{"but not if the request is rejected", after(freeActive(), waiting, suspended()), freePlan, 6,
			no(freeOnly, portal.Suspended, portal.AccountSuspended("Unpaid bills.").Message)},
		{"but not if it is about another plan", after(freeActive(), waiting, wantedToo("next"), said{fact: events.SubscriptionActivated{Link: wish(8), Plan: "next"}}), nextPlan, 6,
			[]events.Fact{events.RequestUnchanged{Decides: events.Decides{Scopes: []portal.Scope{"plan/next"}}}}},
		{"and an approval that comes later has no effect", after(freeActive(), waiting, said{taken[0], "op-again", 4}, said{taken[1], "op-again", 4}), freePlan, 5,
			[]events.Fact{events.RequestUnchanged{Decides: freeOnly}}},
	})
	check(t, PlanChange(limits), []decision{
		{"a change to the plan does so, too", after(freeActive(), waiting, left, said{fact: events.SubscriptionEnded{Link: wish(8), Plan: "free"}}, wantedToo("next"), said{fact: events.SubscriptionActivated{Link: wish(10), Plan: "next"}}), proToFree, 5,
			append(slices.Clone(taken), events.PlanChangeWanted{Decides: events.Decides{Scopes: []portal.Scope{"plan/free", "plan/next"}}, From: "next", Plan: "free", Name: "Free", Ring: portal.AccountRing, Stages: stageV1})},
	})
	check(t, Review(scheme, limits), []decision{
		{"an approval of what was taken back has no effect", after(freeActive(), waiting, said{taken[0], "op-again", 4}, said{taken[1], "op-again", 4}),
			events.SubscriptionReviewRequested{Plan: "plus", Wish: 7, Approved: true}, 0,
			no(events.Decides{}, portal.Conflict, "This request no longer waits for approval: it was answered or withdrawn, or a newer one has replaced it.")},
	})
}

func TestOneDecisionCanTakeBackAllChangesThatWait(t *testing.T) {
	t.Parallel()
	const tooMany = "10 of your requests wait for the operator of this portal already. Withdraw one of them, or wait for an answer."
	given := freeActive()
	for i := range maxWaiting {
		given = append(given, said{fact: events.SubscriptionApprovalPending{Plan: portal.PlanID(fmt.Sprint("p", i)), Name: "P", Ring: portal.AccountRing, Replaces: "free"}})
	}
	manual := toPlus
	manual.Approval = events.ApprovalManual
	check(t, PlanChange(limits), []decision{
		{"one more is refused", given, manual, 3, no(both, portal.LimitReached, tooMany)},
	})
	manualNext := nextPlan
	manualNext.Approval = events.ApprovalManual
	check(t, Subscribing(scheme, limits, Rings{}), []decision{
		{"so is another plan", given, manualNext, 3, no(events.Decides{Scopes: []portal.Scope{"plan/next"}}, portal.LimitReached, tooMany)},
	})
	decided := Subscribing(scheme, limits, Rings{})(statetest.FoldAccount(account, history(given)), freePlan, "op")
	if n := len(decided); n != 2*maxWaiting+1 || n+2 > journal.MaxFacts {
		t.Errorf("it takes %d facts", n)
	}
}

func TestReview(t *testing.T) {
	t.Parallel()
	approve := events.SubscriptionReviewRequested{Plan: "plus", Wish: 7, Approved: true}
	deny := events.SubscriptionReviewRequested{Plan: "plus", Wish: 7, Message: "Only for partners."}
	ofNew := said{fact: events.SubscriptionApprovalPending{Plan: "free", Name: "Free", Ring: portal.AccountRing, Stages: stageV1}}
	first := events.KeyWanted{Key: portal.KeyID(portal.DeriveID("key", string(account), "op-new")), Ring: portal.AccountRing, Name: "Default key", Scheme: scheme.Scheme, KMSKey: scheme.KMSKey}
	approved := events.SubscriptionApproved{Link: wish(7), Plan: "plus"}
	over := no(events.Decides{}, portal.Conflict, "This request no longer waits for approval: it was answered or withdrawn, or a newer one has replaced it.")
	check(t, Review(scheme, limits), []decision{
		{"an approval starts the change", after(freeActive(), waiting), approve, 0, []events.Fact{approved}},
		{"the first plan's approval asks for a key", []said{registered(), ofNew}, events.SubscriptionReviewRequested{Plan: "free", Wish: 2, Approved: true}, 0,
			[]events.Fact{first, events.SubscriptionApproved{Link: wish(2), Plan: "free"}}},
		{"a denial tells the person why", after(freeActive(), waiting), deny, 0, []events.Fact{events.SubscriptionDenied{Link: wish(7), Plan: "plus", Message: "Only for partners."}}},
		{"a second approval changes nothing", after(freeActive(), waiting, said{fact: approved}), approve, 0, []events.Fact{events.RequestUnchanged{}}},
		{"a denial after the approval has no effect", after(freeActive(), waiting, said{fact: approved}), deny, 0, over},
		{"an approval after the denial has no effect", after(freeActive(), waiting, said{fact: events.SubscriptionDenied{Link: wish(7), Plan: "plus"}}), approve, 0, over},
		{"an answer to a request that was taken back has no effect", after(freeActive(), waiting, said{fact: events.SubscriptionEnding{Plan: "plus"}}), approve, 0, over},
		{"an answer to an earlier request than the one that waits has no effect", after(freeActive(), waiting), events.SubscriptionReviewRequested{Plan: "plus", Wish: 6, Approved: true}, 0, over},
		{"an answer about another plan has no effect", after(freeActive(), waiting), events.SubscriptionReviewRequested{Plan: "free", Wish: 7, Approved: true}, 0, over},
		{"a plan that was left meanwhile cannot be replaced", after(freeActive(), waiting, freeEnding("op-leave", 4)), approve, 0, []events.Fact{events.RequestRejected{
			Link: wish(7), Code: portal.Conflict, Message: "Plus was to replace Free, which is no longer active. Subscribe to Plus instead."}}},
		{"a plan that is changing to another cannot be replaced", after(freeActive(), waiting, said{fact: events.PlanChangeWanted{From: "free", Plan: "pro", Name: "Pro", Ring: portal.AccountRing}}), approve, 0,
			[]events.Fact{events.RequestRejected{Link: wish(7), Code: portal.Conflict, Message: "You are changing from Free to Pro. Wait until that is done."}}},
		{"a plan on the same stage that came meanwhile is in the way", after(freeActive(), waiting, said{fact: events.SubscriptionWanted{Plan: "pro", Name: "Pro", Ring: portal.AccountRing, Stages: stageV1}}), approve, 0,
			[]events.Fact{events.RequestRejected{Link: wish(7), Code: portal.Conflict,
				Message: "Plus and Pro are plans of the same API, and a key can hold only one of them. Change from Pro to Plus, or leave Pro first."}}},
		{"plans that came meanwhile may leave no room", []said{registered(), ofNew, wantedToo("a"), wantedToo("b"), wantedToo("c")}, events.SubscriptionReviewRequested{Plan: "free", Wish: 2, Approved: true}, 0,
			[]events.Fact{events.RequestRejected{Link: wish(2), Code: portal.LimitReached, Message: portal.PlanLimit(3, "Free").Message}}},
	})
}

func TestSubscribingToAPlanThatNeedsApproval(t *testing.T) {
	t.Parallel()
	manual := freePlan
	manual.Approval = events.ApprovalManual
	wants := events.SubscriptionApprovalPending{Decides: freeOnly, Plan: "free", Name: "Free", Ring: portal.AccountRing, Stages: stageV1}
	check(t, Subscribing(scheme, limits, Rings{}), []decision{
		{"it waits, without a key", []said{registered()}, manual, 2, []events.Fact{wants}},
		{"a duplicate joins", []said{registered(), {wants, "op", 2}}, manual, 3, []events.Fact{events.RequestJoined{Decides: freeOnly, Link: wish(2), Plan: "free"}}},
		{"a plan in the way is refused at once", after(freeActive(), said{fact: events.SubscriptionWanted{Plan: "plus", Name: "Plus", Ring: portal.AccountRing}}, freeEnding("op-leave", 3), said{fact: events.SubscriptionEnded{Link: wish(8), Plan: "free"}}), manual, 4,
			no(freeOnly, portal.Conflict, "Free and Plus are plans of the same API, and a key can hold only one of them. Change from Plus to Free, or leave Plus first.")},
		{"a key in too many plans is refused at once", []said{registered(), wantedToo("a"), wantedToo("b"), wantedToo("c")}, manual, 4,
			no(freeOnly, portal.LimitReached, portal.PlanLimit(3, "Free").Message)},
		{"one that is being left cannot be asked for at once", after(freeActive(), freeEnding("op-leave", 3)), manual, 4,
			no(freeOnly, portal.Conflict, "You are leaving Free. Wait until that is done, then ask for it again.")},
		{"one that is active stays so", freeActive(), manual, 4, []events.Fact{events.RequestUnchanged{Decides: freeOnly}}},
	})
}
