package provisioning_test

import (
	"testing"

	"github.com/gatehouse-portal/gatehouse/events"
	"github.com/gatehouse-portal/gatehouse/gateway"
	"github.com/gatehouse-portal/gatehouse/portal"
)

const legacyRing = portal.Ring("legacy/prod/cust")

// bought are the facts of a buyer's key and plan, in that ring.
func bought(ring portal.Ring) []events.Fact {
	return []events.Fact{
		events.UserRegistered{}, events.KeyWanted{Key: "key1", Ring: ring, Name: "Key for Pro", Scheme: "v1", KMSKey: "k"},
		events.SubscriptionWanted{Plan: "pro", Name: "Pro", Ring: ring, Stages: v1},
	}
}

func paidAttached(ring portal.Ring) []events.Fact {
	return []events.Fact{
		events.KeyAttached{Link: wish(3), Key: "key1", Plan: "pro"}, events.SubscriptionActivated{Link: wish(3), Plan: "pro", Payer: events.PaidBy(ring)},
	}
}

func TestAKeyOfAnOlderListingHasItsCustomerBeforeItIsAttached(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		ring  portal.Ring
		plane plane
		calls []string
	}{
		"the key is made with the customer":       {legacyRing, plane{customer: "cust"}, []string{"create key1 cust", "look gw1", "attach pro gw1"}},
		"the key exists without a customer":       {legacyRing, plane{}, []string{"create key1 cust", "look gw1", `customer gw1 "cust"`, "attach pro gw1"}},
		"the key exists with another customer":    {legacyRing, plane{customer: "other"}, []string{"create key1 cust", "look gw1", `customer gw1 "cust"`, "attach pro gw1"}},
		"the key of a newer listing has none":     {"licence/l-1", plane{}, []string{"create key1", "attach pro gw1"}},
		"the key of the account's plans has none": {portal.AccountRing, plane{}, []string{"create key1", "attach pro gw1"}},
		"the key of a plan of its own has none":   {"plan/pro", plane{}, []string{"create key1", "attach pro gw1"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b, crowd := newCrowd(t, bought(c.ring)...)
			b.plane.customer = c.plane.customer
			if c.ring != legacyRing {
				b.Bulk = nil
			}
			if err := b.wake("w1"); err != nil {
				t.Fatal(err)
			}
			b.wantCalls(c.calls...)
			if len(crowd.asked) > 0 {
				t.Errorf("an import was asked for %+v", crowd.asked)
			}
			b.wantOutcomes(append([]events.Fact{keyCreated}, paidAttached(c.ring)...))
		})
	}
}

func TestAKeyWhoseCustomerCannotBeSetIsNotAttached(t *testing.T) {
	t.Parallel()
	for name, call := range map[string]string{"the key cannot be read": "look gw1", "the key cannot be changed": `customer gw1 "cust"`} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := newBench(t, append(bought(legacyRing), keyCreated)...)
			b.plane.answers[call] = []error{throttle}
			if err := b.wake("w1"); err == nil {
				t.Error("it succeeds")
			}
			for _, made := range b.plane.calls {
				if made == "attach pro gw1" {
					t.Errorf("it was attached: %q", b.plane.calls)
				}
			}
			if err := b.wake("w2"); err != nil {
				t.Fatal(err)
			}
			if last := b.plane.calls[len(b.plane.calls)-1]; last != "attach pro gw1" {
				t.Errorf("the retry ends with %s", last)
			}
		})
	}
}

func TestARecheckMendsTheCustomerOfAKey(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		ring   portal.Ring
		is     string
		answer error
		mends  string
	}{
		"a missing customer":                            {legacyRing, "", nil, `customer gw1 "cust"`},
		"a wrong customer":                              {legacyRing, "other", nil, `customer gw1 "cust"`},
		"a customer that a key of the account has":      {portal.AccountRing, "other", nil, `customer gw1 ""`},
		"a right customer is left alone":                {legacyRing, "cust", nil, ""},
		"a key that is deleted meanwhile is no failure": {legacyRing, "", &gateway.Refused{Reason: gateway.KeyGone}, `customer gw1 "cust"`},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := newBench(t, append(append(bought(c.ring), keyCreated), paidAttached(c.ring)...)...)
			b.plane.customer, b.plane.holds = c.is, []portal.PlanID{"pro"}
			b.plane.answers[c.mends] = []error{c.answer}
			if err := b.recheck("w1"); err != nil {
				t.Fatal(err)
			}
			want := []string{"look gw1", "plans gw1"}
			if c.mends != "" {
				want = []string{"look gw1", c.mends, "plans gw1"}
			}
			b.wantCalls(want...)
		})
	}
}

func TestAnEndedKeyKeepsTheCustomerThatItHas(t *testing.T) {
	t.Parallel()
	b := newBench(t, append(append(bought(legacyRing), keyCreated), paidAttached(legacyRing)...)...)
	b.say("end", events.KeyEnding{Key: "key1"}, events.KeyEnded{Link: wish(7), Key: "key1"})
	b.plane.disabled = true
	if err := b.recheck("w1"); err != nil {
		t.Fatal(err)
	}
	b.wantCalls("look gw1", "plan pro")
}
