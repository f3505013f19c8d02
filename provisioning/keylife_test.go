package provisioning_test

import (
	"errors"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/google/go-cmp/cmp"

	"github.com/gatehouse-portal/gatehouse/due"
	"github.com/gatehouse-portal/gatehouse/events"
	"github.com/gatehouse-portal/gatehouse/gateway"
	"github.com/gatehouse-portal/gatehouse/leases"
	"github.com/gatehouse-portal/gatehouse/portal"
)

// active is an account with key1 in Free.
func active() []events.Fact {
	return append([]events.Fact{events.UserRegistered{}, keyWanted, freeWanted, keyCreated}, attached("free", 3)...)
}

func secondKey(replaces portal.KeyID) events.KeyWanted {
	return events.KeyWanted{Key: "key2", Ring: portal.AccountRing, Name: "CI", Scheme: "v1", KMSKey: "k", Requested: true, Replaces: replaces}
}

func TestAKeyThatSomebodyAskedForIsReadyWithItsLastPlan(t *testing.T) {
	t.Parallel()
	b := newBench(t, append(active(), nextWanted, events.KeyAttached{Link: wish(7), Key: "key1", Plan: "next"}, events.SubscriptionActivated{Link: wish(7), Plan: "next"}, secondKey(""))...)
	b.plane.suffix = "b"
	if err := b.wake("w1"); err != nil {
		t.Fatal(err)
	}
	b.wantCalls("create key2", "attach free gw1b", "attach next gw1b")
	b.wantOutcomes(events.KeyCreated{Key: "key2", GatewayID: "gw1b"}, events.KeyAttached{Link: wish(10), Key: "key2", Plan: "free"},
		events.KeyAttached{Link: wish(10), Key: "key2", Plan: "next"}, events.KeyReady{Link: wish(10), Key: "key2"})
}

func TestAKeyOfARingWithoutPlansIsReadyAtOnceAndNotCreated(t *testing.T) {
	t.Parallel()
	b := newBench(t, events.UserRegistered{}, secondKey(""))
	if err := b.wake("w1"); err != nil {
		t.Fatal(err)
	}
	b.wantCalls()
	b.wantOutcomes(events.KeyReady{Link: wish(2), Key: "key2"})
}

func TestAnEndingKeyIsDisabledAndKeptForItsUsage(t *testing.T) {
	t.Parallel()
	b := newBench(t, append(active(), events.KeyEnding{Key: "key1", Reason: events.EndRevoked})...)
	b.KeepEndedKeys = 30 * time.Hour
	if err := b.wake("w1"); err != nil {
		t.Fatal(err)
	}
	b.wantCalls("disable gw1")
	b.wantOutcomes(events.KeyEnded{Link: wish(7), Key: "key1"})
	b.wantDue(due.OfKeyRemoval(stream, "key1", 8, b.now, 30*time.Hour))
}

// wantDue checks that the row is stored at its place.
func (b *bench) wantDue(row due.Row) {
	b.t.Helper()
	out, err := b.tables.GetItem(b.t.Context(), &dynamodb.GetItemInput{TableName: &b.names.Records, Key: row.Place().Attributes()})
	if err != nil || out.Item == nil {
		b.t.Errorf("there is no %s row at %s: %v", row.Kind, row.At(), err)
	}
}

func (b *bench) recheck(id string) error {
	return b.Handle(b.t.Context(), events.Event{ID: id, Subject: stream, Data: events.ProvisionRequested{Recheck: true}})
}

func TestALeakedKeyIsDisabledBeforeItsReplacementIsMade(t *testing.T) {
	t.Parallel()
	b := newBench(t, append(active(), events.KeyEnding{Key: "key1", Reason: events.EndLeaked}, secondKey("key1"))...)
	b.plane.suffix = "b"
	b.plane.answers["disable gw1"] = []error{throttle}
	if err := b.wake("w1"); err == nil {
		t.Fatal("the throttled call counts as done")
	}
	b.wantCalls("disable gw1")
	if err := b.wake("w2"); err != nil {
		t.Fatal(err)
	}
	b.wantCalls("disable gw1", "disable gw1", "create key2", "attach free gw1b")
}

func TestAnEndingKeyThatIsGoneHasEnded(t *testing.T) {
	t.Parallel()
	b := newBench(t, append(active(), events.KeyEnding{Key: "key1", Reason: events.EndRevoked})...)
	b.plane.answers["disable gw1"] = []error{&gateway.Refused{Reason: gateway.KeyGone, Err: errors.New("404")}}
	if err := b.wake("w1"); err != nil {
		t.Fatal(err)
	}
	b.wantOutcomes(events.KeyEnded{Link: wish(7), Key: "key1"})
}

