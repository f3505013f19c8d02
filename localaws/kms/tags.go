package kms

import (
	"context"
	"slices"
	"strings"

	"github.com/gatehouse-portal/gatehouse/localaws/store"
	"github.com/gatehouse-portal/gatehouse/localaws/wire"
)

const maxTags = 50

type tag struct {
	Key   string `json:"TagKey"`
	Value string `json:"TagValue"`
}

// checkTags applies the rules of
// https://docs.aws.amazon.com/kms/latest/APIReference/API_Tag.html
func checkTags(tags []tag) error {
	var c constraints
	seen := map[string]bool{}
	for _, t := range tags {
		c.Text("tags.member.tagKey", t.Key, 128)
		if len(t.Value) > 256 {
			c.Add("tags.member.tagValue", "have length less than or equal to 256")
		}
		if strings.HasPrefix(strings.ToLower(t.Key), "aws:") {
			return wire.Errorf("TagException", "Tags beginning with aws: are reserved")
		}
		if seen[t.Key] {
			return wire.Errorf("TagException", "Duplicate tag keys")
		}
		seen[t.Key] = true
	}
	if err := c.err(); err != nil {
		return err
	}
	if len(tags) > maxTags {
		return wire.Errorf("TagException", "Too many tags")
	}
	return nil
}

type tagResourceInput struct {
	KeyID string `json:"KeyId"`
	Tags  []tag
}

func (s *Service) tagResource(_ context.Context, in *tagResourceInput) (*none, error) {
	if err := checkTags(in.Tags); err != nil {
		return nil, err
	}
	_, err := s.change(in.KeyID, func(k *key) error {
		if err := s.notPendingDeletion(*k); err != nil {
			return err
		}
		for _, t := range in.Tags {
			at := slices.IndexFunc(k.Tags, func(have tag) bool { return have.Key == t.Key })
			if at >= 0 {
				k.Tags[at] = t
			} else {
				k.Tags = append(k.Tags, t)
			}
		}
		if len(k.Tags) > maxTags {
			return wire.Errorf("LimitExceededException", "A key has at most %d tags", maxTags)
		}
		return nil
	})
	return &none{}, err
}

type untagResourceInput struct {
	KeyID   string `json:"KeyId"`
	TagKeys []string
}

// untagResource ignores unknown keys.
func (s *Service) untagResource(_ context.Context, in *untagResourceInput) (*none, error) {
	_, err := s.change(in.KeyID, func(k *key) error {
		if err := s.notPendingDeletion(*k); err != nil {
			return err
		}
		k.Tags = slices.DeleteFunc(k.Tags, func(t tag) bool { return slices.Contains(in.TagKeys, t.Key) })
		return nil
	})
	return &none{}, err
}

type listResourceTagsInput struct {
	KeyID string `json:"KeyId"`
	pageInput
}

type listResourceTagsOutput struct {
	Tags []tag `json:"Tags"`
	pageOutput
}

func (s *Service) listResourceTags(_ context.Context, in *listResourceTagsInput) (*listResourceTagsOutput, error) {
	limit, after, err := in.limits(50, 50)
	if err != nil {
		return nil, err
	}
	var tags []tag
	err = s.env.DB.View(func(tx *store.Tx) error {
		k, err := s.findKey(tx, in.KeyID)
		tags = slices.SortedFunc(slices.Values(k.Tags), func(a, b tag) int { return strings.Compare(a.Key, b.Key) })
		return err
	})
	if err != nil {
		return nil, err
	}
	shown, next := page(tags, func(t tag) string { return t.Key }, limit, after)
	if shown == nil {
		shown = []tag{}
	}
	return &listResourceTagsOutput{Tags: shown, pageOutput: next}, nil
}
