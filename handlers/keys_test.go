package handlers

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/google/go-cmp/cmp"

	"github.com/gatehouse-portal/gatehouse/due"
	"github.com/gatehouse-portal/gatehouse/events"
	"github.com/gatehouse-portal/gatehouse/journal"
	"github.com/gatehouse-portal/gatehouse/portal"
	"github.com/gatehouse-portal/gatehouse/schema"
	"github.com/gatehouse-portal/gatehouse/state"
	"github.com/gatehouse-portal/gatehouse/state/statetest"
)

var (
	keyClock         = func() time.Time { return time.Date(2026, 11, 22, 9, 0, 0, 0, time.UTC) }
	inAnHour         = keyClock().Add(time.Hour)
	tomorrow         = keyClock().Add(24 * time.Hour)
	newID            = portal.KeyID(portal.DeriveID("key", string(account), "op-new"))
	onKey1           = events.Decides{Scopes: []portal.Scope{"key/key1"}}
	suspendedRefusal = portal.AccountSuspended("Unpaid bills.")
	onName1          = events.Decides{Scopes: []portal.Scope{"key-name/key1"}}
)

func key2(replaces portal.KeyID) said {
	return said{events.KeyWanted{Key: "key2", Ring: portal.AccountRing, Name: "CI", Scheme: "v1", KMSKey: scheme.KMSKey, Requested: true, Replaces: replaces}, "op-key2", 3}
}

func key2Ready() said { return said{fact: events.KeyReady{Link: wish(7), Key: "key2"}} }

func key1Ends(at time.Time, reason events.EndReason, intent portal.Intent) said {
	return said{events.KeyEndScheduled{Decides: onKey1, Key: "key1", Ends: &at, Reason: reason}, "op-ends", intent}
}

func key1Ending() said { return said{fact: events.KeyEnding{Key: "key1", Reason: events.EndRevoked}} }
func key1Ended() said  { return said{fact: events.KeyEnded{Link: wish(7), Key: "key1"}} }

// active returns what makes the account use Free with key1, and those facts.
func active(more ...said) []said { return append(freeActive(), more...) }

func refusedKey(decides events.Decides, code portal.Code, message string) []events.Fact {
	return []events.Fact{events.RequestRejected{Decides: decides, Code: code, Message: message}}
}

