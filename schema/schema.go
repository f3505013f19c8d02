// Package schema is the data model: which rows lie in the four DynamoDB tables, under which
// keys, whose they are and how long they are kept. There is one file for each table and one
// function for each kind of row. docs/data.md lists the same rows, and tests hold it to this
// package and to the rows of a running portal.
//
// Keys are stored for ever, so none of them may change. What else a row holds is its owner's
// business; of the attributes only those are here that every owner writes the same way.
package schema

import (
	"strconv"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
)

// The attributes of the primary key, both strings, and the attribute by which DynamoDB deletes
// rows that are over: Unix time in seconds. DynamoDB deletes them up to days late, so readers
// of such rows look at the time themselves.
const (
	PK  = "pk"
	SK  = "sk"
	TTL = "expires_at"
)

// Definition is what CreateTable needs to know of the primary key, which is the same in all
// tables.
func Definition() ([]types.AttributeDefinition, []types.KeySchemaElement) {
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

// KeyOf is the key of an item.
func KeyOf(item map[string]types.AttributeValue) Key {
	return Key{PK: TextOf(item[PK]), SK: TextOf(item[SK])}
}

// Attributes returns a new map that holds the key alone.
func (k Key) Attributes() map[string]types.AttributeValue {
	return map[string]types.AttributeValue{PK: Text(k.PK), SK: Text(k.SK)}
}

// Range is the rows of one partition whose sort keys begin with a text; "" is all of them.
type Range struct{ PK, Begins string }

// Condition is the key condition of a query for the range, and Values are the values it names.
func (r Range) Condition() *string {
	condition := "pk = :pk"
	if r.Begins != "" {
		condition += " AND begins_with(sk, :sk)"
	}
	return &condition
}

// Values returns a new map, to which the values of other expressions may be added.
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

// Time is a time as rows hold it, as attributevalue does: text in RFC 3339, UTC, to the
// nanosecond.
func Time(t time.Time) types.AttributeValue { return Text(t.UTC().Format(time.RFC3339Nano)) }

// Expiry is the value of the attribute TTL for a row that is over at that time.
func Expiry(t time.Time) types.AttributeValue { return Number(t.Unix()) }
