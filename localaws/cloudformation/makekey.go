package cloudformation

import (
	"reflect"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/kms"
)

func (m maker) keys() *kms.Client { return kms.NewFromConfig(m.cfg) }

func (m maker) key(properties map[string]any) (string, map[string]string, error) {
	var in kms.CreateKeyInput
	policy := document(properties["KeyPolicy"])
	delete(properties, "KeyPolicy")
	delete(properties, "PendingWindowInDays") // concerns the deletion only
	if err := decode(properties, &in); err != nil {
		return "", nil, err
	}
	in.Policy = &policy
	out, err := m.keys().CreateKey(m.ctx, &in)
	if err != nil {
		return "", nil, err
	}
	return aws.ToString(out.KeyMetadata.KeyId), map[string]string{"Arn": aws.ToString(out.KeyMetadata.Arn)}, nil
}

func (m maker) changeKey(id string, want, have map[string]any) error {
	if !reflect.DeepEqual(want["KeyPolicy"], have["KeyPolicy"]) {
		_, err := m.keys().PutKeyPolicy(m.ctx, &kms.PutKeyPolicyInput{KeyId: &id, PolicyName: aws.String("default"), Policy: aws.String(document(want["KeyPolicy"]))})
		if err != nil {
			return err
		}
	}
	if description, given := want["Description"].(string); given && description != have["Description"] {
		_, err := m.keys().UpdateKeyDescription(m.ctx, &kms.UpdateKeyDescriptionInput{KeyId: &id, Description: &description})
		return err
	}
	return nil
}

func (m maker) removeKey(id string, properties map[string]any) error {
	in := kms.ScheduleKeyDeletionInput{KeyId: &id}
	if days, given := properties["PendingWindowInDays"].(float64); given {
		in.PendingWindowInDays = aws.Int32(int32(days))
	}
	_, err := m.keys().ScheduleKeyDeletion(m.ctx, &in)
	return unlessMissing(err, "NotFound", "KMSInvalidState")
}

func (m maker) alias(properties map[string]any) (string, map[string]string, error) {
	var in kms.CreateAliasInput
	if err := decode(properties, &in); err != nil {
		return "", nil, err
	}
	_, err := m.keys().CreateAlias(m.ctx, &in)
	if coded(err, "AlreadyExists") {
		return "", nil, m.exists(aws.ToString(in.AliasName))
	}
	if err != nil {
		return "", nil, err
	}
	return aws.ToString(in.AliasName), nil, nil
}

func (m maker) changeAlias(id string, want, _ map[string]any) error {
	target, _ := want["TargetKeyId"].(string)
	_, err := m.keys().UpdateAlias(m.ctx, &kms.UpdateAliasInput{AliasName: &id, TargetKeyId: &target})
	return err
}

func (m maker) removeAlias(id string, _ map[string]any) error {
	_, err := m.keys().DeleteAlias(m.ctx, &kms.DeleteAliasInput{AliasName: &id})
	return unlessMissing(err, "NotFound")
}