func TestKeyCreation(t *testing.T) {
	t.Parallel()
	wanted := func(name string, ends *time.Time) []events.Fact {
		return []events.Fact{events.KeyWanted{Key: newID, Ring: portal.AccountRing, Name: name, Scheme: "v1", KMSKey: scheme.KMSKey, Requested: true, Ends: ends}}
	}
	past, year6 := keyClock().Add(-time.Second), keyClock().AddDate(6, 0, 0)
	check(t, KeyCreation(scheme, Rings{Keys: 2}, keyClock), []decision{
		{"a second key is wanted, with the name's spaces removed", active(), events.KeyRequested{Name: "  CI "}, 3, wanted("CI", nil)},
		{"a key may have an expiry, an emoji and a name written from right to left", active(), events.KeyRequested{Name: "🚢 مفتاح", Ends: &tomorrow}, 3, wanted("🚢 مفتاح", &tomorrow)},
		{"an account without a plan gets a key for later", []said{registered()}, events.KeyRequested{Name: "CI"}, 2, wanted("CI", nil)},
		{"an account that never signed up is refused", nil, events.KeyRequested{Name: "CI"}, 1,
			refusedKey(events.Decides{}, portal.NotRegistered, "Register first: this account is not registered yet.")},
		{"a suspended account is refused", active(suspended()), events.KeyRequested{Name: "CI"}, 3,
			refusedKey(events.Decides{}, suspendedRefusal.Code, suspendedRefusal.Message)},
		{"one key too many is refused", active(key2("")), events.KeyRequested{Name: "Third"}, 4,
			refusedKey(events.Decides{}, portal.LimitReached, "You can have at most 2 keys here. Revoke one before you create another one.")},
		{"a key that has ended makes room", active(key2(""), key1Ending()), events.KeyRequested{Name: "Third"}, 4, wanted("Third", nil)},
		{"a key that another one replaces makes room", active(key2("key1"), key1Ends(inAnHour, events.EndRotated, 3)), events.KeyRequested{Name: "Third"}, 4, wanted("Third", nil)},
		{"a name of 10,000 characters is refused", active(), events.KeyRequested{Name: strings.Repeat("x", 10_000)}, 3,
			refusedKey(events.Decides{}, portal.Invalid, "The name is longer than 100 characters. Choose a shorter one.")},
		{"an expiry in the past is refused", active(), events.KeyRequested{Name: "CI", Ends: &past}, 3,
			refusedKey(events.Decides{}, portal.Invalid, "The key cannot end in the past. Choose a time in the future.")},
		{"an expiry in six years is refused", active(), events.KeyRequested{Name: "CI", Ends: &year6}, 3,
			refusedKey(events.Decides{}, portal.Invalid, "The key can end in at most 5 years. Choose an earlier time.")},
		{"a ring that no plan uses is refused", active(), events.KeyRequested{Name: "CI", Ring: "plan/next"}, 3,
			refusedKey(events.Decides{}, portal.Conflict, "Subscribe to the plan first: each plan has keys of its own.")},
	})
	bought := func(licences ...portal.Stream) []said {
		facts := []said{registered()}
		for _, licence := range licences {
			facts = append(facts,
				said{events.LicenceAccessSet{Licence: licence, Sequence: 4, HasAccess: true, Plan: "pro"}, "op-buy", 2},
				said{events.SubscriptionWanted{Plan: "pro", Name: "Pro", Ring: portal.LicenceRing(licence)}, "op-buy", 2})
		}
		return facts
	}
	of := func(licence portal.Stream) []events.Fact {
		return []events.Fact{events.KeyWanted{Key: newID, Ring: portal.LicenceRing(licence), Name: "CI", Scheme: "v1", KMSKey: scheme.KMSKey, Requested: true}}
	}
	over := append(bought("licence/l-1"), said{events.LicenceAccessSet{Licence: "licence/l-1", Sequence: 5, Plan: "pro"}, "op-end", 3},
		said{events.SubscriptionEnding{Plan: "pro", Payer: events.Payer{Licence: "licence/l-1"}}, "op-end", 3}, said{events.SubscriptionEnded{Plan: "pro", Payer: events.Payer{Licence: "licence/l-1"}}, "op-end", 3})
	given := append(slices.Clone(over), said{events.LicenceAccessSet{Licence: "licence/l-1", Sequence: 6, Plan: "pro", Released: true}, "op-end", 3})
	for _, rings := range []Rings{{Keys: 2}, {Keys: 2, PerPlan: true}} {
		check(t, KeyCreation(scheme, rings, keyClock), []decision{
			{"of two purchases of a plan, the key goes to the one that is named", bought("licence/l-1", "licence/l-2"), events.KeyRequested{Name: "CI", Ring: "licence/l-2"}, 3, of("licence/l-2")},
			{"a purchase of an older listing gets a key, too", bought("legacy/code/customer"), events.KeyRequested{Name: "CI", Ring: "legacy/code/customer"}, 3, of("legacy/code/customer")},
			{"another account's purchase is refused", bought("licence/l-1"), events.KeyRequested{Name: "CI", Ring: "licence/l-9"}, 3,
				refusedKey(events.Decides{}, portal.NotFound, "Your account has no such purchase.")},
			{"a purchase that the account has given up is refused", given, events.KeyRequested{Name: "CI", Ring: "licence/l-1"}, 4,
				refusedKey(events.Decides{}, portal.NotFound, "Your account has no such purchase.")},
			{"a purchase that has ended is refused", over, events.KeyRequested{Name: "CI", Ring: "licence/l-1"}, 4,
				refusedKey(events.Decides{}, portal.Conflict, "This purchase is not active, so it can have no new key.")},
		})
	}
	check(t, KeyCreation(scheme, Rings{}, keyClock), []decision{
		{"with one key to a ring, a second one is refused", active(), events.KeyRequested{Name: "CI"}, 3,
			refusedKey(events.Decides{}, portal.LimitReached, "You can have one key here. Rotate it to replace it, or revoke it before you create another one.")},
	})
}

