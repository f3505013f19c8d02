package handlers

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/gatehouse-portal/gatehouse/events"
	"github.com/gatehouse-portal/gatehouse/journal"
	"github.com/gatehouse-portal/gatehouse/portal"
	"github.com/gatehouse-portal/gatehouse/state"
	"github.com/gatehouse-portal/gatehouse/state/statetest"
)

const account = portal.AccountID("acct1")

var (
	scheme   = KeyScheme{Scheme: "v1", KMSKey: "mrk-1"}
	limits   = Limits{PlansPerKey: 3}
	stageV1  = []portal.Stage{{API: "api1", Stage: "v1"}}
	stageV2  = []portal.Stage{{API: "api1", Stage: "v2"}}
	freePlan = events.SubscribeRequested{Plan: "free", Name: "Free", Stages: stageV1, Rivals: []portal.PlanID{"plus"}, CatalogSequence: 1}
	plusPlan = events.SubscribeRequested{Plan: "plus", Name: "Plus", Stages: stageV1, Rivals: []portal.PlanID{"free"}, CatalogSequence: 1}
	nextPlan = events.SubscribeRequested{Plan: "next", Name: "Next", Stages: stageV2, CatalogSequence: 1}
	freeOnly = events.Decides{Scopes: []portal.Scope{"plan/free"}}
	plusOnly = events.Decides{Scopes: []portal.Scope{"plan/plus"}}
)

// said is a fact that is in the journal already, for that operation and intent.
type said struct {
	fact   events.Fact
	op     portal.OperationID
	intent portal.Intent
}

func wish(opened int64) events.Link { return events.Link{Wish: opened} }

func registered() said {
	return said{events.UserRegistered{Decides: events.Decides{Scopes: []portal.Scope{portal.RegistrationScope}}}, "op-register", 1}
}

func keyWanted() said {
	return said{events.KeyWanted{Key: "key1", Ring: portal.AccountRing, Name: "Default key", Scheme: "v1", KMSKey: scheme.KMSKey}, "op-first", 2}
}

func freeWanted(op portal.OperationID, intent portal.Intent) said {
	return said{events.SubscriptionWanted{Decides: freeOnly, Plan: "free", Name: "Free", Ring: portal.AccountRing, Stages: stageV1}, op, intent}
}

func wantedToo(plan portal.PlanID) said {
	return said{fact: events.SubscriptionWanted{Plan: plan, Name: string(plan), Ring: portal.AccountRing}}
}

func freeActive() []said {
	return []said{registered(), keyWanted(), freeWanted("op-first", 2), {fact: events.KeyCreated{Key: "key1", GatewayID: "gw1"}},
		{fact: events.KeyAttached{Link: wish(3), Key: "key1", Plan: "free"}}, {fact: events.SubscriptionActivated{Link: wish(3), Plan: "free"}}}
}

func freeEnding(op portal.OperationID, intent portal.Intent) said {
	return said{events.SubscriptionEnding{Decides: freeOnly, Plan: "free"}, op, intent}
}

type decision struct {
	name    string
	given   []said
	request events.Request
	intent  portal.Intent
	want    []events.Fact
}

// history turns said facts into journal facts.
func history(all []said) []events.Event {
	var facts []events.Event
	for i, s := range all {
		cause := events.Event{ID: "cause", Subject: portal.AccountStream(account), Operation: s.op, Intent: s.intent}
		facts = append(facts, journal.Stamp(cause, "/test", time.Unix(int64(i), 0), int64(i), []events.Fact{s.fact})...)
	}
	return facts
}

func check[R events.Request](t *testing.T, decide Decide[R], cases []decision) {
	t.Helper()
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			folded := statetest.FoldAccount(account, history(c.given))
			msg := events.Event{ID: "op-new", Operation: "op-new", Intent: c.intent, Subject: portal.AccountStream(account), Data: c.request}
			decided := decide(folded, c.request.(R), msg.ID)
			got := unlessSuperseded(folded, msg, c.request, decided)
			if diff := cmp.Diff(c.want, got); diff != "" {
				t.Errorf("decided (-want +got):\n%s", diff)
			}
		})
	}
}

