package gateway

import (
	"errors"
	"net/http"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/apigateway/types"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"

	"github.com/gatehouse-portal/gatehouse/gateway/gatewaytest"
	"github.com/gatehouse-portal/gatehouse/portal"
)

const noRoom = "Maximum number of API keys has been reached: 10000"

// full lets every creation fail until empty is called.
func (w *world) full() (empty func()) {
	w.Wire.Tamper(func(op string, pass func() (*http.Response, error)) (*http.Response, error) {
		if op == "CreateApiKey" {
			return gatewaytest.Answer(http.StatusTooManyRequests, "LimitExceededException", noRoom)(pass)
		}
		return pass()
	})
	return func() {
		w.Wire.Tamper(nil)
	}
}

// fullUntil creates a key and returns until when the account is full, zero if it is not.
func fullUntil(t *testing.T, s *Session, n int) time.Time {
	t.Helper()
	_, err := s.CreateKey(t.Context(), Key{Name: value(n), Value: value(n)})
	var full *LimitReached
	switch {
	case err == nil:
		return time.Time{}
	case !errors.As(err, &full) || full.Limit != Keys || full.Until.IsZero():
		t.Errorf("error %v", err)
		return time.Time{}
	}
	return full.Until
}

func TestAHundredCreationsInAFullAccountCostOneCall(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.full()
	synctest.Test(t, func(t *testing.T) {
		processes := []*Session{w.session(t), w.session(t)}
		for n := range 100 {
			if until := fullUntil(t, processes[n%2], n); !until.Equal(time.Now().Add(firstFull)) {
				t.Fatalf("creation %d is told to wait until %v; it is %v", n, until, time.Now())
			}
		}
		if n := w.Wire.Count("CreateApiKey"); n != 1 {
			t.Errorf("%d calls, want 1", n)
		}
	})
}

func TestAnAccountThatStaysFullIsAskedLessAndLessOften(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	empty := w.full()
	synctest.Test(t, func(t *testing.T) {
		s, other := w.session(t), w.session(t)
		for round, want := range []time.Duration{1, 2, 4, 8, 16, 32, 60, 60} {
			until := fullUntil(t, s, round)
			if wait := time.Until(until).Round(time.Second); wait != want*time.Minute {
				t.Errorf("round %d: told to wait for %v, want %v", round, wait, want*time.Minute)
			}
			time.Sleep(time.Until(until) - time.Second)
			fullUntil(t, other, round)
			time.Sleep(time.Second)
			if n := w.Wire.Count("CreateApiKey"); n != round+1 {
				t.Errorf("round %d: %d calls so far, want %d", round, n, round+1)
			}
		}
		empty()
		for n, s := range []*Session{s, other, s} {
			if until := fullUntil(t, s, 100+n); !until.IsZero() {
				t.Errorf("with room again, creation %d is told to wait until %v", n, until)
			}
		}
		w.full()
		if wait := time.Until(fullUntil(t, s, 200)).Round(time.Second); wait != firstFull {
			t.Errorf("full anew: wait for %v, want %v", wait, firstFull)
		}
	})
}

func TestOnlyOneCallTriesAgainWhetherThereIsRoom(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.full()
	synctest.Test(t, func(t *testing.T) {
		defer time.Sleep(tokenWait) // until every taker has stopped
		sessions := []*Session{w.session(t), w.session(t)}
		time.Sleep(time.Until(fullUntil(t, sessions[0], 0)))
		var all sync.WaitGroup
		for n := range 10 {
			all.Go(func() { fullUntil(t, sessions[n%2], n) })
		}
		all.Wait()
		if n := w.Wire.Count("CreateApiKey"); n != 2 {
			t.Errorf("%d calls, want one before and one after", n)
		}
	})
}

func TestIfTheCallThatTriesAgainDiesTheOthersWaitForAMoment(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	empty := w.full()
	synctest.Test(t, func(t *testing.T) {
		dead, alive := w.session(t), w.session(t)
		time.Sleep(time.Until(fullUntil(t, dead, 0)))
		if err := dead.cp.budget.room.check(t.Context()); err != nil {
			t.Fatal(err)
		}
		empty()
		until := fullUntil(t, alive, 1)
		if wait := time.Until(until).Round(time.Second); wait != tryingFor {
			t.Errorf("wait for %v, want %v", wait, tryingFor)
		}
		time.Sleep(time.Until(until))
		if until := fullUntil(t, alive, 1); !until.IsZero() {
			t.Errorf("afterwards a creation is told to wait until %v", until)
		}
	})
}

func TestIfTheRowOfTheLimitCannotBeReadNoKeyIsCreated(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	s := w.session(t)
	s.cp.budget.room.db = broken{table: w.DB}
	_, err := s.CreateKey(t.Context(), Key{Name: "k", Value: value(1)})
	var later *portal.Postponed
	if !errors.As(err, &later) || later.Reason != "limit store" {
		t.Errorf("error %v", err)
	}
	if calls := w.Wire.Made(); len(calls) > 0 {
		t.Errorf("calls %v", calls)
	}
}

func TestAnEleventhPlanIsALimitOfTheKeyAndNotOfTheAccount(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	s := w.session(t)
	key := w.Key(t, "k")
	for n := range 11 {
		err := s.Attach(t.Context(), w.Plan(t, value(n)), key)
		var full *LimitReached
		switch {
		case n < 10 && err != nil:
			t.Fatal(err)
		case n == 10 && (!errors.As(err, &full) || full.Limit != PlansPerKey || !full.Until.IsZero()):
			t.Errorf("the eleventh plan: %#v", err)
		}
	}
	if until := fullUntil(t, s, 1); !until.IsZero() {
		t.Errorf("other keys are told to wait until %v", until)
	}
	out, err := w.DB.GetItem(t.Context(), &dynamodb.GetItemInput{TableName: &s.cp.budget.name, Key: s.cp.budget.room.key()})
	if err != nil || out.Item != nil {
		t.Errorf("the account counts as full: %v, %v", out, err)
	}
}

func TestEachOperationHasItsLimit(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		op      Operation
		message string
		want    ResourceLimit
	}{
		"creating a key":             {createAPIKey, noRoom, Keys},
		"creating a plan":            {CreateUsagePlan, "Maximum number of usage plans has been reached: 300", UsagePlans},
		"attaching a key":            {createUsagePlanKey, "Maximum number of usage plans per API key has been reached: 10", PlansPerKey},
		"attaching, in other words":  {createUsagePlanKey, "Limit exceeded", PlansPerKey},
		"importing too many keys":    {ImportAPIKeys, noRoom, Keys},
		"importing for a full key":   {ImportAPIKeys, "Maximum number of usage plans per API key has been reached: 10", PlansPerKey},
		"importing, in other words":  {ImportAPIKeys, "Limit exceeded", Keys},
		"creating, with other words": {createAPIKey, "Limit exceeded", Keys},
	} {
		var full *LimitReached
		err := classify(c.op, &types.LimitExceededException{Message: aws.String(c.message)})
		if !errors.As(err, &full) || full.Limit != c.want {
			t.Errorf("%s: %v, want limit %s", name, err, c.want)
		}
	}
}
