// Package schema is the data model: the rows of the five DynamoDB tables and their keys. Each table
// has a file, and each kind of row a function. docs/data.md, which tests compare with it, says what
// each row holds, who owns it and how long it is kept.
//
// Stored keys stay for ever, so no key may change. The other attributes of a row belong to its
// owner.
package schema

import (
	"strconv"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
)

// PK and SK are the attributes of the primary key, both strings.
const (
	PK = "pk"
	SK = "sk"
)

// TTL is the attribute by which DynamoDB deletes old rows: Unix time in seconds. DynamoDB may
// be days late, so readers check the time themselves.
const TTL = "expires_at"

// PrimaryKey defines the primary key for CreateTable.
func PrimaryKey() ([]types.AttributeDefinition, []types.KeySchemaElement) {
	pk, sk := PK, SK
	return []types.AttributeDefinition{
			{AttributeName: &pk, AttributeType: types.ScalarAttributeTypeS},
			{AttributeName: &sk, AttributeType: types.ScalarAttributeTypeS},
		}, []types.KeySchemaElement{
			{AttributeName: &pk, KeyType: types.KeyTypeHash},
			{AttributeName: &sk, KeyType: types.KeyTypeRange},
		}
}

// Key is the primary key of a row.
type Key struct{ PK, SK string }

// KeyOf returns an item's key.
func KeyOf(item map[string]types.AttributeValue) Key {
	return Key{PK: TextOf(item[PK]), SK: TextOf(item[SK])}
}

// Attributes returns a new map of the key.
func (k Key) Attributes() map[string]types.AttributeValue {
	return map[string]types.AttributeValue{PK: Text(k.PK), SK: Text(k.SK)}
}

// Range is the rows of a partition whose sort keys begin with a text, or all if "".
type Range struct{ PK, Begins string }

// Condition is a query's key condition, with the values of Values.
func (r Range) Condition() *string {
	condition := "pk = :pk"
	if r.Begins != "" {
		condition += " AND begins_with(sk, :sk)"
	}
	return &condition
}

// Values returns a new map. The caller may add values of other expressions.
func (r Range) Values() map[string]types.AttributeValue {
	values := map[string]types.AttributeValue{":pk": Text(r.PK)}
	if r.Begins != "" {
		values[":sk"] = Text(r.Begins)
	}
	return values
}

// Text is a string attribute.
func Text(s string) types.AttributeValue { return &types.AttributeValueMemberS{Value: s} }

// TextOf is the text of a string attribute, "" for any other.
func TextOf(v types.AttributeValue) string {
	if s, ok := v.(*types.AttributeValueMemberS); ok {
		return s.Value
	}
	return ""
}

// Number is a number attribute.
func Number(n int64) types.AttributeValue {
	return &types.AttributeValueMemberN{Value: strconv.FormatInt(n, 10)}
}

// NumberOf is the number of a number attribute, 0 for any other.
func NumberOf(v types.AttributeValue) int64 {
	n, ok := v.(*types.AttributeValueMemberN)
	if !ok {
		return 0
	}
	parsed, _ := strconv.ParseInt(n.Value, 10, 64)
	return parsed
}

// Time encodes a time as attributevalue does: RFC 3339, UTC, with nanoseconds.
func Time(t time.Time) types.AttributeValue { return Text(t.UTC().Format(time.RFC3339Nano)) }

// Expiry is the value of the attribute TTL.
func Expiry(t time.Time) types.AttributeValue { return Number(t.Unix()) }
