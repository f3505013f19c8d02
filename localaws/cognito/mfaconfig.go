package cognito

import (
	"context"

	"github.com/gatehouse-portal/gatehouse/localaws/store"
	"github.com/gatehouse-portal/gatehouse/localaws/wire"
)

type mfaConfigOutput struct {
	MfaConfiguration string `json:"MfaConfiguration"`
}

func (s *Service) getUserPoolMfaConfig(_ context.Context, in *poolIDInput) (*mfaConfigOutput, error) {
	var c constraints
	c.Text("userPoolId", in.UserPoolID, 55)
	if err := c.err(); err != nil {
		return nil, err
	}
	return &mfaConfigOutput{MfaConfiguration: "OFF"}, s.env.DB.View(func(tx *store.Tx) error {
		_, err := findPool(tx, in.UserPoolID)
		return err
	})
}

type setMfaConfigInput struct {
	poolIDInput
	MfaConfiguration string
}

func (s *Service) setUserPoolMfaConfig(ctx context.Context, in *setMfaConfigInput) (*mfaConfigOutput, error) {
	var c constraints
	c.OneOf("mfaConfiguration", []string{"OFF", "ON", "OPTIONAL"}, in.MfaConfiguration)
	if err := c.err(); err != nil {
		return nil, err
	}
	if in.MfaConfiguration != "" && in.MfaConfiguration != "OFF" {
		return nil, wire.NotImplemented("Multi-factor authentication")
	}
	return s.getUserPoolMfaConfig(ctx, &in.poolIDInput)
}
