package dynamodb_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/aws/smithy-go"

	"github.com/gatehouse-portal/gatehouse/localaws"
	"github.com/gatehouse-portal/gatehouse/localaws/localawstest"
)

// attributes is an item in plain Go: string, num, []byte, bool, nil, list, map, and the
// sets words, nums and blobs.
type (
	attributes map[string]any
	num        string
	list       []any
	words      []string
	nums       []string
	blobs      [][]byte
	null       struct{} // a NULL that is false
)

func client(s *localaws.Server) *dynamodb.Client {
	return dynamodb.NewFromConfig(s.AWSConfig(), func(o *dynamodb.Options) { o.RetryMaxAttempts = 1 })
}

func start(t testing.TB) *dynamodb.Client {
	t.Helper()
	return client(localawstest.Start(t))
}

// newTable creates a table from keys like "pk:S" or "pk:S", "sk:N".
func newTable(t testing.TB, c *dynamodb.Client, name string, keys ...string) {
	t.Helper()
	in := &dynamodb.CreateTableInput{TableName: &name, BillingMode: types.BillingModePayPerRequest}
	for i, key := range keys {
		attribute, kind, _ := strings.Cut(key, ":")
		in.AttributeDefinitions = append(in.AttributeDefinitions, types.AttributeDefinition{
			AttributeName: &attribute, AttributeType: types.ScalarAttributeType(kind),
		})
		in.KeySchema = append(in.KeySchema, types.KeySchemaElement{
			AttributeName: &attribute, KeyType: []types.KeyType{types.KeyTypeHash, types.KeyTypeRange}[i],
		})
	}
	if _, err := c.CreateTable(t.Context(), in); err != nil {
		t.Fatalf("creating table %s: %v", name, err)
	}
}

func put(t testing.TB, c *dynamodb.Client, table string, items ...attributes) {
	t.Helper()
	for _, it := range items {
		if _, err := c.PutItem(t.Context(), &dynamodb.PutItemInput{TableName: &table, Item: it.wire()}); err != nil {
			t.Fatalf("putting %v: %v", it, err)
		}
	}
}

// get returns nil if the item does not exist.
func get(t testing.TB, c *dynamodb.Client, table string, key attributes) attributes {
	t.Helper()
	out, err := c.GetItem(t.Context(), &dynamodb.GetItemInput{TableName: &table, Key: key.wire(), ConsistentRead: aws.Bool(true)})
	if err != nil {
		t.Fatalf("getting %v: %v", key, err)
	}
	return plain(out.Item)
}

func (it attributes) wire() map[string]types.AttributeValue {
	if it == nil {
		return nil
	}
	m := map[string]types.AttributeValue{}
	for name, v := range it {
		m[name] = wireValue(v)
	}
	return m
}

func wireValue(v any) types.AttributeValue {
	switch v := v.(type) {
	case string:
		return &types.AttributeValueMemberS{Value: v}
	case num:
		return &types.AttributeValueMemberN{Value: string(v)}
	case int:
		return &types.AttributeValueMemberN{Value: fmt.Sprint(v)}
	case []byte:
		return &types.AttributeValueMemberB{Value: v}
	case bool:
		return &types.AttributeValueMemberBOOL{Value: v}
	case nil:
		return &types.AttributeValueMemberNULL{Value: true}
	case null:
		return &types.AttributeValueMemberNULL{Value: false}
	case list:
		l := []types.AttributeValue{}
		for _, e := range v {
			l = append(l, wireValue(e))
		}
		return &types.AttributeValueMemberL{Value: l}
	case attributes:
		return &types.AttributeValueMemberM{Value: v.wire()}
	case words:
		return &types.AttributeValueMemberSS{Value: v}
	case nums:
		return &types.AttributeValueMemberNS{Value: v}
	case blobs:
		return &types.AttributeValueMemberBS{Value: v}
	}
	panic(fmt.Sprintf("no attribute value for %T", v))
}

func plain(m map[string]types.AttributeValue) attributes {
	if m == nil {
		return nil
	}
	it := attributes{}
	for name, v := range m {
		it[name] = plainValue(v)
	}
	return it
}

func plainValue(v types.AttributeValue) any {
	switch v := v.(type) {
	case *types.AttributeValueMemberS:
		return v.Value
	case *types.AttributeValueMemberN:
		return num(v.Value)
	case *types.AttributeValueMemberB:
		return v.Value
	case *types.AttributeValueMemberBOOL:
		return v.Value
	case *types.AttributeValueMemberNULL:
		return nil
	case *types.AttributeValueMemberL:
		l := list{}
		for _, e := range v.Value {
			l = append(l, plainValue(e))
		}
		return l
	case *types.AttributeValueMemberM:
		return plain(v.Value)
	case *types.AttributeValueMemberSS:
		return words(v.Value)
	case *types.AttributeValueMemberNS:
		return nums(v.Value)
	case *types.AttributeValueMemberBS:
		return blobs(v.Value)
	}
	panic(fmt.Sprintf("no plain form of %T", v))
}

// wantError checks AWS's code, and that the message contains the text.
func wantError(t testing.TB, err error, code, text string) {
	t.Helper()
	var e smithy.APIError
	switch {
	case err == nil:
		t.Errorf("no error, want %s: %s", code, text)
	case !errors.As(err, &e):
		t.Errorf("got %v, want %s", err, code)
	case e.ErrorCode() != code || !strings.Contains(e.ErrorMessage(), text):
		t.Errorf("got  %s: %s\nwant %s: %s", e.ErrorCode(), e.ErrorMessage(), code, text)
	}
}
