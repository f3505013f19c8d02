package gateway

import (
	"errors"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/apigateway"

	"github.com/gatehouse-portal/gatehouse/portal"
)

func TestTheRestOfAQuotaIsReadAndSet(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	s := w.session(t)
	plan, old, renewed := w.limitedPlan(t).ID, w.Key(t, "old"), w.Key(t, "new")
	w.join(t, plan, old)
	w.join(t, plan, renewed)
	if err := s.SetRemaining(t.Context(), plan, old, 40); err != nil {
		t.Fatal(err)
	}
	of, err := s.QuotaOf(t.Context(), plan, old)
	left := of.Remaining
	if left != 40 || !of.Counted || of.Used() != of.Limit-40 || err != nil {
		t.Fatalf("the old key has %+v, %v", of, err)
	}
	for range 2 {
		if err := s.SetRemaining(t.Context(), plan, renewed, left); err != nil {
			t.Fatal(err)
		}
	}
	if of, err := s.QuotaOf(t.Context(), plan, renewed); of.Remaining != 40 || !of.Counted || err != nil {
		t.Errorf("the new key has %+v, %v", of, err)
	}
}

func TestWithoutAQuotaThereIsNoRest(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	s := w.session(t)
	out, err := w.API.CreateUsagePlan(t.Context(), &apigateway.CreateUsagePlanInput{Name: aws.String("Open")})
	if err != nil {
		t.Fatal(err)
	}
	plan, key := portal.PlanID(aws.ToString(out.Id)), w.Key(t, "k")
	w.join(t, plan, key)
	if of, err := s.QuotaOf(t.Context(), plan, key); of != (KeyQuota{}) || of.Used() != 0 || err != nil {
		t.Errorf("%+v, %v", of, err)
	}
	var refused *Refused
	if err := s.SetRemaining(t.Context(), plan, key, 1); !errors.As(err, &refused) {
		t.Errorf("setting the rest of no quota: %v", err)
	}
	if _, err := s.QuotaOf(t.Context(), "nosuch", key); !errors.As(err, &refused) || refused.Reason != PlanGone {
		t.Errorf("of no plan: %v", err)
	}
	if err := s.SetRemaining(t.Context(), w.limitedPlan(t).ID, key, 1); !errors.As(err, &refused) || refused.Reason != KeyGone {
		t.Errorf("of a key that is not in the plan: %v", err)
	}
}

func TestAPeriodBeginsWithItsDayWeekOrMonth(t *testing.T) {
	t.Parallel()
	friday := time.Date(2026, 11, 27, 9, 0, 0, 0, time.UTC)
	for period, want := range map[string]int{"DAY": 27, "WEEK": 22, "MONTH": 1} {
		if got := (Quota{Period: period}).periodStart(friday); got.Day() != want || got.Month() != time.November {
			t.Errorf("the %s of %s begins on %s", period, friday.Format(time.DateOnly), got.Format(time.DateOnly))
		}
	}
}

func TestAKeyIsDisabledAndEnabled(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	s := w.session(t)
	key := w.Key(t, "gatehouse/a/k")
	for _, enabled := range []bool{false, false, true, true} {
		if err := s.SetEnabled(t.Context(), key, enabled); err != nil {
			t.Fatal(err)
		}
		if state, err := s.Inspect(t.Context(), key); err != nil || state != (KeyState{Name: "gatehouse/a/k", Enabled: enabled}) {
			t.Errorf("after it was set to %v, the state is %+v, %v", enabled, state, err)
		}
	}
	var refused *Refused
	if err := s.SetEnabled(t.Context(), "nosuch", false); !errors.As(err, &refused) || refused.Reason != KeyGone {
		t.Errorf("of no key: %v", err)
	}
}
