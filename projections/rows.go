package projections

import (
	"cmp"
	"maps"
	"slices"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"github.com/gatehouse-portal/gatehouse/events"
	"github.com/gatehouse-portal/gatehouse/portal"
	"github.com/gatehouse-portal/gatehouse/schema"
)

// rowKind is the order of writing: all rows of one kind before the next.
type rowKind int

const (
	viewRows rowKind = iota
	stepRows
	checkpointRow
)

// row is one item of the views. Only one stream writes it, so sequences can be compared, and an
// older fact never overwrites it.
type row struct {
	kind rowKind
	key  schema.Key
	seq  int64
	// from, if above 0, is the least sequence of the stored row.
	from  int64
	value any
}

func (r row) guard() (condition string, values map[string]types.AttributeValue) {
	values = map[string]types.AttributeValue{":seq": schema.Number(r.seq)}
	if r.from == 0 {
		return "attribute_not_exists(pk) OR seq <= :seq", values
	}
	values[":from"] = schema.Number(r.from)
	return "seq BETWEEN :from AND :seq", values
}

// rows collects the last state of each row that a run writes into one generation.
type rows struct {
	schema.Generation
	byKey map[schema.Key]row
}

func newRows(generation schema.Generation) rows {
	return rows{Generation: generation, byKey: map[schema.Key]row{}}
}

func (r rows) view(key schema.Key, seq int64, value any) {
	r.byKey[key] = row{kind: viewRows, key: key, seq: seq, value: value}
}

// gone is an empty row. It keeps older facts from writing the row again for as long as workers
// may handle them.
type gone struct {
	Expires int64 `dynamodbav:"expires_at"`
}

const goneFor = 24 * time.Hour

// remove empties a row that the fact made useless. Readers must pass over it.
func (r rows) remove(key schema.Key, fact events.Event) {
	r.view(key, fact.Sequence, gone{fact.Time.Add(goneFor).Unix()})
}

func (r rows) step(key schema.Key, seq int64, value any) {
	r.byKey[key] = row{kind: stepRows, key: key, seq: seq, value: value}
}

// checkpoint moves the stream's checkpoint to head unless the stored one is below shown: then the
// views were lost, and earlier facts are missing.
func (r rows) checkpoint(stream portal.Stream, shown, head int64) {
	key := r.Checkpoint(stream)
	r.byKey[key] = row{kind: checkpointRow, key: key, seq: head, from: shown, value: struct{}{}}
}

func (r rows) inOrder() []row {
	return slices.SortedFunc(maps.Values(r.byKey), func(a, b row) int {
		return cmp.Or(cmp.Compare(a.kind, b.kind), cmp.Compare(a.key.PK, b.key.PK), cmp.Compare(a.key.SK, b.key.SK))
	})
}
