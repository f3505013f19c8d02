package dynamodb_test

import (
	"errors"
	"fmt"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/google/go-cmp/cmp"

	"github.com/gatehouse-portal/gatehouse/localaws"
	"github.com/gatehouse-portal/gatehouse/localaws/localawstest"
)

func transact(t testing.TB, c *dynamodb.Client, token string, items ...types.TransactWriteItem) error {
	in := &dynamodb.TransactWriteItemsInput{TransactItems: items}
	if token != "" {
		in.ClientRequestToken = &token
	}
	_, err := c.TransactWriteItems(t.Context(), in)
	return err
}

func putting(it attributes, condition *string) types.TransactWriteItem {
	return types.TransactWriteItem{Put: &types.Put{TableName: aws.String("items"), Item: it.wire(), ConditionExpression: condition}}
}

func counting(pk string) types.TransactWriteItem {
	return types.TransactWriteItem{Update: &types.Update{
		TableName: aws.String("items"), Key: attributes{"pk": pk}.wire(),
		UpdateExpression: aws.String("ADD n :one"), ExpressionAttributeValues: attributes{":one": 1}.wire(),
	}}
}

func checking(pk, condition string) types.TransactWriteItem {
	return types.TransactWriteItem{ConditionCheck: &types.ConditionCheck{
		TableName: aws.String("items"), Key: attributes{"pk": pk}.wire(), ConditionExpression: &condition,
		ReturnValuesOnConditionCheckFailure: types.ReturnValuesOnConditionCheckFailureAllOld,
	}}
}

func deleting(pk string) types.TransactWriteItem {
	return types.TransactWriteItem{Delete: &types.Delete{TableName: aws.String("items"), Key: attributes{"pk": pk}.wire()}}
}

