package dynamodb

import (
	"context"

	"github.com/gatehouse-portal/gatehouse/localaws/store"
)

// A parallel scan's Segment and TotalSegments are left out, hence refused.
type scanRequest struct{ readOptions }

func (s *Service) scan(_ context.Context, in *scanRequest) (*pageAnswer, error) {
	name, err := s.checkRead(&in.readOptions)
	if err != nil {
		return nil, err
	}
	start, err := in.ExclusiveStartKey.normal()
	if err != nil {
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
		t, err := findTable(tx, name)
		if err != nil {
			return err
		}
		var all span
		if in.ExclusiveStartKey != nil {
			if err := t.checkKey(start); err != nil {
				return invalid("The provided starting key is invalid: %s", messageOf(err))
			}
			all.start = after(t.place(start))
		}
		answer, err = in.readPage(tx, t, b, all, false)
		return err
	})
	return answer, err
}
