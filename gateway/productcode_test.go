package gateway

import (
	"errors"
	"testing"

	"github.com/gatehouse-portal/gatehouse/portal"
)

func TestAProductCodeIsSetAndTheSecondCallWaitsForItsTurn(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	plan, s := w.Plan(t, "Pro"), w.session(t)
	if err := s.SetProductCode(t.Context(), plan, "prod1"); err != nil {
		t.Fatal(err)
	}
	all, err := s.UsagePlans(t.Context())
	if err != nil || len(all) != 1 || all[0].ProductCode != "prod1" || all[0].Name != "Pro" {
		t.Errorf("the plans are %+v, %v", all, err)
	}
	var later *portal.Postponed
	if err := s.SetProductCode(t.Context(), plan, "prod2"); !errors.As(err, &later) || later.After <= 0 {
		t.Errorf("at once again: %v", err)
	}
}

func TestAPlanThatIsGoneGetsNoProductCode(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	if err := w.session(t).SetProductCode(t.Context(), "gone", "prod1"); reasonOf(err) != PlanGone {
		t.Errorf("the error is %v", err)
	}
}
