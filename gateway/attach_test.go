package gateway

import (
	"errors"
	"net/http"
	"testing"

	"github.com/gatehouse-portal/gatehouse/gateway/gatewaytest"
	"github.com/gatehouse-portal/gatehouse/portal"
)

const concurrently = "Unable to complete operation due to concurrent modification. Please try again later."

func attached(t *testing.T, w *world, plan portal.PlanID, key portal.GatewayKeyID) bool {
	t.Helper()
	is, err := w.session(t).Attached(t.Context(), plan, key)
	if err != nil {
		t.Fatal(err)
	}
	return is
}

func reasonOf(err error) RefusedReason {
	var no *Refused
	if errors.As(err, &no) {
		return no.Reason
	}
	return ""
}

func TestAttachingTwiceAndDetachingTwiceSucceeds(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	s := w.session(t)
	plan, key := w.Plan(t, "Free", w.RestAPI(t, "Pets", "prod"), "prod"), w.Key(t, "k")
	for range 2 {
		if err := s.Attach(t.Context(), plan, key); err != nil {
			t.Fatal(err)
		}
		if !attached(t, w, plan, key) {
			t.Error("the key is not attached")
		}
	}
	for range 2 {
		if err := s.Detach(t.Context(), plan, key); err != nil {
			t.Fatal(err)
		}
		if attached(t, w, plan, key) {
			t.Error("the key is still attached")
		}
	}
}

func TestAttachingAndDetachingAgainAfterALostAnswerSucceeds(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	s := w.session(t)
	plan, key := w.Plan(t, "Free", w.RestAPI(t, "Pets", "prod"), "prod"), w.Key(t, "k")
	var unavailable *Unavailable

	w.Wire.Once("CreateUsagePlanKey", gatewaytest.Lost)
	if err := s.Attach(t.Context(), plan, key); !errors.As(err, &unavailable) {
		t.Errorf("attaching: error %v", err)
	}
	if err := s.Attach(t.Context(), plan, key); err != nil || !attached(t, w, plan, key) {
		t.Errorf("attaching again: %v", err)
	}
	w.Wire.Once("DeleteUsagePlanKey", gatewaytest.Lost)
	if err := s.Detach(t.Context(), plan, key); !errors.As(err, &unavailable) {
		t.Errorf("detaching: error %v", err)
	}
	if err := s.Detach(t.Context(), plan, key); err != nil || attached(t, w, plan, key) {
		t.Errorf("detaching again: %v", err)
	}
}

func TestAStageThatAnotherPlanCoversIsRefusedForGood(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	s := w.session(t)
	api := w.RestAPI(t, "Pets", "prod")
	one, two, key := w.Plan(t, "Free", api, "prod"), w.Plan(t, "Gold", api, "prod"), w.Key(t, "k")
	if err := s.Attach(t.Context(), one, key); err != nil {
		t.Fatal(err)
	}
	var no *Refused
	if err := s.Attach(t.Context(), two, key); !errors.As(err, &no) || no.Reason != StageTaken || no.Rival != one {
		t.Errorf("error %#v, want one that names plan %s as the rival", err, one)
	}
}

func TestAPlanThatHasMovedToOtherStagesIsNoRival(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	s := w.session(t)
	pets, birds := w.RestAPI(t, "Pets", "prod"), w.RestAPI(t, "Birds", "prod")
	one, two, key := w.Plan(t, "Free", birds, "prod"), w.Plan(t, "Gold", pets, "prod"), w.Key(t, "k")
	if err := s.Attach(t.Context(), one, key); err != nil {
		t.Fatal(err)
	}
	w.Wire.Once("CreateUsagePlanKey", gatewaytest.Answer(http.StatusConflict, "ConflictException", "The key has a conflict"))
	var unavailable *Unavailable
	if err := s.Attach(t.Context(), two, key); !errors.As(err, &unavailable) {
		t.Errorf("a conflict without a rival: %v", err)
	}
	if err := s.Attach(t.Context(), two, key); err != nil {
		t.Errorf("again: %v", err)
	}
}