func TestRegistration(t *testing.T) {
	t.Parallel()
	scopes := events.Decides{Scopes: []portal.Scope{portal.RegistrationScope}}
	check(t, Registration(false), []decision{
		{"the first one opens the account", nil, events.RegisterUser{}, 1,
			[]events.Fact{events.UserRegistered{Decides: scopes}}},
		{"a duplicate changes nothing", []said{registered()}, events.RegisterUser{}, 2,
			[]events.Fact{events.RequestUnchanged{Decides: scopes}}},
		{"an older one that arrives late asks for what is so already and is not superseded",
			[]said{registered(), {events.RequestUnchanged{Decides: scopes}, "op-b", 9}}, events.RegisterUser{}, 2,
			[]events.Fact{events.RequestUnchanged{Decides: scopes}}},
	})
	check(t, Registration(true), []decision{
		{"a person waits for approval", nil, events.RegisterUser{}, 1,
			[]events.Fact{events.RegistrationPending{Decides: scopes}}},
		{"an admin needs no approval", nil, events.RegisterUser{Admin: true}, 1,
			[]events.Fact{events.UserRegistered{Decides: scopes}}},
		{"an admin whose registration waits no longer waits", []said{{events.RegistrationPending{Decides: scopes}, "op-a", 1}}, events.RegisterUser{Admin: true}, 2,
			[]events.Fact{events.UserRegistered{Decides: scopes, Link: wish(1)}}},
	})
}

