package app

import (
	"context"
	"errors"

	"github.com/gatehouse-portal/gatehouse/gateway"
	"github.com/gatehouse-portal/gatehouse/portal"
)

// adoptedValues reads the values of adopted keys from API Gateway, within the budget. It is the only
// control-plane call that the portal makes.
type adoptedValues struct {
	plane *gateway.ControlPlane
}

func (a adoptedValues) AdoptedValue(ctx context.Context, key portal.GatewayKeyID) (string, error) {
	value, err := a.plane.Session(gateway.Interactive, nil).Value(ctx, key)
	var refused *gateway.Refused
	if errors.As(err, &refused) && refused.Reason == gateway.KeyGone {
		return "", portal.Fail(portal.NotFound, "There is no such key in API Gateway.")
	}
	return value, err
}
