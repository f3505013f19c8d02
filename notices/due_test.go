package notices_test

import (
	"context"
	"errors"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/feature/dynamodb/attributevalue"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"github.com/gatehouse-portal/gatehouse/due"
	"github.com/gatehouse-portal/gatehouse/schema"
)

// due returns the due rows of now, by their keys.
func (w *world) due() map[schema.Key]due.Row {
	w.t.Helper()
	rows := map[schema.Key]due.Row{}
	for shard := range schema.DueShards {
		out, err := w.tables.Client.Query(w.t.Context(), &dynamodb.QueryInput{
			TableName: &w.records, KeyConditionExpression: aws.String("pk = :pk AND sk < :now"),
			ExpressionAttributeValues: map[string]types.AttributeValue{
				":pk": schema.Text(schema.DuePartition(shard)), ":now": schema.Text(schema.Milliseconds(w.now()) + "~"),
			},
		})
		if err != nil {
			w.t.Fatal(err)
		}
		for _, item := range out.Items {
			var row due.Row
			if err := attributevalue.UnmarshalMap(item, &row); err != nil {
				w.t.Fatal(err)
			}
			rows[schema.KeyOf(item)] = row
		}
	}
	return rows
}

// wake does what the job due does with the rows of now, and returns how many deliveries it asked
// for.
func (w *world) wake() (asked int) {
	w.t.Helper()
	for key, row := range w.due() {
		done, err := w.deliverer.Wake(w.t.Context(), row)
		if err != nil {
			w.t.Fatal(err)
		}
		_, err = w.tables.Client.DeleteItem(w.t.Context(), &dynamodb.DeleteItemInput{TableName: &w.records, Key: key.Attributes()})
		if err != nil {
			w.t.Fatal(err)
		}
		if done {
			continue
		}
		asked++
		next := row.Next(w.now())
		item, err := attributevalue.MarshalMap(next)
		if err != nil {
			w.t.Fatal(err)
		}
		for name, value := range next.Place().Attributes() {
			item[name] = value
		}
		if _, err := w.tables.Client.PutItem(w.t.Context(), &dynamodb.PutItemInput{TableName: &w.records, Item: item}); err != nil {
			w.t.Fatal(err)
		}
	}
	return asked
}

// deaf is a client that writes leases, and no outcomes: every second transaction fails.
type deaf struct {
	*dynamodb.Client
	calls *int
}

func (d deaf) TransactWriteItems(ctx context.Context, in *dynamodb.TransactWriteItemsInput, opts ...func(*dynamodb.Options)) (*dynamodb.TransactWriteItemsOutput, error) {
	if *d.calls++; *d.calls%2 == 0 {
		return nil, errors.New("the worker is gone")
	}
	return d.Client.TransactWriteItems(ctx, in, opts...)
}
