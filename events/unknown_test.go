package events_test

import (
	"encoding/json"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/gatehouse-portal/gatehouse/events"
	"github.com/gatehouse-portal/gatehouse/portal"
)

// newer is a fact as a newer program appends it: with characters that Go escapes and a
// number that no float holds.
const newer = `{"specversion":"1.0","id":"f1","source":"/gatehouse/handlers","type":"gatehouse.KeyPainted.v3","subject":"account/acct01",` +
	`"time":"2026-11-22T08:30:00.123Z","datacontenttype":"application/json","sequence":"000000000012","operationid":"op","intent":"3",` +
	`"causationid":"cause","correlationid":"corr","traceparent":"trace",` +
	`"data":{"ends":["op"],"scopes":["plan/p"],"colour":"\u003cred\u003e","shade":12345678901234567890,"none":null}}`

func TestARecordedFactOfAnUnknownTypeIsKeptAsItIs(t *testing.T) {
	t.Parallel()
	got, err := events.DecodeRecorded([]byte(newer))
	if err != nil {
		t.Fatal(err)
	}
	want := events.Event{
		ID: "f1", Source: "/gatehouse/handlers", Subject: portal.AccountStream("acct01"), Sequence: 12,
		Time: time.Date(2026, 11, 22, 8, 30, 0, 123_000_000, time.UTC), Operation: "op", Intent: 3,
		Causation: "cause", Correlation: "corr", TraceParent: "trace",
		Data: events.Unknown{Type: "gatehouse.KeyPainted.v3", Data: json.RawMessage(
			`{"ends":["op"],"scopes":["plan/p"],"colour":"\u003cred\u003e","shade":12345678901234567890,"none":null}`)},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if _, fact := got.Fact(); !fact || got.Type() != "gatehouse.KeyPainted.v3" {
		t.Errorf("it is a %s, a fact: %v", got.Type(), fact)
	}
	encoded, err := events.Encode(got)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(newer, string(encoded)); diff != "" {
		t.Errorf("encoded again (-want +got):\n%s", diff)
	}
}

func TestMessagesOfUnknownTypesStayUnreadable(t *testing.T) {
	t.Parallel()
	if _, err := events.Decode([]byte(newer)); portal.CodeOf(err) != portal.Invalid {
		t.Errorf("Decode: %v, want an error with code invalid", err)
	}
}

func TestWhatIsNoFactIsUnreadableInAJournalToo(t *testing.T) {
	t.Parallel()
	const head = `{"specversion":"1.0","id":"1","source":"s","subject":"account/a","time":"2026-11-22T08:30:00Z"`
	for name, rest := range map[string]string{
		"an unknown type without a sequence": `,"type":"gatehouse.Unheard.v1","data":{}}`,
		"an unknown type without data":       `,"type":"gatehouse.Unheard.v1","sequence":"000000000001"}`,
		"no type":                            `,"sequence":"000000000001","data":{}}`,
		"a known type with other data":       `,"type":"gatehouse.KeyCreated.v1","sequence":"000000000001","data":[1]}`,
		"a bad sequence":                     `,"type":"gatehouse.Unheard.v1","sequence":"x","data":{}}`,
	} {
		if got, err := events.DecodeRecorded([]byte(head + rest)); portal.CodeOf(err) != portal.Invalid {
			t.Errorf("%s: %+v, %v; want an error with code invalid", name, got, err)
		}
	}
}

func TestKnownFactsAreReadFromAJournalAsFromAQueue(t *testing.T) {
	t.Parallel()
	for _, example := range examples() {
		body, err := events.Encode(example)
		if err != nil {
			t.Fatal(err)
		}
		got, err := events.DecodeRecorded(body)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(example, got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", example.Type(), diff)
		}
	}
}

func TestAMessageSaysWhichReplayItIs(t *testing.T) {
	t.Parallel()
	again := examples()[0]
	again.Replay = 2
	body, err := events.Encode(again)
	if err != nil {
		t.Fatal(err)
	}
	got, err := events.Decode(body)
	if diff := cmp.Diff(again, got); diff != "" || err != nil {
		t.Errorf("%v (-want +got):\n%s", err, diff)
	}
	const bad = `{"specversion":"1.0","id":"1","source":"s","type":"gatehouse.RegisterUser.v1","subject":"account/a","time":"2026-11-22T08:30:00Z","replay":"x","data":{}}`
	if _, err := events.Decode([]byte(bad)); portal.CodeOf(err) != portal.Invalid {
		t.Errorf("a replay that is no number: %v", err)
	}
}

// A worker that does not know such a fact must not act on what it makes of the stream.
func TestAnUnknownFactSaysWhetherItMayBePassedOver(t *testing.T) {
	t.Parallel()
	const head = `{"specversion":"1.0","id":"f","source":"s","type":"gatehouse.AccountMerged.v1","subject":"account/a",` +
		`"time":"2026-11-22T08:30:00Z","datacontenttype":"application/json","sequence":"000000000003"`
	for name, c := range map[string]struct {
		extension string
		must      bool
	}{
		"one that must be understood": {`,"mustunderstand":"true"`, true},
		"one that need not be":        {``, false},
		"one that says so":            {`,"mustunderstand":"false"`, false},
	} {
		body := head + c.extension + `,"data":{}}`
		got, err := events.DecodeRecorded([]byte(body))
		if err != nil || got.NotUnderstood() != c.must || got.MustUnderstand() != c.must {
			t.Errorf("%s: not understood is %v, %v", name, got.NotUnderstood(), err)
		}
		if again, err := events.Encode(got); c.must && (err != nil || string(again) != body) {
			t.Errorf("%s, published again: %s, %v", name, again, err)
		}
	}
}

func TestFactsThatChangeWhatAPIGatewayHoldsMustBeUnderstood(t *testing.T) {
	t.Parallel()
	must := map[string]bool{}
	for _, example := range examples() {
		if example.NotUnderstood() {
			t.Errorf("%s is known and not understood", example.Type())
		}
		if example.MustUnderstand() {
			must[events.Name(example.Type())] = true
		}
	}
	want := map[string]bool{
		"KeyWanted": true, "KeyCreated": true, "KeyAttached": true, "KeyDetached": true, "KeyReleasing": true, "KeyReleased": true,
		"SubscriptionWanted": true, "SubscriptionEnding": true, "SubscriptionActivated": true, "SubscriptionEnded": true, "SubscriptionLost": true,
		"KeyReady": true, "KeyEndScheduled": true, "KeyEnding": true, "KeyEnded": true, "KeyBlocked": true, "KeyUnblocked": true,
		"PlanChangeWanted": true, "KeyMoved": true, "PlanChanged": true, "PlanChangeRefused": true,
		"SubscriptionApprovalPending": true, "SubscriptionApproved": true, "SubscriptionDenied": true, "RegistrationPending": true, "RegistrationDenied": true,
		"AccountSuspended": true, "AccountReinstated": true, "AccountKeysSwitched": true, "AccountDeleting": true, "AccountDeleted": true,
		"LicenceNoticed": true, "LicenceClaimed": true, "LicenceReleased": true, "LicenceAccessWanted": true, "LicenceAccessEnding": true, "LicenceAccessSet": true,
		"LicenceEntitled": true, "LicencePlanChanged": true, "LicenceCorrected": true,
	}
	if diff := cmp.Diff(want, must); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}
