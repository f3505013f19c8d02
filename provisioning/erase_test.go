package provisioning_test

import (
	"context"
	"errors"
	"testing"

	"github.com/gatehouse-portal/gatehouse/events"
	"github.com/gatehouse-portal/gatehouse/portal"
)

// The personal data goes once no key is left, and the deletion is recorded once it is gone, although
// erasing fails in between.
func TestADeletedAccountsDataGoesAfterItsKeysAndBeforeTheRecord(t *testing.T) {
	t.Parallel()
	b := newBench(t, events.UserRegistered{}, events.KeyWanted{Key: "k1", Ring: portal.AccountRing, Name: "Default key"}, events.KeyCreated{Key: "k1", GatewayID: "gw1"}, events.AccountDeleting{})
	erased, fails := 0, true
	b.Erase = func(_ context.Context, account portal.AccountID) error {
		erased++
		for _, fact := range b.facts() {
			if f, ok := fact.Data.(events.AccountDeleted); ok {
				t.Errorf("erased after %+v", f)
			}
		}
		released := false
		for _, fact := range b.facts() {
			_, is := fact.Data.(events.KeyReleased)
			released = released || is
		}
		if !released {
			t.Error("erased while API Gateway has a key")
		}
		if fails {
			return errors.New("the table does not answer")
		}
		return nil
	}
	var postponed *portal.Postponed
	if err := b.wake("wake-1"); !errors.As(err, &postponed) {
		t.Errorf("a failure to erase is %v", err)
	}
	fails = false
	for _, again := range []string{"wake-1", "wake-2"} {
		if err := b.wake(again); err != nil {
			t.Fatal(err)
		}
	}
	deleted := 0
	for _, fact := range b.facts() {
		if _, is := fact.Data.(events.AccountDeleted); is {
			deleted++
		}
	}
	if deleted != 1 || erased != 2 {
		t.Errorf("erased %d times, and recorded %d times", erased, deleted)
	}
}
