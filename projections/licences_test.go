package projections

import (
	"testing"
	"time"

	"github.com/gatehouse-portal/gatehouse/events"
	"github.com/gatehouse-portal/gatehouse/portal"
	"github.com/gatehouse-portal/gatehouse/state"
)

func TestALicenceShowsWhatAWSSaid(t *testing.T) {
	t.Parallel()
	claimedAt := time.Date(2026, 11, 22, 9, 0, 0, 0, time.UTC)
	said := func(stream portal.Stream, status events.LicenceStatus, after time.Duration, waiting, cancelled bool) state.Licence {
		return state.Licence{
			Stream: stream, Status: status, StatusAt: claimedAt.Add(after), Cancelled: cancelled,
			Claim: state.Claim{Account: "ann", Plan: "pro", Name: "Pro", At: claimedAt, Waiting: waiting, Operation: "op-1"},
		}
	}
	const newer, older = portal.Stream("licence/l-1"), portal.Stream("legacy/code/customer")
	for name, c := range map[string]struct {
		licence                    state.Licence
		state                      string
		cancelled, notBegun, again bool
	}{
		"active":                                       {said(newer, events.LicenceActive, time.Hour, false, false), LicenceActive, false, false, false},
		"active before the claim":                      {said(newer, events.LicenceActive, -time.Hour, false, false), LicenceActive, false, false, false},
		"cancelled, and not taken away":                {said(newer, events.LicenceActive, time.Hour, false, true), LicenceActive, true, false, false},
		"ended":                                        {said(newer, events.LicenceEnded, time.Hour, false, false), LicenceEnded, false, false, false},
		"ended before it was active":                   {said(newer, events.LicenceEnded, time.Hour, true, false), LicenceEnded, false, true, false},
		"a payment that failed":                        {said(older, events.LicenceFailed, time.Hour, true, false), LicenceFailed, false, false, false},
		"a customer who buys again waits":              {said(older, events.LicenceEnded, -time.Hour, true, false), LicenceEnded, false, false, true},
		"a customer who buys again after a failed one": {said(older, events.LicenceFailed, -time.Hour, true, false), LicenceFailed, false, false, true},
		"ending": {said(older, events.LicenceEnding, time.Hour, false, false), LicenceEnding, false, false, false},
	} {
		got := shownLicence(c.licence)
		if got.State != c.state || got.Cancelled != c.cancelled || got.NotBegun != c.notBegun || got.Again != c.again {
			t.Errorf("%s: %q, cancelled %t, not begun %t, again %t", name, got.State, got.Cancelled, got.NotBegun, got.Again)
		}
	}
}
