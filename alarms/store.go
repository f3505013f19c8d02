package alarms

import (
	"context"
	"maps"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"github.com/gatehouse-portal/gatehouse/records"
	"github.com/gatehouse-portal/gatehouse/schema"
)

// Store keeps the alarms' rows in the records table. It is safe for concurrent use.
type Store struct{ rows records.Table }

// NewStore returns the Store in the table of that name.
func NewStore(client records.Client, table string) *Store {
	return &Store{records.New(client, table)}
}

// Load returns the row of an alarm, or a quiet one if there is none.
func (s *Store) Load(ctx context.Context, alarm Name) (Row, error) {
	row := Row{Alarm: alarm, State: Quiet}
	_, err := s.rows.Get(ctx, schema.Alarm(string(alarm)), &row)
	return row, err
}

// All returns the rows that there are.
func (s *Store) All(ctx context.Context) (all []Row, err error) {
	err = s.rows.Each(ctx, schema.Alarms(), records.Select{OldestFirst: true}, func(key schema.Key, item map[string]types.AttributeValue) (bool, error) {
		records.DecodeReadable(ctx, key, item, &all)
		return true, nil
	})
	return all, err
}

// save writes the row if no other worker has written it since it was loaded. The error is
// records.ErrRefused if one has.
func (s *Store) save(ctx context.Context, row Row) (Row, error) {
	before := row.Version
	row.Version++
	write := records.Write{Key: schema.Alarm(string(row.Alarm)), Put: row, If: records.Missing}
	if before > 0 {
		write.If, write.Values = "version = :before", map[string]types.AttributeValue{":before": schema.Number(before)}
	}
	return row, s.rows.Transact(ctx, "writing the alarm "+string(row.Alarm), write)
}

// tell returns the row with what a channel was told. It leaves r as it is.
func (r Row) tell(channel string, told Told) Row {
	r.Told = maps.Clone(r.Told)
	if r.Told == nil {
		r.Told = map[string]Told{}
	}
	r.Told[channel] = told
	return r
}
