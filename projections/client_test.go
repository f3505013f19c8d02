package projections

import (
	"context"
	"errors"
	"sync"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"github.com/gatehouse-portal/gatehouse/journal"
	"github.com/gatehouse-portal/gatehouse/schema"
)

// watched is a client that records requests to DynamoDB and can make them fail.
type watched struct {
	*dynamodb.Client
	mu    sync.Mutex
	calls []call
	// before can fail the nth request, counted from 1, without effect. after can lose the
	// answer of one that took effect.
	before, after func(n int, c call) error
}

// call is one request and the partitions of the rows that it writes.
type call struct {
	operation string
	wrote     []string
}

var errBroken = errors.New("the table does not answer")

func watch(s *screen) *watched { return &watched{Client: s.tables.Client} }

// watchedBy returns another projector of the same views that makes all its requests through w.
func (s *screen) watchedBy(w *watched) *Projector {
	return s.beside(journal.New(w, s.tables.Journal, s.tables.Records), w)
}

func (w *watched) counts() map[string]int {
	w.mu.Lock()
	defer w.mu.Unlock()
	counts := map[string]int{}
	for _, c := range w.calls {
		counts[c.operation]++
	}
	return counts
}

func (w *watched) writes() [][]string {
	w.mu.Lock()
	defer w.mu.Unlock()
	var all [][]string
	for _, c := range w.calls {
		if len(c.wrote) > 0 {
			all = append(all, c.wrote)
		}
	}
	return all
}

func ask[Out any](w *watched, c call, do func() (*Out, error)) (*Out, error) {
	w.mu.Lock()
	w.calls = append(w.calls, c)
	n, before, after := len(w.calls), w.before, w.after
	w.mu.Unlock()
	if before != nil {
		if err := before(n, c); err != nil {
			return nil, err
		}
	}
	out, err := do()
	if err == nil && after != nil {
		if lost := after(n, c); lost != nil {
			return nil, lost
		}
	}
	return out, err
}

func (w *watched) GetItem(ctx context.Context, in *dynamodb.GetItemInput, opts ...func(*dynamodb.Options)) (*dynamodb.GetItemOutput, error) {
	return ask(w, call{operation: "GetItem"}, func() (*dynamodb.GetItemOutput, error) { return w.Client.GetItem(ctx, in, opts...) })
}

func (w *watched) Query(ctx context.Context, in *dynamodb.QueryInput, opts ...func(*dynamodb.Options)) (*dynamodb.QueryOutput, error) {
	return ask(w, call{operation: "Query"}, func() (*dynamodb.QueryOutput, error) { return w.Client.Query(ctx, in, opts...) })
}

func (w *watched) PutItem(ctx context.Context, in *dynamodb.PutItemInput, opts ...func(*dynamodb.Options)) (*dynamodb.PutItemOutput, error) {
	return ask(w, call{"PutItem", []string{partitionOf(in.Item)}}, func() (*dynamodb.PutItemOutput, error) { return w.Client.PutItem(ctx, in, opts...) })
}

func (w *watched) TransactWriteItems(ctx context.Context, in *dynamodb.TransactWriteItemsInput, opts ...func(*dynamodb.Options)) (*dynamodb.TransactWriteItemsOutput, error) {
	c := call{operation: "TransactWriteItems"}
	for _, item := range in.TransactItems {
		if item.Put != nil {
			c.wrote = append(c.wrote, partitionOf(item.Put.Item))
		}
	}
	return ask(w, c, func() (*dynamodb.TransactWriteItemsOutput, error) {
		return w.Client.TransactWriteItems(ctx, in, opts...)
	})
}

func partitionOf(item map[string]types.AttributeValue) string {
	return schema.KeyOf(item).PK
}

// colliding cancels every transaction, as if each conflicted with another.
func colliding(_ int, c call) error {
	if c.operation == "TransactWriteItems" {
		return canceled("None", "TransactionConflict")
	}
	return nil
}

func canceled(codes ...string) error {
	err := &types.TransactionCanceledException{}
	for _, code := range codes {
		err.CancellationReasons = append(err.CancellationReasons, types.CancellationReason{Code: aws.String(code)})
	}
	return err
}

func (s *screen) remove(t testing.TB, table, pk, sk string) {
	t.Helper()
	_, err := s.tables.Client.DeleteItem(context.Background(), &dynamodb.DeleteItemInput{
		TableName: &table, Key: schema.Key{PK: pk, SK: sk}.Attributes(),
	})
	if err != nil {
		t.Fatal(err)
	}
}
