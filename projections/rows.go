package projections

import (
	"cmp"
	"maps"
	"slices"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"github.com/gatehouse-portal/gatehouse/portal"
	"github.com/gatehouse-portal/gatehouse/schema"
)

// wave orders what one run writes: nothing of a wave is there before all of the waves
// before it are.
type wave int

const (
	viewRows wave = iota
	stepRows
	checkpointRow
)

// row is one item of the views. Its guard is (generation, sequence): the generation is
// part of the key, and a row is never overwritten by one of an older fact. One row has one
// writing stream, so that sequences compare.
type row struct {
	wave wave
	key  schema.Key
	seq  int64
	// from, if above 0, is the sequence that the row has at least by now.
	from  int64
	value any
}

// guard is the condition for the row to be written. Written again it is the same.
func (r row) guard() (condition string, values map[string]types.AttributeValue) {
	values = map[string]types.AttributeValue{":seq": schema.Number(r.seq)}
	if r.from == 0 {
		return "attribute_not_exists(pk) OR seq <= :seq", values
	}
	values[":from"] = schema.Number(r.from)
	return "seq BETWEEN :from AND :seq", values
}

// rows collects what a run writes into one generation, by key: of several states of one
// row, the last.
type rows struct {
	schema.Generation
	byKey map[schema.Key]row
}

func newRows(generation schema.Generation) rows {
	return rows{Generation: generation, byKey: map[schema.Key]row{}}
}

func (r rows) view(key schema.Key, seq int64, value any) {
	r.byKey[key] = row{wave: viewRows, key: key, seq: seq, value: value}
}

func (r rows) step(key schema.Key, seq int64, value any) {
	r.byKey[key] = row{wave: stepRows, key: key, seq: seq, value: value}
}

// checkpoint says that the stream is shown up to head, given that it was up to shown.
// If that does not hold, because the views were lost meanwhile, it must not be set: what
// comes before shown is missing then.
func (r rows) checkpoint(stream portal.Stream, shown, head int64) {
	key := r.Checkpoint(stream)
	r.byKey[key] = row{wave: checkpointRow, key: key, seq: head, from: shown, value: struct{}{}}
}

// inOrder lists the rows wave by wave.
func (r rows) inOrder() []row {
	return slices.SortedFunc(maps.Values(r.byKey), func(a, b row) int {
		return cmp.Or(cmp.Compare(a.wave, b.wave), cmp.Compare(a.key.PK, b.key.PK), cmp.Compare(a.key.SK, b.key.SK))
	})
}
