package notices

import (
	"context"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"github.com/gatehouse-portal/gatehouse/due"
	"github.com/gatehouse-portal/gatehouse/records"
	"github.com/gatehouse-portal/gatehouse/schema"
)

// Store has notices, deliveries, webhooks and settings in the records table. It is safe for
// concurrent use.
type Store struct{ rows records.Table }

// NewStore returns a Store in the table of that name.
func NewStore(client records.Client, table string) *Store {
	return &Store{rows: records.New(client, table)}
}

func putDue(row due.Row) records.Write { return records.Write{Key: row.Place(), Put: row} }

// listed reads the rows of a range whose sort keys lie between two texts after its beginning, at most
// limit (0 is all), newest first.
func listed[T any](ctx context.Context, s *Store, of schema.Range, from, to string, limit int) ([]T, error) {
	var list []T
	err := s.rows.Each(ctx, of, records.Select{From: from, To: to, Limit: limit}, func(key schema.Key, row map[string]types.AttributeValue) (bool, error) {
		if limit > 0 && len(list) == limit {
			return false, nil
		}
		records.DecodeReadable(ctx, key, row, &list)
		return true, nil
	})
	return list, err
}

// last sorts after every id.
const last = "~"

// changedOnly writes a row that must be as it was read.
func changedOnly(key schema.Key, row any, before int64, expires time.Time) records.Write {
	return records.Write{Key: key, Put: row, Expires: expires, If: "version = :before", Values: map[string]types.AttributeValue{":before": schema.Number(before)}}
}
