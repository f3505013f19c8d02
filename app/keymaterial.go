package app

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/feature/dynamodb/attributevalue"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	ddbtypes "github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/aws/aws-sdk-go-v2/service/kms"
	kmstypes "github.com/aws/aws-sdk-go-v2/service/kms/types"

	"github.com/gatehouse-portal/gatehouse/keys"
	"github.com/gatehouse-portal/gatehouse/schema"
)

type kmsKey struct {
	ARN string
	// Recorded is the key's name in facts; see keys.Recorded.
	Recorded string
	meta     *kmstypes.KeyMetadata
}

func (c clients) findKMSKey(ctx context.Context, cfg Config) (kmsKey, error) {
	name := cfg.KMSKey
	if name == "" {
		name = NamesFor(cfg.Prefix).KMSAlias
	}
	out, err := c.kms.DescribeKey(ctx, &kms.DescribeKeyInput{KeyId: &name})
	if err != nil {
		return kmsKey{}, fmt.Errorf("finding KMS key %s: %w", name, err)
	}
	key := kmsKey{ARN: aws.ToString(out.KeyMetadata.Arn), meta: out.KeyMetadata}
	key.Recorded = keys.Recorded(key.ARN)
	if key.Recorded == key.ARN || !strings.HasPrefix(name, "arn:") {
		return key, nil
	}
	// KMS finds a key by its id only in the key's own account. Facts name others by ARN.
	own, err := c.kms.DescribeKey(ctx, &kms.DescribeKeyInput{KeyId: &key.Recorded})
	var foreign *kmstypes.NotFoundException
	switch {
	case errors.As(err, &foreign):
		key.Recorded = key.ARN
	case err != nil:
		return kmsKey{}, fmt.Errorf("finding KMS key %s: %w", key.Recorded, err)
	case aws.ToString(own.KeyMetadata.Arn) != key.ARN:
		key.Recorded = key.ARN
	}
	return key, nil
}

// keyMaterial returns the deriver of key values and the KMS key's name in facts. It fails if
// the key's material is not what set-up remembered.
func (c clients) keyMaterial(ctx context.Context, cfg Config) (*keys.Deriver, string, error) {
	deriver, err := keys.New(c.kms, cfg.KeyPrefix)
	if err != nil {
		return nil, "", err
	}
	key, err := c.findKMSKey(ctx, cfg)
	if err != nil {
		if cfg.KMSKey != "" {
			return nil, "", explainedOf("GATEHOUSE_KMS_KEY "+cfg.KMSKey, err)
		}
		return nil, "", explainedOf("KMS key "+NamesFor(cfg.Prefix).KMSAlias, err)
	}
	return deriver, key.Recorded, c.checkKeyIn(ctx, NamesFor(cfg.Prefix).Records, deriver, key)
}

// keyCheck is how set-up remembers a KMS key. The tag tells a key of the same name but other
// material, which would change every API key's value.
type keyCheck struct {
	KMSKey string `dynamodbav:"kms_key"`
	Tag    string `dynamodbav:"tag"`
}

func keyCheckKey(recorded string) map[string]ddbtypes.AttributeValue {
	return schema.KMSCheck(recorded).Attributes()
}

var errNeverSeen = errors.New("the KMS key was never set up here: run `gatehouse setup`")

type otherMaterial struct{ key string }

func (o *otherMaterial) Error() string {
	return "KMS key " + o.key + " is not the one that the portal's API keys were made with: its material differs"
}

func (e estate) checkKey(ctx context.Context, deriver *keys.Deriver, key kmsKey) error {
	return e.checkKeyIn(ctx, e.names.Records, deriver, key)
}

func (c clients) checkKeyIn(ctx context.Context, records string, deriver *keys.Deriver, key kmsKey) error {
	tag, err := deriver.CheckTag(ctx, key.Recorded)
	if err != nil {
		return err
	}
	known, err := c.knownTag(ctx, records, key)
	if err != nil {
		return err
	}
	if known != tag {
		return &otherMaterial{key.Recorded}
	}
	return nil
}

// Older versions of set-up also remembered multi-Region keys by their ARN.
func (c clients) knownTag(ctx context.Context, records string, key kmsKey) (string, error) {
	for _, name := range []string{key.Recorded, key.ARN} {
		out, err := c.dynamodb.GetItem(ctx, &dynamodb.GetItemInput{TableName: &records, Key: keyCheckKey(name), ConsistentRead: aws.Bool(true)})
		if err != nil {
			return "", fmt.Errorf("reading the key check: %w", err)
		}
		if out.Item == nil {
			continue
		}
		var known keyCheck
		if err := attributevalue.UnmarshalMap(out.Item, &known); err != nil {
			return "", fmt.Errorf("decoding the key check: %w", err)
		}
		return known.Tag, nil
	}
	return "", fmt.Errorf("KMS key %s: %w", key.Recorded, errNeverSeen)
}

func (e estate) rememberKey(ctx context.Context, deriver *keys.Deriver, key kmsKey) error {
	tag, err := deriver.CheckTag(ctx, key.Recorded)
	if err != nil {
		return err
	}
	item, err := attributevalue.MarshalMap(keyCheck{KMSKey: key.Recorded, Tag: tag})
	if err != nil {
		return fmt.Errorf("encoding the key check: %w", err)
	}
	for name, value := range keyCheckKey(key.Recorded) {
		item[name] = value
	}
	_, err = e.dynamodb.PutItem(ctx, &dynamodb.PutItemInput{
		TableName: &e.names.Records, Item: item, ConditionExpression: aws.String("attribute_not_exists(pk)"),
	})
	var known *ddbtypes.ConditionalCheckFailedException
	if err != nil && !errors.As(err, &known) {
		return fmt.Errorf("writing the key check: %w", err)
	}
	return nil
}