func TestSubscribing(t *testing.T) {
	t.Parallel()
	newKey := portal.KeyID(portal.DeriveID("key", string(account), "op-new"))
	superseded := []events.Fact{events.RequestSuperseded{}}
	check(t, Subscribing(scheme, limits, Rings{}), []decision{
		{"the first one wants a key and the plan", []said{registered()}, freePlan, 2, []events.Fact{
			events.KeyWanted{Key: newKey, Ring: portal.AccountRing, Name: "Default key", Scheme: scheme.Scheme, KMSKey: scheme.KMSKey},
			events.SubscriptionWanted{Decides: freeOnly, Plan: "free", Name: "Free", Ring: portal.AccountRing, Stages: stageV1},
		}},
		{"an account that never signed up is refused", nil, freePlan, 1, []events.Fact{events.RequestRejected{
			Decides: freeOnly, Code: portal.NotRegistered, Message: "Register first: this account is not registered yet."}}},
		{"a duplicate of one on its way joins it", []said{registered(), keyWanted(), freeWanted("op-first", 2)}, freePlan, 3,
			[]events.Fact{events.RequestJoined{Decides: freeOnly, Link: wish(3), Plan: "free"}}},
		{"one for a plan that is active changes nothing", freeActive(), freePlan, 3,
			[]events.Fact{events.RequestUnchanged{Decides: freeOnly}}},
		{"a second plan on the same stage is refused, naming both", freeActive(), plusPlan, 3, []events.Fact{events.RequestRejected{
			Decides: plusOnly, Code: portal.Conflict,
			Message: "Plus and Free are plans of the same API, and a key can hold only one of them. Change from Free to Plus, or leave Free first."}}},
		{"a plan on another stage uses the same key", freeActive(), nextPlan, 3, []events.Fact{events.SubscriptionWanted{
			Decides: events.Decides{Scopes: []portal.Scope{"plan/next"}}, Plan: "next", Name: "Next", Ring: portal.AccountRing, Stages: stageV2}}},
		{"one after leaving overturns the leaving and supersedes who waited for it", append(freeActive(), freeEnding("op-leave", 3)), freePlan, 4,
			[]events.Fact{
				events.RequestSuperseded{Link: wish(7)},
				events.SubscriptionWanted{Decides: freeOnly, Plan: "free", Name: "Free", Ring: portal.AccountRing, Stages: stageV1},
			}},
		{"rivals are those that the request names, since plans move to other stages", freeActive(),
			events.SubscribeRequested{Plan: "plus", Name: "Plus", Stages: stageV1}, 3, []events.Fact{events.SubscriptionWanted{
				Decides: plusOnly, Plan: "plus", Name: "Plus", Ring: portal.AccountRing, Stages: stageV1}}},
		{"a rival that was left is none", append(freeActive(), freeEnding("op-leave", 3)), plusPlan, 4, []events.Fact{events.SubscriptionWanted{
			Decides: plusOnly, Plan: "plus", Name: "Plus", Ring: portal.AccountRing, Stages: stageV1}}},
		{"one more plan than a key can be in is refused, saying what to do", append(freeActive(), wantedToo("next"), wantedToo("far")),
			events.SubscribeRequested{Plan: "more", Name: "More"}, 9, []events.Fact{events.RequestRejected{
				Decides: events.Decides{Scopes: []portal.Scope{"plan/more"}}, Code: portal.LimitReached,
				Message: "A key can be in at most 3 plans. Leave one of them first, then subscribe to More, or ask the operator of this portal to have the quota raised."}}},
		{"one that would be refused anyway is told why, however old it is", append(freeActive(),
			said{events.RequestRejected{Decides: plusOnly, Code: portal.Conflict}, "op-b", 9}), plusPlan, 4, []events.Fact{events.RequestRejected{
			Decides: plusOnly, Code: portal.Conflict,
			Message: "Plus and Free are plans of the same API, and a key can hold only one of them. Change from Free to Plus, or leave Free first."}}},
		{"one older than the leaving is superseded", append(freeActive(), freeEnding("op-leave", 5)), freePlan, 4, superseded},
		{"an older one for what is so already is not superseded", append(freeActive(),
			said{events.RequestUnchanged{Decides: freeOnly}, "op-b", 9}), freePlan, 4,
			[]events.Fact{events.RequestUnchanged{Decides: freeOnly}}},
		{"one older than a decision over the whole account is superseded", []said{registered(),
			{events.RequestRejected{Decides: events.Decides{Scopes: []portal.Scope{portal.AccountScope}}, Code: portal.Forbidden}, "", 9}}, freePlan, 4, superseded},
	})
}

func TestAPlanThatNobodyCanSubscribeToIsRefused(t *testing.T) {
	t.Parallel()
	const text = "You can buy Free on AWS Marketplace only, not on this portal."
	check(t, unlessRefused(text, "free", Subscribing(scheme, limits, Rings{})), []decision{
		{"a new subscription is refused", []said{registered()}, freePlan, 2, []events.Fact{events.RequestRejected{
			Decides: freeOnly, Code: portal.Conflict, Message: text}}},
		{"a subscription from before stays", freeActive(), freePlan, 3, []events.Fact{events.RequestUnchanged{Decides: freeOnly}}},
		{"one on its way is joined", []said{registered(), keyWanted(), freeWanted("op-first", 2)}, freePlan, 3,
			[]events.Fact{events.RequestJoined{Decides: freeOnly, Link: wish(3), Plan: "free"}}},
		{"an account that never signed up is told that first", nil, freePlan, 1, []events.Fact{events.RequestRejected{
			Decides: freeOnly, Code: portal.NotRegistered, Message: "Register first: this account is not registered yet."}}},
	})
}

