package dynamodb_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/google/go-cmp/cmp"
)

// everything is an item with a value of each type.
func everything() attributes {
	return attributes{
		"pk": "a", "sk": num("1"),
		"s": "text", "empty": "", "n": num("-12.5"), "b": []byte{0, 0xff}, "nob": []byte{},
		"yes": true, "no": false, "null": nil,
		"l": list{"x", num("2"), list{}}, "m": attributes{"nested": attributes{}, "k": "v"},
		"ss": words{"x", "y"}, "ns": nums{"1", "2"}, "bs": blobs{{1}, {2}},
	}
}

func TestAnItemIsReadAsItWasPut(t *testing.T) {
	t.Parallel()
	c := start(t)
	newTable(t, c, "items", "pk:S", "sk:N")
	put(t, c, "items", everything())
	if diff := cmp.Diff(everything(), get(t, c, "items", attributes{"pk": "a", "sk": num("1.0")})); diff != "" {
		t.Error(diff)
	}
}

func TestPuttingReplacesAndDeletingRemoves(t *testing.T) {
	t.Parallel()
	c := start(t)
	newTable(t, c, "items", "pk:S")
	put(t, c, "items", attributes{"pk": "a", "x": 1}, attributes{"pk": "a", "y": 2})
	if diff := cmp.Diff(attributes{"pk": "a", "y": num("2")}, get(t, c, "items", attributes{"pk": "a"})); diff != "" {
		t.Error(diff)
	}
	for range 2 { // deleting nothing is not an error
		if _, err := c.DeleteItem(t.Context(), &dynamodb.DeleteItemInput{TableName: aws.String("items"), Key: attributes{"pk": "a"}.wire()}); err != nil {
			t.Fatal(err)
		}
	}
	if got := get(t, c, "items", attributes{"pk": "a"}); got != nil {
		t.Errorf("it still exists: %v", got)
	}
}

func TestItemsThatAWSRefusesAreRefused(t *testing.T) {
	t.Parallel()
	c := start(t)
	newTable(t, c, "items", "pk:S", "sk:B")
	deep := any("bottom")
	for range 33 {
		deep = list{deep}
	}
	for name, test := range map[string]struct {
		item attributes
		text string
	}{
		"no sort key":             {attributes{"pk": "a"}, "One or more parameter values were invalid: Missing the key sk in the item"},
		"a key of the wrong type": {attributes{"pk": 1, "sk": []byte{1}}, "Type mismatch for key pk expected: S actual: N"},
		"an empty string key": {attributes{"pk": "", "sk": []byte{1}},
			"The AttributeValue for a key attribute cannot contain an empty string value. Key: pk"},
		"an empty binary key": {attributes{"pk": "a", "sk": []byte{}},
			"The AttributeValue for a key attribute cannot contain an empty binary value. Key: sk"},
		"a partition key of 2049 bytes": {attributes{"pk": strings.Repeat("x", 2049), "sk": []byte{1}}, "Size of hashkey has exceeded the maximum size limit of2048 bytes"},
		"a sort key of 1025 bytes":      {attributes{"pk": "a", "sk": make([]byte, 1025)}, "Aggregated size of all range keys has exceeded the size limit of 1024 bytes"},
		"an item of more than 400 KB":   {attributes{"pk": "a", "sk": []byte{1}, "x": strings.Repeat("x", 400<<10)}, "Item size has exceeded the maximum allowed size"},
		"an empty string set":           {attributes{"x": words{}}, "An string set  may not be empty"},
		"an empty number set":           {attributes{"x": nums{}}, "An number set  may not be empty"},
		"an empty binary set":           {attributes{"x": blobs{}}, "Binary sets should not be empty"},
		"a duplicate string in a set":   {attributes{"x": words{"a", "b", "a"}}, "Input collection [a, b, a] contains duplicates."},
		"a duplicate number in a set":   {attributes{"x": nums{"1", "1.0"}}, "Input collection contains duplicates"},
		"a bad number in a list":        {attributes{"x": list{num("one")}}, "The parameter cannot be converted to a numeric value: one"},
		"too many digits in a map":      {attributes{"x": attributes{"y": num(strings.Repeat("1", 39))}}, "more than 38 significant digits"},
		"33 nested lists":               {attributes{"x": deep}, "Nesting Levels have exceeded supported limits"},
		"a null that is false":          {attributes{"x": null{}}, "Null attribute value types must have the value of true"},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := c.PutItem(t.Context(), &dynamodb.PutItemInput{TableName: aws.String("items"), Item: test.item.wire()})
			wantError(t, err, "ValidationException", test.text)
		})
	}
}

