package main

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/gatehouse-portal/gatehouse/app"
	"github.com/gatehouse-portal/gatehouse/events"
	"github.com/gatehouse-portal/gatehouse/local/simulate"
	"github.com/gatehouse-portal/gatehouse/portal"
	"github.com/gatehouse-portal/gatehouse/projections"
	"github.com/gatehouse-portal/gatehouse/state"
)

var noon = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

func TestALicenceIsListedWithin80Columns(t *testing.T) {
	t.Parallel()
	var text strings.Builder
	printLicences(&text, []projections.Licence{
		{
			Stream: "licence/l-0123456789abcdef0123456789abcdef", State: projections.LicenceUnclaimed, Since: noon, Account: "01m8f2zvc1s9kf8a37m6tfg8jq",
			Product: "4fk3q8b2v7x1n6m9z0c5d1234", Buyer: "111122223333", Plan: "a1b2c3",
		},
		{Stream: "legacy/4fk3q8b2v7x1n6m9z0c5d1234/PJS7FAH0HX5", State: projections.LicenceWaiting, Customer: "PJS7FAH0HX5", Product: "evil\x1b[31m"},
	})
	for _, want := range []string{
		"licence/l-0123456789abcdef0123456789abcdef\n" +
			"  unclaimed since 2026-03-01 12:00:00 UTC   product 4fk3q8b2v7x1n6m9z0c5d1234\n" +
			"  account 01m8f2zvc1s9kf8a37m6tfg8jq        plan    a1b2c3\n  buyer   111122223333\n",
		"  waiting                                   product evil�[31m\n  account -                                 plan    -\n  buyer   PJS7FAH0HX5\n",
		"\n2 licences.\n",
	} {
		if !strings.Contains(text.String(), want) {
			t.Errorf("it prints\n%s\nwithout\n%s", &text, want)
		}
	}
	for line := range strings.Lines(text.String()) {
		if len([]rune(line)) > 81 {
			t.Errorf("a line has %d characters: %s", len(line), line)
		}
	}
}

// shownLicence is a licence with these facts, one a minute from noon.
func shownLicence(facts ...events.Fact) app.FoundLicence {
	found := app.FoundLicence{}
	for i, fact := range facts {
		found.Facts = append(found.Facts, events.Event{
			Sequence: int64(i + 1), Subject: "licence/l-1", Time: noon.Add(time.Duration(i) * time.Minute), Operation: "op", Data: fact,
		})
	}
	found.Licence = state.FoldLicence("licence/l-1", found.Facts)
	return found
}

func told(kind events.NoticeKind, at time.Time, status events.LicenceStatus) events.LicenceNoticed {
	return events.LicenceNoticed{Status: status, Notice: events.MarketplaceNotified{Kind: kind, At: at, Purchase: events.Purchase{Product: "prod", Buyer: "111122223333"}}}
}

func TestALicenceIsShownWithWhatEachNoticeChanged(t *testing.T) {
	t.Parallel()
	found := shownLicence(
		events.LicenceClaimed{Account: "ann", Plan: "pro", Name: "Pro"}, told(events.NoticeLicenceUpdated, noon, events.LicenceActive),
		events.LicenceAccessWanted{Account: "ann", Plan: "pro"}, told(events.NoticeDeprovisioned, noon.Add(time.Hour), events.LicenceEnded),
		events.LicenceAccessEnding{Account: "ann", Plan: "pro", Reason: events.LicenceEnded}, told(events.NoticeSubscribed, noon, ""),
		told(events.NoticeEntitlement, noon, ""), told(events.NoticeUnknown, noon, ""),
		events.RequestRejected{Code: portal.Conflict, Message: "Another account\x1b[31m uses it."}, events.LicenceReleased{Account: "ann"},
	)
	var text strings.Builder
	printLicence(&text, found)
	for _, want := range []string{
		"buyer         111122223333\n", "access        no\n", "state         The purchase has ended.\n",
		"2026-03-01 12:00:00  account ann claimed it for the plan pro (Pro), operation op\n",
		"2026-03-01 12:01:00  AWS said license-updated at 2026-03-01 12:00:00 UTC: the licence is active\n",
		"2026-03-01 12:02:00  access begins for account ann, plan pro\n",
		"2026-03-01 12:03:00  AWS said license-deprovisioned at 2026-03-01 13:00:00 UTC: the licence is ended\n",
		"2026-03-01 12:04:00  access ends for account ann, plan pro: ended\n",
		"  AWS said subscribe-success at 2026-03-01 12:00:00 UTC, older than what AWS had said; it changed nothing\n",
		"  AWS said entitlement-updated at 2026-03-01 12:00:00 UTC; it changed nothing\n",
		", which this version cannot read; it changed nothing\n",
		"  a claim was rejected (conflict), operation op: Another account�[31m uses it.\n", "  account ann released it\n",
	} {
		if !strings.Contains(text.String(), want) {
			t.Errorf("it prints\n%s\nwithout\n%s", &text, want)
		}
	}
	body, err := json.Marshal(foundLicenceJSONOf(found))
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{`"status":"ended"`, `"access":false`, `"type":"LicenceNoticed"`, `"kind":"license-deprovisioned"`, `"sequence":10`} {
		if !strings.Contains(string(body), want) {
			t.Errorf("%s is not in %s", want, body)
		}
	}
}

