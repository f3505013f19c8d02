package gateway

import (
	"errors"
	"net/http"
	"slices"
	"testing"
	"time"

	"github.com/gatehouse-portal/gatehouse/gateway/gatewaytest"
	"github.com/gatehouse-portal/gatehouse/portal"
)

// switching is a key in the first of two plans of one stage.
func switching(t *testing.T) (w *world, from, to portal.PlanID, key portal.GatewayKeyID) {
	t.Helper()
	w = newWorld(t)
	api := w.RestAPI(t, "Pets", "prod")
	from, to, key = w.Plan(t, "Free", api, "prod"), w.Plan(t, "Plus", api, "prod"), w.Key(t, "k")
	if err := w.session(t).Attach(t.Context(), from, key); err != nil {
		t.Fatal(err)
	}
	return w, from, to, key
}

func (w *world) isIn(t *testing.T, key portal.GatewayKeyID, plans ...portal.PlanID) {
	t.Helper()
	holds, err := w.session(t).PlansOf(t.Context(), key)
	if err != nil {
		t.Fatal(err)
	}
	if got := PlanIDs(holds); !slices.Equal(got, plans) {
		t.Errorf("the key is in %v, want %v", got, plans)
	}
}

// madeSince lists the calls after the first so many.
func (w *world) madeSince(before int) []string { return w.Wire.Made()[before:] }

func TestAMoveIsTwoCallsWithNothingInBetween(t *testing.T) {
	t.Parallel()
	w, from, to, key := switching(t)
	s := w.session(t)
	for range 2 { // a repeat finds the key in its new plan
		before := len(w.Wire.Made())
		if err := s.Move(t.Context(), from, to, key); err != nil {
			t.Fatal(err)
		}
		if made := w.madeSince(before); !slices.Equal(made, []string{"DeleteUsagePlanKey", "CreateUsagePlanKey"}) {
			t.Errorf("it made the calls %v", made)
		}
		w.isIn(t, key, to)
	}
}

func TestAMoveRepeatsItsSecondCallAtOnce(t *testing.T) {
	t.Parallel()
	for name, fault := range map[string]func(gatewaytest.Pass) (*http.Response, error){
		"another change is under way":     gatewaytest.Answer(http.StatusConflict, "ConflictException", concurrently),
		"API Gateway throttles":           gatewaytest.Answer(http.StatusTooManyRequests, "TooManyRequestsException", "Too Many Requests"),
		"the answer is lost":              gatewaytest.Lost,
		"API Gateway has a fault for now": gatewaytest.Answer(http.StatusServiceUnavailable, "ServiceUnavailableException", "no"),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w, from, to, key := switching(t)
			w.Wire.Once("CreateUsagePlanKey", fault)
			before := len(w.Wire.Made())
			if err := w.session(t).Move(t.Context(), from, to, key); err != nil {
				t.Fatal(err)
			}
			if made := w.madeSince(before); !slices.Equal(made, []string{"DeleteUsagePlanKey", "CreateUsagePlanKey", "CreateUsagePlanKey"}) {
				t.Errorf("it made the calls %v", made)
			}
			w.isIn(t, key, to)
		})
	}
}

func TestAMoveThatCannotLeaveTheOldPlanAttachesNothing(t *testing.T) {
	t.Parallel()
	w, from, to, key := switching(t)
	w.Wire.Once("DeleteUsagePlanKey", gatewaytest.Answer(http.StatusServiceUnavailable, "ServiceUnavailableException", "no"))
	var busy *Unavailable
	if err := w.session(t).Move(t.Context(), from, to, key); !errors.As(err, &busy) {
		t.Errorf("moving: %v", err)
	}
	w.isIn(t, key, from)
}

func TestAMoveToAPlanThatIsGonePutsTheKeyBack(t *testing.T) {
	t.Parallel()
	w, from, _, key := switching(t)
	if err := w.session(t).Move(t.Context(), from, "gone", key); reasonOf(err) != PlanGone {
		t.Errorf("moving: %v", err)
	}
	w.isIn(t, key, from)
}

func TestAMoveFromAPlanThatIsGoneAttachesTheKey(t *testing.T) {
	t.Parallel()
	w, from, to, key := switching(t)
	s := w.session(t)
	if err := s.Detach(t.Context(), from, key); err != nil {
		t.Fatal(err)
	}
	if err := s.Move(t.Context(), "gone", to, key); err != nil {
		t.Fatal(err)
	}
	w.isIn(t, key, to)
}

func TestAMoveOfAKeyThatIsGoneSaysSo(t *testing.T) {
	t.Parallel()
	w, from, to, _ := switching(t)
	if err := w.session(t).Move(t.Context(), from, to, "gone"); reasonOf(err) != KeyGone {
		t.Errorf("moving: %v", err)
	}
}

func TestAMoveDoesNotBeginWithTooLittleOfTheMessagesLeaseLeft(t *testing.T) {
	t.Parallel()
	w, from, to, key := switching(t)
	before := len(w.Wire.Made())
	s := w.controlPlane(t, w.process(t, 1), Config{}).Session(Interactive, soon(11*time.Second))
	var later *portal.Postponed
	if err := s.Move(t.Context(), from, to, key); !errors.As(err, &later) {
		t.Errorf("moving: %v", err)
	}
	if made := w.madeSince(before); len(made) > 0 {
		t.Errorf("it made the calls %v", made)
	}
	w.isIn(t, key, from)
	// It has given the attach lease and both tokens back.
	if err := w.controlPlane(t, w.process(t, 1), Config{}).Session(Interactive, soon(time.Minute)).Move(t.Context(), from, to, key); err != nil {
		t.Error(err)
	}
}
