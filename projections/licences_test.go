package projections

import (
	"cmp"
	"slices"
	"strings"
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
		got := ShowLicence(c.licence)
		if got.State != c.state || got.Cancelled != c.cancelled || got.NotBegun != c.notBegun || got.Again != c.again {
			t.Errorf("%s: %q, cancelled %t, not begun %t, again %t", name, got.State, got.Cancelled, got.NotBegun, got.Again)
		}
	}
}

func TestAnOperationSaysOnceThatPurchasesWereGivenUp(t *testing.T) {
	t.Parallel()
	step := func(sequence int64, data events.Fact) Step {
		s := describe(state.NewAccount("ann"), events.Event{Sequence: sequence, Data: data})
		s.Sequence = sequence
		return s
	}
	given := func(sequence int64, licence portal.Stream) Step {
		return step(sequence, events.LicenceAccessSet{Licence: licence, Released: true})
	}
	steps := progress([]Step{given(1, "licence/l-1"), given(2, "licence/l-2"), step(3, events.AccountDeleting{}), given(4, "licence/l-3")}).Steps
	if len(steps) != 2 || steps[0].Detail != "The purchases on AWS Marketplace were given up. AWS goes on billing those that have not ended until you cancel them there." || steps[1].Name != "AccountDeleting" {
		t.Errorf("the steps are %+v", steps)
	}
	if ended := progress([]Step{step(1, events.LicenceAccessSet{Licence: "licence/l-1"}), step(2, events.LicenceAccessSet{Licence: "licence/l-2"})}).Steps; len(ended) != 2 {
		t.Errorf("of two purchases that AWS ended, the steps are %+v", ended)
	}
}

func TestOnlyAPurchaseWithoutANewerOneIsToBeBoughtAgain(t *testing.T) {
	t.Parallel()
	bought := time.Date(2026, 11, 22, 9, 0, 0, 0, time.UTC)
	old := Licence{Stream: "licence/l-old", Product: "code", State: LicenceEnded, ClaimedAt: bought}
	for name, c := range map[string]struct {
		other    Licence
		replaced bool
	}{
		"a renewal is active":                    {Licence{State: LicenceActive}, true},
		"the next purchase waits":                {Licence{State: LicenceWaiting}, true},
		"the next purchase was cancelled":        {Licence{State: LicenceActive, Cancelled: true}, false},
		"the next purchase has ended":            {Licence{State: LicenceEnded}, false},
		"the payment of the next one failed":     {Licence{State: LicenceFailed}, false},
		"another product is active":              {Licence{State: LicenceActive, Product: "other"}, false},
		"an older purchase is active beside it":  {Licence{State: LicenceActive, ClaimedAt: bought.Add(-time.Hour)}, false},
		"a purchase of the same time is active":  {Licence{State: LicenceActive, ClaimedAt: bought}, false},
		"a customer of a topic has bought again": {Licence{State: LicenceEnded, Again: true}, true},
	} {
		other := c.other
		other.Stream, other.Product = "licence/l-new", portal.ProductCode(cmp.Or(string(other.Product), "code"))
		if other.ClaimedAt.IsZero() {
			other.ClaimedAt = bought.Add(time.Hour)
		}
		account := Account{Licences: []Licence{old, other}}
		if got := account.Replaced(old); got != c.replaced {
			t.Errorf("%s: replaced is %t", name, got)
		}
		if text := old.Text(account.Replaced(old)); strings.Contains(text, "Buy it again") == c.replaced {
			t.Errorf("%s: it says %q", name, text)
		}
	}
}

func TestARenewedPurchaseSaysSo(t *testing.T) {
	t.Parallel()
	const says = "This purchase was renewed"
	for name, c := range map[string]struct {
		old, other Licence
		by, words  bool
	}{
		"active":                      {Licence{State: LicenceActive}, Licence{State: LicenceActive, Renews: "licence/l-old"}, true, true},
		"cancelled":                   {Licence{State: LicenceActive, Cancelled: true}, Licence{State: LicenceActive, Renews: "licence/l-old"}, true, true},
		"ended":                       {Licence{State: LicenceEnded}, Licence{State: LicenceActive, Renews: "licence/l-old"}, true, false},
		"another one was renewed":     {Licence{State: LicenceActive}, Licence{State: LicenceActive, Renews: "licence/l-other"}, false, false},
		"bought twice":                {Licence{State: LicenceActive}, Licence{State: LicenceActive}, false, false},
		"the renewal has ended, too":  {Licence{State: LicenceActive}, Licence{State: LicenceEnded, Renews: "licence/l-old"}, false, false},
		"the renewal waits for money": {Licence{State: LicenceActive}, Licence{State: LicenceWaiting, Renews: "licence/l-old"}, true, true},
	} {
		c.old.Stream, c.other.Stream = "licence/l-old", "licence/l-new"
		account := Account{Licences: []Licence{c.old, c.other}}
		by, renewed := account.Renewal(c.old)
		if renewed != c.by || renewed && by.Stream != "licence/l-new" || strings.Contains(account.TextOf(c.old), says) != c.words || strings.Contains(account.TextOf(c.other), says) {
			t.Errorf("%s: it is renewed by %q, and says %q", name, by.Stream, account.TextOf(c.old))
		}
		if c.words && strings.Contains(account.TextOf(c.old), "Use the new key") != (c.other.State == LicenceActive) {
			t.Errorf("%s: it says %q", name, account.TextOf(c.old))
		}
	}
}

func TestTheClaimOfARenewalNamesTheOldLicence(t *testing.T) {
	t.Parallel()
	l := state.FoldLicence("licence/l-new", []events.Event{{Sequence: 1, Data: events.LicenceClaimed{Account: "ann", Plan: "pro", Renews: &events.Renews{Licence: "licence/l-old"}}}})
	if got := ShowLicence(l).Renews; got != "licence/l-old" {
		t.Errorf("it renews %q", got)
	}
	if got := ShowLicence(state.FoldLicence("licence/l-new", []events.Event{{Sequence: 1, Data: events.LicenceClaimed{Account: "ann", Plan: "pro"}}})).Renews; got != "" {
		t.Errorf("a purchase that a person confirmed renews %q", got)
	}
}

func TestPurchasesAreListedByDateAndEndedOnesLast(t *testing.T) {
	t.Parallel()
	at := func(hour int, stream portal.Stream, state string) Licence {
		return Licence{Stream: stream, State: state, ClaimedAt: time.Date(2026, 11, 22, hour, 0, 0, 0, time.UTC)}
	}
	account := Account{Licences: []Licence{
		at(1, "licence/a", LicenceActive), at(9, "licence/b", LicenceEnded), at(5, "licence/c", LicenceWaiting), at(3, "licence/d", LicenceFailed), at(8, "licence/e", LicenceEnding), at(5, "licence/f", LicenceActive),
	}}
	var got []portal.Stream
	for _, l := range account.Purchases() {
		got = append(got, l.Stream)
	}
	if want := []portal.Stream{"licence/c", "licence/f", "licence/d", "licence/a", "licence/b", "licence/e"}; !slices.Equal(got, want) {
		t.Errorf("the order is %v, want %v", got, want)
	}
	if account.Licences[0].Stream != "licence/a" {
		t.Error("listing them has sorted the account's own")
	}
}