func TestAnOperatorReadsWhatToDoAboutALicence(t *testing.T) {
	t.Parallel()
	after := func(minutes int) time.Time { return noon.Add(time.Duration(minutes) * time.Minute) }
	claimed, wanted := events.LicenceClaimed{Account: "ann", Plan: "pro"}, events.LicenceAccessWanted{Account: "ann", Plan: "pro"}
	active := told(events.NoticeLicenceUpdated, noon, events.LicenceActive)
	for name, c := range map[string]struct {
		facts      []events.Fact
		said, next string
	}{
		"paid and not claimed": {[]events.Fact{told(events.NoticeSubscribed, noon, events.LicenceActive)}, "nobody has claimed it", "Set up your account"},
		"neither":              {[]events.Fact{told(events.NoticeEntitlement, noon, "")}, "Nobody has claimed it", "once the buyer has paid"},
		"claimed and not paid": {[]events.Fact{claimed}, "AWS has not said that it is active", "gatehouse dlq list"},
		"active":               {[]events.Fact{claimed, told(events.NoticeSubscribed, noon, events.LicenceActive)}, "AWS says that it is active", "gatehouse account find ann"},
		"a failed payment":     {[]events.Fact{claimed, told(events.NoticeFailed, noon, events.LicenceFailed)}, "could not take the payment", "payment method"},
		"cancelled":            {[]events.Fact{claimed, told(events.NoticeUnsubscribing, noon, events.LicenceEnding)}, "was cancelled", "buy it again"},
		"ended":                {[]events.Fact{claimed, active, wanted, told(events.NoticeUnsubscribed, after(2), events.LicenceEnded)}, "The purchase has ended.", "buy it again"},
		"ended after a claim that access did not follow": {[]events.Fact{claimed, told(events.NoticeInactive, after(1), events.LicenceEnded)}, "The purchase did not begin", "payment method"},
		"bought again after it ended": {
			[]events.Fact{told(events.NoticeUnsubscribed, noon.Add(-time.Hour), events.LicenceEnded), claimed}, "bought it again, and AWS has not said that it is active", "Wait for the payment",
		},
		"bought again after a failed payment": {
			[]events.Fact{told(events.NoticeFailed, noon.Add(-time.Hour), events.LicenceFailed), claimed}, "bought it again, and AWS has not said that it is active", "Wait for the payment",
		},
		"the agreement is over": {
			[]events.Fact{claimed, active, wanted, told(events.NoticeCancelled, after(2), events.LicenceActive)}, "its agreement is over", "Access ends when AWS deprovisions the licence. `gatehouse account find ann`",
		},
	} {
		if words, next := inWords(shownLicence(c.facts...).Licence); !strings.Contains(words, c.said) || !strings.Contains(next, c.next) {
			t.Errorf("%s: %q, %q", name, words, next)
		}
	}
}

func TestAnOperatorReadsWhatABuyerHasPaidFor(t *testing.T) {
	t.Parallel()
	claimed, paid := events.LicenceClaimed{Account: "ann", Plan: "pro", Name: "Pro"}, told(events.NoticeSubscribed, noon, events.LicenceActive)
	for name, c := range map[string]struct {
		facts []events.Fact
		says  []string
	}{
		"dimensions that no plan names": {
			[]events.Fact{claimed, paid, events.LicenceEntitled{Dimensions: []string{"gold", "evil\x1b[31m"}, Until: &noon}},
			[]string{"dimensions    gold, evil�[31m\n", "No plan of the catalog names the contract dimensions gold, evil�[31m", "no plan of the catalog names that, so the plan stays", "until 2026-03-01 12:00:00 UTC"},
		},
		"a contract that has lapsed": {
			[]events.Fact{claimed, paid, events.LicenceEntitled{Lapsed: true}}, []string{"the buyer is entitled to nothing, so the account has no access", "AWS said that the buyer is entitled to nothing\n"},
		},
		"another plan": {
			[]events.Fact{claimed, paid, events.LicencePlanChanged{Account: "ann", From: "pro", Plan: "max", Name: "Max", HasAccess: true}},
			[]string{"plan          max (Max)\n", "the licence pays for the plan max (Max) now, and no longer for pro\n"},
		},
		"a renewal": {
			[]events.Fact{events.LicenceClaimed{Account: "ann", Plan: "pro", Name: "Pro", Renews: &events.Renews{Licence: "licence/l-0"}}},
			[]string{"it renews licence/l-0, so account ann has it, too, for the plan pro (Pro)\n"},
		},
	} {
		var text strings.Builder
		printLicence(&text, shownLicence(c.facts...))
		for _, want := range c.says {
			if !strings.Contains(strings.Join(strings.Fields(text.String()), " "), strings.Join(strings.Fields(want), " ")) {
				t.Errorf("%s: it prints\n%s\nwithout\n%s", name, &text, want)
			}
		}
	}
}

