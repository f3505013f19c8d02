package journal

import (
	"context"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"github.com/gatehouse-portal/gatehouse/portal"
	"github.com/gatehouse-portal/gatehouse/schema"
)

// register lists the stream, in the transaction of its first fact.
func (j *Journal) register(stream portal.Stream) types.TransactWriteItem {
	return types.TransactWriteItem{Put: &types.Put{TableName: &j.table, Item: schema.RegisteredStream(stream).Attributes()}}
}

// Streams visits every stream with facts, in no particular order, and returns visit's first
// error at once.
func (j *Journal) Streams(ctx context.Context, visit func(portal.Stream) error) error {
	for shard := range schema.RegistryShards {
		if err := j.streamsOf(ctx, shard, visit); err != nil {
			return err
		}
	}
	return nil
}

func (j *Journal) streamsOf(ctx context.Context, shard int, visit func(portal.Stream) error) error {
	pages := dynamodb.NewQueryPaginator(j.client, &dynamodb.QueryInput{
		TableName:                 &j.table,
		ConsistentRead:            aws.Bool(true),
		KeyConditionExpression:    schema.Registry(shard).Condition(),
		ExpressionAttributeValues: schema.Registry(shard).Values(),
	})
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return unavailable("listing streams", err)
		}
		for _, item := range page.Items {
			if err := visit(schema.StreamOf(schema.KeyOf(item))); err != nil {
				return err
			}
		}
	}
	return nil
}

// Head returns the stream's last sequence number, 0 for a stream without facts.
func (j *Journal) Head(ctx context.Context, stream portal.Stream) (int64, error) {
	out, err := j.client.Query(ctx, &dynamodb.QueryInput{
		TableName:                 &j.table,
		ConsistentRead:            aws.Bool(true),
		KeyConditionExpression:    schema.Facts(stream).Condition(),
		ExpressionAttributeValues: schema.Facts(stream).Values(),
		ScanIndexForward:          aws.Bool(false),
		Limit:                     aws.Int32(1),
		ProjectionExpression:      aws.String(schema.SK),
	})
	if err != nil {
		return 0, unavailable("reading the head of "+string(stream), err)
	}
	if len(out.Items) == 0 {
		return 0, nil
	}
	return schema.SequenceOf(schema.KeyOf(out.Items[0])), nil
}
