package operations_test

import (
	"strings"
	"testing"

	"github.com/gatehouse-portal/gatehouse/events"
	"github.com/gatehouse-portal/gatehouse/operations"
	"github.com/gatehouse-portal/gatehouse/portal"
)

func who(account portal.AccountID, key string) operations.Who {
	return operations.Who{Account: account, IdempotencyKey: key, Correlation: "corr"}
}

func TestHoweverManyBrowsersSignInAnAccountIsAskedForOnce(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	first, err := d.Register(t.Context(), who(ann, operations.RegistrationKey(ann)))
	if err != nil {
		t.Fatal(err)
	}
	second, err := d.Register(t.Context(), who(ann, operations.RegistrationKey(ann)))
	if err != nil || second.ID != first.ID {
		t.Errorf("the second browser's operation is %s, %v; want %s", second.ID, err, first.ID)
	}
	sent, _ := d.outbox.empty()
	if len(sent) != 1 || sent[0].Data != (events.RegisterUser{}) {
		t.Errorf("sent %v", sent)
	}
}

func TestSubscribingCarriesWhatAcceptanceReadOfThePlan(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	d.publish(plus)
	d.publish(free, plus)
	if _, err := d.Subscribe(t.Context(), who(ann, ""), "free"); err != nil {
		t.Fatal(err)
	}
	sent, _ := d.outbox.empty()
	same(t, "the request", events.SubscribeRequested{Plan: "free", Name: "Free", Stages: free.Stages, CatalogSequence: 2}, sent[0].Data)
}

func TestSubscribingToAPlanThatIsNotOfferedIsRefused(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	_, err := d.Subscribe(t.Context(), who(ann, ""), "free") // before the first publication
	refuses(t, err, portal.NotFound)
	d.publish(plus)
	_, err = d.Subscribe(t.Context(), who(ann, ""), "free")
	refuses(t, err, portal.NotFound)
	if sent, _ := d.outbox.empty(); len(sent) > 0 {
		t.Errorf("handed on %v", sent)
	}
}

func TestSubscribingAgainUnderTheSameKeyIsTheSameRequestWhateverTheCatalogSaysByNow(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	d.publish(free, plus)
	first, err := d.Subscribe(t.Context(), who(ann, "k"), "free")
	if err != nil {
		t.Fatal(err)
	}
	renamed := free
	renamed.Name = "Basic"
	d.publish(renamed, plus)
	again, err := d.Subscribe(t.Context(), who(ann, "k"), "free")
	if err != nil || again.ID != first.ID {
		t.Errorf("sent again it is %q, %v; want %q", again.ID, err, first.ID)
	}
	sent, repeated := d.outbox.empty()
	same(t, "repeated", sent, repeated)
	_, err = d.Subscribe(t.Context(), who(ann, "k"), "plus")
	refuses(t, err, portal.KeyReused)
}

func TestAPlanCanBeLeftWhileCatalogOrAccountKnowsIt(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	d.publish(free)
	d.happen(portal.AccountStream(ann), "op", events.UserRegistered{},
		events.SubscriptionWanted{Plan: "gone", Name: "Gone", Key: "k"}, events.SubscriptionActivated{Plan: "gone", Key: "k"})
	for _, c := range []struct {
		name    string
		account portal.AccountID
		plan    portal.PlanID
		want    portal.Code
	}{
		{"offered and never held: the worker decides, since views lag", bob, "free", ""},
		{"held and no longer offered", ann, "gone", ""},
		{"no longer offered, and held by somebody else", bob, "gone", portal.NotFound},
		{"unheard of", ann, "nonsense", portal.NotFound},
	} {
		t.Run(c.name, func(t *testing.T) {
			_, err := d.Unsubscribe(t.Context(), who(c.account, ""), c.plan)
			refuses(t, err, c.want)
			sent, _ := d.outbox.empty()
			if err == nil {
				same(t, "the request", events.UnsubscribeRequested{Plan: c.plan}, sent[0].Data)
			} else if len(sent) > 0 {
				t.Errorf("handed on %v", sent)
			}
		})
	}
}

