package web

import (
	"testing"

	"github.com/gatehouse-portal/gatehouse/events"
	"github.com/gatehouse-portal/gatehouse/projections"
)

func TestEveryFactHasWordsOfItsOwn(t *testing.T) {
	t.Parallel()
	for _, fact := range events.FactTypes() {
		if words, ok := stepTexts[events.Name(fact)]; !ok || words.Title == "" {
			t.Errorf("stepTexts has no title for %s, so people would read the name of the fact", events.Name(fact))
		}
	}
}

func TestAStepIsWordedByWhatIsKnown(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		step projections.Step
		plan string
		want stepWords
	}{
		"the plan is named": {
			projections.Step{Name: "SubscriptionActivated", Detail: "stored"}, "Free",
			stepWords{"Subscription active", "Your key opens Free."},
		},
		"the plan is not known any more": {
			projections.Step{Name: "SubscriptionActivated", Detail: "stored"}, "", stepWords{"Subscription active", "stored"},
		},
		"a refusal says why": {
			projections.Step{Name: "RequestRejected", Detail: "You have Free."}, "Free", stepWords{"Refused", "You have Free."},
		},
		"a wait says what for": {
			projections.Step{Name: "WishParked", Status: projections.Waiting, Code: "kms", Detail: "stored"}, "Free",
			stepWords{"Waiting", projections.WaitingText("kms")},
		},
		"a fact of a later version": {
			projections.Step{Name: "KeyRotationScheduled", Detail: "stored"}, "Free", stepWords{"Key rotation scheduled", "stored"},
		},
	} {
		if got := wordsFor(c.step, c.plan); got != c.want {
			t.Errorf("%s: %+v, want %+v", name, got, c.want)
		}
	}
}
