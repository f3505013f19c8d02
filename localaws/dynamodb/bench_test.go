package dynamodb_test

import (
	"fmt"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"github.com/gatehouse-portal/gatehouse/localaws"
	"github.com/gatehouse-portal/gatehouse/localaws/localawstest"
)

// Each benchmark measures everything: the SDK's client, HTTP, and a synced commit.
func benchmark(b *testing.B, name string, do func(c *dynamodb.Client, n int64) error) {
	c := client(localawstest.Start(b, func(o *localaws.Options) { o.NoSync = false }))
	newTable(b, c, "journal", "pk:S", "sk:N")
	for i := range 100 {
		put(b, c, "journal", event("read", i))
	}
	var n atomic.Int64
	b.Run(name, func(b *testing.B) {
		b.SetParallelism(32)
		b.RunParallel(func(pb *testing.PB) {
			for pb.Next() {
				if err := do(c, n.Add(1)); err != nil {
					b.Error(err)
					return
				}
			}
		})
	})
}

func event(stream string, seq int) attributes {
	return attributes{"pk": stream, "sk": seq, "type": "KeyCreated", "data": strings.Repeat("x", 500), "at": attributes{"time": "2026-01-01T00:00:00Z", "by": "worker"}}
}

func BenchmarkWrites(b *testing.B) {
	benchmark(b, "PutItem", func(c *dynamodb.Client, n int64) error {
		_, err := c.PutItem(b.Context(), &dynamodb.PutItemInput{
			TableName: aws.String("journal"), Item: event(fmt.Sprint("stream", n%100), int(n)).wire(), ConditionExpression: aws.String("attribute_not_exists(pk)"),
		})
		return err
	})
	benchmark(b, "UpdateItem", func(c *dynamodb.Client, n int64) error {
		_, err := c.UpdateItem(b.Context(), &dynamodb.UpdateItemInput{
			TableName: aws.String("journal"), Key: attributes{"pk": "counter", "sk": int(n % 100)}.wire(),
			UpdateExpression: aws.String("SET #c = if_not_exists(#c, :zero) + :one"), ExpressionAttributeNames: map[string]string{"#c": "count"},
			ExpressionAttributeValues: attributes{":zero": 0, ":one": 1}.wire(),
		})
		return err
	})
	benchmark(b, "TransactWriteItems", func(c *dynamodb.Client, n int64) error {
		_, err := c.TransactWriteItems(b.Context(), &dynamodb.TransactWriteItemsInput{TransactItems: []types.TransactWriteItem{
			{Put: &types.Put{TableName: aws.String("journal"), Item: event("appended", int(n)).wire(), ConditionExpression: aws.String("attribute_not_exists(pk)")}},
			{Put: &types.Put{TableName: aws.String("journal"), Item: event("due", int(n)).wire()}},
		}})
		return err
	})
}

func BenchmarkReads(b *testing.B) {
	benchmark(b, "GetItem", func(c *dynamodb.Client, n int64) error {
		_, err := c.GetItem(b.Context(), &dynamodb.GetItemInput{TableName: aws.String("journal"), Key: attributes{"pk": "read", "sk": int(n % 100)}.wire()})
		return err
	})
	benchmark(b, "Query", func(c *dynamodb.Client, n int64) error {
		_, err := c.Query(b.Context(), &dynamodb.QueryInput{
			TableName: aws.String("journal"), KeyConditionExpression: aws.String("pk = :p AND sk > :k"),
			ExpressionAttributeValues: attributes{":p": "read", ":k": 79}.wire(),
		})
		return err
	})
}