func TestKeyRenaming(t *testing.T) {
	t.Parallel()
	check(t, KeyRenaming, []decision{
		{"the key has another name", active(), events.KeyRenameRequested{Key: "key1", Name: "CI"}, 3,
			[]events.Fact{events.KeyRenamed{Decides: onName1, Key: "key1", Name: "CI"}}},
		{"the same name changes nothing", active(), events.KeyRenameRequested{Key: "key1", Name: "Default key "}, 3,
			[]events.Fact{events.RequestUnchanged{Decides: onName1}}},
		{"an older name that arrives late is superseded", active(said{events.KeyRenamed{Decides: onName1, Key: "key1", Name: "New"}, "op-name", 9}),
			events.KeyRenameRequested{Key: "key1", Name: "Old"}, 3, []events.Fact{events.RequestSuperseded{}}},
		{"an unknown key is refused", active(), events.KeyRenameRequested{Key: "key9", Name: "CI"}, 3,
			refusedKey(events.Decides{Scopes: []portal.Scope{"key-name/key9"}}, portal.NotFound, "There is no such key.")},
		{"a key that has ended keeps its name", active(key1Ending()), events.KeyRenameRequested{Key: "key1", Name: "CI"}, 3,
			refusedKey(onName1, portal.Conflict, "Default key has ended, so it keeps its name.")},
		{"a name on two lines is refused", active(), events.KeyRenameRequested{Key: "key1", Name: "a\nb"}, 3,
			refusedKey(onName1, portal.Invalid, "The name contains a line break or another control character. Choose a name on one line.")},
	})
}

func TestKeyRotation(t *testing.T) {
	t.Parallel()
	replacement := func(ends *time.Time) events.KeyWanted {
		return events.KeyWanted{Decides: onKey1, Key: newID, Ring: portal.AccountRing, Name: "Default key", Scheme: "v1", KMSKey: scheme.KMSKey, Requested: true, Replaces: "key1", Ends: ends}
	}
	until := func(at time.Time) events.KeyEndScheduled {
		return events.KeyEndScheduled{Decides: onKey1, Key: "key1", Ends: &at, Reason: events.EndRotated}
	}
	hour := events.KeyRotationRequested{Key: "key1", Overlap: 3600}
	leaked := events.KeyRotationRequested{Key: "key1", Leaked: true}
	longest := keyClock().Add(portal.MaxKeyExpiry)
	year := events.KeyRotationRequested{Key: "key1", Overlap: int64(365 * 24 * time.Hour / time.Second)}
	check(t, KeyRotation(scheme, Rings{}, keyClock), []decision{
		{"a new key replaces the old one, which works an hour longer", active(), hour, 3, []events.Fact{replacement(nil), until(inAnHour)}},
		{"without an overlap the old key ends now", active(), events.KeyRotationRequested{Key: "key1"}, 3, []events.Fact{replacement(nil), until(keyClock())}},
		{"30 days are the longest overlap", active(), events.KeyRotationRequested{Key: "key1", Overlap: 2592000}, 3, []events.Fact{replacement(nil), until(keyClock().Add(portal.MaxKeyOverlap))}},
		{"an overlap of a year is refused", active(), year, 3,
			refusedKey(onKey1, portal.Invalid, "The old key can work for 0 seconds to 30 days longer. Choose an overlap in that range.")},
		{"a negative overlap is refused", active(), events.KeyRotationRequested{Key: "key1", Overlap: -1}, 3,
			refusedKey(onKey1, portal.Invalid, "The old key can work for 0 seconds to 30 days longer. Choose an overlap in that range.")},
		{"a leaked key with an overlap is refused", active(), events.KeyRotationRequested{Key: "key1", Leaked: true, Overlap: 3600}, 3,
			refusedKey(onKey1, portal.Invalid, "A key that has leaked ends at once, so it has no overlap. Leave out either overlap or leaked.")},
		{"a leaked key ends first", active(), leaked, 3, []events.Fact{events.KeyEnding{Decides: onKey1, Key: "key1", Reason: events.EndLeaked}, replacement(nil)}},
		{"the new key lives as long as the old one was to, but no longer than five years, and the old one no longer than before", active(key1Ends(inAnHour, events.EndExpired, 3)),
			events.KeyRotationRequested{Key: "key1", Overlap: 7200}, 4, []events.Fact{replacement(&longest), until(inAnHour)}},
		{"a second rotation at once is refused", active(key2("key1"), key1Ends(inAnHour, events.EndRotated, 3)), hour, 4,
			refusedKey(onKey1, portal.Conflict, "Default key is being replaced already. You can end it now, or change when it ends.")},
		{"a key that is being replaced and has leaked only ends", active(key2("key1"), key1Ends(inAnHour, events.EndRotated, 3)), leaked, 4,
			[]events.Fact{events.KeyEnding{Decides: onKey1, Key: "key1", Reason: events.EndLeaked}}},
		{"a key that is not ready is refused", active(key2("")), events.KeyRotationRequested{Key: "key2", Overlap: 60}, 4,
			refusedKey(events.Decides{Scopes: []portal.Scope{"key/key2"}}, portal.Conflict, "CI is still being created. Wait until it is ready, then rotate it.")},
		{"a new key is not replaced while the old one still works", active(key2("key1"), key1Ends(inAnHour, events.EndRotated, 3), key2Ready()),
			events.KeyRotationRequested{Key: "key2", Overlap: 60}, 4, refusedKey(events.Decides{Scopes: []portal.Scope{"key/key2"}}, portal.LimitReached,
				"An earlier rotation is not over: the old key still works. End the old key first, then rotate again.")},
		{"a key that has ended is refused", active(key1Ending()), hour, 4,
			refusedKey(onKey1, portal.Conflict, "Default key has ended, so it cannot be replaced. Create another key.")},
		{"an older rotation that arrives after a newer end is superseded", active(key1Ends(tomorrow, events.EndExpired, 9)), hour, 3, []events.Fact{events.RequestSuperseded{}}},
		{"an unknown key is refused", active(), events.KeyRotationRequested{Key: "key9"}, 3,
			refusedKey(events.Decides{Scopes: []portal.Scope{"key/key9"}}, portal.NotFound, "There is no such key.")},
		{"a suspended account is refused", active(suspended()), hour, 3,
			refusedKey(onKey1, suspendedRefusal.Code, suspendedRefusal.Message)},
	})
}

