package cognito

import (
	"context"
	"encoding/json"

	"github.com/gatehouse-portal/gatehouse/localaws/store"
	"github.com/gatehouse-portal/gatehouse/localaws/wire"
)

type updateUserPoolInput struct {
	UserPoolID             string `json:"UserPoolId"`
	Policies               *policies
	AutoVerifiedAttributes []string
	AdminCreateUserConfig  *adminCreateUserConfig
	DeletionProtection     string
	MfaConfiguration       string
	UserPoolTags           map[string]string
	UserPoolTier           string
	AccountRecoverySetting json.RawMessage

	EmailConfiguration          *emailConfiguration
	UserAttributeUpdateSettings *attributeUpdateSettings
}

// updateUserPool gives settings that the request leaves out their defaults, as on AWS. Deletion
// protection is an exception and stays.
func (s *Service) updateUserPool(_ context.Context, in *updateUserPoolInput) (*none, error) {
	var c constraints
	c.Text("userPoolId", in.UserPoolID, 55)
	c.OneOf("deletionProtection", []string{"ACTIVE", "INACTIVE"}, in.DeletionProtection)
	c.OneOf("autoVerifiedAttributes", []string{"phone_number", "email"}, in.AutoVerifiedAttributes...)
	in.EmailConfiguration.validate(&c)
	in.UserAttributeUpdateSettings.validate(&c)
	if err := c.err(); err != nil {
		return nil, err
	}
	if err := in.EmailConfiguration.supported(); err != nil {
		return nil, err
	}
	if in.MfaConfiguration != "" && in.MfaConfiguration != "OFF" {
		return nil, wire.NotImplemented("Multi-factor authentication")
	}
	policy, err := in.Policies.policy()
	if err != nil {
		return nil, err
	}
	return &none{}, s.env.DB.Update(func(tx *store.Tx) error {
		p, err := findPool(tx, in.UserPoolID)
		if err != nil {
			return err
		}
		p.Policy, p.AutoVerifiedAttributes, p.Recovery = policy, in.AutoVerifiedAttributes, in.AccountRecoverySetting
		p.UpdateSettings = in.UserAttributeUpdateSettings
		p.AdminCreateOnly = in.AdminCreateUserConfig != nil && in.AdminCreateUserConfig.AllowAdminCreateUserOnly
		if in.DeletionProtection != "" {
			p.DeletionProtection = in.DeletionProtection
		}
		if in.UserPoolTags != nil {
			p.Tags = in.UserPoolTags
		}
		p.Modified = s.env.Now()
		return store.PutJSON(poolsIn(tx), p.ID, p)
	})
}
