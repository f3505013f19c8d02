package kms

import (
	"context"
	"encoding/json"

	"github.com/gatehouse-portal/gatehouse/localaws/store"
	"github.com/gatehouse-portal/gatehouse/localaws/wire"
)

// defaultPolicy is the name of the one policy that a key has.
const defaultPolicy = "default"

type keyPolicyInput struct {
	KeyID      string `json:"KeyId"`
	PolicyName string
	Policy     string
	// BypassPolicyLockoutSafetyCheck concerns permissions, which are not checked here.
	BypassPolicyLockoutSafetyCheck bool
}

type keyPolicyOutput struct {
	Policy     string
	PolicyName string
}

// getKeyPolicy answers the key's policy; a key made without one has AWS's default
// policy, which leaves everything to IAM.
func (s *Service) getKeyPolicy(_ context.Context, in *keyPolicyInput) (*keyPolicyOutput, error) {
	if in.PolicyName != "" && in.PolicyName != defaultPolicy {
		return nil, wire.Errorf("NotFoundException", "No such policy exists")
	}
	var k key
	err := s.env.DB.View(func(tx *store.Tx) error {
		var err error
		k, err = s.findKey(tx, in.KeyID)
		return err
	})
	if err != nil {
		return nil, err
	}
	policy := k.Policy
	if policy == "" {
		policy = s.accountPolicy()
	}
	return &keyPolicyOutput{Policy: policy, PolicyName: defaultPolicy}, nil
}

// putKeyPolicy replaces the policy. It is kept, and no permission is checked.
func (s *Service) putKeyPolicy(_ context.Context, in *keyPolicyInput) (*none, error) {
	if in.PolicyName != "" && in.PolicyName != defaultPolicy {
		return nil, wire.Errorf("ValidationException", "The policy name must be default")
	}
	if !json.Valid([]byte(in.Policy)) {
		return nil, wire.Errorf("MalformedPolicyDocumentException", "The policy is not a JSON document.")
	}
	_, err := s.change(in.KeyID, func(k *key) error {
		if err := s.notPendingDeletion(*k); err != nil {
			return err
		}
		k.Policy = in.Policy
		return nil
	})
	return &none{}, err
}

func (s *Service) accountPolicy() string {
	policy, _ := json.Marshal(map[string]any{
		"Version": "2012-10-17", "Id": "key-default-1",
		"Statement": []any{map[string]any{
			"Sid": "Enable IAM User Permissions", "Effect": "Allow", "Action": "kms:*", "Resource": "*",
			"Principal": map[string]string{"AWS": "arn:aws:iam::" + s.env.Account + ":root"},
		}},
	})
	return string(policy)
}