func TestKeyEnd(t *testing.T) {
	t.Parallel()
	now, past, days31, years6 := keyClock(), keyClock().Add(-time.Minute), keyClock().AddDate(0, 0, 31), keyClock().AddDate(6, 0, 0)
	rotated := func(more ...said) []said {
		return active(append([]said{key2("key1"), key1Ends(inAnHour, events.EndRotated, 3)}, more...)...)
	}
	ended := func(reason events.EndReason) events.KeyEnding {
		return events.KeyEnding{Decides: onKey1, Key: "key1", Reason: reason}
	}
	until := func(at *time.Time, reason events.EndReason) []events.Fact {
		return []events.Fact{events.KeyEndScheduled{Decides: onKey1, Key: "key1", Ends: at, Reason: reason}}
	}
	onKey2 := events.Decides{Scopes: []portal.Scope{"key/key2"}}
	check(t, KeyEnd(keyClock), []decision{
		{"revoking ends the key now", active(), events.KeyEndRequested{Key: "key1"}, 3, []events.Fact{ended(events.EndRevoked)}},
		{"revoking again joins the first time", active(key1Ending()), events.KeyEndRequested{Key: "key1"}, 3, []events.Fact{events.RequestJoined{Decides: onKey1, Link: wish(7)}}},
		{"revoking a key that has ended changes nothing", active(key1Ending(), key1Ended()), events.KeyEndRequested{Key: "key1"}, 3, []events.Fact{events.RequestUnchanged{Decides: onKey1}}},
		{"revoking a key that is being created ends its wish", active(key2("")), events.KeyEndRequested{Key: "key2"}, 4,
			[]events.Fact{events.RequestSuperseded{Link: wish(7)}, events.KeyEnding{Decides: onKey2, Key: "key2", Reason: events.EndRevoked}}},
		{"revoking works while the account is suspended", active(suspended()), events.KeyEndRequested{Key: "key1"}, 6, []events.Fact{ended(events.EndRevoked)}},
		{"an end does not move while the account is suspended", active(suspended()), events.KeyEndRequested{Key: "key1", At: &tomorrow}, 6,
			refusedKey(onKey1, suspendedRefusal.Code, suspendedRefusal.Message)},
		{"the old key of a rotation ends early", rotated(), events.KeyEndRequested{Key: "key1"}, 4, []events.Fact{ended(events.EndRotated)}},
		{"the old key of a rotation gets more time", rotated(), events.KeyEndRequested{Key: "key1", At: &tomorrow}, 4, until(&tomorrow, events.EndRotated)},
		{"the old key of a rotation gets no 31 days", rotated(), events.KeyEndRequested{Key: "key1", At: &days31}, 4,
			refusedKey(onKey1, portal.Invalid, "The key can end in at most 30 days. Choose an earlier time.")},
		{"the old key of a rotation cannot be kept", rotated(), events.KeyEndRequested{Key: "key1", Keep: true}, 4,
			refusedKey(onKey1, portal.Conflict, "Another key replaces Default key, so it must end. You can choose a later time.")},
		{"it can be kept once the new key was revoked", rotated(said{fact: events.KeyEnding{Key: "key2", Reason: events.EndRevoked}}), events.KeyEndRequested{Key: "key1", Keep: true}, 4, until(nil, events.EndExpired)},
		{"a key gets an expiry", active(), events.KeyEndRequested{Key: "key1", At: &days31}, 3, until(&days31, events.EndExpired)},
		{"the same expiry changes nothing", active(key1Ends(tomorrow, events.EndExpired, 3)), events.KeyEndRequested{Key: "key1", At: &tomorrow}, 4, []events.Fact{events.RequestUnchanged{Decides: onKey1}}},
		{"an expiry is removed", active(key1Ends(tomorrow, events.EndExpired, 3)), events.KeyEndRequested{Key: "key1", Keep: true}, 4, until(nil, events.EndExpired)},
		{"no expiry to remove changes nothing", active(), events.KeyEndRequested{Key: "key1", Keep: true}, 4, []events.Fact{events.RequestUnchanged{Decides: onKey1}}},
		{"an expiry in the past is refused", active(), events.KeyEndRequested{Key: "key1", At: &past}, 3,
			refusedKey(onKey1, portal.Invalid, "The key cannot end in the past. Choose a time in the future.")},
		{"an expiry in six years is refused", active(), events.KeyEndRequested{Key: "key1", At: &years6}, 3,
			refusedKey(onKey1, portal.Invalid, "The key can end in at most 5 years. Choose an earlier time.")},
		{"a key that has ended gets no new end", active(key1Ending()), events.KeyEndRequested{Key: "key1", At: &tomorrow}, 3,
			refusedKey(onKey1, portal.Conflict, "Default key has ended, and a key that has ended never works again. Create another key.")},
		{"an unknown key is refused", active(), events.KeyEndRequested{Key: "key9"}, 3,
			refusedKey(events.Decides{Scopes: []portal.Scope{"key/key9"}}, portal.NotFound, "There is no such key.")},
		{"an older end that arrives late is superseded", active(key1Ends(tomorrow, events.EndExpired, 9)), events.KeyEndRequested{Key: "key1", At: &days31}, 3, []events.Fact{events.RequestSuperseded{}}},
		{"a worker ends an expired key", active(key1Ends(now, events.EndExpired, 3)), events.KeyEndRequested{Key: "key1", Due: &now}, 0, []events.Fact{ended(events.EndExpired)}},
		{"a worker does not end a key whose end has moved", active(key1Ends(tomorrow, events.EndExpired, 3)), events.KeyEndRequested{Key: "key1", Due: &now}, 0, nil},
		{"a worker does not end a key early", active(key1Ends(tomorrow, events.EndExpired, 3)), events.KeyEndRequested{Key: "key1", Due: &tomorrow}, 0, nil},
		{"a worker ends a key once", active(key1Ends(now, events.EndExpired, 3), key1Ending()), events.KeyEndRequested{Key: "key1", Due: &now}, 0, nil},
		{"a worker ends no old key before the new one is ready", active(key2("key1"), key1Ends(now, events.EndRotated, 3)), events.KeyEndRequested{Key: "key1", Due: &now}, 0, nil},
		{"a worker ends an old key at the end of its overlap although the account is suspended", active(key2("key1"), key1Ends(now, events.EndRotated, 3), key2Ready(), suspended()),
			events.KeyEndRequested{Key: "key1", Due: &now}, 0, []events.Fact{ended(events.EndRotated)}},
		{"a worker ends no old key while the suspension keeps the new one from being ready", active(key2("key1"), key1Ends(now, events.EndRotated, 3), suspended()),
			events.KeyEndRequested{Key: "key1", Due: &now}, 0, nil},
		{"a worker ends it after the reinstatement, once the new one is ready", active(key2("key1"), key1Ends(now, events.EndRotated, 3), suspended(), reinstated(), key2Ready()),
			events.KeyEndRequested{Key: "key1", Due: &now}, 0, []events.Fact{ended(events.EndRotated)}},
		{"a worker ends an old key once the new one is ready", active(key2("key1"), key1Ends(now, events.EndRotated, 3), key2Ready()), events.KeyEndRequested{Key: "key1", Due: &now}, 0, []events.Fact{ended(events.EndRotated)}},
	})
}

