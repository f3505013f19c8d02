// This file tests the JSON API, from signing up to leaving a plan.

package e2e

import (
	"net/http"
	"slices"
	"sync"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/apigateway"
)

type key struct{ ID, Name, State string }

type subscription struct{ Plan, State string }

// gatewayKeys returns the names of all API keys by value.
func (s *site) gatewayKeys(t *testing.T) map[string]string {
	t.Helper()
	values := map[string]string{}
	pages := apigateway.NewGetApiKeysPaginator(apigateway.NewFromConfig(s.aws), &apigateway.GetApiKeysInput{IncludeValues: aws.Bool(true)})
	for pages.HasMorePages() {
		page, err := pages.NextPage(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		for _, k := range page.Items {
			values[aws.ToString(k.Value)] = aws.ToString(k.Name)
		}
	}
	return values
}

func (s *site) waitForCatalog(t *testing.T) {
	t.Helper()
	eventually(t, "the catalog is published", func() bool { return s.hasCatalog(t) })
}

func (s *site) hasCatalog(t *testing.T) bool {
	t.Helper()
	anyone := person{t: t, base: s.PortalURL}
	return len(decode[items[struct{ ID string }]](anyone.do(http.MethodGet, "/api/v1/catalog", "").want(http.StatusOK)).Items) > 0
}

func TestTheJourneyFromSigningUpToLeaving(t *testing.T) {
	t.Parallel()
	s := start(t)
	s.waitForCatalog(t)
	p := s.signUp(t, "ada@example.com")

	if me := decode[struct{ Status string }](p.do(http.MethodGet, "/api/v1/me", "").want(http.StatusOK)); me.Status != "none" {
		t.Errorf("before registering the status is %q", me.Status)
	}
	p.succeed(p.do(http.MethodPost, "/api/v1/register", ""))

	op := p.succeed(p.do(http.MethodPut, "/api/v1/subscriptions/"+s.Demo.API.FreePlanID, ""))
	var steps []string
	for _, step := range op.Steps {
		steps = append(steps, step.Name)
	}
	if want := []string{"KeyWanted", "SubscriptionWanted", "KeyCreated", "KeyAttached", "SubscriptionActivated"}; !slices.Equal(steps, want) {
		t.Errorf("the steps are %v, want %v", steps, want)
	}

	keys := decode[items[key]](p.do(http.MethodGet, "/api/v1/keys", "").want(http.StatusOK)).Items
	if len(keys) != 1 || keys[0].State != "active" {
		t.Fatalf("the keys are %+v", keys)
	}
	value := decode[struct{ Value string }](p.do(http.MethodPost, "/api/v1/keys/"+keys[0].ID+"/reveal", "").want(http.StatusOK)).Value
	held := s.gatewayKeys(t)
	if _, ok := held[value]; !ok || len(held) != 1 {
		t.Errorf("API Gateway holds %d keys, and the revealed one: %v", len(held), ok)
	}

	if got := s.call(t, value); got != http.StatusOK {
		t.Errorf("with the key the API answers %d", got)
	}
	if got := s.call(t, ""); got != http.StatusForbidden {
		t.Errorf("without a key the API answers %d", got)
	}
	throttled := false
	for range 40 {
		throttled = throttled || s.call(t, value) == http.StatusTooManyRequests
	}
	if !throttled {
		t.Error("40 calls at once were not throttled")
	}

	other := p.finish(p.do(http.MethodPut, "/api/v1/subscriptions/"+s.Demo.API.PlusPlanID, ""))
	if other.Status != "rejected" || other.Reason == nil || other.Reason.Code != "conflict" {
		t.Errorf("the second plan of the same stage ended %+v", other)
	}

	p.succeed(p.do(http.MethodDelete, "/api/v1/subscriptions/"+s.Demo.API.FreePlanID, ""))
	if got := s.call(t, value); got != http.StatusForbidden {
		t.Errorf("after leaving the API answers %d", got)
	}
	p.succeed(p.do(http.MethodPut, "/api/v1/subscriptions/"+s.Demo.API.PlusPlanID, ""))
	if got := s.call(t, value); got != http.StatusOK {
		t.Errorf("in the bigger plan the API answers %d", got)
	}
	if held := s.gatewayKeys(t); len(held) != 1 {
		t.Errorf("API Gateway holds %d keys in the end", len(held))
	}
}

func TestEverythingIsStillThereAfterARestart(t *testing.T) {
	t.Parallel()
	s := start(t)
	s.waitForCatalog(t)
	p := s.signUp(t, "grace@example.com")
	p.succeed(p.do(http.MethodPost, "/api/v1/register", ""))
	p.succeed(p.do(http.MethodPut, "/api/v1/subscriptions/"+s.Demo.API.FreePlanID, ""))
	id := decode[items[key]](p.do(http.MethodGet, "/api/v1/keys", "")).Items[0].ID
	before := decode[struct{ Value string }](p.do(http.MethodPost, "/api/v1/keys/"+id+"/reveal", "").want(http.StatusOK)).Value

	s = s.restart(t)
	p = s.signIn(t, "grace@example.com")
	if got := decode[items[subscription]](p.do(http.MethodGet, "/api/v1/subscriptions", "").want(http.StatusOK)).Items; len(got) != 1 || got[0].State != "active" {
		t.Errorf("the subscriptions are %+v", got)
	}
	after := decode[struct{ Value string }](p.do(http.MethodPost, "/api/v1/keys/"+id+"/reveal", "").want(http.StatusOK)).Value
	if before != after {
		t.Error("the key has another value")
	}
	if got := s.call(t, after); got != http.StatusOK {
		t.Errorf("with the key the API answers %d", got)
	}
}

func TestTenSubscribesAtOnceAreOneKeyAndOneAttachment(t *testing.T) {
	t.Parallel()
	s := start(t)
	s.waitForCatalog(t)
	p := s.signUp(t, "alan@example.com")
	p.succeed(p.do(http.MethodPost, "/api/v1/register", ""))

	answers := make([]answer, 10)
	var all sync.WaitGroup
	for i := range answers {
		all.Go(func() { answers[i] = p.do(http.MethodPut, "/api/v1/subscriptions/"+s.Demo.API.FreePlanID, "") })
	}
	all.Wait()
	for _, a := range answers {
		p.succeed(a)
	}
	if held := s.gatewayKeys(t); len(held) != 1 {
		t.Errorf("API Gateway holds %d keys", len(held))
	}
	attached, err := apigateway.NewFromConfig(s.aws).GetUsagePlanKeys(t.Context(), &apigateway.GetUsagePlanKeysInput{UsagePlanId: &s.Demo.API.FreePlanID})
	if err != nil || len(attached.Items) != 1 {
		t.Errorf("attached: %v, %v", attached, err)
	}
}

func TestRequestsWithOneIdempotencyKeyAreOneOperation(t *testing.T) {
	t.Parallel()
	s := start(t)
	s.waitForCatalog(t)
	p := s.signUp(t, "emmy@example.com")
	p.succeed(p.do(http.MethodPost, "/api/v1/register", ""))
	free, plus := "/api/v1/subscriptions/"+s.Demo.API.FreePlanID, "/api/v1/subscriptions/"+s.Demo.API.PlusPlanID

	first := decode[operation](p.do(http.MethodPut, free, "", "Idempotency-Key", "once").want(http.StatusAccepted))
	again := p.do(http.MethodPut, free, "", "Idempotency-Key", "once")
	if second := p.succeed(again); second.ID != first.ID {
		t.Errorf("the repeated request is operation %s, the first was %s", second.ID, first.ID)
	}
	if ended := decode[operation](p.do(http.MethodPut, free, "", "Idempotency-Key", "once").want(http.StatusAccepted)); ended.Status != "succeeded" {
		t.Errorf("repeated after the operation has ended, it is %s", ended.Status)
	}
	problem := decode[struct{ Type string }](p.do(http.MethodPut, plus, "", "Idempotency-Key", "once").want(http.StatusUnprocessableEntity))
	if problem.Type != "/problems/idempotency_key_reused" {
		t.Errorf("the problem is %s", problem.Type)
	}
	other := s.signUp(t, "sofia@example.com")
	if op := decode[operation](other.do(http.MethodPost, "/api/v1/register", "", "Idempotency-Key", "once").want(http.StatusAccepted)); op.ID == first.ID {
		t.Error("two accounts that use the same Idempotency-Key share an operation")
	}
}