func TestInvalidKeysAreRefused(t *testing.T) {
	t.Parallel()
	c := start(t)
	newTable(t, c, "items", "pk:S", "sk:N")
	for name, test := range map[string]struct {
		key  attributes
		text string
	}{
		"half a key":              {attributes{"pk": "a"}, "The provided key element does not match the schema"},
		"another attribute":       {attributes{"pk": "a", "x": 1}, "The provided key element does not match the schema"},
		"more than the key":       {attributes{"pk": "a", "sk": 1, "x": 1}, "The provided key element does not match the schema"},
		"a key of the wrong type": {attributes{"pk": "a", "sk": "1"}, "The provided key element does not match the schema"},
		"an empty key":            {attributes{"pk": "", "sk": 1}, "cannot contain an empty string value. Key: pk"},
		"an invalid number":       {attributes{"pk": "a", "sk": num("x")}, "cannot be converted to a numeric value: x"},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := c.GetItem(t.Context(), &dynamodb.GetItemInput{TableName: aws.String("items"), Key: test.key.wire()})
			wantError(t, err, "ValidationException", test.text)
			_, err = c.DeleteItem(t.Context(), &dynamodb.DeleteItemInput{TableName: aws.String("items"), Key: test.key.wire()})
			wantError(t, err, "ValidationException", test.text)
			_, err = c.UpdateItem(t.Context(), &dynamodb.UpdateItemInput{TableName: aws.String("items"), Key: test.key.wire()})
			wantError(t, err, "ValidationException", test.text)
		})
	}
}

func TestAMissingTableIsNotFound(t *testing.T) {
	t.Parallel()
	c := start(t)
	_, err := c.PutItem(t.Context(), &dynamodb.PutItemInput{TableName: aws.String("nowhere"), Item: attributes{"pk": "a"}.wire()})
	wantError(t, err, "ResourceNotFoundException", "Requested resource not found")
	_, err = c.GetItem(t.Context(), &dynamodb.GetItemInput{TableName: aws.String("x"), Key: attributes{"pk": "a"}.wire()})
	wantError(t, err, "ValidationException", "Table/index names must be between 3 and 255 characters long")
}

func TestATableIsAlsoFoundByItsARN(t *testing.T) {
	t.Parallel()
	c := start(t)
	newTable(t, c, "items", "pk:S")
	put(t, c, "arn:aws:dynamodb:us-east-1:000000000000:table/items", attributes{"pk": "a"})
	if got := get(t, c, "items", attributes{"pk": "a"}); got == nil {
		t.Error("not found by the name")
	}
}

func TestLegacyParametersAreRefused(t *testing.T) {
	t.Parallel()
	c := start(t)
	newTable(t, c, "items", "pk:S")
	_, err := c.PutItem(t.Context(), &dynamodb.PutItemInput{
		TableName: aws.String("items"), Item: attributes{"pk": "a"}.wire(),
		Expected: map[string]types.ExpectedAttributeValue{"pk": {Exists: aws.Bool(false)}},
	})
	wantError(t, err, "NotImplementedException", "Expected")
	_, err = c.UpdateItem(t.Context(), &dynamodb.UpdateItemInput{
		TableName: aws.String("items"), Key: attributes{"pk": "a"}.wire(),
		AttributeUpdates: map[string]types.AttributeValueUpdate{"x": {Action: types.AttributeActionDelete}},
	})
	wantError(t, err, "NotImplementedException", "AttributeUpdates")
	_, err = c.Query(t.Context(), &dynamodb.QueryInput{
		TableName:     aws.String("items"),
		KeyConditions: map[string]types.Condition{"pk": {ComparisonOperator: "EQ", AttributeValueList: []types.AttributeValue{wireValue("a")}}},
	})
	wantError(t, err, "NotImplementedException", "KeyConditions")
}

func TestAFailedConditionChangesNothing(t *testing.T) {
	t.Parallel()
	c := start(t)
	newTable(t, c, "items", "pk:S")
	before := attributes{"pk": "a", "n": num("1")}
	put(t, c, "items", before)
	condition, values := aws.String("n = :n"), attributes{":n": 2}.wire()
	for name, attempt := range map[string]func(types.ReturnValuesOnConditionCheckFailure) error{
		"put": func(r types.ReturnValuesOnConditionCheckFailure) error {
			_, err := c.PutItem(t.Context(), &dynamodb.PutItemInput{
				TableName: aws.String("items"), Item: attributes{"pk": "a"}.wire(),
				ConditionExpression: condition, ExpressionAttributeValues: values, ReturnValuesOnConditionCheckFailure: r,
			})
			return err
		},
		"delete": func(r types.ReturnValuesOnConditionCheckFailure) error {
			_, err := c.DeleteItem(t.Context(), &dynamodb.DeleteItemInput{
				TableName: aws.String("items"), Key: attributes{"pk": "a"}.wire(),
				ConditionExpression: condition, ExpressionAttributeValues: values, ReturnValuesOnConditionCheckFailure: r,
			})
			return err
		},
		"update": func(r types.ReturnValuesOnConditionCheckFailure) error {
			_, err := c.UpdateItem(t.Context(), &dynamodb.UpdateItemInput{
				TableName: aws.String("items"), Key: attributes{"pk": "a"}.wire(), UpdateExpression: aws.String("REMOVE n"),
				ConditionExpression: condition, ExpressionAttributeValues: values, ReturnValuesOnConditionCheckFailure: r,
			})
			return err
		},
	} {
		for returned, want := range map[types.ReturnValuesOnConditionCheckFailure]attributes{"": nil, "NONE": nil, "ALL_OLD": before} {
			err := attempt(returned)
			wantError(t, err, "ConditionalCheckFailedException", "The conditional request failed")
			var failed *types.ConditionalCheckFailedException
			if !errors.As(err, &failed) {
				t.Fatalf("%s: %v has the wrong type", name, err)
			}
			if diff := cmp.Diff(want, plain(failed.Item)); diff != "" {
				t.Errorf("%s, returning %q: %s", name, returned, diff)
			}
		}
	}
	if diff := cmp.Diff(before, get(t, c, "items", attributes{"pk": "a"})); diff != "" {
		t.Error(diff)
	}
}

