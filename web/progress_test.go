package web

import (
	"slices"
	"testing"

	"github.com/gatehouse-portal/gatehouse/events"
	"github.com/gatehouse-portal/gatehouse/operations"
	"github.com/gatehouse-portal/gatehouse/projections"
)

// notSteps are the facts that have no operation and are not about a wish that one waits for.
var notSteps = []string{"KeyObserved", "KeyReleasing", "KeyReleased", "SubscriptionLost", "QuotaThresholdReached", "QuotaUsed", "QuotaNotCarried", "LicenceAccessEnding", "LicenceReleased", "LicenceEntitled", "LicencePlanChanged", "LicenceCorrected", "MarketplaceNoticeKept"}

func TestEveryFactThatCanBeAStepHasItsOwnText(t *testing.T) {
	t.Parallel()
	for _, fact := range events.FactTypes() {
		if slices.Contains(notSteps, events.Name(fact)) {
			continue
		}
		if _, ok := stepTexts[events.Name(fact)]; !ok {
			t.Errorf("stepTexts has no text for %s", events.Name(fact))
		}
	}
}

func TestEveryRequestOfPeopleHasItsOwnTitle(t *testing.T) {
	t.Parallel()
	for _, name := range events.Types() {
		// Only what people ask for has scopes.
		if request, err := events.DecodeRequest(name, []byte("{}")); err != nil || len(request.Scopes()) == 0 {
			continue
		}
		title := operationTitle(operations.Operation{Type: events.Name(name)}, "")
		if title == sentence(events.Name(name)) {
			t.Errorf("operationTitle has no title for %s", events.Name(name))
		}
	}
}

func TestARevocationHasATitleOfItsOwn(t *testing.T) {
	t.Parallel()
	for ends, want := range map[bool]string{true: "Ended a key", false: "Changed when a key ends"} {
		operation := operations.Operation{Type: typeEndKey, EndsKey: ends}
		operation.Status = projections.Succeeded
		if got := operationTitle(operation, ""); got != want {
			t.Errorf("the title is %q, want %q", got, want)
		}
	}
}

func TestAStepsTextUsesWhatIsKnown(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		step projections.Step
		plan string
		want stepWords
	}{
		"the plan is named": {
			projections.Step{Name: "SubscriptionActivated", Detail: "stored"}, "Free",
			stepWords{"Subscription active", "Your key works with Free."},
		},
		"the plan is not known": {
			projections.Step{Name: "SubscriptionActivated", Detail: "stored"}, "", stepWords{"Subscription active", "stored"},
		},
		"a refusal says why": {
			projections.Step{Name: "RequestRejected", Detail: "You have Free."}, "Free", stepWords{"Refused", "You have Free."},
		},
		"a wait says why": {
			projections.Step{Name: "WishParked", Status: projections.Waiting, Code: "kms", Detail: "stored"}, "Free",
			stepWords{"Waiting", projections.WaitingText("kms")},
		},
		"a fact from a later version": {
			projections.Step{Name: "KeyRotationScheduled", Detail: "stored"}, "Free", stepWords{"Key rotation scheduled", "stored"},
		},
	} {
		if got := wordsFor(c.step, c.plan); got != c.want {
			t.Errorf("%s: %+v, want %+v", name, got, c.want)
		}
	}
}