func TestAnEndingKeyThatMayExistIsLookedForAndDisabled(t *testing.T) {
	t.Parallel()
	b := newBench(t, events.UserRegistered{}, keyWanted, freeWanted, events.KeyEnding{Key: "key1", Reason: events.EndRevoked})
	b.AccountLeases = fixedLease{lease: leases.AccountLease{LastUnrecorded: b.now.Add(-time.Minute)}}
	b.plane.there = "gw9"
	if err := b.wake("w1"); err != nil {
		t.Fatal(err)
	}
	b.wantCalls("find key1", "disable gw9")
}

func TestASuspensionDisablesAndReinstatingEnablesThoseThatWereLive(t *testing.T) {
	t.Parallel()
	b := newBench(t, append(active(), secondKey(""), events.KeyCreated{Key: "key2", GatewayID: "gw2"}, events.KeyAttached{Link: wish(7), Key: "key2", Plan: "free"},
		events.KeyReady{Link: wish(7), Key: "key2"}, events.KeyObserved{Key: "key2"}, events.AccountSuspended{Message: "Too many calls."})...)
	if err := b.wake("w1"); err != nil {
		t.Fatal(err)
	}
	b.wantCalls("disable gw1", "disable gw2")
	b.wantOutcomes(events.KeyBlocked{Key: "key1"}, events.KeyBlocked{Key: "key2"}, events.AccountKeysSwitched{Link: wish(12)})
	b.say("op2", events.AccountReinstated{})
	if err := b.wake("w2"); err != nil {
		t.Fatal(err)
	}
	b.wantCalls("disable gw1", "disable gw2", "enable gw1") // an operator had disabled gw2
	b.wantOutcomes(events.KeyBlocked{Key: "key1"}, events.KeyBlocked{Key: "key2"}, events.AccountKeysSwitched{Link: wish(12)},
		events.KeyUnblocked{Key: "key1"}, events.KeyUnblocked{Key: "key2"}, events.AccountKeysSwitched{Link: wish(16)})
}

func TestASuspendedAccountGetsNoKey(t *testing.T) {
	t.Parallel()
	b := newBench(t, events.UserRegistered{}, keyWanted, freeWanted, events.AccountSuspended{Message: "Too many calls."})
	if err := b.wake("w1"); err != nil {
		t.Fatal(err)
	}
	b.wantCalls()
	waits := []any{events.AccountKeysSwitched{Link: wish(4)}, events.WishParked{Link: wish(3), Reason: events.WaitingForReinstatement}}
	b.wantOutcomes(waits...)
	if err := b.wake("w2"); err != nil {
		t.Fatal(err)
	}
	b.wantOutcomes(waits...)
	b.say("op2", events.AccountReinstated{})
	if err := b.wake("w3"); err != nil {
		t.Fatal(err)
	}
	b.wantCalls("create key1", "attach free gw1")
	b.wantOutcomes(append(waits, events.KeyCreated{Key: "key1", GatewayID: "gw1"}, events.KeyAttached{Link: wish(3), Key: "key1", Plan: "free"},
		events.SubscriptionActivated{Link: wish(3), Plan: "free"}, events.AccountKeysSwitched{Link: wish(7)})...)
}

func TestAKeyThatAPIGatewayDoesNotAcceptEndsAndTheOldOneStays(t *testing.T) {
	t.Parallel()
	soon := time.Date(2026, 11, 22, 10, 0, 0, 0, time.UTC)
	b := newBench(t, append(active(), secondKey("key1"), events.KeyEndScheduled{Key: "key1", Ends: &soon, Reason: events.EndRotated})...)
	b.plane.answers["create key2"] = []error{&gateway.Refused{Reason: gateway.Invalid, Err: errors.New("400")}}
	if err := b.wake("w1"); err != nil {
		t.Fatal(err)
	}
	b.wantCalls("create key2", "find key2")
	b.wantOutcomes(events.RequestRejected{Link: wish(7), Code: portal.Conflict, Message: "API Gateway does not accept the key for Free. The operator of this portal has to look into it."},
		events.KeyEnding{Key: "key2", Reason: events.EndRefused}, events.KeyEndScheduled{Key: "key1", Reason: events.EndRotated}, events.KeyEnded{Link: wish(10), Key: "key2"})
}

