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
	Items            []json.RawMessage `json:",omitzero"`
	Count            int
	ScannedCount     int
	LastEvaluatedKey Item      `json:",omitempty"`
	ConsumedCapacity *capacity `json:",omitempty"`
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
	if in.Select != "COUNT" {
		answer.Items = []json.RawMessage{}
	}
	size := 0
	for _, rec := range items {
		size += rec.size()
		answer.ScannedCount++
		if err := answer.add(rec, b); err != nil {
			return nil, err
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
	answer.ConsumedCapacity = capacityOf(in.ReturnConsumedCapacity, t.Name, readUnits(size, in.ConsistentRead))
	return answer, nil
}

// add counts a record, and takes it into the answer, if the filter lets it pass.
func (a *pageAnswer) add(rec record, b *bound) error {
	if b.filter != nil {
		it, err := rec.item()
		if err != nil {
			return err
		}
		if !b.holds(b.filter, it) {
			return nil
		}
	}
	a.Count++
	if a.Items == nil {
		return nil
	}
	content, err := rec.projected(b.projection)
	a.Items = append(a.Items, content)
	return err
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