func TestAConflictWhoseCauseIsNotSeenIsNoRefusal(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		message string
		done    bool
	}{
		"AWS says that the key is attached": {"Usage Plan Key already exists", true},
		"AWS says something else":           {"The request has a conflict", false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			s := w.session(t)
			plan, key := w.Plan(t, "Free", w.RestAPI(t, "Pets", "prod"), "prod"), w.Key(t, "k")
			// The key is attached, and no read shows it yet.
			unseen := gatewaytest.Answer(http.StatusNotFound, "NotFoundException", "Invalid API Key identifier specified")
			w.Wire.Tamper(func(op string, pass func() (*http.Response, error)) (*http.Response, error) {
				switch op {
				case "CreateUsagePlanKey":
					return gatewaytest.Answer(http.StatusConflict, "ConflictException", c.message)(pass)
				case "GetUsagePlanKey", "GetUsagePlans":
					return unseen(pass)
				}
				return pass()
			})
			err := s.Attach(t.Context(), plan, key)
			var unavailable *Unavailable
			if c.done && err != nil || !c.done && !errors.As(err, &unavailable) {
				t.Errorf("error %v", err)
			}
		})
	}
}

func TestARivalIsNotBlamedForAPlanThatIsGone(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	s := w.session(t)
	one, key := w.Plan(t, "Free", w.RestAPI(t, "Pets", "prod"), "prod"), w.Key(t, "k")
	if err := s.Attach(t.Context(), one, key); err != nil {
		t.Fatal(err)
	}
	w.Wire.Once("CreateUsagePlanKey", gatewaytest.Answer(http.StatusConflict, "ConflictException", "The request has a conflict"))
	if err := s.Attach(t.Context(), "nosuch", key); reasonOf(err) != PlanGone {
		t.Errorf("error %v", err)
	}
}

func TestAConflictWithAChangeUnderWayIsUnavailable(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		call    string
		tamper  func(func() (*http.Response, error)) (*http.Response, error)
		do      func(s *Session, plan portal.PlanID, key portal.GatewayKeyID) error
		already bool
		ends    bool
	}{
		"attaching": {
			call: "CreateUsagePlanKey", tamper: gatewaytest.Answer(http.StatusConflict, "ConflictException", concurrently),
			do: func(s *Session, p portal.PlanID, k portal.GatewayKeyID) error { return s.Attach(t.Context(), p, k) },
		},
		"attaching what the other change attached": {
			call: "CreateUsagePlanKey", tamper: func(pass func() (*http.Response, error)) (*http.Response, error) {
				if _, err := gatewaytest.Lost(pass); err == nil {
					return nil, errors.New("the answer was to be lost")
				}
				return gatewaytest.Answer(http.StatusConflict, "ConflictException", concurrently)(nil)
			},
			do:   func(s *Session, p portal.PlanID, k portal.GatewayKeyID) error { return s.Attach(t.Context(), p, k) },
			ends: true,
		},
		"detaching": {
			call: "DeleteUsagePlanKey", tamper: gatewaytest.Answer(http.StatusConflict, "ConflictException", concurrently), already: true,
			do: func(s *Session, p portal.PlanID, k portal.GatewayKeyID) error { return s.Detach(t.Context(), p, k) },
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			s := w.session(t)
			plan, key := w.Plan(t, "Free", w.RestAPI(t, "Pets", "prod"), "prod"), w.Key(t, "k")
			if c.already {
				if err := s.Attach(t.Context(), plan, key); err != nil {
					t.Fatal(err)
				}
			}
			w.Wire.Once(c.call, c.tamper)
			err := c.do(s, plan, key)
			var unavailable *Unavailable
			if c.ends && err != nil || !c.ends && !errors.As(err, &unavailable) {
				t.Errorf("error %v", err)
			}
			if err := c.do(s, plan, key); err != nil {
				t.Errorf("again: %v", err)
			}
		})
	}
}

func TestAttachingTellsAGonePlanFromAGoneKey(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	s := w.session(t)
	plan, key := w.Plan(t, "Free", w.RestAPI(t, "Pets", "prod"), "prod"), w.Key(t, "k")
	if err := s.Attach(t.Context(), "nosuch", key); reasonOf(err) != PlanGone {
		t.Errorf("without the plan: %v", err)
	}
	if err := s.Attach(t.Context(), plan, "nosuch"); reasonOf(err) != KeyGone {
		t.Errorf("without the key: %v", err)
	}
	w.Wire.Once("CreateUsagePlanKey", gatewaytest.Answer(http.StatusNotFound, "NotFoundException", "Invalid Usage Plan identifier specified"))
	var unavailable *Unavailable
	if err := s.Attach(t.Context(), plan, key); !errors.As(err, &unavailable) {
		t.Errorf("with both visible a moment later: %v", err)
	}
	if err := s.Detach(t.Context(), "nosuch", key); err != nil {
		t.Errorf("detaching without the plan: %v", err)
	}
}
