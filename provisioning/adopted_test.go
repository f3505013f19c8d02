package provisioning_test

import (
	"context"
	"slices"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb"

	"github.com/gatehouse-portal/gatehouse/due"
	"github.com/gatehouse-portal/gatehouse/events"
	"github.com/gatehouse-portal/gatehouse/gateway"
	"github.com/gatehouse-portal/gatehouse/portal"
	"github.com/gatehouse-portal/gatehouse/provisioning"
)

// adopted is an account that has taken over key1, which API Gateway knows as old1, in Free.
func adopted() []events.Fact {
	return append([]events.Fact{events.UserRegistered{}, events.KeyAdopted{Key: "key1", GatewayID: "old1", Ring: portal.AccountRing, Name: "Default key"}, freeWanted},
		append(attached("free", 3), events.KeyReady{Link: wish(2), Key: "key1"})...)
}

var keyGone = &gateway.Refused{Reason: gateway.KeyGone}

func TestAnAdoptedKeyIsAttachedUnderItsOwnIDAndNeverCreated(t *testing.T) {
	t.Parallel()
	b := newBench(t, adopted()[:3]...)
	if err := b.wake("w1"); err != nil {
		t.Fatal(err)
	}
	b.wantCalls("attach free old1")
	b.wantOutcomes(attached("free", 3), events.KeyReady{Link: wish(2), Key: "key1"})
}

func TestAnAdoptedKeyThatJoinsARingIsReadyOnceItIsInEveryPlan(t *testing.T) {
	t.Parallel()
	second := events.KeyAdopted{Key: "key2", GatewayID: "old2", Ring: portal.AccountRing, Name: "Default key"}
	for name, c := range map[string]struct {
		refusal error
		want    []events.Fact
	}{
		"it is there already": {nil, []events.Fact{events.KeyAttached{Link: wish(7), Key: "key2", Plan: "free"}, events.KeyReady{Link: wish(7), Key: "key2"}}},
		"API Gateway refuses the call, and the key does not end": {&gateway.Refused{Reason: gateway.Invalid}, []events.Fact{events.RequestRejected{
			Link: wish(7), Code: portal.Conflict, Message: "API Gateway does not accept the key for Free. The operator of this portal has to look into it.",
		}}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := newBench(t, append(adopted(), second)...)
			if c.refusal != nil {
				b.plane.answers["attach free old2"] = []error{c.refusal}
			}
			if err := b.wake("w1"); err != nil {
				t.Fatal(err)
			}
			b.wantCalls("attach free old2")
			b.wantOutcomes(c.want)
		})
	}
}

func TestARecheckLeavesNameAndCustomerOfAnAdoptedKey(t *testing.T) {
	t.Parallel()
	b := newBench(t, adopted()...)
	b.plane.holds, b.plane.name, b.plane.customer = []portal.PlanID{"free"}, "us-east-1:128d0a74-c82f-4553-916d-90053e4a8b0f/sub", "cust-1"
	if err := b.recheck("w1"); err != nil {
		t.Fatal(err)
	}
	b.wantCalls("look old1", "plans old1")
	b.wantOutcomes()
}

func TestAnAdoptedKeyThatSomebodyDeletedEnds(t *testing.T) {
	t.Parallel()
	lost := []any{events.KeyEnding{Key: "key1", Reason: events.EndLost}}
	t.Run("a recheck finds it", func(t *testing.T) {
		t.Parallel()
		b := newBench(t, adopted()...)
		b.plane.answers["look old1"], b.plane.answers["disable old1"] = []error{keyGone}, []error{keyGone}
		if err := b.recheck("w1"); err != nil {
			t.Fatal(err)
		}
		b.wantCalls("look old1", "plan free", "disable old1")
		b.wantOutcomes(append(lost, events.KeyEnded{Link: wish(7), Key: "key1"})...)
	})
	t.Run("it is gone before it is attached", func(t *testing.T) {
		t.Parallel()
		b := newBench(t, adopted()[:3]...)
		b.plane.answers["attach free old1"], b.plane.answers["disable old1"] = []error{keyGone}, []error{keyGone}
		if err := b.wake("w1"); err != nil {
			t.Fatal(err)
		}
		b.wantCalls("attach free old1", "disable old1")
		b.wantOutcomes(append(lost, events.KeyEnded{Link: wish(4), Key: "key1"}, events.SubscriptionActivated{Link: wish(3), Plan: "free"})...)
	})
}

func TestAnAdoptedKeyIsBlockedWithItsAccountAndEndsLikeOthers(t *testing.T) {
	t.Parallel()
	b := newBench(t, append(adopted(), events.AccountSuspended{Message: "Too many calls."})...)
	if err := b.wake("w1"); err != nil {
		t.Fatal(err)
	}
	b.say("op", events.AccountReinstated{})
	if err := b.wake("w2"); err != nil {
		t.Fatal(err)
	}
	b.say("op", events.KeyEnding{Key: "key1", Reason: events.EndRevoked})
	if err := b.wake("w3"); err != nil {
		t.Fatal(err)
	}
	b.say("op", events.KeyReleasing{Key: "key1"})
	if err := b.wake("w4"); err != nil {
		t.Fatal(err)
	}
	b.wantCalls("disable old1", "enable old1", "disable old1", "delete old1")
	b.plane.calls = nil
	if err := b.recheck("w5"); err != nil {
		t.Fatal(err)
	}
	b.wantCalls("plan free") // the plan has no key, and nothing makes this one again
}

