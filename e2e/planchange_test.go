// This file tests changes of plans and approvals over the JSON API.

package e2e

import (
	"net/http"
	"slices"
	"sync/atomic"
	"testing"
)

// subscribed signs a person up and subscribes them to the Free plan. It returns their key.
func (s *site) subscribed(t *testing.T, email string) (person, string) {
	t.Helper()
	s.waitForCatalog(t)
	p := s.signUp(t, email)
	p.succeed(p.do(http.MethodPost, "/api/v1/register", ""))
	p.succeed(p.do(http.MethodPut, "/api/v1/subscriptions/"+s.Demo.API.FreePlanID, ""))
	id := decode[items[key]](p.do(http.MethodGet, "/api/v1/keys", "").want(http.StatusOK)).Items[0].ID
	return p, decode[struct{ Value string }](p.do(http.MethodPost, "/api/v1/keys/"+id+"/reveal", "").want(http.StatusOK)).Value
}

func (p person) states() map[string]string {
	p.t.Helper()
	states := map[string]string{}
	for _, s := range decode[items[subscription]](p.do(http.MethodGet, "/api/v1/subscriptions", "").want(http.StatusOK)).Items {
		states[s.Plan] = s.State
	}
	return states
}

// The API refuses the key from the first call of the move to the second, and at no other time.
func TestAChangeOfPlansInterruptsCallsOnceAtMost(t *testing.T) {
	t.Parallel()
	s := start(t)
	p, value := s.subscribed(t, "ada@example.com")
	free, plus := s.Demo.API.FreePlanID, s.Demo.API.PlusPlanID

	var answers []int
	var stop atomic.Bool
	done := make(chan struct{})
	go func() {
		defer close(done)
		for !stop.Load() {
			answers = append(answers, s.call(t, value))
		}
		answers = append(answers, s.call(t, value))
	}()
	op := p.succeed(p.do(http.MethodPut, "/api/v1/subscriptions/"+plus, `{"replaces": "`+free+`"}`, "Content-Type", "application/json"))
	stop.Store(true)
	<-done

	var steps []string
	for _, step := range op.Steps {
		steps = append(steps, step.Name)
	}
	if want := []string{"PlanChangeWanted", "KeyMoved", "PlanChanged"}; !slices.Equal(steps, want) {
		t.Errorf("the steps are %v, want %v", steps, want)
	}
	interruptions, refused := 0, 0
	for i, answer := range answers {
		if answer != http.StatusForbidden {
			continue
		}
		refused++
		if i == 0 || answers[i-1] != http.StatusForbidden {
			interruptions++
		}
	}
	t.Logf("of %d calls during the change, %d were answered 403", len(answers), refused)
	if last := answers[len(answers)-1]; interruptions > 1 || answers[0] == http.StatusForbidden || last == http.StatusForbidden {
		t.Errorf("calls were interrupted %d times; the first was answered %d and the last %d", interruptions, answers[0], last)
	}
	if got := p.states(); got[free] != "ended" || got[plus] != "active" {
		t.Errorf("the subscriptions are %v", got)
	}
	if a, b := s.countAttached(t, free), s.countAttached(t, plus); a != 0 || b != 1 {
		t.Errorf("%d keys are in Free and %d in Plus", a, b)
	}
	p.succeed(p.do(http.MethodPut, "/api/v1/subscriptions/"+plus, `{"replaces": "`+free+`"}`, "Content-Type", "application/json"))
	p.succeed(p.do(http.MethodPut, "/api/v1/subscriptions/"+free, `{"replaces": "`+plus+`"}`, "Content-Type", "application/json"))
	if got := p.states(); got[free] != "active" || got[plus] != "ended" {
		t.Errorf("after changing back the subscriptions are %v", got)
	}
}