func TestKeyEndNotice(t *testing.T) {
	t.Parallel()
	ask := events.KeyEndNoticeRequested{Key: "key1", Ends: tomorrow, At: keyClock()}
	soon := []events.Fact{events.KeyEndsSoon{Key: "key1", Ends: tomorrow}}
	expires := key1Ends(tomorrow, events.EndExpired, 3)
	check(t, KeyEndNotice(keyClock), []decision{
		{"the owner is told", active(expires), ask, 0, soon},
		{"an end that has moved is not announced", active(key1Ends(inAnHour, events.EndExpired, 3)), ask, 0, nil},
		{"a key that has ended is not announced", active(expires, key1Ending()), ask, 0, nil},
		{"an earlier notice does not count", active(expires, said{fact: soon[0]}), ask, 0, soon},
		{"a notice since then counts", active(expires, said{fact: soon[0]}), events.KeyEndNoticeRequested{Key: "key1", Ends: tomorrow, At: time.Unix(5, 0)}, 0, nil},
	})
}

func TestKeyRemoval(t *testing.T) {
	t.Parallel()
	ended := active(key1Ending(), key1Ended())
	releasing := []events.Fact{events.KeyReleasing{Key: "key1"}}
	check(t, KeyRelease, []decision{
		{"a key that has ended is deleted", ended, events.KeyReleaseRequested{Key: "key1", Ended: 8}, 0, releasing},
		{"a key that is still ending is not", active(key1Ending()), events.KeyReleaseRequested{Key: "key1", Ended: 8}, 0, nil},
		{"a live key is not", active(), events.KeyReleaseRequested{Key: "key1", Ended: 8}, 0, nil},
		{"a duplicate changes nothing", append(ended, said{fact: releasing[0]}), events.KeyReleaseRequested{Key: "key1", Ended: 8}, 0, nil},
		{"a key that is gone is not deleted again", append(ended, said{fact: releasing[0]}, said{fact: events.KeyReleased{Link: wish(9), Key: "key1"}}),
			events.KeyReleaseRequested{Key: "key1", Ended: 8}, 0, nil},
		{"an empty ring does not matter to it", ended, events.KeyReleaseRequested{Key: "key1", Emptied: 4}, 0, nil},
	})
}

