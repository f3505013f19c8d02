package handlers

import (
	"testing"

	"github.com/gatehouse-portal/gatehouse/adoptions"
	"github.com/gatehouse-portal/gatehouse/events"
	"github.com/gatehouse-portal/gatehouse/portal"
)

func oldKey(id portal.GatewayKeyID, plans ...events.MigratedPlan) events.AccountMigrationRequested {
	return events.AccountMigrationRequested{Key: &events.KeyToAdopt{GatewayID: id, Name: "Default key", Plans: plans}}
}

func TestMigration(t *testing.T) {
	t.Parallel()
	free, next := events.MigratedPlan{Plan: "free", Name: "Free", Stages: stageV1}, events.MigratedPlan{Plan: "next", Name: "Next", Stages: stageV2}
	opened := events.UserRegistered{Decides: events.Decides{Scopes: []portal.Scope{portal.RegistrationScope}}}
	key := func(id portal.GatewayKeyID, ring portal.Ring) events.KeyAdopted {
		return events.KeyAdopted{Key: adoptedKeyID(id), GatewayID: id, Ring: ring, Name: "Default key"}
	}
	wanted := func(plan events.MigratedPlan, ring portal.Ring) events.SubscriptionWanted {
		return events.SubscriptionWanted{Decides: events.Decides{Scopes: []portal.Scope{portal.PlanScope(plan.Plan)}}, Plan: plan.Plan, Name: plan.Name, Ring: ring, Stages: plan.Stages}
	}
	refused := func(code portal.Code, text string) []events.Fact {
		return []events.Fact{events.RequestRejected{Code: code, Message: text}}
	}
	migrated := []said{{fact: opened}, {fact: key("old1", portal.AccountRing)}, {fact: wanted(free, portal.AccountRing)}}
	check(t, Migration(""), []decision{
		{"the account opens and takes over the key with its plans", nil, oldKey("old1", free, next), 0,
			[]events.Fact{opened, key("old1", portal.AccountRing), wanted(free, portal.AccountRing), wanted(next, portal.AccountRing)}},
		{"a person without a key gets an account", nil, events.AccountMigrationRequested{}, 0, []events.Fact{opened}},
		{"a person with an account needs nothing", migrated, events.AccountMigrationRequested{}, 0, nil},
		{"a registration that waits is approved", []said{{fact: events.RegistrationPending{}}}, oldKey("old1"), 0,
			[]events.Fact{events.UserRegistered{Decides: opened.Decides, Link: wish(1)}, key("old1", portal.AccountRing)}},
		{"a disabled key stays so", []said{registered()}, events.AccountMigrationRequested{Key: &events.KeyToAdopt{GatewayID: "old1", Name: "Default key", Disabled: true}}, 0,
			[]events.Fact{events.KeyAdopted{Key: adoptedKeyID("old1"), GatewayID: "old1", Ring: portal.AccountRing, Name: "Default key", Disabled: true}}},
		{"a second key in the same plans joins the first", migrated, oldKey("old2", free), 0, []events.Fact{key("old2", portal.AccountRing)}},
		{"a second key in other plans has a ring of its own", migrated, oldKey("old2", next), 0,
			[]events.Fact{key("old2", portal.AdoptedRing("old2")), wanted(next, portal.AdoptedRing("old2"))}},
		{"a second key in one more plan is refused", migrated, oldKey("old2", free, next), 0, refused(portal.Conflict,
			"The account has another key in Free, and the two keys are not in the same plans. Put them into the same plans in API Gateway, or take this key out of Free, then run the migration again.")},
		{"a second key in no plan is refused", migrated, oldKey("old2"), 0, refused(portal.Conflict, "The account has another key, and this one is in no plan. Delete it in API Gateway if nobody needs it.")},
		{"the key of a person who has subscribed here stays apart", freeActive(), oldKey("old1", next), 0,
			[]events.Fact{key("old1", portal.AdoptedRing("old1")), wanted(next, portal.AdoptedRing("old1"))}},
		{"a plan that waits for an admin is approved with the key", []said{registered(), {fact: events.SubscriptionApprovalPending{Plan: "free", Name: "Free", Ring: portal.AccountRing}}}, oldKey("old1", free), 0,
			[]events.Fact{key("old1", portal.AdoptedRing("old1")), events.RequestSuperseded{Link: wish(2)}, wanted(free, portal.AdoptedRing("old1"))}},
		{"a suspended account takes over the key, which is blocked then", []said{registered(), {fact: events.AccountSuspended{}}}, oldKey("old1"), 0, []events.Fact{key("old1", portal.AccountRing)}},
		{"an account that is being deleted takes over nothing", []said{registered(), {fact: events.AccountDeleting{}}}, oldKey("old1"), 0,
			rejectAs(events.Decides{}, portal.AccountDeleting())},
		{"a hostile name is refused", []said{registered()}, events.AccountMigrationRequested{Key: &events.KeyToAdopt{GatewayID: "old1", Name: "a\nb"}}, 0,
			refused(portal.Invalid, "The name contains a line break or another control character. Choose a name on one line.")},
		{"a key in more plans than an append takes is refused", []said{registered()}, oldKey("old1", make([]events.MigratedPlan, 12)...), 0,
			refused(portal.Conflict, "The key is in 12 plans. At most 11 can be taken over.")},
	})
	check(t, Migration(account), []decision{
		{"a duplicate changes nothing", migrated, oldKey("old1", free), 0, nil},
		{"a later run does not bring back a plan that was left", append(migrated, said{fact: events.SubscriptionEnding{Plan: "free"}}), oldKey("old1", free), 0, nil},
		{"a later run does not bring back a key that has ended", append(migrated, said{fact: events.KeyEnding{Key: adoptedKeyID("old1")}}), oldKey("old1", free), 0, nil},
	})
	check(t, Migration("acct2"), []decision{
		{"a key in another person's name is refused", []said{registered()}, oldKey("old1", free), 0, refused(portal.Conflict, "Another account has taken over this key before.")},
	})
	check(t, KeyRelease, []decision{
		{"an adopted key is not released while its ring is empty", append(migrated,
			said{fact: events.SubscriptionEnding{Plan: "free"}}, said{fact: events.SubscriptionEnded{Link: wish(4), Plan: "free"}}),
			events.KeyReleaseRequested{Key: adoptedKeyID("old1"), Emptied: 5}, 0, nil},
	})
}

