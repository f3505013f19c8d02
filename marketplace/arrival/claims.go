package arrival

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"github.com/gatehouse-portal/gatehouse/portal"
	"github.com/gatehouse-portal/gatehouse/schema"
)

type database interface {
	GetItem(context.Context, *dynamodb.GetItemInput, ...func(*dynamodb.Options)) (*dynamodb.GetItemOutput, error)
	PutItem(context.Context, *dynamodb.PutItemInput, ...func(*dynamodb.Options)) (*dynamodb.PutItemOutput, error)
	UpdateItem(context.Context, *dynamodb.UpdateItemInput, ...func(*dynamodb.Options)) (*dynamodb.UpdateItemOutput, error)
}

// Claims keeps purchases in the sessions table until they are confirmed. Only the buyer's browser
// has a claim's secret; the table has its hash.
type Claims struct {
	DynamoDB database
	Table    string
	Now      func() time.Time
}

const secretLength = 43

// Keep stores a claim and returns its secret.
func (c Claims) Keep(ctx context.Context, claim Claim) (secret string, err error) {
	var bits [32]byte
	_, _ = rand.Read(bits[:]) // never fails: crypto/rand ends the program instead
	secret = base64.RawURLEncoding.EncodeToString(bits[:])
	body, err := json.Marshal(claim)
	if err != nil {
		return "", fmt.Errorf("encoding a claim of %s: %w", claim.Licence, err)
	}
	item := keyOf(secret).Attributes()
	item["claim"], item[schema.TTL] = schema.Text(string(body)), schema.Expiry(claim.Expires)
	if _, err := c.DynamoDB.PutItem(ctx, &dynamodb.PutItemInput{TableName: &c.Table, Item: item}); err != nil {
		return "", unavailable("Your purchase could not be saved right now. Go back to AWS Marketplace and try again in a moment.", "storing", err)
	}
	return secret, nil
}

// Find returns the claim with the secret; ok is false for none or an expired one.
func (c Claims) Find(ctx context.Context, secret string) (claim Claim, ok bool, err error) {
	if len(secret) != secretLength {
		return Claim{}, false, nil
	}
	out, err := c.DynamoDB.GetItem(ctx, &dynamodb.GetItemInput{TableName: &c.Table, Key: keyOf(secret).Attributes(), ConsistentRead: aws.Bool(true)})
	if err != nil {
		return Claim{}, false, unavailable("Your purchase could not be read right now. Try again in a moment.", "reading", err)
	}
	if out.Item == nil || c.Now().Unix() >= schema.NumberOf(out.Item[schema.TTL]) {
		return Claim{}, false, nil
	}
	if err := json.Unmarshal([]byte(schema.TextOf(out.Item["claim"])), &claim); err != nil {
		return Claim{}, false, fmt.Errorf("decoding a claim: %w", err)
	}
	claim.Operation, claim.Account = portal.OperationID(schema.TextOf(out.Item["operation"])), portal.AccountID(schema.TextOf(out.Item["account"]))
	return claim, true, nil
}

// Confirmed stores the operation that confirms the claim. A deleted claim is no error.
func (c Claims) Confirmed(ctx context.Context, secret string, account portal.AccountID, operation portal.OperationID) error {
	_, err := c.DynamoDB.UpdateItem(ctx, &dynamodb.UpdateItemInput{
		TableName: &c.Table, Key: keyOf(secret).Attributes(), ConditionExpression: aws.String("attribute_exists(pk)"),
		UpdateExpression:          aws.String("SET #operation = :operation, #account = :account"),
		ExpressionAttributeNames:  map[string]string{"#operation": "operation", "#account": "account"},
		ExpressionAttributeValues: map[string]types.AttributeValue{":operation": schema.Text(string(operation)), ":account": schema.Text(string(account))},
	})
	var gone *types.ConditionalCheckFailedException
	if err == nil || errors.As(err, &gone) {
		return nil
	}
	return unavailable("Your confirmation was accepted. The page of your purchase does not show it yet.", "noting the confirmation of", err)
}

func unavailable(message, doing string, err error) error {
	return &portal.Error{Code: portal.Unavailable, Message: message, Err: fmt.Errorf("%s a claim: %w", doing, err)}
}

func keyOf(secret string) schema.Key {
	sum := sha256.Sum256([]byte(secret))
	return schema.Claim(hex.EncodeToString(sum[:]))
}
