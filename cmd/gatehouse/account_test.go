package main

import (
	"encoding/json"
	"strings"
	"testing"

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