func TestATransactionExecutesAllItsActions(t *testing.T) {
	t.Parallel()
	c := start(t)
	newTable(t, c, "items", "pk:S")
	put(t, c, "items", attributes{"pk": "counted", "n": 1}, attributes{"pk": "deleted"}, attributes{"pk": "checked"})
	err := transact(t, c, "",
		putting(attributes{"pk": "put"}, aws.String("attribute_not_exists(pk)")), counting("counted"), deleting("deleted"), checking("checked", "attribute_exists(pk)"))
	if err != nil {
		t.Fatal(err)
	}
	got := []attributes{
		get(t, c, "items", attributes{"pk": "put"}), get(t, c, "items", attributes{"pk": "counted"}),
		get(t, c, "items", attributes{"pk": "deleted"}), get(t, c, "items", attributes{"pk": "checked"}),
	}
	want := []attributes{{"pk": "put"}, {"pk": "counted", "n": num("2")}, nil, {"pk": "checked"}}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

// reasonsOf returns code, message and item of each reason.
func reasonsOf(t *testing.T, err error) []string {
	t.Helper()
	var canceled *types.TransactionCanceledException
	if !errors.As(err, &canceled) {
		t.Fatalf("not canceled: %v", err)
	}
	var all []string
	for _, r := range canceled.CancellationReasons {
		all = append(all, fmt.Sprintf("%s|%s|%v", aws.ToString(r.Code), aws.ToString(r.Message), plain(r.Item)))
	}
	return all
}

func TestAFailedTransactionReturnsItsReasonsAndChangesNothing(t *testing.T) {
	t.Parallel()
	c := start(t)
	newTable(t, c, "items", "pk:S")
	put(t, c, "items", attributes{"pk": "there", "s": "x"})
	for name, test := range map[string]struct {
		failing []types.TransactWriteItem
		text    string
		want    []string
	}{
		"conditions": {
			[]types.TransactWriteItem{checking("there", "attribute_not_exists(pk)"), checking("absent", "attribute_exists(pk)")},
			"Transaction cancelled, please refer cancellation reasons for specific reasons [None, ConditionalCheckFailed, ConditionalCheckFailed]",
			[]string{"None||map[]", "ConditionalCheckFailed|The conditional request failed|map[pk:there s:x]", "ConditionalCheckFailed|The conditional request failed|map[]"},
		},
		"an update that does not fit the item, and a condition": {
			[]types.TransactWriteItem{
				{Update: &types.Update{TableName: aws.String("items"), Key: attributes{"pk": "there"}.wire(), UpdateExpression: aws.String("ADD s :one"), ExpressionAttributeValues: attributes{":one": 1}.wire()}},
				checking("absent", "attribute_exists(pk)"),
			},
			"[None, ValidationError, ConditionalCheckFailed]",
			[]string{"None||map[]", "ValidationError|An operand in the update expression has an incorrect data type|map[]", "ConditionalCheckFailed|The conditional request failed|map[]"},
		},
		"wrong keys, of which only the first is reported": {
			[]types.TransactWriteItem{putting(attributes{"pk": 7}, nil), putting(attributes{"pk": 8}, nil), checking("absent", "attribute_exists(pk)")},
			"[None, ValidationError, None, None]",
			[]string{"None||map[]", "ValidationError|One or more parameter values were invalid: Type mismatch for key pk expected: S actual: N|map[]", "None||map[]", "None||map[]"},
		},
	} {
		t.Run(name, func(t *testing.T) {
			err := transact(t, c, "", append([]types.TransactWriteItem{putting(attributes{"pk": "new"}, nil)}, test.failing...)...)
			wantError(t, err, "TransactionCanceledException", test.text)
			if diff := cmp.Diff(test.want, reasonsOf(t, err)); diff != "" {
				t.Error(diff)
			}
			if got := get(t, c, "items", attributes{"pk": "new"}); got != nil {
				t.Errorf("its first action was executed: %v", got)
			}
		})
	}
}

func TestTransactionsThatAWSRefusesAreRefused(t *testing.T) {
	t.Parallel()
	c := start(t)
	newTable(t, c, "items", "pk:S")
	var many, large []types.TransactWriteItem
	for i := range 101 {
		many = append(many, counting(fmt.Sprint(i)))
	}
	for i := range 11 {
		large = append(large, putting(attributes{"pk": fmt.Sprint(i), "x": strings.Repeat("x", 390<<10)}, nil))
	}
	for name, test := range map[string]struct {
		actions    []types.TransactWriteItem
		code, text string
	}{
		"no actions":               {[]types.TransactWriteItem{}, "ValidationException", "'transactItems' failed to satisfy constraint: Member must have length greater than or equal to 1"},
		"more than 100":            {many, "ValidationException", "Member must have length less than or equal to 100"},
		"more than 4 MB":           {large, "ValidationException", "size cannot exceed 4 MB"},
		"two actions on one item":  {[]types.TransactWriteItem{counting("a"), checking("a", "attribute_exists(pk)")}, "ValidationException", "Transaction request cannot include multiple operations on one item"},
		"an action with two kinds": {[]types.TransactWriteItem{{Put: putting(attributes{"pk": "a"}, nil).Put, Delete: deleting("b").Delete}}, "ValidationException", "TransactItems can only contain one of Check, Put, Update or Delete"},
		"a syntax error":           {[]types.TransactWriteItem{putting(attributes{"pk": "a"}, aws.String("hello!"))}, "ValidationException", "Invalid ConditionExpression: Syntax error"},
		"an undefined value":       {[]types.TransactWriteItem{putting(attributes{"pk": "a"}, aws.String("x = :v"))}, "ValidationException", "attribute value: :v"},
		"a missing table":          {[]types.TransactWriteItem{{Delete: &types.Delete{TableName: aws.String("nowhere"), Key: attributes{"pk": "a"}.wire()}}}, "ResourceNotFoundException", "Requested resource not found"},
		"unknown return values":    {[]types.TransactWriteItem{{Delete: &types.Delete{TableName: aws.String("items"), Key: attributes{"pk": "a"}.wire(), ReturnValuesOnConditionCheckFailure: "dog"}}}, "ValidationException", "transactItems.1.member.delete.returnValuesOnConditionCheckFailure"},
	} {
		t.Run(name, func(t *testing.T) {
			wantError(t, transact(t, c, "", test.actions...), test.code, test.text)
		})
	}
	wantError(t, transact(t, c, strings.Repeat("x", 37), counting("a")), "ValidationException", "clientRequestToken")
}

func TestATransactionWithATokenIsExecutedOnce(t *testing.T) {
	t.Parallel()
	var now atomic.Int64
	now.Store(time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC).Unix())
	c := client(localawstest.Start(t, func(o *localaws.Options) {
		o.Now = func() time.Time { return time.Unix(now.Load(), 0) }
	}))
	newTable(t, c, "items", "pk:S")
	count := func(want num) {
		t.Helper()
		if got := get(t, c, "items", attributes{"pk": "a"})["n"]; got != want {
			t.Errorf("counted %v, want %s", got, want)
		}
	}
	for range 3 {
		if err := transact(t, c, "token", counting("a")); err != nil {
			t.Fatal(err)
		}
	}
	count("1")
	wantError(t, transact(t, c, "token", counting("b")), "IdempotentParameterMismatchException", "idempotent token")
	if err := transact(t, c, "other", counting("a")); err != nil {
		t.Fatal(err)
	}
	count("2")
	now.Add(10*60 - 1)
	if err := transact(t, c, "token", counting("a")); err != nil {
		t.Fatal(err)
	}
	count("2")
	now.Add(1)
	if err := transact(t, c, "token", counting("a")); err != nil {
		t.Fatal(err)
	}
	count("3")
	if err := transact(t, c, "token", counting("a")); err != nil {
		t.Fatal(err)
	}
	count("3")
}

