package dynamodb_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/google/go-cmp/cmp"
)

func TestABatchWritesAndReadsSeveralTables(t *testing.T) {
	t.Parallel()
	c := start(t)
	newTable(t, c, "one", "pk:S")
	newTable(t, c, "two", "pk:S", "sk:N")
	put(t, c, "one", attributes{"pk": "old"})
	written, err := c.BatchWriteItem(t.Context(), &dynamodb.BatchWriteItemInput{RequestItems: map[string][]types.WriteRequest{
		"one": {
			{PutRequest: &types.PutRequest{Item: attributes{"pk": "a", "x": 1}.wire()}},
			{DeleteRequest: &types.DeleteRequest{Key: attributes{"pk": "old"}.wire()}},
		},
		"two": {{PutRequest: &types.PutRequest{Item: attributes{"pk": "a", "sk": 1}.wire()}}},
	}})
	if err != nil {
		t.Fatal(err)
	}
	if len(written.UnprocessedItems) != 0 {
		t.Errorf("unprocessed: %v", written.UnprocessedItems)
	}
	read, err := c.BatchGetItem(t.Context(), &dynamodb.BatchGetItemInput{RequestItems: map[string]types.KeysAndAttributes{
		"one": {Keys: []map[string]types.AttributeValue{attributes{"pk": "a"}.wire(), attributes{"pk": "old"}.wire()}, ProjectionExpression: aws.String("x")},
		"two": {Keys: []map[string]types.AttributeValue{attributes{"pk": "a", "sk": 1}.wire()}},
	}})
	if err != nil {
		t.Fatal(err)
	}
	got := map[string][]attributes{}
	for table, items := range read.Responses {
		for _, it := range items {
			got[table] = append(got[table], plain(it))
		}
	}
	want := map[string][]attributes{"one": {{"x": num("1")}}, "two": {{"pk": "a", "sk": num("1")}}}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

func TestABatchReadsAtMost16MB(t *testing.T) {
	t.Parallel()
	c := start(t)
	newTable(t, c, "items", "pk:S")
	keys := []map[string]types.AttributeValue{}
	for i := range 45 {
		key := attributes{"pk": fmt.Sprint(i)}
		keys = append(keys, key.wire())
		put(t, c, "items", attributes{"pk": key["pk"], "x": strings.Repeat("x", 390<<10)})
	}
	out, err := c.BatchGetItem(t.Context(), &dynamodb.BatchGetItemInput{RequestItems: map[string]types.KeysAndAttributes{"items": {Keys: keys}}})
	if err != nil {
		t.Fatal(err)
	}
	if read, rest := len(out.Responses["items"]), len(out.UnprocessedKeys["items"].Keys); read != 42 || rest != 3 {
		t.Errorf("read %d, unprocessed %d; want 42 and 3", read, rest)
	}
}

func TestBatchesThatAWSRefusesAreRefused(t *testing.T) {
	t.Parallel()
	c := start(t)
	newTable(t, c, "items", "pk:S")
	write := func(requests ...types.WriteRequest) error {
		_, err := c.BatchWriteItem(t.Context(), &dynamodb.BatchWriteItemInput{RequestItems: map[string][]types.WriteRequest{"items": requests}})
		return err
	}
	read := func(keys ...map[string]types.AttributeValue) error {
		_, err := c.BatchGetItem(t.Context(), &dynamodb.BatchGetItemInput{RequestItems: map[string]types.KeysAndAttributes{"items": {Keys: append([]map[string]types.AttributeValue{}, keys...)}}})
		return err
	}
	var writes []types.WriteRequest
	var keys []map[string]types.AttributeValue
	for i := range 101 {
		key := attributes{"pk": fmt.Sprint(i)}.wire()
		keys = append(keys, key)
		writes = append(writes, types.WriteRequest{PutRequest: &types.PutRequest{Item: key}})
	}
	wantError(t, write(writes[:26]...), "ValidationException", "Too many items requested for the BatchWriteItem call")
	wantError(t, write(writes[0], writes[0]), "ValidationException", "Provided list of item keys contains duplicates")
	wantError(t, write(types.WriteRequest{DeleteRequest: &types.DeleteRequest{Key: attributes{"pk": 1}.wire()}}), "ValidationException", "does not match the schema")
	wantError(t, read(keys...), "ValidationException", "Too many items requested for the BatchGetItem call")
	wantError(t, read(keys[0], keys[0]), "ValidationException", "Provided list of item keys contains duplicates")
	wantError(t, read(), "ValidationException", "Member must have length greater than or equal to 1")
	if out, err := c.Scan(t.Context(), &dynamodb.ScanInput{TableName: aws.String("items")}); err != nil || out.Count != 0 {
		t.Errorf("something was written: %v, %v", out, err)
	}
}
