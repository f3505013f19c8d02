package kms_test

import (
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/kms"
	"github.com/aws/aws-sdk-go-v2/service/kms/types"
	"github.com/google/go-cmp/cmp"
)

// open is a policy that allows the account everything.
const open = `{"Version":"2012-10-17","Statement":{"Effect":"Allow","Principal":{"AWS":"arn:aws:iam::000000000000:root"},"Action":"kms:*","Resource":"*"}}`

func policyOf(t *testing.T, client *kms.Client, key *string) string {
	t.Helper()
	out, err := client.GetKeyPolicy(t.Context(), &kms.GetKeyPolicyInput{KeyId: key})
	if err != nil {
		t.Fatal(err)
	}
	if aws.ToString(out.PolicyName) != "default" {
		t.Errorf("the policy's name is %q, want default", aws.ToString(out.PolicyName))
	}
	return *out.Policy
}

func TestAKeyHasTheAccountsPolicyUntilOneIsSet(t *testing.T) {
	t.Parallel()
	client := start(t)
	key := createKey(t, client, types.KeySpecHmac256)
	const usual = `{
  "Version" : "2012-10-17",
  "Id" : "key-default-1",
  "Statement" : [ {
    "Sid" : "Enable IAM User Permissions",
    "Effect" : "Allow",
    "Principal" : {
      "AWS" : "arn:aws:iam::000000000000:root"
    },
    "Action" : "kms:*",
    "Resource" : "*"
  } ]
}`
	if diff := cmp.Diff(usual, policyOf(t, client, key.KeyId)); diff != "" {
		t.Errorf("the policy of a new key (-want +got):\n%s", diff)
	}
	if _, err := client.PutKeyPolicy(t.Context(), &kms.PutKeyPolicyInput{KeyId: key.Arn, Policy: aws.String(open), PolicyName: aws.String("default")}); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(open, policyOf(t, client, key.Arn)); diff != "" {
		t.Errorf("the policy that was set (-want +got):\n%s", diff)
	}
	names, err := client.ListKeyPolicies(t.Context(), &kms.ListKeyPoliciesInput{KeyId: key.KeyId})
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]string{"default"}, names.PolicyNames); diff != "" {
		t.Errorf("policies (-want +got):\n%s", diff)
	}
}

func TestAMalformedPolicyOrOneThatLocksEverybodyOutIsRefused(t *testing.T) {
	t.Parallel()
	client := start(t)
	key := createKey(t, client, types.KeySpecHmac256)
	const use = `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":"*","Action":["kms:GenerateMac","kms:VerifyMac"],"Resource":"*"}]}`
	put := func(policy string, bypass bool) error {
		_, err := client.PutKeyPolicy(t.Context(), &kms.PutKeyPolicyInput{KeyId: key.KeyId, Policy: &policy, BypassPolicyLockoutSafetyCheck: bypass})
		return err
	}
	for name, policy := range map[string]string{
		"text": "no", "a list": "[]", "no statement": `{"Version":"2012-10-17"}`, "use alone": use,
		"a refusal": `{"Statement":[{"Effect":"Deny","Principal":"*","Action":"kms:*","Resource":"*"}]}`,
		"a service": `{"Statement":[{"Effect":"Allow","Principal":{"Service":"sns.amazonaws.com"},"Action":"kms:*","Resource":"*"}]}`,
	} {
		t.Run(name, func(t *testing.T) {
			wantCode(t, put(policy, false), "MalformedPolicyDocumentException")
		})
	}
	if err := put(use, true); err != nil {
		t.Errorf("with the check bypassed: %v", err)
	}
	if got := policyOf(t, client, key.KeyId); got != use {
		t.Errorf("the policy is %s, want %s", got, use)
	}
	_, err := client.GetKeyPolicy(t.Context(), &kms.GetKeyPolicyInput{KeyId: key.KeyId, PolicyName: aws.String("other")})
	wantCode(t, err, "NotFoundException")
	if _, err := client.ScheduleKeyDeletion(t.Context(), &kms.ScheduleKeyDeletionInput{KeyId: key.KeyId}); err != nil {
		t.Fatal(err)
	}
	wantCode(t, put(open, false), "KMSInvalidStateException")
	policyOf(t, client, key.KeyId)
}