func TestNoticesThatNameNoLicenceAreListed(t *testing.T) {
	t.Parallel()
	var text strings.Builder
	printNotices(&text, []keptNoticeJSON{
		keptNoticeJSONOf(projections.KeptNotice{Kind: events.NoticeUnknown, At: noon, Source: "m-1", Product: "prod", Text: "{\"action\":\"perhaps\"}\nx\x1b[31m"}),
		keptNoticeJSONOf(projections.KeptNotice{Kind: events.NoticeAgreementCreated, At: noon, Source: "e-1", Agreement: "agmt-1", Buyer: "111122223333"}),
	})
	want := "2026-03-01 12:00:00 UTC  unknown\n  source    m-1\n  product   prod\n  text      {\"action\":\"perhaps\"}�x�[31m\n\n" +
		"2026-03-01 12:00:00 UTC  agreement-created\n  source    e-1\n  agreement agmt-1\n  buyer     111122223333\n\n2 notices.\n"
	if text.String() != want {
		t.Errorf("it prints\n%q\nwant\n%q", text.String(), want)
	}
}

func TestOnlyPossibleStepsAreOffered(t *testing.T) {
	t.Parallel()
	for want, p := range map[string]simulate.Purchase{
		"pay fail-payment":                  {Status: "ACTIVE", Entitlement: "PENDING"},
		"cancel end renew renew-same":       {Status: "ACTIVE", Entitlement: "PROVISIONED"},
		"cancel end renew renew-same amend": {Status: "ACTIVE", Entitlement: "PROVISIONED", Bought: map[string]int{"small": 1}},
		"end resubscribe":                   {Status: "ACTIVE", Entitlement: "PROVISIONED", Cancelling: true, Older: true},
		"deprovision resubscribe":           {Status: "CANCELLED", Entitlement: "PROVISIONED"},
		"resubscribe":                       {Status: "TERMINATED", Entitlement: "FAILED"},
	} {
		if got := strings.Join(nextSteps(p), " "); got != want {
			t.Errorf("%+v: %s, want %s", p, got, want)
		}
	}
}

func TestAPurchaseSaysWhenThePortalKnowsTheLicence(t *testing.T) {
	t.Parallel()
	var before, after strings.Builder
	printPurchase(&before, simulate.Purchase{Agreement: "agmt-1", Licence: "l-1", Status: "ACTIVE", Entitlement: "PENDING"})
	printPurchase(&after, simulate.Purchase{Agreement: "agmt-1", Licence: "l-1", Status: "ACTIVE", Entitlement: "PROVISIONED"})
	for _, want := range []string{"agreement ACTIVE, entitlement PENDING: AWS waits for the payment\n", "What the portal knows, after the payment or the claim:\n  gatehouse marketplace show l-1\n"} {
		if !strings.Contains(before.String(), want) {
			t.Errorf("it prints\n%s\nwithout %q", &before, want)
		}
	}
	for _, want := range []string{"agreement ACTIVE, entitlement PROVISIONED: the buyer has paid\n", "What the portal knows:\n"} {
		if !strings.Contains(after.String(), want) {
			t.Errorf("it prints\n%s\nwithout %q", &after, want)
		}
	}
}

func TestAScenarioIsOneLineAndItsNote(t *testing.T) {
	t.Parallel()
	var text strings.Builder
	printScenario(&text, simulate.Scenario{Name: "claim before payment", Listing: "sns", Result: simulate.Right})
	printScenario(&text, simulate.Scenario{Name: "lost", Listing: "eventbridge", Result: simulate.NotPlayed, Note: "nobody asks"})
	if want := "ok          sns          claim before payment\nNOT PLAYED  eventbridge  lost\n            nobody asks\n"; text.String() != want {
		t.Errorf("it prints\n%s", &text)
	}
}

