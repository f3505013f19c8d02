package metering

import (
	"context"
	"fmt"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/feature/dynamodb/attributevalue"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"github.com/gatehouse-portal/gatehouse/portal"
	"github.com/gatehouse-portal/gatehouse/schema"
)

// Summary is what a buyer reads about the metering of a licence.
type Summary struct {
	// Billed is how much AWS bills, in all dimensions, and Last the time of the newest such record,
	// zero before the first.
	Billed int64
	Last   time.Time
	// Closed is when AWS stopped taking usage, zero while it may.
	Closed time.Time
}

// mostInBatch is how many items one BatchGetItem reads (DynamoDB API Reference).
const mostInBatch = 100

// Summaries reads the summaries of at most 100 licences; the others, and those that were never
// metered, are missing.
func (l *Ledger) Summaries(ctx context.Context, licences ...portal.Stream) (map[portal.Stream]Summary, error) {
	found := map[portal.Stream]Summary{}
	asked := types.KeysAndAttributes{ConsistentRead: aws.Bool(true)}
	for _, licence := range licences[:min(len(licences), mostInBatch)] {
		asked.Keys = append(asked.Keys, schema.MeteringTally(licence).Attributes())
	}
	for len(asked.Keys) > 0 {
		out, err := l.client.BatchGetItem(ctx, &dynamodb.BatchGetItemInput{RequestItems: map[string]types.KeysAndAttributes{l.table: asked}})
		if err != nil {
			return nil, unavailable("reading what was metered", err)
		}
		for _, item := range out.Responses[l.table] {
			var tally Tally
			if err := attributevalue.UnmarshalMap(item, &tally); err != nil {
				return nil, fmt.Errorf("decoding row %s: %w", schema.KeyOf(item).PK, err)
			}
			if !tally.Last.IsZero() || !tally.Closed.IsZero() {
				found[tally.Licence] = Summary{Billed: tally.Sums[Accepted], Last: tally.Last, Closed: tally.Closed}
			}
		}
		asked = out.UnprocessedKeys[l.table]
	}
	return found, nil
}
