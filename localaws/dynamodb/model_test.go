package dynamodb_test

import (
	"cmp"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"pgregory.net/rapid"
)

// cell is an item's key in the model's table.
type cell struct {
	pk string
	sk int
}

func (k cell) wire() map[string]types.AttributeValue {
	return attributes{"pk": k.pk, "sk": k.sk}.wire()
}

// model is a table as a map from each item to its counter.
type model struct {
	c     *dynamodb.Client
	table string
	items map[cell]int
}

func drawCell(t *rapid.T) cell {
	return cell{rapid.SampledFrom([]string{"a", "b"}).Draw(t, "pk"), rapid.IntRange(-2, 2).Draw(t, "sk")}
}

// condition draws a condition, and returns whether the model satisfies it.
func (m *model) condition(t *rapid.T, k cell) (text *string, values attributes, holds bool) {
	n, exists := m.items[k]
	limit := rapid.IntRange(0, 4).Draw(t, "limit")
	values = attributes{":limit": limit}
	switch rapid.IntRange(0, 4).Draw(t, "condition") {
	case 0:
		return aws.String("attribute_exists(pk)"), attributes{}, exists
	case 1:
		return aws.String("attribute_not_exists(pk)"), attributes{}, !exists
	case 2:
		return aws.String("n < :limit"), values, exists && n < limit
	case 3:
		return aws.String("NOT (n BETWEEN :limit AND :limit) AND attribute_exists(sk)"), values, exists && n != limit
	}
	return nil, attributes{}, true
}

// orNil returns nil for empty values, which requests must not contain.
func orNil(values attributes) map[string]types.AttributeValue {
	if len(values) == 0 {
		return nil
	}
	return values.wire()
}

func checkOutcome(t *rapid.T, err error, want bool) bool {
	var failed *types.ConditionalCheckFailedException
	if err != nil && !errors.As(err, &failed) {
		t.Fatal(err)
	}
	if (err == nil) != want {
		t.Fatalf("condition: %v, want it to hold: %t", err, want)
	}
	return want
}

func (m *model) put(t *rapid.T) {
	k, n := drawCell(t), rapid.IntRange(0, 4).Draw(t, "n")
	text, values, holds := m.condition(t, k)
	it := k.wire()
	it["n"] = wireValue(n)
	_, err := m.c.PutItem(t.Context(), &dynamodb.PutItemInput{TableName: &m.table, Item: it, ConditionExpression: text, ExpressionAttributeValues: orNil(values)})
	if checkOutcome(t, err, holds) {
		m.items[k] = n
	}
}

func (m *model) delete(t *rapid.T) {
	k := drawCell(t)
	text, values, holds := m.condition(t, k)
	_, err := m.c.DeleteItem(t.Context(), &dynamodb.DeleteItemInput{TableName: &m.table, Key: k.wire(), ConditionExpression: text, ExpressionAttributeValues: orNil(values)})
	if checkOutcome(t, err, holds) {
		delete(m.items, k)
	}
}

func (m *model) update(t *rapid.T) {
	k := drawCell(t)
	text, values, holds := m.condition(t, k)
	values[":one"] = 1
	_, err := m.c.UpdateItem(t.Context(), &dynamodb.UpdateItemInput{
		TableName: &m.table, Key: k.wire(), ConditionExpression: text,
		UpdateExpression: aws.String("ADD n :one"), ExpressionAttributeValues: orNil(values),
	})
	if checkOutcome(t, err, holds) {
		m.items[k]++
	}
}

func (m *model) transact(t *rapid.T) {
	a, b := drawCell(t), drawCell(t)
	if a == b {
		t.Skip("one item")
	}
	text, values, holds := m.condition(t, b)
	if text == nil {
		text = aws.String("attribute_exists(pk) OR attribute_not_exists(pk)")
	}
	_, err := m.c.TransactWriteItems(t.Context(), &dynamodb.TransactWriteItemsInput{TransactItems: []types.TransactWriteItem{
		{Update: &types.Update{
			TableName: &m.table, Key: a.wire(), UpdateExpression: aws.String("SET n = if_not_exists(n, :zero) + :one"),
			ExpressionAttributeValues: attributes{":zero": 0, ":one": 1}.wire(),
		}},
		{Delete: &types.Delete{TableName: &m.table, Key: b.wire(), ConditionExpression: text, ExpressionAttributeValues: orNil(values)}},
	}})
	var canceled *types.TransactionCanceledException
	if err != nil && !errors.As(err, &canceled) {
		t.Fatal(err)
	}
	if (err == nil) != holds {
		t.Fatalf("transaction: %v, want it to succeed: %t", err, holds)
	}
	if holds {
		m.items[a]++
		delete(m.items, b)
	}
}

func (m *model) query(t *rapid.T) {
	pk, low := rapid.SampledFrom([]string{"a", "b"}).Draw(t, "pk"), rapid.IntRange(-3, 3).Draw(t, "low")
	operator := rapid.SampledFrom([]string{"<", "<=", "=", ">=", ">"}).Draw(t, "operator")
	forward := rapid.Bool().Draw(t, "forward")
	var want []string
	for _, k := range slices.SortedFunc(maps.Keys(m.items), func(k, l cell) int { return cmp.Compare(k.sk, l.sk) }) {
		order := cmp.Compare(k.sk, low)
		matches := order < 0 && strings.Contains(operator, "<") || order == 0 && strings.Contains(operator, "=") || order > 0 && strings.Contains(operator, ">")
		if k.pk == pk && matches {
			want = append(want, fmt.Sprint(k.sk, m.items[k]))
		}
	}
	if !forward {
		slices.Reverse(want)
	}
	var got []string
	pages := dynamodb.NewQueryPaginator(m.c, &dynamodb.QueryInput{
		TableName: &m.table, KeyConditionExpression: aws.String("pk = :pk AND sk " + operator + " :low"), ScanIndexForward: &forward,
		ExpressionAttributeValues: attributes{":pk": pk, ":low": low}.wire(), Limit: aws.Int32(rapid.Int32Range(1, 6).Draw(t, "page")),
	})
	for pages.HasMorePages() {
		page, err := pages.NextPage(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		for _, it := range page.Items {
			got = append(got, fmt.Sprintf("%s %s", plain(it)["sk"], plain(it)["n"]))
		}
	}
	if !slices.Equal(got, want) {
		t.Fatalf("%s with sk %s %d: %v, want %v", pk, operator, low, got, want)
	}
}

func TestRandomOperationsAgreeWithAMap(t *testing.T) {
	t.Parallel()
	c := start(t)
	var tables atomic.Int64
	rapid.Check(t, func(r *rapid.T) {
		m := &model{c: c, table: fmt.Sprintf("table-%d", tables.Add(1)), items: map[cell]int{}}
		newTable(t, c, m.table, "pk:S", "sk:N")
		r.Repeat(map[string]func(*rapid.T){
			"put": m.put, "delete": m.delete, "update": m.update, "transact": m.transact, "query": m.query,
		})
	})
}