func TestEachPlanMayHaveKeysOfItsOwn(t *testing.T) {
	t.Parallel()
	rings := Rings{PerPlan: true}
	folded := statetest.FoldAccount(account, history([]said{registered(), {fact: events.SubscriptionWanted{Plan: "plus", Name: "Plus", Ring: "plan/free"}}}))
	if got := rings.of(folded, "next"); got != "plan/next" {
		t.Errorf("the ring of a new plan is %s", got)
	}
	if got := rings.of(folded, "free"); got != "plan/free/2" {
		t.Errorf("the ring of a plan whose ring another plan has taken along is %s", got)
	}
	folded = statetest.FoldAccount(account, history([]said{registered(), {fact: events.SubscriptionWanted{Plan: "free", Name: "Free", Ring: "plan/free"}}, freeEnding("op", 2)}))
	if got := rings.of(folded, "free"); got != "plan/free" {
		t.Errorf("the ring of a plan that comes back is %s", got)
	}
	ask := events.KeyRequested{Name: "CI", Ring: "plan/plus"}
	if got := KeyCreation(scheme, rings, keyClock)(folded, ask, "op-new"); !cmp.Equal(got, refusedKey(events.Decides{}, portal.Conflict, "Subscribe to the plan first: each plan has keys of its own.")) {
		t.Errorf("a key for a plan without a subscription: %+v", got)
	}
	if got := KeyCreation(scheme, rings, keyClock)(folded, events.KeyRequested{Name: "CI"}, "op-new"); !cmp.Equal(got, refusedKey(events.Decides{}, portal.Conflict, "Subscribe to the plan first: each plan has keys of its own.")) {
		t.Errorf("a key for no plan: %+v", got)
	}
}