func TestUnsubscribing(t *testing.T) {
	t.Parallel()
	leave := events.UnsubscribeRequested{Plan: "free"}
	check(t, Unsubscribing, []decision{
		{"an active plan is to end", freeActive(), leave, 3,
			[]events.Fact{events.SubscriptionEnding{Decides: freeOnly, Plan: "free"}}},
		{"one that is only wanted is to end as well, and who waited for it is superseded",
			[]said{registered(), keyWanted(), freeWanted("op-first", 2), {events.RequestJoined{Decides: freeOnly, Link: wish(3), Plan: "free"}, "op-second", 3}}, leave, 4,
			[]events.Fact{
				events.RequestSuperseded{Link: wish(3)},
				events.SubscriptionEnding{Decides: freeOnly, Plan: "free"},
			}},
		{"a duplicate of one on its way joins it", append(freeActive(), freeEnding("op-leave", 3)), leave, 4,
			[]events.Fact{events.RequestJoined{Decides: freeOnly, Link: wish(7), Plan: "free"}}},
		{"a plan that is not held changes nothing", []said{registered()}, leave, 2,
			[]events.Fact{events.RequestUnchanged{Decides: freeOnly}}},
		{"one older than the subscribing is superseded", []said{registered(), keyWanted(), freeWanted("op-first", 7)}, leave, 6,
			[]events.Fact{events.RequestSuperseded{}}},
		{"one that arrives after a newer joined subscribing is superseded", []said{registered(), keyWanted(), freeWanted("op-first", 2),
			{events.RequestJoined{Decides: freeOnly, Link: wish(3), Plan: "free"}, "op-second", 8}}, leave, 6,
			[]events.Fact{events.RequestSuperseded{}}},
	})
}

func TestKeyRelease(t *testing.T) {
	t.Parallel()
	left := append(freeActive(), freeEnding("op-leave", 3), said{fact: events.KeyDetached{Link: wish(7), Key: "key1", Plan: "free"}},
		said{fact: events.SubscriptionEnded{Link: wish(7), Plan: "free"}})
	release := events.KeyReleaseRequested{Key: "key1", Emptied: 9}
	releasing := []events.Fact{events.KeyReleasing{Key: "key1"}}
	check(t, KeyRelease, []decision{
		{"a key whose ring is empty is released", left, release, 0, releasing},
		{"a duplicate leads to nothing", append(left, said{fact: events.KeyReleasing{Key: "key1"}}), release, 0, nil},
		{"one that was released stays so", append(left, said{fact: events.KeyReleasing{Key: "key1"}}, said{fact: events.KeyReleased{Link: wish(10), Key: "key1"}}), release, 0, nil},
		{"one that is in use again is kept", append(left, freeWanted("op-again", 4)), release, 0, nil},
		{"one that has been in use since is kept", append(left, freeWanted("op-again", 4), freeEnding("op-leave", 5), said{fact: events.SubscriptionEnded{Link: wish(11), Plan: "free"}}), release, 0, nil},
		{"one in use is kept", freeActive(), events.KeyReleaseRequested{Key: "key1"}, 0, nil},
		{"a key that the account does not have leads to nothing", left, events.KeyReleaseRequested{Key: "key2", Emptied: 9}, 0, nil},
	})
}

func TestCatalogDecisions(t *testing.T) {
	t.Parallel()
	published := state.Catalog{Hash: "h1", Sequence: 1}
	cases := []struct {
		name    string
		current state.Catalog
		hash    string
		op      portal.OperationID
		want    []events.Fact
	}{
		{"the first document is published", state.Catalog{}, "h1", "", []events.Fact{events.CatalogPublished{Hash: "h1", Products: 2}}},
		{"the same document leaves no trace", published, "h1", "", nil},
		{"the same document answers whoever asked", published, "h1", "op", []events.Fact{events.RequestUnchanged{}}},
		{"another document is published", published, "h2", "", []events.Fact{events.CatalogPublished{Hash: "h2", Products: 2}}},
		{"the same document after a failure says that the source is back", state.Catalog{Hash: "h1", Failing: "api-gateway"}, "h1", "",
			[]events.Fact{events.CatalogPublished{Hash: "h1", Products: 2}}},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			if diff := cmp.Diff(c.want, catalogPublished(c.current, c.hash, 2, c.op)); diff != "" {
				t.Errorf("decided (-want +got):\n%s", diff)
			}
		})
	}
}