func TestAnEndedKeyThatSomebodyEnablesIsDisabledAgain(t *testing.T) {
	t.Parallel()
	b := newBench(t, append(active(), events.KeyEnding{Key: "key1", Reason: events.EndRevoked}, events.KeyEnded{Link: wish(7), Key: "key1"})...)
	b.plane.holds = []portal.PlanID{"free"}
	if err := b.recheck("w1"); err != nil {
		t.Fatal(err)
	}
	b.wantCalls("look gw1", "plan free", "disable gw1")
	b.wantOutcomes()
	b.plane.disabled = true
	if err := b.recheck("w2"); err != nil {
		t.Fatal(err)
	}
	b.wantCalls("look gw1", "plan free", "disable gw1", "look gw1", "plan free")
	b.wantOutcomes()
}

func TestAnOldKeyWhoseTimeHasPassedEndsWhenTheNewOneIsReady(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		ends  time.Duration
		wants bool
	}{"its time has passed": {-time.Second, true}, "it has time left": {time.Second, false}} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			ends := time.Date(2026, 11, 22, 9, 0, 0, 0, time.UTC).Add(c.ends)
			b := newBench(t, append(active(), secondKey("key1"), events.KeyEndScheduled{Key: "key1", Ends: &ends, Reason: events.EndRotated})...)
			if err := b.wake("w1"); err != nil {
				t.Fatal(err)
			}
			var asked []events.Payload
			for _, message := range b.sent.sent {
				if _, fact := message.Fact(); !fact {
					asked = append(asked, message.Data)
				}
			}
			var want []events.Payload
			if c.wants {
				want = []events.Payload{events.KeyEndRequested{Key: "key1", Due: &ends}}
			}
			if diff := cmp.Diff(want, asked); diff != "" {
				t.Errorf("asked (-want +got):\n%s", diff)
			}
		})
	}
}

// rotating is an account with key1 in Free, which key2 replaces; both work until then.
func rotating(ends time.Time) []events.Fact {
	return append(active(), secondKey("key1"), events.KeyEndScheduled{Key: "key1", Ends: &ends, Reason: events.EndRotated})
}

func TestASuspensionDuringARotationEndsWithExactlyTheKeysThatWereLive(t *testing.T) {
	t.Parallel()
	ends := time.Date(2026, 11, 22, 10, 0, 0, 0, time.UTC)
	ready := []events.Fact{events.KeyCreated{Key: "key2", GatewayID: "gw2"}, events.KeyAttached{Link: wish(7), Key: "key2", Plan: "free"}, events.KeyReady{Link: wish(7), Key: "key2"}}
	suspended := events.AccountSuspended{Message: "Too many calls."}
	for name, c := range map[string]struct {
		given, meanwhile []events.Fact
		suspends, later  []string
	}{
		"both, if the overlap lasts": {append(rotating(ends), append(ready, suspended)...), nil,
			[]string{"disable gw1", "disable gw2"}, []string{"enable gw1", "enable gw2"}},
		"the new one, if the overlap ended meanwhile": {append(rotating(ends), append(ready, suspended)...), []events.Fact{events.KeyEnding{Key: "key1", Reason: events.EndRotated}},
			[]string{"disable gw1", "disable gw2"}, []string{"disable gw1", "enable gw2"}},
		"the old one and the one that waited": {append(rotating(ends), suspended), nil,
			[]string{"disable gw1"}, []string{"create key2", "attach free gw1b", "enable gw1"}},
		"none that was revoked meanwhile": {append(rotating(ends), append(ready, suspended)...), []events.Fact{
			events.KeyEnding{Key: "key1", Reason: events.EndRotated}, events.KeyEnding{Key: "key2", Reason: events.EndRevoked}},
			[]string{"disable gw1", "disable gw2"}, []string{"disable gw1", "disable gw2"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := newBench(t, c.given...)
			b.plane.suffix = "b"
			if err := b.wake("w1"); err != nil {
				t.Fatal(err)
			}
			b.wantCalls(c.suspends...)
			b.plane.calls = nil
			b.say("op-reinstate", append(c.meanwhile, events.AccountReinstated{})...)
			if err := b.wake("w2"); err != nil {
				t.Fatal(err)
			}
			b.wantCalls(c.later...)
			if err := b.wake("w3"); err != nil {
				t.Fatal(err)
			}
			b.wantCalls(c.later...)
		})
	}
}
