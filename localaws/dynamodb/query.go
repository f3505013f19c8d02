package dynamodb

import (
	"bytes"
	"context"

	"github.com/gatehouse-portal/gatehouse/localaws/store"
)

type queryRequest struct {
	KeyConditionExpression *string
	ScanIndexForward       *bool
	readOptions
}

func (s *Service) query(_ context.Context, in *queryRequest) (*pageAnswer, error) {
	name, err := s.checkRead(&in.readOptions)
	if err != nil {
		return nil, err
	}
	if err := in.ExclusiveStartKey.normalize(); err != nil {
		return nil, invalid("The provided starting key is invalid: %s", messageOf(err))
	}
	if in.KeyConditionExpression == nil {
		return nil, invalid("Either the KeyConditions or KeyConditionExpression parameter must be specified in the request.")
	}
	b, err := s.bind(in.placeholders,
		expressionText{keyKind, in.KeyConditionExpression},
		expressionText{filterKind, in.FilterExpression},
		expressionText{projectionKind, in.ProjectionExpression})
	if err != nil {
		return nil, err
	}
	conditions, err := b.keyConditions(b.key)
	if err != nil {
		return nil, err
	}
	if len(conditions) > 2 {
		return nil, invalid("Conditions can be of length 1 or 2 only")
	}
	backwards := in.ScanIndexForward != nil && !*in.ScanIndexForward
	var answer *pageAnswer
	err = s.env.DB.View(func(tx *store.Tx) error {
		t, err := s.tables.find(tx, name)
		if err != nil {
			return err
		}
		r, part, err := t.span(conditions)
		if err != nil {
			return err
		}
		if in.ExclusiveStartKey != nil {
			if r, err = t.resume(r, part, in.ExclusiveStartKey, backwards); err != nil {
				return err
			}
		}
		if err := b.checkKeyPaths(t); err != nil {
			return err
		}
		if err := t.checkFilter(b); err != nil {
			return err
		}
		answer, err = in.readPage(t, b, places(t.items(tx), r, backwards))
		return err
	})
	return answer, err
}

func (t *table) resume(r span, part []byte, start Item, backwards bool) (span, error) {
	if err := t.checkKey(start); err != nil {
		return r, invalid("The provided starting key is invalid: %s", messageOf(err))
	}
	place := t.place(start)
	switch {
	case !bytes.HasPrefix(place, part):
		return r, invalid("The provided starting key is outside query boundaries based on provided conditions")
	case !r.holds(place):
		return r, invalid("The provided starting key does not match the range key predicate")
	case backwards:
		r.end = place
	default:
		r.start = after(place)
	}
	return r, nil
}

// checkFilter refuses key attributes, which belong in the key condition.
func (t *table) checkFilter(b *bound) error {
	for _, k := range t.keys() {
		if b.mentions(b.filter, k.Name) {
			return invalid("Filter Expression can only contain non-primary key attributes: Primary key attribute: %s", k.Name)
		}
	}
	return nil
}

func (b *bound) mentions(n *node, attribute string) bool {
	return n.anyPath(func(p path) bool { return b.top(p) == attribute })
}
