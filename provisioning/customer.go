package provisioning

import (
	"context"
	"fmt"

	"github.com/rs/zerolog"

	"github.com/gatehouse-portal/gatehouse/gateway"
	"github.com/gatehouse-portal/gatehouse/state"
)

// API Gateway meters the requests of a key in a plan with a product code for the key's customer. The
// keys of a buyer on an older listing have one, even if the portal meters the plan. Other keys have none.

// withCustomer attaches a key that has the customer of its ring. Without it, API Gateway would bill
// nobody for the key's requests.
func (c *convergence) withCustomer(ctx context.Context, key state.Key, attach func() error) error {
	if key.Ring.Customer() != "" {
		actual, err := c.plane.Inspect(ctx, key.GatewayID)
		if err == nil {
			err = c.mendCustomer(ctx, key, actual)
		}
		if err != nil {
			return err
		}
	}
	return attach()
}

func (c *convergence) mendCustomer(ctx context.Context, key state.Key, actual gateway.KeyState) error {
	want := key.Ring.Customer()
	if actual.Customer == want {
		return nil
	}
	zerolog.Ctx(ctx).Warn().Str("key", string(key.ID)).Str("was", actual.Customer).Str("customer", want).
		Msg("a key has a wrong customer of AWS Marketplace in API Gateway; setting the right one")
	if err := c.plane.SetCustomer(ctx, key.GatewayID, want); err != nil {
		return fmt.Errorf("setting the customer of key %s: %w", key.ID, err)
	}
	return nil
}
