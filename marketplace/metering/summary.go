package metering

import (
	"context"
	"slices"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
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
	tallies, err := l.Tallies(ctx, licences[:min(len(licences), mostInBatch)]...)
	found := map[portal.Stream]Summary{}
	for licence, tally := range tallies {
		if !tally.Last.IsZero() || !tally.Closed.IsZero() {
			found[licence] = Summary{Billed: tally.Sums[Accepted], Last: tally.Last, Closed: tally.Closed}
		}
	}
	return found, err
}

// Tallies reads the tallies of licences. Those that were never metered are missing.
func (l *Ledger) Tallies(ctx context.Context, licences ...portal.Stream) (map[portal.Stream]Tally, error) {
	found := map[portal.Stream]Tally{}
	for some := range slices.Chunk(licences, mostInBatch) {
		if err := l.tallies(ctx, some, found); err != nil {
			return nil, err
		}
	}
	return found, nil
}

func (l *Ledger) tallies(ctx context.Context, licences []portal.Stream, found map[portal.Stream]Tally) error {
	asked := types.KeysAndAttributes{ConsistentRead: aws.Bool(true)}
	named := map[string]portal.Stream{}
	for _, licence := range licences {
		key := schema.MeteringTally(licence)
		named[key.PK], asked.Keys = licence, append(asked.Keys, key.Attributes())
	}
	for len(asked.Keys) > 0 {
		out, err := l.client.BatchGetItem(ctx, &dynamodb.BatchGetItemInput{RequestItems: map[string]types.KeysAndAttributes{l.table: asked}})
		if err != nil {
			return unavailable("reading what was metered", err)
		}
		for _, item := range out.Responses[l.table] {
			licence := named[schema.KeyOf(item).PK]
			if found[licence], err = decodeTally(licence, item); err != nil {
				return err
			}
		}
		asked = out.UnprocessedKeys[l.table]
	}
	return nil
}
