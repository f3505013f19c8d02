package projections

import (
	"testing"

	"github.com/gatehouse-portal/gatehouse/events"
	"github.com/gatehouse-portal/gatehouse/portal"
	"github.com/gatehouse-portal/gatehouse/state"
)

func TestAStepSaysWhatBecameOfTheKeys(t *testing.T) {
	t.Parallel()
	account := state.Account{Keys: map[portal.KeyID]state.Key{"k1": {ID: "k1", Name: "CI"}}}
	suspended := account
	suspended.Standing.Suspended = true
	for name, c := range map[string]struct {
		account state.Account
		fact    events.Fact
		want    string
	}{
		"of a suspended account":  {suspended, events.AccountKeysSwitched{}, "API Gateway refuses all keys of the account."},
		"of a reinstated account": {account, events.AccountKeysSwitched{}, "API Gateway accepts the keys of the account again."},
		"a revoked one":           {account, events.KeyEnding{Key: "k1", Reason: events.EndRevoked}, "CI was revoked. API Gateway will refuse it."},
		"one that was replaced":   {account, events.KeyEnding{Key: "k1", Reason: events.EndRotated}, "CI was ended, because another key has replaced it. API Gateway will refuse it."},
	} {
		if got := describe(c.account, events.Event{Data: c.fact}).Detail; got != c.want {
			t.Errorf("%s: %q, want %q", name, got, c.want)
		}
	}
}