func TestOneOfTwoAccountsTakesOverAKeyAtTheSameTime(t *testing.T) {
	t.Parallel()
	d := newFixture(t)
	rows := adoptions.NewStore(d.tables.Client, d.tables.Records, clock)
	by := func(c *Config) { c.AdoptedBy = rows.Owner }
	request := func(of portal.AccountID) events.Event {
		msg := ask("", 0, oldKey("old1", events.MigratedPlan{Plan: "free", Name: "Free"}))
		msg.ID, msg.Subject = "migrate-"+string(of), portal.AccountStream(of)
		return msg
	}
	other := d.beside(by)
	first := d.beside(by, func(c *Config) {
		c.Journal = overtaken{d.journal, once(func() {
			if err := deliver(t.Context(), other, request("acct2")); err != nil {
				t.Error(err)
			}
		})}
	})
	if err := deliver(t.Context(), first, request(account)); err != nil {
		t.Fatal(err)
	}
	opened := events.UserRegistered{Decides: events.Decides{Scopes: []portal.Scope{portal.RegistrationScope}}}
	holds(t, d.facts(), opened, events.RequestRejected{Code: portal.Conflict, Message: "Another account has taken over this key before."})
	if facts := d.stream(portal.AccountStream("acct2")); len(facts) != 3 {
		t.Errorf("the other account has %d facts, want that it took over the key with its plan", len(facts))
	}
	owner, err := rows.Owner(t.Context(), "old1")
	if err != nil || owner != "acct2" {
		t.Errorf("the key is %q's: %v", owner, err)
	}
}

func TestTheRowOfAWaitingKeyGoesWithTheDecision(t *testing.T) {
	t.Parallel()
	d := newFixture(t)
	rows := adoptions.NewStore(d.tables.Client, d.tables.Records, clock)
	if err := rows.AddWaiting(t.Context(), "Ada@example.com", *oldKey("old1").Key); err != nil {
		t.Fatal(err)
	}
	waiting, err := rows.Waiting(t.Context(), "ada@EXAMPLE.com")
	if err != nil || len(waiting) != 1 {
		t.Fatalf("waiting are %+v, %v", waiting, err)
	}
	msg := ask("", 0, events.AccountMigrationRequested{Key: &waiting[0]})
	msg.ID = "migrate"
	d.handle(msg, msg)
	if waiting, err := rows.Waiting(t.Context(), "ada@example.com"); err != nil || len(waiting) != 0 {
		t.Errorf("after the decision waiting are %+v, %v", waiting, err)
	}
	if got := len(d.facts()); got != 2 {
		t.Errorf("two deliveries lead to %d facts, want 2", got)
	}
}