func TestWritesReturnTheRequestedValues(t *testing.T) {
	t.Parallel()
	c := start(t)
	newTable(t, c, "items", "pk:S")
	old := attributes{"pk": "a", "x": num("1"), "y": "same", "m": attributes{"in": num("1"), "out": num("2")}}
	updated := attributes{"pk": "a", "x": num("2"), "y": "same", "m": attributes{"in": num("9"), "out": num("2")}}
	for returned, want := range map[types.ReturnValue]attributes{
		"": nil, "NONE": nil,
		"ALL_OLD":     old,
		"ALL_NEW":     updated,
		"UPDATED_OLD": {"x": num("1"), "m": attributes{"in": num("1")}},
		"UPDATED_NEW": {"x": num("2"), "m": attributes{"in": num("9")}},
	} {
		put(t, c, "items", old)
		out, err := c.UpdateItem(t.Context(), &dynamodb.UpdateItemInput{
			TableName: aws.String("items"), Key: attributes{"pk": "a"}.wire(), ReturnValues: returned,
			UpdateExpression:         aws.String("SET x = x + :one, m.#in = :nine REMOVE gone"),
			ExpressionAttributeNames: map[string]string{"#in": "in"}, ExpressionAttributeValues: attributes{":one": 1, ":nine": 9}.wire(),
		})
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(want, plain(out.Attributes)); diff != "" {
			t.Errorf("update returning %q: %s", returned, diff)
		}
	}
	replaced, err := c.PutItem(t.Context(), &dynamodb.PutItemInput{TableName: aws.String("items"), Item: old.wire(), ReturnValues: "ALL_OLD"})
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(updated, plain(replaced.Attributes)); diff != "" {
		t.Error(diff)
	}
	deleted, err := c.DeleteItem(t.Context(), &dynamodb.DeleteItemInput{TableName: aws.String("items"), Key: attributes{"pk": "a"}.wire(), ReturnValues: "ALL_OLD"})
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(old, plain(deleted.Attributes)); diff != "" {
		t.Error(diff)
	}
	_, err = c.PutItem(t.Context(), &dynamodb.PutItemInput{TableName: aws.String("items"), Item: old.wire(), ReturnValues: "ALL_NEW"})
	wantError(t, err, "ValidationException", "ReturnValues can only be ALL_OLD or NONE")
	_, err = c.PutItem(t.Context(), &dynamodb.PutItemInput{TableName: aws.String("items"), Item: old.wire(), ReturnValues: "SOME"})
	wantError(t, err, "ValidationException", "1 validation error detected: Value 'SOME' at 'returnValues' failed to satisfy constraint: Member must satisfy enum value set")
}

func TestConsumedCapacityIsReturnedOnRequest(t *testing.T) {
	t.Parallel()
	c := start(t)
	newTable(t, c, "items", "pk:S")
	out, err := c.PutItem(t.Context(), &dynamodb.PutItemInput{
		TableName: aws.String("items"), Item: attributes{"pk": "a", "x": strings.Repeat("x", 5000)}.wire(), ReturnConsumedCapacity: "TOTAL",
	})
	if err != nil {
		t.Fatal(err)
	}
	read, err := c.GetItem(t.Context(), &dynamodb.GetItemInput{TableName: aws.String("items"), Key: attributes{"pk": "a"}.wire(), ReturnConsumedCapacity: "INDEXES"})
	if err != nil {
		t.Fatal(err)
	}
	got := fmt.Sprint(*out.ConsumedCapacity.CapacityUnits, *read.ConsumedCapacity.CapacityUnits, *read.ConsumedCapacity.Table.CapacityUnits)
	if got != "5 1 1" {
		t.Errorf("consumed %s, want 5 1 1", got)
	}
}
