package eventbridge

import (
	"context"
	"encoding/json"

	"github.com/gatehouse-portal/gatehouse/localaws/eventbridge/pattern"
)

type testEventPatternIn struct{ Event, EventPattern string }

type testEventPatternOut struct{ Result bool }

// mandatory are the fields that an event to test must have (EventBridge API Reference,
// TestEventPattern).
var mandatory = []string{"id", "account", "source", "time", "region", "resources", "detail-type"}

func (s *Service) testEventPattern(_ context.Context, in *testEventPatternIn) (*testEventPatternOut, error) {
	if err := checkPattern(in.EventPattern); err != nil {
		return nil, err
	}
	var event map[string]any
	if err := json.Unmarshal([]byte(in.Event), &event); err != nil || event == nil {
		return nil, invalid("Parameter Event is not valid. Reason: Event is not a JSON object.")
	}
	for _, name := range mandatory {
		if _, ok := event[name]; !ok {
			return nil, invalid("Parameter Event is not valid. Reason: The field %s is missing.", name)
		}
	}
	p, err := pattern.Parse(in.EventPattern)
	return &testEventPatternOut{p.Matches(event)}, err
}
