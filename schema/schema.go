// Package schema is the data model: the keys of all rows in the four DynamoDB tables, the package
// that owns each row, and how long the row is kept. There is a file for each table and a function
// for each kind of row. docs/data.md lists the same rows; tests compare it with this package and
// with the rows of a running portal.
//
// Stored rows have these keys, so none of them may change. The other attributes of a row belong to
// its owner.
package schema

import (
	"strconv"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
)

// The attributes of the primary key. Both are strings.
const (
	PK = "pk"
	SK = "sk"
)

// TTL is the attribute by which DynamoDB deletes old rows: Unix time in seconds. DynamoDB may
// delete a row days late, so readers check the time themselves.
const TTL = "expires_at"

// PrimaryKey defines the primary key for CreateTable. It is the same in all tables.
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

// KeyOf is the key of an item.
func KeyOf(item map[string]types.AttributeValue) Key {
	return Key{PK: TextOf(item[PK]), SK: TextOf(item[SK])}
}

// Attributes returns a new map that holds the key alone.
func (k Key) Attributes() map[string]types.AttributeValue {
	return map[string]types.AttributeValue{PK: Text(k.PK), SK: Text(k.SK)}
}

// Range is the rows of one partition whose sort keys begin with Begins. "" is the whole partition.
type Range struct{ PK, Begins string }

// Condition is the key condition of a query for the range. It needs Values.
func (r Range) Condition() *string {
	condition := "pk = :pk"
	if r.Begins != "" {
		condition += " AND begins_with(sk, :sk)"
	}
	return &condition
}

// Values returns the values of Condition in a new map.
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

// Time is a time as a string attribute, in the form that package attributevalue uses: RFC 3339 in
// UTC, to the nanosecond.
func Time(t time.Time) types.AttributeValue { return Text(t.UTC().Format(time.RFC3339Nano)) }

// Expiry is the value of TTL for a row that DynamoDB may delete from that time on.
func Expiry(t time.Time) types.AttributeValue { return Number(t.Unix()) }
