package app

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	ddbtypes "github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/aws/aws-sdk-go-v2/service/kms"
	"github.com/aws/aws-sdk-go-v2/service/kms/types"

	"github.com/gatehouse-portal/gatehouse/keys"
)

func (e estate) kmsKey() resource {
	return resource{what: "KMS key", inspect: func(ctx context.Context) (finding, error) {
		key, err := e.findKMSKey(ctx, e.cfg)
		var none *types.NotFoundException
		switch {
		case errors.As(err, &none) && e.cfg.KMSKey != "":
			return found(fault{
				says:   fmt.Sprintf("There is no KMS key %s in this account and Region.", e.cfg.KMSKey),
				advice: "Check GATEHOUSE_KMS_KEY and AWS_REGION. See docs/runbook.md#the-kms-key.",
			})
		case errors.As(err, &none):
			return found(fault{
				says:    "There is no key under " + e.names.KMSAlias + ".",
				advice:  "If API keys were made before, name their KMS key in GATEHOUSE_KMS_KEY (docs/runbook.md#the-kms-key). Otherwise run `gatehouse setup`.",
				mending: "create it, under " + e.names.KMSAlias,
				mend:    e.createKMSKey,
			})
		case err != nil:
			return finding{}, err
		}
		note := key.Recorded
		if !aws.ToBool(key.meta.MultiRegion) {
			note += "; it is not multi-Region, so its API keys cannot outlive this Region"
		}
		if f := keyFault(key.meta); f != nil {
			return finding{note: note, faults: []fault{*f}}, nil
		}
		return finding{note: note}, nil
	}}
}

// keyFault is what keeps a key from computing MACs. Set-up does not mend it, since an operator
// may have intended it.
func keyFault(meta *types.KeyMetadata) *fault {
	id := aws.ToString(meta.KeyId)
	switch {
	case meta.KeySpec != types.KeySpecHmac256 || meta.KeyUsage != types.KeyUsageTypeGenerateVerifyMac:
		return &fault{
			says:   fmt.Sprintf("It is a key of spec %s for %s, and must be HMAC_256 for GENERATE_VERIFY_MAC.", meta.KeySpec, meta.KeyUsage),
			advice: "Name another key in GATEHOUSE_KMS_KEY, or leave it empty and run `gatehouse setup`.",
		}
	case meta.KeyState == types.KeyStateEnabled:
		return nil
	case meta.KeyState == types.KeyStateDisabled:
		return &fault{
			says:   "It is disabled, so API keys can be neither created nor shown.",
			advice: "Enable it:\naws kms enable-key --key-id " + id,
		}
	case meta.KeyState == types.KeyStatePendingDeletion || meta.KeyState == types.KeyStatePendingReplicaDeletion:
		when := ""
		if meta.DeletionDate != nil {
			when = " on " + meta.DeletionDate.UTC().Format("2 January 2006 at 15:04 UTC")
		}
		return &fault{
			says:   "It will be deleted" + when + ", and with it the value of every API key. Until then it does not work.",
			advice: fmt.Sprintf("Cancel that now:\naws kms cancel-key-deletion --key-id %[1]s\naws kms enable-key --key-id %[1]s", id),
		}
	}
	return &fault{
		says:   fmt.Sprintf("KMS does not serve it: its state is %s.", meta.KeyState),
		advice: "See the key in the KMS console; https://docs.aws.amazon.com/kms/latest/developerguide/key-state.html explains the states.",
	}
}

// createKMSKey creates an HMAC key and its alias. The key is multi-Region, so that API keys can
// outlive the Region.
func (e estate) createKMSKey(ctx context.Context) error {
	in := &kms.CreateKeyInput{
		KeySpec: types.KeySpecHmac256, KeyUsage: types.KeyUsageTypeGenerateVerifyMac, MultiRegion: aws.Bool(true),
		Description: aws.String("Gatehouse: API key values follow from it. Deleting it changes or breaks every key."),
	}
	key, err := e.kms.CreateKey(ctx, in)
	if err != nil {
		return fmt.Errorf("creating the KMS key: %w", err)
	}
	_, err = e.kms.CreateAlias(ctx, &kms.CreateAliasInput{AliasName: &e.names.KMSAlias, TargetKeyId: key.KeyMetadata.KeyId})
	if err != nil {
		return fmt.Errorf("naming the new KMS key %s as %s: %w", aws.ToString(key.KeyMetadata.KeyId), e.names.KMSAlias, err)
	}
	return nil
}

const (
	administersSid = "GatehouseAdministersKey"
	computesSid    = "GatehouseComputesAPIKeys"
)

var administering = []string{
	"kms:CancelKeyDeletion", "kms:CreateAlias", "kms:DeleteAlias", "kms:Describe*", "kms:DisableKey", "kms:EnableKey", "kms:Get*",
	"kms:List*", "kms:PutKeyPolicy", "kms:ReplicateKey", "kms:ScheduleKeyDeletion", "kms:TagResource", "kms:UntagResource",
	"kms:UpdateAlias", "kms:UpdateKeyDescription", "kms:UpdatePrimaryRegion",
}

