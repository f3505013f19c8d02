package kms

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"

	"github.com/gatehouse-portal/gatehouse/localaws/store"
	"github.com/gatehouse-portal/gatehouse/localaws/wire"
)

const defaultPolicy = "default"

// maxPolicy is in bytes.
const maxPolicy = 32 << 10

type keyPolicyInput struct {
	KeyID      string `json:"KeyId"`
	PolicyName string
}

type keyPolicyOutput struct {
	Policy     string `json:"Policy"`
	PolicyName string `json:"PolicyName"`
}

// getKeyPolicy returns AWS's default, under which the account may do everything, if none was
// set.
func (s *Service) getKeyPolicy(_ context.Context, in *keyPolicyInput) (*keyPolicyOutput, error) {
	if in.PolicyName != "" && in.PolicyName != defaultPolicy {
		return nil, wire.Errorf("NotFoundException", "No such policy exists")
	}
	out := &keyPolicyOutput{PolicyName: defaultPolicy}
	return out, s.env.DB.View(func(tx *store.Tx) error {
		k, err := s.findKey(tx, in.KeyID)
		if out.Policy = k.Policy; out.Policy == "" {
			out.Policy = s.accountPolicy()
		}
		return err
	})
}

func (s *Service) accountPolicy() string {
	return fmt.Sprintf(`{
  "Version" : "2012-10-17",
  "Id" : "key-default-1",
  "Statement" : [ {
    "Sid" : "Enable IAM User Permissions",
    "Effect" : "Allow",
    "Principal" : {
      "AWS" : "arn:aws:iam::%s:root"
    },
    "Action" : "kms:*",
    "Resource" : "*"
  } ]
}`, s.env.Account)
}

type putKeyPolicyInput struct {
	keyPolicyInput
	Policy                         string
	BypassPolicyLockoutSafetyCheck bool
}

func (s *Service) putKeyPolicy(_ context.Context, in *putKeyPolicyInput) (*none, error) {
	if in.PolicyName != "" && in.PolicyName != defaultPolicy {
		return nil, wire.Errorf("ValidationException", "The policy name must be default.")
	}
	if err := checkPolicy(in.Policy, in.BypassPolicyLockoutSafetyCheck); err != nil {
		return nil, err
	}
	_, err := s.change(in.KeyID, func(k *key) error {
		k.Policy = in.Policy
		return s.notPendingDeletion(*k)
	})
	return &none{}, err
}

type listKeyPoliciesInput struct {
	KeyID string `json:"KeyId"`
	pageInput
}

type listKeyPoliciesOutput struct {
	PolicyNames []string `json:"PolicyNames"`
	pageOutput
}

func (s *Service) listKeyPolicies(_ context.Context, in *listKeyPoliciesInput) (*listKeyPoliciesOutput, error) {
	if _, _, err := in.limits(100, 1000); err != nil {
		return nil, err
	}
	return &listKeyPoliciesOutput{PolicyNames: []string{defaultPolicy}}, s.env.DB.View(func(tx *store.Tx) error {
		_, err := s.findKey(tx, in.KeyID)
		return err
	})
}

// checkPolicy refuses a malformed policy and, without bypass, one that nobody could change
// again.
func checkPolicy(text string, bypass bool) error {
	var c constraints
	c.Text("policy", text, maxPolicy)
	if err := c.err(); err != nil {
		return err
	}
	var policy struct{ Statement statements }
	if err := json.Unmarshal([]byte(text), &policy); err != nil || len(policy.Statement) == 0 {
		return wire.Errorf("MalformedPolicyDocumentException", "The policy is not a JSON document with statements.")
	}
	if !bypass && !slices.ContainsFunc(policy.Statement, statement.keepsAdministrators) {
		return wire.Errorf("MalformedPolicyDocumentException", "The new key policy will not allow you to update the key policy in the future.")
	}
	return nil
}

type statement struct {
	Effect    string
	Principal principal
	Action    texts
}

func (s statement) keepsAdministrators() bool {
	return s.Effect == "Allow" && len(s.Principal.AWS) > 0 && slices.ContainsFunc(s.Action, func(action string) bool {
		return slices.Contains([]string{"*", "kms:*", "kms:Put*", "kms:PutKeyPolicy"}, action)
	})
}

// statements and texts are one element or a list in JSON. A principal that is a text is
// everybody.
type (
	statements []statement
	texts      []string
	principal  struct{ AWS texts }
)

func (s *statements) UnmarshalJSON(raw []byte) error {
	var all []statement
	if json.Unmarshal(raw, &all) != nil {
		var one statement
		if err := json.Unmarshal(raw, &one); err != nil {
			return err
		}
		all = []statement{one}
	}
	*s = all
	return nil
}

func (t *texts) UnmarshalJSON(raw []byte) error {
	var all []string
	if json.Unmarshal(raw, &all) != nil {
		var one string
		if err := json.Unmarshal(raw, &one); err != nil {
			return err
		}
		all = []string{one}
	}
	*t = all
	return nil
}

func (p *principal) UnmarshalJSON(raw []byte) error {
	var everybody string
	if json.Unmarshal(raw, &everybody) == nil {
		p.AWS = texts{everybody}
		return nil
	}
	var byKind struct{ AWS texts }
	err := json.Unmarshal(raw, &byKind)
	p.AWS = byKind.AWS
	return err
}