func TestNothingIsDecidedOnACatalogThatCannotBeRead(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	d.publish(free)
	d.happen(portal.CatalogStream, "", events.CatalogPublished{Hash: "a document that is not there"})
	_, err := d.Subscribe(t.Context(), who(ann, ""), "free")
	refuses(t, err, portal.Unavailable)
	_, err = d.Unsubscribe(t.Context(), who(ann, ""), "free")
	refuses(t, err, portal.Unavailable)
	if sent, _ := d.outbox.empty(); len(sent) > 0 {
		t.Errorf("handed on %v", sent)
	}
}

// withKeys is a desk where ann has one key that is there and one that is not yet.
func withKeys(t *testing.T) *desk {
	d := newDesk(t)
	d.happen(portal.AccountStream(ann), "op", events.UserRegistered{},
		events.KeyWanted{Key: "there", Slot: portal.DefaultSlot, Name: "Default key", Scheme: "v1", KMSKey: "arn:key"},
		events.KeyCreated{Key: "there", GatewayID: "gw"},
		events.KeyWanted{Key: "pending", Slot: "second", Name: "Second key", Scheme: "v1", KMSKey: "arn:key"})
	return d
}

func TestAValueIsReportedBeforeItIsShown(t *testing.T) {
	t.Parallel()
	d := withKeys(t)
	value, err := d.Reveal(t.Context(), who(ann, ""), "there")
	if err != nil || value != "v1 arn:key ann there" {
		t.Fatalf("revealed %q, %v", value, err)
	}
	if _, err := d.Reveal(t.Context(), who(ann, ""), "there"); err != nil {
		t.Fatal(err)
	}
	sent, _ := d.outbox.empty()
	if len(sent) != 2 || sent[0].ID == sent[1].ID {
		t.Fatalf("two reveals were reported as %v, want two reports", sent)
	}
	same(t, "the report", events.Event{
		ID: sent[0].ID, Source: "/test", Subject: portal.AccountStream(ann), Time: d.now, Correlation: "corr",
		Data: events.KeyRevealReported{Key: "there"},
	}, sent[0])
	for _, msg := range sent {
		if body, err := events.Encode(msg); err != nil || strings.Contains(string(body), value) {
			t.Errorf("the report holds the value, or cannot be encoded (%v)", err)
		}
	}
}

func TestWithoutAReportNoValueIsShown(t *testing.T) {
	t.Parallel()
	d := withKeys(t)
	d.outbox.down = errDown
	value, err := d.Reveal(t.Context(), who(ann, ""), "there")
	refuses(t, err, portal.Unavailable)
	if value != "" {
		t.Errorf("it was shown all the same: %q", value)
	}
	if strings.Contains(err.Error(), "v1 arn:key ann there") {
		t.Errorf("the error holds the value: %v", err)
	}
}

func TestWhatCannotBeRevealedIsNotReported(t *testing.T) {
	t.Parallel()
	d := withKeys(t)
	for _, c := range []struct {
		name    string
		account portal.AccountID
		key     portal.KeyID
		want    portal.Code
	}{
		{"a key that is unheard of", ann, "nonsense", portal.NotFound},
		{"somebody else's", bob, "there", portal.NotFound},
		{"one that is not there yet", ann, "pending", portal.Conflict},
	} {
		value, err := d.Reveal(t.Context(), who(c.account, ""), c.key)
		refuses(t, err, c.want)
		if value != "" {
			t.Errorf("%s: shown %q", c.name, value)
		}
	}
	d.values.down = errDown
	_, err := d.Reveal(t.Context(), who(ann, ""), "there")
	refuses(t, err, portal.Unavailable)
	if sent, _ := d.outbox.empty(); len(sent) > 0 {
		t.Errorf("reported %v", sent)
	}
}