func (e estate) policyFor(users []string) string {
	policy, _ := json.Marshal(map[string]any{"Version": "2012-10-17", "Statement": []any{
		map[string]any{
			"Sid": administersSid, "Effect": "Allow", "Resource": "*", "Action": administering,
			"Principal": map[string]any{"AWS": fmt.Sprintf("arn:%s:iam::%s:root", e.owner.partition, e.owner.account)},
		},
		map[string]any{
			"Sid": computesSid, "Effect": "Allow", "Resource": "*", "Action": []string{"kms:DescribeKey", "kms:GenerateMac"},
			"Principal": map[string]any{"AWS": users},
		},
	}})
	return string(policy)
}

func (e estate) keyPolicy() resource {
	return resource{what: "KMS key policy", inspect: func(ctx context.Context) (finding, error) {
		key, err := e.findKMSKey(ctx, e.cfg)
		if err != nil {
			return finding{}, noKMSKey(err, "read")
		}
		if owner := aws.ToString(key.meta.AWSAccountId); owner != e.owner.account {
			return finding{note: "the key belongs to account " + owner + ", whose policy cannot be read from here"}, nil
		}
		out, err := e.kms.GetKeyPolicy(ctx, &kms.GetKeyPolicyInput{KeyId: key.meta.KeyId, PolicyName: aws.String("default")})
		if err != nil {
			return finding{}, err
		}
		statements, err := statementsOf(aws.ToString(out.Policy))
		if err != nil {
			return finding{}, fmt.Errorf("reading the policy of the KMS key: %w", err)
		}
		if len(e.keyUsers) > 0 && !slices.Equal(slices.Sorted(slices.Values(computing(statements))), slices.Sorted(slices.Values(e.keyUsers))) {
			return found(fault{
				says:    "Its policy names others than --key-user.",
				mending: fmt.Sprintf("let only %s compute API keys", strings.Join(e.keyUsers, ", ")),
				mend: func(ctx context.Context) error {
					_, err := e.kms.PutKeyPolicy(ctx, &kms.PutKeyPolicyInput{
						KeyId: key.meta.KeyId, PolicyName: aws.String("default"), Policy: aws.String(e.policyFor(e.keyUsers)),
					})
					if err != nil {
						return fmt.Errorf("setting the policy of the KMS key: %w", err)
					}
					return nil
				},
			})
		}
		return judgePolicy(statements), nil
	}}
}

func computing(statements []map[string]any) []string {
	for _, s := range statements {
		if s["Sid"] == computesSid {
			return principals(s)
		}
	}
	return nil
}

func principals(statement map[string]any) []string {
	switch p := statement["Principal"].(type) {
	case string:
		return []string{p}
	case map[string]any:
		return texts(p["AWS"])
	}
	return nil
}

const restrict = "Say who may: run `gatehouse setup` with --key-user ROLE-ARN for every role of portal, worker and operators, all in one run."

func judgePolicy(statements []map[string]any) finding {
	note := "only the principals it names may compute API keys"
	var all []fault
	for _, s := range statements {
		if s["Effect"] != "Allow" || !computes(s) {
			continue
		}
		for _, who := range principals(s) {
			switch {
			case who == "*" && s["Condition"] == nil:
				all = append(all, fault{says: "Anybody may compute API keys with it.", advice: restrict})
			case strings.HasPrefix(who, "AROA") || strings.HasPrefix(who, "AIDA"):
				// IAM shows a deleted principal by its unique id.
				all = append(all, fault{says: fmt.Sprintf("It names %s, a role or user that was deleted.", who), advice: restrict})
			case strings.HasSuffix(who, ":root"):
				note = "IAM policies decide who may compute API keys; `gatehouse setup --key-user` lets this policy decide"
			}
		}
	}
	return finding{note: note, faults: all}
}

func computes(statement map[string]any) bool {
	return slices.ContainsFunc(texts(statement["Action"]), func(action string) bool {
		action = strings.ToLower(action)
		return action == "*" || action == "kms:*" || strings.HasPrefix(action, "kms:generate")
	})
}

func noKMSKey(err error, verb string) blocked {
	if nonexistent(err) != "" {
		return "the KMS key does not exist"
	}
	return blocked("the KMS key cannot be " + verb)
}

func (e estate) keyMaterial() resource {
	return resource{what: "KMS key material", inspect: func(ctx context.Context) (finding, error) {
		key, err := e.findKMSKey(ctx, e.cfg)
		if err != nil || keyFault(key.meta) != nil {
			return finding{}, noKMSKey(err, "used")
		}
		deriver, err := keys.New(e.kms, e.cfg.KeyPrefix)
		if err != nil {
			return finding{}, err
		}
		err = e.checkKey(ctx, deriver, key)
		var (
			other   *otherMaterial
			noTable *ddbtypes.ResourceNotFoundException
		)
		switch {
		case err == nil:
			return finding{}, nil
		case errors.As(err, &noTable):
			return finding{}, blocked("the table " + e.names.Records + " does not exist")
		case errors.Is(err, errNeverSeen):
			return found(fault{
				says: "Set-up has not seen this key yet, so workers refuse to start.", mending: "remember the key",
				mend: func(ctx context.Context) error { return e.rememberKey(ctx, deriver, key) },
			})
		case errors.As(err, &other):
			return found(fault{
				says:   "The key is not the one that API keys were made with: its material differs.",
				advice: "Use the tables and the KMS key that belong together. See docs/runbook.md#the-kms-key.",
			})
		}
		return finding{}, err
	}}
}

func dateOnly(t time.Time) string { return t.UTC().Format(time.DateOnly) }
