package metering

import (
	"context"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"

	"github.com/gatehouse-portal/gatehouse/schema"
)

// TakenFor is how long AWS takes the usage of an hour (SDK for Go, BatchMeterUsage: six hours).
const TakenFor = 6 * time.Hour

// Waiting is the usage that AWS has not answered.
type Waiting struct {
	// Records counts at most the limit of the question; More means that there are more.
	Records int
	More    bool
	// Oldest is the hour of the oldest of them, zero without any.
	Oldest time.Time
}

// Waiting looks at the usage that AWS has not answered, at limit records at most, in the order of products.
func (l *Ledger) Waiting(ctx context.Context, limit int) (Waiting, error) {
	var found Waiting
	of := schema.MeteringUnansweredAll()
	pages := dynamodb.NewQueryPaginator(l.client, &dynamodb.QueryInput{
		TableName: &l.table, ConsistentRead: aws.Bool(true), KeyConditionExpression: of.Condition(), ExpressionAttributeValues: of.Values(),
	})
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return found, unavailable("reading the records that AWS has not answered", err)
		}
		for _, item := range page.Items {
			if found.Records == limit {
				found.More = true
				return found, nil
			}
			found.Records++
			hour, ok := schema.MeteringHourOf(schema.TextOf(item["record_sk"]))
			if ok && (found.Oldest.IsZero() || hour.Before(found.Oldest)) {
				found.Oldest = hour
			}
		}
	}
	return found, nil
}
