package operations

import (
	"strings"
	"testing"
	"time"

	"github.com/gatehouse-portal/gatehouse/portal"
	"github.com/gatehouse-portal/gatehouse/projections"
)

func TestAnOverlapIsALengthOfTimeOfAtMostThirtyDays(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]time.Duration{"0": 0, "1h": time.Hour, " 24h ": 24 * time.Hour, "7d": 7 * 24 * time.Hour, "90m": 90 * time.Minute, "30d": portal.MaxKeyOverlap} {
		if got, err := ParseOverlap(text); err != nil || got != want {
			t.Errorf("%q is %s, %v; want %s", text, got, err, want)
		}
	}
	for text, want := range map[string]string{
		"365d": "0 seconds to 30 days", "8760h": "0 seconds to 30 days", "-1h": "0 seconds to 30 days", "30d1h": "not a length of time", "": "not a length of time",
		"an hour": "not a length of time", "7 d": "not a length of time", "-7d": "not a length of time", "99999999999999999999d": "not a length of time", "1e9h": "not a length of time",
	} {
		if _, err := ParseOverlap(text); portal.CodeOf(err) != portal.Invalid || !strings.Contains(portal.MessageOf(err), want) {
			t.Errorf("%q: %v, want an error that contains %q", text, err, want)
		}
	}
}

func TestANewKeyJoinsThoseOfItsPlan(t *testing.T) {
	t.Parallel()
	sub := func(plan portal.PlanID, ring portal.Ring, state string) projections.Subscription {
		return projections.Subscription{Plan: plan, Ring: ring, State: state}
	}
	shared := projections.Account{Subscriptions: []projections.Subscription{
		sub("free", portal.AccountRing, projections.SubscriptionActive), sub("next", portal.AccountRing, projections.SubscriptionPending), sub("old", "plan/old", projections.SubscriptionEnded),
	}}
	apart := projections.Account{Subscriptions: []projections.Subscription{sub("free", "plan/free", projections.SubscriptionActive), sub("next", "plan/next", projections.SubscriptionActive)}}
	for name, c := range map[string]struct {
		account projections.Account
		plan    portal.PlanID
		want    portal.Ring
		code    portal.Code
	}{
		"with no subscription, the account's":      {projections.Account{}, "", "", ""},
		"with shared keys, no plan is needed":      {shared, "", portal.AccountRing, ""},
		"with shared keys, a plan may be named":    {shared, "next", portal.AccountRing, ""},
		"with keys of their own, a plan is needed": {apart, "", "", portal.Invalid},
		"with keys of their own, the plan's":       {apart, "next", "plan/next", ""},
		"a plan that has ended has none":           {shared, "old", "", portal.NotFound},
		"an unknown plan has none":                 {apart, "unknown", "", portal.NotFound},
	} {
		got, err := ringOf(c.account, c.plan)
		if got != c.want || portal.CodeOf(err) != c.code {
			t.Errorf("%s: %q, %v", name, got, err)
		}
	}
}

func TestARequestThatAKeyEndNowSaysSo(t *testing.T) {
	t.Parallel()
	end, rename := "gatehouse.KeyEndRequested.v1", "gatehouse.KeyRenameRequested.v1"
	for name, c := range map[string]struct {
		kind, body string
		want       bool
	}{
		"now":            {end, `{"key":"k-1"}`, true},
		"at a time":      {end, `{"key":"k-1","at":"2026-12-01T00:00:00Z"}`, false},
		"never":          {end, `{"key":"k-1","keep":true}`, false},
		"something else": {rename, `{"key":"k-1"}`, false},
	} {
		if got := (operationRow{Type: c.kind, Body: c.body}).operation(projections.Progress{}); got.EndsKey != c.want {
			t.Errorf("%s: EndsKey is %t", name, got.EndsKey)
		}
	}
}