func TestAnAdoptedKeyIsReplacedByADerivedOne(t *testing.T) {
	t.Parallel()
	b := newBench(t, append(adopted(), secondKey("key1"))...)
	if err := b.wake("w1"); err != nil {
		t.Fatal(err)
	}
	b.wantCalls("create key2", "attach free gw1")
	b.wantOutcomes(events.KeyCreated{Key: "key2", GatewayID: "gw1"}, events.KeyAttached{Link: wish(7), Key: "key2", Plan: "free"}, events.KeyReady{Link: wish(7), Key: "key2"})
}

func TestAnAdoptedKeyInNoPlanIsNotReleased(t *testing.T) {
	t.Parallel()
	b := newBench(t, append(adopted(), freeEnding)...)
	b.KeepIdleKeys = 1
	if err := b.wake("w1"); err != nil {
		t.Fatal(err)
	}
	b.wantOutcomes(detached("free", 7))
	out, err := b.tables.GetItem(t.Context(), &dynamodb.GetItemInput{TableName: &b.names.Records, Key: due.OfIdleKey(stream, "key1", 9, b.now, 1).Place().Attributes()})
	if err != nil || out.Item != nil {
		t.Errorf("a row has it released later: %v, %v", out.Item, err)
	}
}

// prefixed are listings by name, as API Gateway has them.
type prefixed struct {
	listings
	asked []string
}

func (p *prefixed) KeysPage(ctx context.Context, prefix, position string) ([]gateway.Listed, string, error) {
	p.asked = append(p.asked, prefix)
	named := p.listings
	named.keys = slices.DeleteFunc(slices.Clone(p.keys), func(k gateway.Listed) bool { return !strings.HasPrefix(k.Name, prefix) })
	return named.KeysPage(ctx, prefix, position)
}

func (p *prefixed) PlanKeysPage(ctx context.Context, plan portal.PlanID, prefix, position string) ([]gateway.Listed, string, error) {
	p.asked = append(p.asked, prefix)
	return p.listings.PlanKeysPage(ctx, plan, prefix, position)
}

func TestTheSweepKnowsAdoptedKeysByTheirIDs(t *testing.T) {
	t.Parallel()
	old := gateway.Listed{ID: "old1", Name: "us-east-1:128d0a74-c82f-4553-916d-90053e4a8b0f", Customer: "cust-1"}
	foreign := gateway.Listed{ID: "other", Name: "somebody else's"}
	inFree := map[portal.PlanID][]gateway.Listed{"free": {old, foreign}}
	for name, c := range map[string]struct {
		has  listings
		want []string
	}{
		"all is as it should be":               {listings{keys: []gateway.Listed{old, foreign}, attached: inFree}, nil},
		"somebody took it out of its plan":     {listings{keys: []gateway.Listed{old, foreign}}, []string{"account/acct1!"}},
		"somebody put it into another plan":    {listings{keys: []gateway.Listed{old}, attached: map[portal.PlanID][]gateway.Listed{"free": {old}, "next": {old}}}, []string{"account/acct1!"}},
		"somebody disabled it":                 {listings{keys: []gateway.Listed{{ID: "old1", Name: old.Name, Disabled: true}}, attached: inFree}, []string{"account/acct1!"}},
		"somebody deleted it":                  {listings{keys: []gateway.Listed{foreign}}, []string{"account/acct1!"}},
		"somebody renamed it, which is theirs": {listings{keys: []gateway.Listed{{ID: "old1", Name: "new name"}}, attached: inFree}, nil},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := newBench(t, adopted()...)
			from := &prefixed{listings: c.has}
			from.plans = []portal.PlanID{"free", "next"}
			sweep := b.sweep(from, shownTo(len(b.facts())))
			sweep.Adopted = func(context.Context) (map[portal.GatewayKeyID]provisioning.Owner, error) {
				return map[portal.GatewayKeyID]provisioning.Owner{"old1": {Account: account, Key: "key1"}}, nil
			}
			found := b.swept(sweep)
			if got := b.woken(); !slices.Equal(got, c.want) || found.Strays != 0 {
				t.Errorf("it woke %v and found %d strays, want %v", got, found.Strays, c.want)
			}
			if slices.Contains(from.asked, "g/") {
				t.Errorf("it asked for %q, and the key has another name", from.asked)
			}
		})
	}
}

func TestTheSweepListsOnlyItsOwnNamesInPlansWithoutAdoptedKeys(t *testing.T) {
	t.Parallel()
	b := newBench(t, active()...)
	from := &prefixed{listings: listings{keys: []gateway.Listed{listed("gw1", "g/acct1/key1")}, plans: []portal.PlanID{"free"}}}
	sweep := b.sweep(from, shownTo(len(b.facts())))
	sweep.Adopted = func(context.Context) (map[portal.GatewayKeyID]provisioning.Owner, error) { return nil, nil }
	b.swept(sweep)
	if !slices.Equal(from.asked, []string{"", "g/"}) {
		t.Errorf("it asked for %q", from.asked)
	}
}
