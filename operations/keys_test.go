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
	twice := projections.Account{
		Subscriptions: []projections.Subscription{
			sub("pro", "licence/l-1", projections.SubscriptionActive), sub("pro", "licence/l-2", projections.SubscriptionActive),
			sub("max", "legacy/code/customer", projections.SubscriptionActive), sub("pro", "licence/l-3", projections.SubscriptionEnded),
		},
		Licences: []projections.Licence{{Stream: "licence/l-1", Plan: "pro"}, {Stream: "licence/l-2", Plan: "pro"}, {Stream: "legacy/code/customer", Plan: "max"}, {Stream: "licence/l-3", Plan: "pro"}},
	}
	for name, c := range map[string]struct {
		account projections.Account
		plan    portal.PlanID
		licence portal.Stream
		want    portal.Ring
		code    portal.Code
		field   string
	}{
		"with no subscription, the account's":      {projections.Account{}, "", "", "", "", ""},
		"with shared keys, no plan is needed":      {shared, "", "", portal.AccountRing, "", ""},
		"with shared keys, a plan may be named":    {shared, "next", "", portal.AccountRing, "", ""},
		"with keys of their own, a plan is needed": {apart, "", "", "", portal.Invalid, "plan"},
		"with keys of their own, the plan's":       {apart, "next", "", "plan/next", "", ""},
		"a plan that has ended has none":           {shared, "old", "", "", portal.NotFound, ""},
		"an unknown plan has none":                 {apart, "unknown", "", "", portal.NotFound, ""},

		"with two purchases of the plan, one is needed": {twice, "pro", "", "", portal.Invalid, "licence"},
		"with purchases only, something is needed":      {twice, "", "", "", portal.Invalid, "plan"},
		"the second purchase's":                         {twice, "pro", "licence/l-2", "licence/l-2", "", ""},
		"the purchase is enough":                        {twice, "", "licence/l-2", "licence/l-2", "", ""},
		"the plan is enough if it was bought once":      {twice, "max", "", "legacy/code/customer", "", ""},
		"an older listing's purchase":                   {twice, "", "legacy/code/customer", "legacy/code/customer", "", ""},
		"a purchase of another plan has none":           {twice, "max", "licence/l-1", "", portal.Invalid, "licence"},
		"a purchase that has ended has none":            {twice, "pro", "licence/l-3", "", portal.Conflict, ""},
		"another account's purchase has none":           {twice, "pro", "licence/l-4", "", portal.NotFound, ""},
		"a name that is no licence has none":            {apart, "", "plan/next' OR 1=1", "", portal.NotFound, ""},
	} {
		got, err := ringOf(c.account, c.plan, c.licence)
		if got != c.want || portal.CodeOf(err) != c.code || portal.FieldOf(err) != c.field {
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
