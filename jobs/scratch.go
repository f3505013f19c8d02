package jobs

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"

	"github.com/gatehouse-portal/gatehouse/gzipped"
	"github.com/gatehouse-portal/gatehouse/portal"
	"github.com/gatehouse-portal/gatehouse/schema"
)

// pieceSize is the bytes of JSON in one item, before gzip. Even uncompressed, an item stays
// under 300 KB.
const pieceSize = 256 << 10

type scratchTable interface {
	PutItem(context.Context, *dynamodb.PutItemInput, ...func(*dynamodb.Options)) (*dynamodb.PutItemOutput, error)
	Query(context.Context, *dynamodb.QueryInput, ...func(*dynamodb.Options)) (*dynamodb.QueryOutput, error)
}

// Scratch stores what jobs gather, as values under names in sets. Values expire; nothing is
// deleted earlier.
type Scratch struct {
	tables  scratchTable
	records string
	now     func() time.Time
}

// NewScratch returns the Scratch of that records table.
func NewScratch(tables scratchTable, records string, now func() time.Time) *Scratch {
	return &Scratch{tables: tables, records: records, now: now}
}

// Put stores a value as JSON for that long, in place of the one of the same name. It may be
// repeated after an error. Names must not contain "#".
func (s *Scratch) Put(ctx context.Context, set, name string, value any, keep time.Duration) error {
	body, err := json.Marshal(value)
	if err != nil {
		return fmt.Errorf("encoding %s of %s: %w", name, set, err)
	}
	pieces := slices.Collect(slices.Chunk(body, pieceSize))
	for i, piece := range pieces {
		if err := s.put(ctx, set, name, i, len(pieces), piece, s.now().Add(keep)); err != nil {
			return portal.Postpone("the records do not answer", fmt.Errorf("writing %s of %s: %w", name, set, err))
		}
	}
	return nil
}

func (s *Scratch) put(ctx context.Context, set, name string, number, of int, piece []byte, until time.Time) error {
	packed, err := gzipped.Pack(piece)
	if err != nil {
		return err
	}
	item := schema.Scratch(set, name, number).Attributes()
	item["gzip"], item["pieces"], item[schema.TTL] = packed, schema.Number(int64(of)), schema.Expiry(until)
	_, err = s.tables.PutItem(ctx, &dynamodb.PutItemInput{TableName: &s.records, Item: item})
	return err
}

// Each visits the set's values whose names begin with the prefix, by name, as JSON, and returns
// visit's first error at once. It skips incomplete values.
func (s *Scratch) Each(ctx context.Context, set, prefix string, visit func(name string, body []byte) error) error {
	found := schema.ScratchSet(set, prefix)
	pages := dynamodb.NewQueryPaginator(s.tables, &dynamodb.QueryInput{
		TableName: &s.records, ConsistentRead: aws.Bool(true),
		KeyConditionExpression: found.Condition(), ExpressionAttributeValues: found.Values(),
	})
	var body []byte
	collected, of := 0, ""
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return portal.Postpone("the records do not answer", fmt.Errorf("reading %s of %s: %w", prefix, set, err))
		}
		for _, item := range page.Items {
			name, first := schema.ScratchOf(schema.KeyOf(item))
			if schema.NumberOf(item[schema.TTL]) <= s.now().Unix() {
				continue
			}
			if name != of || first {
				body, collected, of = nil, 0, name
			}
			piece, err := gzipped.Unpack(item["gzip"])
			if err != nil {
				return fmt.Errorf("reading %s of %s: %w", name, set, err)
			}
			body, collected = append(body, piece...), collected+1
			if int64(collected) == schema.NumberOf(item["pieces"]) {
				if err := visit(name, body); err != nil {
					return err
				}
				of = "" // pieces that follow are left over from a longer value
			}
		}
	}
	return nil
}

// Get reads the value of exactly that name.
func (s *Scratch) Get(ctx context.Context, set, name string, value any) (found bool, err error) {
	err = s.Each(ctx, set, name+"#", func(_ string, body []byte) error {
		found = true
		return json.Unmarshal(body, value)
	})
	return found, err
}
