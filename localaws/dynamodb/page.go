package dynamodb

import (
	"encoding/json"
	"iter"

	"github.com/gatehouse-portal/gatehouse/localaws/store"
)

// maxPage is the bytes of items that one Query or Scan reads.
const maxPage = 1 << 20

type readOptions struct {
	TableName              string
	Select                 string
	Limit                  *int
	ExclusiveStartKey      Item
	FilterExpression       *string
	ProjectionExpression   *string
	ConsistentRead         bool
	ReturnConsumedCapacity string
	placeholders
}

type pageAnswer struct {
	// Items is a JSON array, nil if only the count is requested.
	Items            json.RawMessage `json:"-"`
	Count            int
	ScannedCount     int
	LastEvaluatedKey Item      `json:",omitempty"`
	ConsumedCapacity *capacity `json:",omitempty"`
}

// MarshalJSON keeps encoding/json from going over the items again.
func (a *pageAnswer) MarshalJSON() ([]byte, error) {
	type rest pageAnswer
	return withJSON("Items", a.Items, (*rest)(a))
}

func (s *Service) checkRead(in *readOptions) (table string, err error) {
	if table, err = s.tableName("tableName", in.TableName); err != nil {
		return "", err
	}
	if in.Limit != nil && *in.Limit < 1 {
		return "", violated("limit", *in.Limit, "Member must have value greater than or equal to 1")
	}
	if err := checkReturnConsumedCapacity(in.ReturnConsumedCapacity); err != nil {
		return "", err
	}
	if err := checkEnum("select", in.Select, "SPECIFIC_ATTRIBUTES", "COUNT", "ALL_ATTRIBUTES", "ALL_PROJECTED_ATTRIBUTES"); err != nil {
		return "", err
	}
	projected := in.ProjectionExpression != nil
	switch {
	case in.Select == "SPECIFIC_ATTRIBUTES" && !projected:
		return "", invalid("Must specify the AttributesToGet or ProjectionExpression when choosing to get SPECIFIC_ATTRIBUTES")
	case in.Select == "ALL_PROJECTED_ATTRIBUTES":
		return "", invalidParameter("ALL_PROJECTED_ATTRIBUTES can be used only when Querying using an IndexName")
	case in.Select == "COUNT" && projected:
		return "", invalid("Cannot specify the ProjectionExpression when choosing to get only the Count")
	case in.Select == "ALL_ATTRIBUTES" && projected:
		return "", invalid("Cannot specify the ProjectionExpression when choosing to get ALL_ATTRIBUTES")
	}
	return table, nil
}

// readPage reads items up to Limit or maxPage. A full page has a LastEvaluatedKey, even if
// it is the last one.
func (in *readOptions) readPage(t *table, b *bound, items iter.Seq2[[]byte, record]) (*pageAnswer, error) {
	answer := &pageAnswer{}
	found := []json.RawMessage{}
	size := 0
	for _, rec := range items {
		size += rec.size()
		answer.ScannedCount++
		item, err := b.filtered(rec)
		if err != nil {
			return nil, err
		}
		if item != nil {
			found = append(found, item)
		}
		if in.Limit != nil && answer.ScannedCount == *in.Limit || size >= maxPage {
			last, err := rec.item()
			if err != nil {
				return nil, err
			}
			answer.LastEvaluatedKey = t.keyOf(last)
			break
		}
	}
	answer.Count = len(found)
	if in.Select != "COUNT" {
		answer.Items = array(found)
	}
	answer.ConsumedCapacity = capacityOf(in.ReturnConsumedCapacity, t.Name, readUnits(size, in.ConsistentRead))
	return answer, nil
}

// filtered returns nil if the record does not pass. The result is valid during the
// transaction.
func (b *bound) filtered(rec record) (json.RawMessage, error) {
	if b.filter != nil {
		it, err := rec.item()
		if err != nil || !b.holds(b.filter, it) {
			return nil, err
		}
	}
	return rec.projected(b.projection)
}

// places iterates over a span; a nil end is the table's end.
func places(items store.Bucket, r span, backwards bool) iter.Seq2[[]byte, record] {
	return func(yield func([]byte, record) bool) {
		c := items.Cursor()
		place, rec := c.Seek(r.start)
		step := c.Next
		if backwards {
			place, rec = lastBefore(c, r.end)
			step = c.Prev
		}
		for place != nil && (r.end == nil || r.holds(place)) && yield(place, rec) {
			place, rec = step()
		}
	}
}

func lastBefore(c *store.Cursor, end []byte) (place, rec []byte) {
	if place, _ = c.Seek(end); place == nil {
		return c.Last()
	}
	return c.Prev()
}