func TestAKeyThatReplacesOneOfAPurchaseStaysInThePurchase(t *testing.T) {
	t.Parallel()
	folded := state.NewAccount(account)
	for i, fact := range []events.Fact{
		events.UserRegistered{},
		events.LicenceAccessSet{Licence: "licence/l-1", Sequence: 4, HasAccess: true, Plan: "pro"}, events.SubscriptionWanted{Plan: "pro", Ring: "licence/l-1"},
		events.LicenceAccessSet{Licence: "licence/l-2", Sequence: 4, HasAccess: true, Plan: "pro"}, events.SubscriptionWanted{Plan: "pro", Ring: "licence/l-2"},
		events.KeyWanted{Key: "key1", Ring: "licence/l-1", Name: "One"}, events.KeyWanted{Key: "key2", Ring: "licence/l-2", Name: "Two"}, events.KeyCreated{Key: "key2", GatewayID: "g2"},
	} {
		folded.Apply(events.Event{Sequence: int64(i + 1), Time: opened, Data: fact})
	}
	for _, req := range []events.KeyRotationRequested{{Key: "key2", Overlap: 3600}, {Key: "key2"}, {Key: "key2", Leaked: true}} {
		facts := KeyRotation(scheme, Rings{Keys: 2}, keyClock)(folded, req, "op-new")
		i := slices.IndexFunc(facts, func(f events.Fact) bool { _, wants := f.(events.KeyWanted); return wants })
		if i < 0 {
			t.Fatalf("%+v leads to %+v", req, facts)
		}
		if wanted := facts[i].(events.KeyWanted); wanted.Ring != "licence/l-2" || wanted.Replaces != "key2" {
			t.Errorf("%+v leads to %+v", req, wanted)
		}
	}
}

func TestTheEndOfAKeyIsADueRow(t *testing.T) {
	t.Parallel()
	d := newFixture(t)
	ends := opened.AddDate(0, 0, 10)
	d.handle(register, ask("op-key", 2, events.KeyRequested{Name: "CI", Ends: &ends}))
	key := portal.KeyID(portal.DeriveID("key", string(account), "op-key"))
	stream := portal.AccountStream(account)
	for _, row := range []due.Row{
		due.OfKeyEnd(stream, key, ends), due.OfKeyEndSoon(stream, key, ends, 7*24*time.Hour), due.OfKeyEndSoon(stream, key, ends, 24*time.Hour),
	} {
		if !row.At().After(opened) || !slices.ContainsFunc(d.tables.Rows(t, d.tables.Records, row.Place().PK), func(item map[string]types.AttributeValue) bool { return schema.KeyOf(item) == row.Place() }) {
			t.Errorf("there is no %s row at %s", row.Kind, row.At())
		}
	}
}