func TestTheTokenOfAFailedTransactionCanBeReused(t *testing.T) {
	t.Parallel()
	c := start(t)
	newTable(t, c, "items", "pk:S")
	only := putting(attributes{"pk": "a"}, aws.String("attribute_exists(pk)"))
	wantError(t, transact(t, c, "token", only), "TransactionCanceledException", "ConditionalCheckFailed")
	put(t, c, "items", attributes{"pk": "a", "x": 1})
	if err := transact(t, c, "token", only); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(attributes{"pk": "a"}, get(t, c, "items", attributes{"pk": "a"})); diff != "" {
		t.Error(diff)
	}
}

func TestATransactionReadsItsItemsInOrder(t *testing.T) {
	t.Parallel()
	c := start(t)
	newTable(t, c, "items", "pk:S")
	put(t, c, "items", attributes{"pk": "a", "x": 1, "y": 2}, attributes{"pk": "b"})
	getting := func(pk any, projection *string) types.TransactGetItem {
		return types.TransactGetItem{Get: &types.Get{TableName: aws.String("items"), Key: attributes{"pk": pk}.wire(), ProjectionExpression: projection}}
	}
	out, err := c.TransactGetItems(t.Context(), &dynamodb.TransactGetItemsInput{
		TransactItems:          []types.TransactGetItem{getting("b", nil), getting("absent", nil), getting("a", aws.String("x"))},
		ReturnConsumedCapacity: "TOTAL",
	})
	if err != nil {
		t.Fatal(err)
	}
	var got []attributes
	for _, r := range out.Responses {
		got = append(got, plain(r.Item))
	}
	if diff := cmp.Diff([]attributes{{"pk": "b"}, nil, {"x": num("1")}}, got); diff != "" {
		t.Error(diff)
	}
	if got := *out.ConsumedCapacity[0].ReadCapacityUnits; got != 6 {
		t.Errorf("consumed %v, want 6", got)
	}
	_, err = c.TransactGetItems(t.Context(), &dynamodb.TransactGetItemsInput{TransactItems: []types.TransactGetItem{getting("a", nil), getting("a", nil)}})
	wantError(t, err, "ValidationException", "multiple operations on one item")
	_, err = c.TransactGetItems(t.Context(), &dynamodb.TransactGetItemsInput{TransactItems: []types.TransactGetItem{getting("a", nil), getting(1, nil)}})
	wantError(t, err, "TransactionCanceledException", "[None, ValidationError]")
}
