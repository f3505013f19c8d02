package operations_test

import (
	"context"
	"errors"
	"testing"

	"github.com/gatehouse-portal/gatehouse/events"
	"github.com/gatehouse-portal/gatehouse/operations"
	"github.com/gatehouse-portal/gatehouse/portal"
	"github.com/gatehouse-portal/gatehouse/projections"
)

// oldPlane is what API Gateway knows of adopted keys.
type oldPlane struct {
	reads int
	err   error
}

func (p *oldPlane) AdoptedValue(_ context.Context, key portal.GatewayKeyID) (string, error) {
	p.reads++
	return "value of " + string(key), p.err
}

func withAdopted(t *testing.T, plane *oldPlane) (*fixture, *operations.Operations) {
	t.Helper()
	d := withKeys(t)
	d.happen(portal.AccountStream(ann), "", events.KeyAdopted{Key: "old", GatewayID: "old1", Ring: portal.AccountRing, Name: "Default key"})
	cfg := d.config()
	cfg.Adopted = plane
	return d, operations.New(cfg)
}

func TestTheValueOfAnAdoptedKeyComesFromAPIGatewayWithinTheLimitOfReveals(t *testing.T) {
	t.Parallel()
	plane := &oldPlane{}
	d, ops := withAdopted(t, plane)
	for range 3 * projections.MaxRevealsPerMinute {
		value, err := ops.Reveal(t.Context(), who(ann, ""), "old")
		if err != nil {
			refuses(t, err, portal.TooManyRequests)
		} else if value != "value of old1" {
			t.Fatalf("the value is %q", value)
		}
	}
	if plane.reads != projections.MaxRevealsPerMinute || len(d.revealed(ann)) != projections.MaxRevealsPerMinute {
		t.Errorf("it was read %d times, and %d reveals are recorded; want %d", plane.reads, len(d.revealed(ann)), projections.MaxRevealsPerMinute)
	}
	if value, err := ops.ValueToSend(t.Context(), ann, "old"); err != nil || value != "value of old1" {
		t.Errorf("to send: %q, %v", value, err)
	}
	if _, err := ops.Reveal(t.Context(), who("ben", ""), "old"); portal.CodeOf(err) != portal.NotFound {
		t.Errorf("another person gets %v", err)
	}
}

func TestAnAdoptedKeyThatCannotBeReadIsNotRevealed(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		err  error
		want portal.Code
	}{
		"somebody deleted it":         {portal.Fail(portal.NotFound, "gone"), portal.Conflict},
		"API Gateway does not answer": {errors.New("dial tcp: AKIA secret"), portal.Unavailable},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, ops := withAdopted(t, &oldPlane{err: c.err})
			value, err := ops.Reveal(t.Context(), who(ann, ""), "old")
			if value != "" || portal.CodeOf(err) != c.want {
				t.Errorf("it answers %q, %v", value, err)
			}
		})
	}
}
