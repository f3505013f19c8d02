package dynamodb

import (
	"context"
	"hash/fnv"
	"iter"

	"github.com/gatehouse-portal/gatehouse/localaws/store"
)

// scanRequest may be one of TotalSegments that share a scan. Segment counts from 0.
type scanRequest struct {
	Segment, TotalSegments *int
	readOptions
}

func (s *Service) scan(_ context.Context, in *scanRequest) (*pageAnswer, error) {
	name, err := s.checkRead(&in.readOptions)
	if err != nil {
		return nil, err
	}
	if err := in.checkSegment(); err != nil {
		return nil, err
	}
	if err := in.ExclusiveStartKey.normalize(); err != nil {
		return nil, invalid("The provided starting key is invalid: %s", messageOf(err))
	}
	b, err := s.bind(in.placeholders,
		expressionText{filterKind, in.FilterExpression},
		expressionText{projectionKind, in.ProjectionExpression})
	if err != nil {
		return nil, err
	}
	var answer *pageAnswer
	err = s.env.DB.View(func(tx *store.Tx) error {
		t, err := s.tables.find(tx, name)
		if err != nil {
			return err
		}
		if err := b.checkKeyPaths(t); err != nil {
			return err
		}
		var all span
		if in.ExclusiveStartKey != nil {
			if err := t.checkKey(in.ExclusiveStartKey); err != nil {
				return invalid("The provided starting key is invalid: %s", messageOf(err))
			}
			if !in.covers(t.place(in.ExclusiveStartKey)) {
				return invalid("The provided starting key is invalid: Invalid ExclusiveStartKey. Please use ExclusiveStartKey with correct Segment. TotalSegments: %d Segment: %d", *in.TotalSegments, *in.Segment)
			}
			all.start = after(t.place(in.ExclusiveStartKey))
		}
		answer, err = in.readPage(t, b, in.segment(places(t.items(tx), all, false)))
		return err
	})
	return answer, err
}

const maxSegments = 1_000_000

func (in *scanRequest) checkSegment() error {
	segment, total := in.Segment, in.TotalSegments
	switch {
	case segment == nil && total == nil:
		return nil
	case total == nil:
		return invalid("The TotalSegments parameter is required but was not present in the request when Segment parameter is present")
	case segment == nil:
		return invalid("The Segment parameter is required but was not present in the request when parameter TotalSegments is present")
	case *total < 1:
		return violated("totalSegments", *total, "Member must have value greater than or equal to 1")
	case *total > maxSegments:
		return violated("totalSegments", *total, "Member must have value less than or equal to 1000000")
	case *segment < 0:
		return violated("segment", *segment, "Member must have value greater than or equal to 0")
	case *segment >= *total:
		return invalid("The Segment parameter is zero-based and must be less than parameter TotalSegments: Segment: %d is not less than TotalSegments: %d", *segment, *total)
	}
	return nil
}

// covers reports whether the item is in the segment, by a hash of the partition key, as on
// AWS.
func (in *scanRequest) covers(place []byte) bool {
	if in.Segment == nil {
		return true
	}
	h := fnv.New32a()
	_, _ = h.Write(partOf(place))
	return int(h.Sum32())%*in.TotalSegments == *in.Segment
}

func (in *scanRequest) segment(all iter.Seq2[[]byte, record]) iter.Seq2[[]byte, record] {
	if in.Segment == nil {
		return all
	}
	return func(yield func([]byte, record) bool) {
		for place, rec := range all {
			if in.covers(place) && !yield(place, rec) {
				return
			}
		}
	}
}