func TestTheSimulatorRefusesAWSItself(t *testing.T) {
	t.Parallel()
	env := []string{"AWS_REGION=us-east-1", "AWS_ACCESS_KEY_ID=x", "AWS_SECRET_ACCESS_KEY=x"}
	code, stdout, stderr := said(t, env, "marketplace", "simulate", "--all")
	if code != 1 || stdout != "" || !strings.Contains(stderr, "this is AWS itself") || !strings.Contains(stderr, "`gatehouse local`") {
		t.Errorf("exit code %d, %q, %q", code, stdout, stderr)
	}
}

// A purchase is followed through the commands, on a portal that runs as another process.
func TestAPurchaseIsPlayedListedAndShown(t *testing.T) {
	t.Parallel()
	env := localEnv(t)
	asked := func(into any, args ...string) {
		t.Helper()
		code, stdout, stderr := said(t, env, append([]string{"marketplace"}, args...)...)
		if code != 0 || stderr != "" {
			t.Fatalf("%v: exit code %d, %q", args, code, stderr)
		}
		if into != nil {
			if err := json.Unmarshal([]byte(stdout), into); err != nil {
				t.Fatalf("%v prints %q: %v", args, stdout, err)
			}
		}
	}
	var bought struct{ Agreement, Licence string }
	asked(&bought, "simulate", "--buyer", "--json")
	asked(nil, "simulate", "--pay", bought.Agreement)
	var shown struct {
		Licence, Status, Words string
		Facts                  []struct{ Type string }
	}
	deadline := time.Now().Add(time.Minute)
	for listed := ""; !strings.Contains(listed, "unclaimed"); {
		if time.Now().After(deadline) {
			t.Fatalf("the licence is not listed: %s", listed)
		}
		var list json.RawMessage
		asked(&list, "licences", "--json")
		listed = string(list)
	}
	asked(&shown, "show", strings.TrimPrefix(bought.Licence, "licence/"), "--json")
	if shown.Licence != bought.Licence || shown.Status != "active" || len(shown.Facts) != 1 || shown.Facts[0].Type != "LicenceNoticed" {
		t.Errorf("it shows %+v", shown)
	}
	for name, c := range map[string]struct {
		args []string
		says string
	}{
		"a payment twice":       {[]string{"simulate", "--pay", bought.Agreement}, "The local AWS Marketplace refuses: the entitlement of agreement " + bought.Agreement + " is PROVISIONED."},
		"an unknown agreement":  {[]string{"simulate", "--pay", "agmt-none"}, "there is no agreement agmt-none"},
		"an unknown licence":    {[]string{"show", "l-none"}, "There is no licence licence/l-none."},
		"a name of no licence":  {[]string{"show", "account/ann"}, `"account/ann" names no licence.`},
		"a licence without end": {[]string{"show", "licence/"}, "names no licence"},
	} {
		code, stdout, stderr := said(t, env, append([]string{"marketplace"}, c.args...)...)
		if code != 1 || stdout != "" || !strings.Contains(stderr, c.says) {
			t.Errorf("%s: %s", name, fmt.Sprint(code, stdout, stderr))
		}
	}
}

func TestAnOperatorReadsWhyAccessEnds(t *testing.T) {
	t.Parallel()
	for reason, want := range map[events.LicenceStatus]string{
		events.LicenceEnded:   "access ends for account ann, plan pro: ended\n",
		events.LicenceUnknown: "access ends for account ann, plan pro: the account gave it up\n",
	} {
		var text strings.Builder
		printLicence(&text, shownLicence(events.LicenceAccessEnding{Account: "ann", Plan: "pro", Reason: reason}))
		if !strings.Contains(text.String(), want) {
			t.Errorf("it prints\n%s\nwithout\n%s", &text, want)
		}
	}
}

func TestTheListOfLicencesSaysWhichDidNotBegin(t *testing.T) {
	t.Parallel()
	var text strings.Builder
	printLicences(&text, []projections.Licence{
		{Stream: "licence/l-1", State: projections.LicenceEnded, NotBegun: true, Since: noon}, {Stream: "licence/l-2", State: projections.LicenceEnded},
		{Stream: "legacy/c/1", State: projections.LicenceEnded, Again: true, Since: noon.Add(-time.Hour), ClaimedAt: noon},
	})
	for _, want := range []string{"licence/l-1\n  did not begin, 2026-03-01 12:00:00 UTC ", "licence/l-2\n  ended ", "legacy/c/1\n  waiting since 2026-03-01 12:00:00 UTC"} {
		if !strings.Contains(text.String(), want) {
			t.Errorf("it prints\n%s\nwithout\n%s", &text, want)
		}
	}
	body, err := json.Marshal(licenceJSONOf(projections.Licence{State: projections.LicenceEnded, NotBegun: true}))
	if err != nil || !strings.Contains(string(body), `"state":"ended"`) || !strings.Contains(string(body), `"not_begun":true`) {
		t.Errorf("as JSON it is %s, %v", body, err)
	}
}
