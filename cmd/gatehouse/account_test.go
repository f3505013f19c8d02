package main

import (
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/gatehouse-portal/gatehouse/app"
	"github.com/gatehouse-portal/gatehouse/projections"
)

func TestSubscriptionToARemovedPlanIsMarkedInText(t *testing.T) {
	t.Parallel()
	found := app.FoundAccount{ID: "ann", Subscriptions: []projections.Subscription{
		{Plan: "free", Name: "Free", State: projections.SubscriptionActive, Offered: true},
		{Plan: "gone", Name: "Gone", State: projections.SubscriptionActive},
	}}
	var text strings.Builder
	printAccount(&text, found)
	for line := range strings.Lines(text.String()) {
		marked := strings.Contains(line, "active, no longer offered")
		if strings.Contains(line, "gone ") != marked {
			t.Errorf("marked: %t: %s", marked, line)
		}
	}
	if !strings.Contains(text.String(), "no longer offered") {
		t.Errorf("it prints\n%s", &text)
	}
}

func TestSubscriptionToARemovedPlanIsMarkedInJSON(t *testing.T) {
	t.Parallel()
	body, err := json.Marshal(accountJSONOf(app.FoundAccount{Subscriptions: []projections.Subscription{{Plan: "free", Offered: true}, {Plan: "gone"}}}))
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{`"plan":"free","name":"","offered":true`, `"plan":"gone","name":"","offered":false`} {
		if !strings.Contains(string(body), want) {
			t.Errorf("%s is not in %s", want, body)
		}
	}
}

func TestAKeyThatIsInNoPlanIsMarked(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		subscriptions []projections.Subscription
		state         string
		text          string
		inUse         bool
	}{
		"without a subscription":        {nil, projections.KeyActive, "active, in no plan", false},
		"with an ended subscription":    {[]projections.Subscription{{State: projections.SubscriptionEnded}}, projections.KeyActive, "active, in no plan", false},
		"with a subscription":           {[]projections.Subscription{{State: projections.SubscriptionActive}}, projections.KeyActive, "active", true},
		"disabled without subscription": {nil, projections.KeyDisabled, "disabled, in no plan", false},
		"released":                      {nil, projections.KeyReleased, "released", false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			found := app.FoundAccount{ID: "ann", Subscriptions: c.subscriptions, Keys: []projections.Key{{ID: "k1", GatewayID: "g1", State: c.state}}}
			var text strings.Builder
			printAccount(&text, found)
			if !strings.Contains(text.String(), "g1           "+c.text+"\n") {
				t.Errorf("it prints\n%s", &text)
			}
			key := accountJSONOf(found).Keys[0]
			if key.State != c.state || key.InUse != c.inUse {
				t.Errorf("the JSON is %+v", key)
			}
		})
	}
}

func TestAnEndedSubscriptionSaysWhy(t *testing.T) {
	t.Parallel()
	ended := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	operation := func(kind string, status projections.Status, code string, at time.Time) app.FoundOperation {
		return app.FoundOperation{ID: "op", Type: kind, Plan: "free", Progress: projections.Progress{Status: status, Code: code, UpdatedAt: at}}
	}
	for name, c := range map[string]struct {
		lost       string
		operations []app.FoundOperation
		text, json string
	}{
		"the plan was deleted":        {"plan_gone", nil, "ended: the usage plan was deleted (plan_gone)", "plan_gone"},
		"its stage was taken":         {"stage_taken", nil, "ended: another plan of the key covers the same stage (stage_taken)", "stage_taken"},
		"a reason of a newer version": {"eclipse", nil, "ended (eclipse)", "eclipse"},
		"the owner left": {"", []app.FoundOperation{
			operation("SubscribeRequested", projections.Succeeded, "", ended.Add(-time.Hour)), operation("UnsubscribeRequested", projections.Succeeded, "", ended),
		}, "ended: its owner left the plan (left)", "left"},
		"the request was refused":               {"", []app.FoundOperation{operation("SubscribeRequested", projections.Rejected, "conflict", ended)}, "ended: the request was refused (conflict)", "conflict"},
		"the operation is too old to be listed": {"", []app.FoundOperation{operation("UnsubscribeRequested", projections.Succeeded, "", ended.Add(time.Hour))}, "ended", ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			found := app.FoundAccount{ID: "ann", Operations: c.operations, Subscriptions: []projections.Subscription{
				{Plan: "free", Name: "Free", Offered: true, State: projections.SubscriptionEnded, Lost: c.lost, Since: ended},
			}}
			var text strings.Builder
			printAccount(&text, found)
			if !strings.Contains(text.String(), "Free  "+c.text+"  2026-") {
				t.Errorf("it prints\n%s", &text)
			}
			if got := accountJSONOf(found).Subscriptions[0]; got.Reason != c.json || got.State != "ended" {
				t.Errorf("the JSON is %+v", got)
			}
		})
	}
}
