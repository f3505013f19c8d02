package dynamodb

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/gatehouse-portal/gatehouse/localaws/store"
	"github.com/gatehouse-portal/gatehouse/localaws/wire"
)

const (
	maxTags     = 50
	maxTagKey   = 128
	maxTagValue = 256
)

type tagResourceRequest struct {
	ResourceArn string
	Tags        []tag
}

type untagResourceRequest struct {
	ResourceArn string
	TagKeys     []string
}

type listTagsRequest struct{ ResourceArn string }

// listTagsAnswer needs no pages, because of maxTags.
type listTagsAnswer struct{ Tags []tag }

func (s *Service) tagResource(_ context.Context, in *tagResourceRequest) (*struct{}, error) {
	if len(in.Tags) == 0 {
		return nil, invalid("Atleast one Tag needs to be provided as Input.")
	}
	return s.changeTagged(in.ResourceArn, func(t *table) error { return t.addTags(in.Tags) })
}

func (s *Service) untagResource(_ context.Context, in *untagResourceRequest) (*struct{}, error) {
	if len(in.TagKeys) == 0 {
		return nil, invalid("Atleast one Tag Key needs to be provided as Input.")
	}
	return s.changeTagged(in.ResourceArn, func(t *table) error {
		for _, key := range in.TagKeys {
			delete(t.Tags, key)
		}
		return nil
	})
}

func (s *Service) listTagsOfResource(_ context.Context, in *listTagsRequest) (*listTagsAnswer, error) {
	answer := &listTagsAnswer{}
	err := s.env.DB.View(func(tx *store.Tx) error {
		t, err := s.tagged(tx, in.ResourceArn)
		if err != nil {
			return err
		}
		answer.Tags = []tag{}
		for _, key := range slices.Sorted(maps.Keys(t.Tags)) {
			value := t.Tags[key]
			answer.Tags = append(answer.Tags, tag{Key: &key, Value: &value})
		}
		return nil
	})
	return answer, err
}

func (s *Service) changeTagged(arn string, change func(*table) error) (*struct{}, error) {
	return &struct{}{}, s.env.DB.Update(func(tx *store.Tx) error {
		t, err := s.tagged(tx, arn)
		if err != nil {
			return err
		}
		if err := change(t); err != nil {
			return err
		}
		return t.save(tx)
	})
}

func (s *Service) tagged(tx *store.Tx, arn string) (*table, error) {
	name, ok := strings.CutPrefix(arn, s.tableARN(""))
	if !ok || !tableNameForm.MatchString(name) {
		return nil, invalid("Invalid TableArn: Invalid ResourceArn provided as input %s", arn)
	}
	t, err := describedTable(tx, name)
	if wire.IsCode(err, "ResourceNotFoundException") {
		return nil, wire.Errorf("ResourceNotFoundException", "Requested resource not found: ResourcArn: %s not found", arn)
	}
	return t, err
}

func (t *table) addTags(tags []tag) error {
	added := maps.Clone(t.Tags)
	if added == nil {
		added = map[string]string{}
	}
	for i, tag := range tags {
		at := fmt.Sprintf("tags.%d.member.", i+1)
		switch {
		case tag.Key == nil:
			return violated(at+"key", nil, "Member must not be null")
		case tag.Value == nil:
			return violated(at+"value", nil, "Member must not be null")
		case *tag.Key == "" || utf8.RuneCountInString(*tag.Key) > maxTagKey:
			return invalidParameter("Tag keys must be between 1 and %d characters long", maxTagKey)
		case utf8.RuneCountInString(*tag.Value) > maxTagValue:
			return invalidParameter("Tag values must not be longer than %d characters", maxTagValue)
		case strings.HasPrefix(strings.ToLower(*tag.Key), "aws:"):
			return invalidParameter("Tag keys must not begin with aws:")
		}
		added[*tag.Key] = *tag.Value
	}
	if len(added) > maxTags {
		return invalidParameter("Too many tags")
	}
	t.Tags = added
	return nil
}
