package journal

import (
	"context"
	"fmt"
	"strconv"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"

	"github.com/gatehouse-portal/gatehouse/portal"
	"github.com/gatehouse-portal/gatehouse/schema"
)

// StreamPage lists at most limit streams with facts. position is "" or an earlier page's next,
// which is "" at the end. A page may be short or empty without being the last. A stream whose
// first fact is appended meanwhile may be left out.
func (j *Journal) StreamPage(ctx context.Context, position string, limit int) (streams []portal.Stream, next string, err error) {
	number, last, _ := strings.Cut(position, "/")
	shard := 0
	if position != "" {
		if shard, err = strconv.Atoi(number); err != nil {
			return nil, "", permanent("listing streams: %q is not a position", position)
		}
	}
	in := &dynamodb.QueryInput{
		TableName:                 &j.table,
		ConsistentRead:            aws.Bool(true),
		KeyConditionExpression:    schema.Registry(shard).Condition(),
		ExpressionAttributeValues: schema.Registry(shard).Values(),
		Limit:                     aws.Int32(int32(limit)),
	}
	if last != "" {
		in.ExclusiveStartKey = schema.Key{PK: schema.Registry(shard).PK, SK: last}.Attributes()
	}
	out, err := j.client.Query(ctx, in)
	if err != nil {
		return nil, "", unavailable("listing streams", err)
	}
	for _, item := range out.Items {
		streams = append(streams, schema.StreamOf(schema.KeyOf(item)))
	}
	switch {
	case out.LastEvaluatedKey != nil:
		return streams, fmt.Sprintf("%d/%s", shard, schema.StreamOf(schema.KeyOf(out.LastEvaluatedKey))), nil
	case shard+1 < schema.RegistryShards:
		return streams, fmt.Sprintf("%d/", shard+1), nil
	}
	return streams, "", nil
}
