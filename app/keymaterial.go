package app

import (
	"context"
	"errors"
	"fmt"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/feature/dynamodb/attributevalue"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	ddbtypes "github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/aws/aws-sdk-go-v2/service/kms"

	"github.com/gatehouse-portal/gatehouse/keys"
)

// keyCheck is the row that says by which KMS key values are made, and a tag by which a
// key of the same name but other material is noticed: with it, every API key would
// silently be another one.
type keyCheck struct {
	KMSKey string `dynamodbav:"kms_key"`
	Tag    string `dynamodbav:"tag"`
}

func keyCheckKey(arn string) map[string]ddbtypes.AttributeValue {
	return map[string]ddbtypes.AttributeValue{
		"pk": &ddbtypes.AttributeValueMemberS{Value: "kms-check#" + arn},
		"sk": &ddbtypes.AttributeValueMemberS{Value: "tag"},
	}
}

// kmsKeyARN is the ARN of the configured key, or of the one under our alias.
func (c clients) kmsKeyARN(ctx context.Context, cfg Config) (string, error) {
	name := cfg.KMSKey
	if name == "" {
		name = NamesFor(cfg.Prefix).KMSAlias
	}
	key, err := c.kms.DescribeKey(ctx, &kms.DescribeKeyInput{KeyId: &name})
	if err != nil {
		return "", fmt.Errorf("finding KMS key %s: %w", name, err)
	}
	return aws.ToString(key.KeyMetadata.Arn), nil
}

// keyMaterial is what API key values are derived with: the KMS key in use, known to be
// the one that set-up saw.
func (c clients) keyMaterial(ctx context.Context, cfg Config) (*keys.Deriver, string, error) {
	deriver, err := keys.New(c.kms, cfg.KeyPrefix)
	if err != nil {
		return nil, "", err
	}
	arn, err := c.kmsKeyARN(ctx, cfg)
	if err != nil {
		return nil, "", fmt.Errorf("%w (has `gatehouse setup` been run?)", err)
	}
	return deriver, arn, checkKey(ctx, c, NamesFor(cfg.Prefix), deriver, arn)
}

// rememberKey writes the check row of the key in use, if there is none.
func (s setup) rememberKey(ctx context.Context) error {
	arn, err := s.kmsKeyARN(ctx, s.cfg)
	if err != nil {
		return err
	}
	deriver, err := keys.New(s.kms, s.cfg.KeyPrefix)
	if err != nil {
		return err
	}
	tag, err := deriver.CheckTag(ctx, arn)
	if err != nil {
		return err
	}
	item, err := attributevalue.MarshalMap(keyCheck{KMSKey: arn, Tag: tag})
	if err != nil {
		return fmt.Errorf("encoding the key check: %w", err)
	}
	for name, value := range keyCheckKey(arn) {
		item[name] = value
	}
	_, err = s.dynamodb.PutItem(ctx, &dynamodb.PutItemInput{
		TableName: &s.names.Records, Item: item, ConditionExpression: aws.String("attribute_not_exists(pk)"),
	})
	var known *ddbtypes.ConditionalCheckFailedException
	if err != nil && !errors.As(err, &known) {
		return fmt.Errorf("writing the key check: %w", err)
	}
	return checkKey(ctx, s.clients, s.names, deriver, arn)
}

// checkKey compares the key's tag with the one remembered.
func checkKey(ctx context.Context, c clients, names Names, deriver *keys.Deriver, arn string) error {
	tag, err := deriver.CheckTag(ctx, arn)
	if err != nil {
		return err
	}
	out, err := c.dynamodb.GetItem(ctx, &dynamodb.GetItemInput{TableName: &names.Records, Key: keyCheckKey(arn), ConsistentRead: aws.Bool(true)})
	if err != nil {
		return fmt.Errorf("reading the key check: %w", err)
	}
	if out.Item == nil {
		return fmt.Errorf("KMS key %s was never set up here: run `gatehouse setup`", arn)
	}
	var known keyCheck
	if err := attributevalue.UnmarshalMap(out.Item, &known); err != nil {
		return fmt.Errorf("decoding the key check: %w", err)
	}
	if known.Tag != tag {
		return fmt.Errorf("KMS key %s is not the one that the portal's API keys were made with: its material differs", arn)
	}
	return nil
}
