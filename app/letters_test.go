package app

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/gatehouse-portal/gatehouse/administration"
	"github.com/gatehouse-portal/gatehouse/deadletters"
	"github.com/gatehouse-portal/gatehouse/events"
	"github.com/gatehouse-portal/gatehouse/portal"
	"github.com/gatehouse-portal/gatehouse/transport"
)

func TestOnlyALetterThatNoWorkerCouldReadIsToBeDiscarded(t *testing.T) {
	t.Parallel()
	for class, advice := range map[transport.Class]string{
		transport.Unreadable:  "then discard it",
		transport.UnknownType: "update gatehouse, then replay it",
		transport.Failed:      "replay it with a version as new as the workers",
		transport.Panicked:    "replay it with a version as new as the workers",
		transport.Invalid:     "replay it with a version as new as the workers",
		transport.Redriven:    "replay it with a version as new as the workers",
	} {
		t.Run(class, func(t *testing.T) {
			t.Parallel()
			why := WhyLeft(deadletters.Letter{Report: deadletters.Report{Class: class, Body: []byte(`{"new":true}`)}})
			if !strings.Contains(strings.ToLower(why), advice) || strings.Contains(why, "discard") != (class == transport.Unreadable) {
				t.Errorf("the command says %q, want the advice %q", why, advice)
			}
		})
	}
}

func TestARedrivenLetterThatIsNoJSONIsToBeDiscarded(t *testing.T) {
	t.Parallel()
	for body, advice := range map[string]string{"<xml/>": "discard it", `{"specversion":"2.0"}`: "as new as the workers"} {
		if why := WhyLeft(deadletters.Letter{Report: deadletters.Report{Class: transport.Redriven, Body: []byte(body)}}); !strings.Contains(why, advice) {
			t.Errorf("of %s it says %q", body, why)
		}
	}
}

type rehearsed struct {
	facts []events.Fact
	ok    bool
	err   error
}

func (r rehearsed) Rehearse(context.Context, events.Event) ([]events.Fact, bool, error) {
	return r.facts, r.ok, r.err
}

func TestAForecastSaysWhatAReplayComesTo(t *testing.T) {
	t.Parallel()
	body, err := events.Encode(events.Event{ID: "x", Source: "/test", Subject: "account/x", Time: time.Now(), Data: events.RegisterUser{}})
	if err != nil {
		t.Fatal(err)
	}
	readable := deadletters.Letter{Report: deadletters.Report{ID: "x", Body: body}}
	for name, c := range map[string]struct {
		rehearsed
		want administration.Outlook
		says string
	}{
		"a request that is decided":     {rehearsed{[]events.Fact{events.UserRegistered{}}, true, nil}, administration.CarriedOut, "UserRegistered"},
		"one with a newer choice":       {rehearsed{[]events.Fact{events.RequestSuperseded{}}, true, nil}, administration.Superseded, "newer choice"},
		"one that is refused":           {rehearsed{[]events.Fact{events.RequestRejected{Code: portal.Conflict, Message: "Leave that plan first."}}, true, nil}, administration.Rejected, "rejected (conflict): Leave that plan first"},
		"one that holds already":        {rehearsed{[]events.Fact{events.RequestUnchanged{}}, true, nil}, administration.Unchanged, "holds already"},
		"one that joins a wish":         {rehearsed{[]events.Fact{events.RequestJoined{}}, true, nil}, administration.Unchanged, "on its way"},
		"one that was handled before":   {rehearsed{nil, true, nil}, administration.HandledBefore, "handled before"},
		"one that fails again":          {rehearsed{nil, true, portal.Fail(portal.Invalid, "It names no plan.")}, administration.FailsAgain, "fails again: It names no plan"},
		"what no handler decides":       {rehearsed{nil, false, nil}, administration.WakesUp, "account/x"},
		"a handler that panics":         {rehearsed{nil, true, errors.New("panic: index out of range")}, administration.FailsAgain, "fails again"},
		"several facts, in their order": {rehearsed{[]events.Fact{events.KeyWanted{}, events.SubscriptionWanted{}}, true, nil}, administration.CarriedOut, "KeyWanted, SubscriptionWanted"},
	} {
		got, err := replayOutlook(t.Context(), c.rehearsed, readable)
		if err != nil || got.Outlook != c.want || !strings.Contains(got.Text, c.says) || strings.HasSuffix(got.Text, ".") {
			t.Errorf("%s: %+v (%v), want %s with %q", name, got, err, c.want, c.says)
		}
	}
	if _, err := replayOutlook(t.Context(), rehearsed{nil, true, &portal.Postponed{Reason: "the journal does not answer"}}, readable); err == nil {
		t.Error("a journal that does not answer is taken for a forecast")
	}
	if got, err := replayOutlook(t.Context(), rehearsed{}, deadletters.Letter{}); err != nil || got.Outlook != administration.NotReplayable {
		t.Errorf("a letter that cannot be read: %+v (%v)", got, err)
	}
}
