package sqs

import (
	"context"
	"maps"
)

const maxTags = 50

func checkTags(tags map[string]string) error {
	if len(tags) > maxTags {
		return invalidParameter("Too many tags added. The maximum number of tags is %d.", maxTags)
	}
	for key, value := range tags {
		if key == "" || len([]rune(key)) > 128 {
			return invalidParameter("Tag keys must be between 1 and 128 characters in length.")
		}
		if len([]rune(value)) > 256 {
			return invalidParameter("Tag values must be between 0 and 256 characters in length.")
		}
	}
	return nil
}

type tagQueueIn struct {
	QueueURL string `json:"QueueUrl"`
	Tags     map[string]string
}

func (s *Service) tagQueue(ctx context.Context, in *tagQueueIn) (*nothing, error) {
	if len(in.Tags) == 0 {
		return nil, missingParameter("Tags")
	}
	return s.changeTags(ctx, in.QueueURL, func(tags map[string]string) error {
		maps.Copy(tags, in.Tags)
		return checkTags(tags)
	})
}

type untagQueueIn struct {
	QueueURL string `json:"QueueUrl"`
	TagKeys  []string
}

func (s *Service) untagQueue(ctx context.Context, in *untagQueueIn) (*nothing, error) {
	if len(in.TagKeys) == 0 {
		return nil, missingParameter("TagKeys")
	}
	return s.changeTags(ctx, in.QueueURL, func(tags map[string]string) error {
		for _, key := range in.TagKeys {
			delete(tags, key)
		}
		return nil
	})
}

// changeTags gives change a copy, which replaces the tags.
func (s *Service) changeTags(ctx context.Context, queueURL string, change func(map[string]string) error) (*nothing, error) {
	return &nothing{}, s.engine.do(func(r *round) error {
		q, err := r.queues.byURL(s.by(ctx, "TagQueue"), queueURL)
		if err != nil {
			return err
		}
		tags := map[string]string{}
		maps.Copy(tags, q.Tags)
		if err := change(tags); err != nil {
			return err
		}
		q.Tags = tags
		r.putSettings(q)
		return nil
	})
}

type listQueueTagsOut struct {
	Tags map[string]string `json:",omitempty"`
}

func (s *Service) listQueueTags(ctx context.Context, in *queueIn) (*listQueueTagsOut, error) {
	out := &listQueueTagsOut{}
	return out, s.engine.do(func(r *round) error {
		q, err := r.queues.byURL(s.by(ctx, "ListQueueTags"), in.QueueURL)
		if err != nil {
			return err
		}
		out.Tags = maps.Clone(q.Tags)
		return nil
	})
}
