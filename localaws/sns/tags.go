package sns

import (
	"context"
	"maps"
	"net/http"

	"github.com/gatehouse-portal/gatehouse/localaws/store"
	"github.com/gatehouse-portal/gatehouse/localaws/wire"
)

const maxTags = 50

func parseTags(in form) (map[string]string, error) {
	tags := map[string]string{}
	for _, tag := range in.list("Tags", "member") {
		key := tag.text(".Key")
		if _, twice := tags[key]; twice {
			return nil, invalidParameter("Duplicated keys are not allowed.")
		}
		if key == "" || len([]rune(key)) > 128 || len([]rune(tag.text(".Value"))) > 256 {
			return nil, invalidParameter("Tags")
		}
		tags[key] = tag.text(".Value")
	}
	return tags, checkTagCount(tags)
}

func checkTagCount(tags map[string]string) error {
	if len(tags) > maxTags {
		return wire.Errorf("TagLimitExceeded", "Could not complete request: tag quota of per resource exceeded")
	}
	return nil
}

func (s *Service) tagResource(ctx context.Context, in form) (*nothing, error) {
	tags, err := parseTags(in)
	if err != nil {
		return nil, err
	}
	return s.changeTags(ctx, in, func(have map[string]string) { maps.Copy(have, tags) })
}

func (s *Service) untagResource(ctx context.Context, in form) (*nothing, error) {
	return s.changeTags(ctx, in, func(have map[string]string) {
		for _, key := range in.strings("TagKeys") {
			delete(have, key)
		}
	})
}

// changeTags gives change a copy, which replaces the tags.
func (s *Service) changeTags(ctx context.Context, in form, change func(map[string]string)) (*nothing, error) {
	return &nothing{}, s.change(func(st *state) (func(*store.Tx) error, error) {
		t, err := s.resource(ctx, st, in)
		if err != nil {
			return nil, err
		}
		tags := map[string]string{}
		maps.Copy(tags, t.Tags)
		change(tags)
		if err := checkTagCount(tags); err != nil {
			return nil, err
		}
		t.Tags = tags
		return putTopic(t), nil
	})
}

type tagMember struct{ Key, Value string }

type listTagsOut struct {
	Tags members[tagMember]
}

func (s *Service) listTagsForResource(ctx context.Context, in form) (*listTagsOut, error) {
	out := &listTagsOut{}
	return out, s.read(func(st *state) error {
		t, err := s.resource(ctx, st, in)
		if err != nil {
			return err
		}
		for _, tag := range sortedPairs(t.Tags) {
			out.Tags.add(tagMember(tag))
		}
		return nil
	})
}

func (s *Service) resource(ctx context.Context, st *state, in form) (*topic, error) {
	arn := in.text("ResourceArn")
	if err := checkARN("ResourceArn", arn); err != nil {
		return nil, err
	}
	t, ok := st.topics[arn]
	switch {
	case !ok:
		return nil, &wire.Error{Code: "ResourceNotFound", Message: "Resource does not exist", Status: http.StatusNotFound}
	case t.Owner != s.stored(ctx):
		return nil, notAuthorized("TagResource", arn)
	}
	return t, nil
}
