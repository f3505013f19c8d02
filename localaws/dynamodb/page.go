package dynamodb

import (
	"encoding/json"
	"iter"

	"github.com/gatehouse-portal/gatehouse/localaws/store"
)

// maxPage is how many bytes of items one Query or Scan reads before it stops.
const maxPage = 1 << 20

// readOptions are the members that Query and Scan share.
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
	// Items is one JSON array, nil where only the count is asked for.
	Items            json.RawMessage `json:"-"`
	Count            int
	ScannedCount     int
	LastEvaluatedKey Item      `json:",omitempty"`
	ConsumedCapacity *capacity `json:",omitempty"`
}

// MarshalJSON spares the items being looked through again.
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

// readPage reads the items until the page is full: by Limit, or by reaching
// maxPage. A full page has a LastEvaluatedKey, even if nothing follows.
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

// filtered is what is asked for of the record, nil if the filter does not let it pass.
// It is valid during the transaction.
func (b *bound) filtered(rec record) (json.RawMessage, error) {
	if b.filter != nil {
		it, err := rec.item()
		if err != nil || !b.holds(b.filter, it) {
			return nil, err
		}
	}
	return rec.projected(b.projection)
}

// places walks a span of the items in order, or backwards; a nil end is the end of
// the table.
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

// lastBefore moves to the greatest key less than end.
func lastBefore(c *store.Cursor, end []byte) (place, rec []byte) {
	if place, _ = c.Seek(end); place == nil {
		return c.Last()
	}
	return c.Prev()
}