// Every row besides those that end a key.
func TestAnOwnerIsToldAheadOfAnEndButNotRightAfterSettingIt(t *testing.T) {
	t.Parallel()
	const hour = time.Hour
	for name, c := range map[string]struct {
		after  time.Duration
		reason events.EndReason
		want   []time.Duration
	}{
		"an expiry in ten days":                  {10 * day, events.EndExpired, []time.Duration{7 * day, day}},
		"an expiry in a week":                    {7 * day, events.EndExpired, []time.Duration{day}},
		"an expiry in a week and a minute":       {7*day + time.Minute, events.EndExpired, []time.Duration{day}},
		"an expiry in three days":                {3 * day, events.EndExpired, []time.Duration{day}},
		"an expiry in a day and a minute":        {day + time.Minute, events.EndExpired, nil},
		"an expiry in an hour":                   {hour, events.EndExpired, nil},
		"an overlap of 30 days":                  {30 * day, events.EndRotated, []time.Duration{day}},
		"an overlap of two days":                 {2 * day, events.EndRotated, []time.Duration{hour}},
		"an overlap of a day":                    {day, events.EndRotated, []time.Duration{hour}},
		"an overlap of two hours":                {2 * hour, events.EndRotated, nil},
		"no overlap":                             {0, events.EndRotated, nil},
		"an overlap whose end has passed":        {-hour, events.EndRotated, nil},
		"the end of a key that is to end anyhow": {10 * day, events.EndRevoked, nil},
	} {
		stream := portal.AccountStream(account)
		before := statetest.FoldAccount(account, history(active()))
		after := before.Clone()
		ends := keyClock().Add(c.after)
		after.Apply(events.Event{Subject: stream, Data: events.KeyEndScheduled{Key: "key1", Ends: &ends, Reason: c.reason}})
		want := []journal.Row{journal.PutDue(due.OfKeyEnd(stream, "key1", ends))}
		for _, ahead := range c.want {
			want = append(want, journal.PutDue(due.OfKeyEndSoon(stream, "key1", ends, ahead)))
		}
		if diff := cmp.Diff(want, keyEndRows(stream, before, after, keyClock()), cmp.AllowUnexported(journal.Row{})); diff != "" {
			t.Errorf("%s: rows (-want +got):\n%s", name, diff)
		}
	}
}

// The id of a key derives from its request, and only the latest requests are remembered as handled.
func TestAReplayOfAnOldRequestDoesNotBringBackAKeyThatHasEnded(t *testing.T) {
	t.Parallel()
	request := ask("op-new", 3, events.KeyRequested{Name: "CI"})
	decide := func(facts ...said) []events.Fact {
		folded := statetest.FoldAccount(account, history(facts))
		return unlessSuperseded(folded, request, request.Data.(events.Request), KeyCreation(scheme, Rings{Keys: 5}, keyClock)(folded, request.Data.(events.KeyRequested), request.ID))
	}
	ended := []said{
		{events.KeyWanted{Key: newID, Ring: portal.AccountRing, Name: "CI", Requested: true}, "op-new", 3}, {fact: events.KeyReady{Link: wish(7), Key: newID}},
		{fact: events.KeyEnding{Key: newID, Reason: events.EndRevoked}}, {fact: events.KeyEnded{Link: wish(9), Key: newID}},
	}
	superseded := []events.Fact{events.RequestSuperseded{}}
	if diff := cmp.Diff(superseded, decide(active(ended...)...)); diff != "" {
		t.Errorf("while the key is known (-want +got):\n%s", diff)
	}
	folded := statetest.FoldAccount(account, history(active()))
	folded.Forgotten = 3
	decided := unlessSuperseded(folded, request, request.Data.(events.Request), []events.Fact{events.KeyWanted{Key: newID}})
	if diff := cmp.Diff(superseded, decided); diff != "" {
		t.Errorf("once the key is forgotten (-want +got):\n%s", diff)
	}
	folded.Forgotten = 2
	if decided := unlessSuperseded(folded, request, request.Data.(events.Request), []events.Fact{events.KeyWanted{Key: newID}}); len(decided) != 1 || decided[0] == superseded[0] {
		t.Errorf("a newer request leads to %v", decided)
	}
}
