// This file tests changes of plans and approvals over the JSON API.

package e2e

import (
	"fmt"
	"net/http"
	"slices"
	"sync/atomic"
	"testing"

	"github.com/aws/aws-sdk-go-v2/service/cognitoidentityprovider"
	"github.com/aws/aws-sdk-go-v2/service/cognitoidentityprovider/types"

	"github.com/gatehouse-portal/gatehouse/demo"
)

// subscribeToFree signs a person up and subscribes them to the Free plan. It returns their key.
func (s *site) subscribeToFree(t *testing.T, email string) (person, string) {
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
	p, value := s.subscribeToFree(t, "ada@example.com")
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
	op := p.succeed(p.do(http.MethodPut, "/api/v1/subscriptions/"+plus, `{"replaces": "`+free+`"}`))
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
	p.succeed(p.do(http.MethodPut, "/api/v1/subscriptions/"+plus, `{"replaces": "`+free+`"}`))
	p.succeed(p.do(http.MethodPut, "/api/v1/subscriptions/"+free, `{"replaces": "`+plus+`"}`))
	if got := p.states(); got[free] != "active" || got[plus] != "ended" {
		t.Errorf("after changing back the subscriptions are %v", got)
	}
}

// changeOf asks for the change and returns the accepted operation.
func (p person) changeOf(from, to string) operation {
	p.t.Helper()
	return decode[operation](p.do(http.MethodPut, "/api/v1/subscriptions/"+to, `{"replaces": "`+from+`"}`).want(http.StatusAccepted))
}

// demoAdmin signs the demo's admin in.
func (s *site) demoAdmin(t *testing.T) person {
	t.Helper()
	account := demo.Accounts[1]
	out, err := s.cognito().InitiateAuth(t.Context(), &cognitoidentityprovider.InitiateAuthInput{
		ClientId: &s.Demo.ClientID, AuthFlow: types.AuthFlowTypeUserPasswordAuth,
		AuthParameters: map[string]string{"USERNAME": account.Email, "PASSWORD": account.Password},
	})
	if err != nil {
		t.Fatal(err)
	}
	return person{t: t, base: s.PortalURL, token: *out.AuthenticationResult.IdToken}
}

// result follows an operation by its id until it has ended.
func (p person) result(id string) (op operation) {
	p.t.Helper()
	eventually(p.t, "the operation ends", func() bool {
		op = decode[operation](p.do(http.MethodGet, "/api/v1/operations/"+id, "").want(http.StatusOK))
		return op.Status == "succeeded" || op.Status == "rejected" || op.Status == "failed"
	})
	return op
}

type approval struct {
	Account, Plan, Name, Replaces string
	Request                       int64
}

// review has an admin approve or deny, as how says, and follows the operation until it has ended.
func (p person) review(a approval, how, body string) operation {
	p.t.Helper()
	return p.finish(p.do(http.MethodPost, "/api/v1/admin/approvals/"+a.Account+"/"+a.Plan+"/"+how, body))
}

func TestAChangeToAPlanThatNeedsApprovalWaitsForAnAdmin(t *testing.T) {
	t.Parallel()
	s := start(t)
	p, value := s.subscribeToFree(t, "ada@example.com")
	free, plus := s.Demo.API.FreePlanID, s.Demo.API.PlusPlanID
	s.rewrite(t, "  - name: Seamark Plus\n", "  - name: Seamark Plus\n    approval: manual\n")
	s.operator(t).says(0, "catalog", "sync")
	admin := s.demoAdmin(t)
	waiting := func() []approval {
		return decode[items[approval]](admin.do(http.MethodGet, "/api/v1/admin/approvals", "").want(http.StatusOK)).Items
	}
	waits := func(op operation) operation {
		eventually(t, "it waits", func() bool {
			op = decode[operation](p.do(http.MethodGet, "/api/v1/operations/"+op.ID, ""))
			return op.Status == "waiting"
		})
		return op
	}

	op := waits(p.changeOf(free, plus))
	again := waits(p.changeOf(free, plus))
	if op.Reason == nil || op.Reason.Code != "approval" || again.Reason == nil || again.Reason.Code != "approval" {
		t.Errorf("they wait with %+v and %+v", op.Reason, again.Reason)
	}
	list := waiting()
	if len(list) != 1 || list[0].Plan != plus || list[0].Replaces != free {
		t.Fatalf("%+v wait for approval", list)
	}
	p.do(http.MethodGet, "/api/v1/admin/approvals", "").want(http.StatusForbidden)
	p.do(http.MethodPost, "/api/v1/admin/approvals/"+list[0].Account+"/"+plus+"/approve", "").want(http.StatusForbidden)
	if got := s.call(t, value); got != http.StatusOK && got != http.StatusTooManyRequests {
		t.Errorf("while the change waits the API answers %d", got)
	}

	if answer := admin.review(list[0], "deny", `{"message": "Plus is for partners only."}`); answer.Status != "succeeded" {
		t.Errorf("the denial ended %+v", answer)
	}
	for _, asked := range []operation{op, again} {
		ended := p.result(asked.ID)
		if ended.Status != "rejected" || ended.Reason == nil || ended.Reason.Code != "denied" {
			t.Errorf("denied, the change ended %+v, %+v", ended, ended.Reason)
		}
	}
	if late := admin.review(list[0], "approve", fmt.Sprintf(`{"request": %d}`, list[0].Request)); late.Status != "rejected" {
		t.Errorf("an approval after the denial ended %+v", late)
	}

	op = waits(p.changeOf(free, plus))
	p.succeed(p.do(http.MethodDelete, "/api/v1/subscriptions/"+plus, ""))
	if list := waiting(); len(list) > 0 {
		t.Errorf("after it was withdrawn, %+v wait", list)
	}

	op = waits(p.changeOf(free, plus))
	if answer := admin.review(waiting()[0], "approve", ""); answer.Status != "succeeded" {
		t.Errorf("the approval ended %+v", answer)
	}
	if op = p.result(op.ID); op.Status != "succeeded" {
		t.Errorf("approved, the change ended %+v, %+v", op, op.Reason)
	}
	if got := p.states(); got[free] != "ended" || got[plus] != "active" || len(waiting()) > 0 {
		t.Errorf("the subscriptions are %v, and %+v wait", got, waiting())
	}
	if a, b := s.countAttached(t, free), s.countAttached(t, plus); a != 0 || b != 1 {
		t.Errorf("%d keys are in Free and %d in Plus", a, b)
	}
}
