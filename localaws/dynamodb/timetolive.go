package dynamodb

import (
	"context"

	"github.com/gatehouse-portal/gatehouse/localaws/store"
)

type ttlSpecification struct {
	AttributeName string
	Enabled       *bool
}

type updateTimeToLiveRequest struct {
	TableName               string
	TimeToLiveSpecification *ttlSpecification
}

type updateTimeToLiveAnswer struct {
	TimeToLiveSpecification *ttlSpecification
}

// updateTimeToLive stores the setting. Nothing expires by it: on AWS, too, items
// may outlive their time by days, so readers check it themselves.
func (s *Service) updateTimeToLive(_ context.Context, in *updateTimeToLiveRequest) (*updateTimeToLiveAnswer, error) {
	name, err := s.tableName("tableName", in.TableName)
	if err != nil {
		return nil, err
	}
	spec := in.TimeToLiveSpecification
	switch {
	case spec == nil:
		return nil, violated("timeToLiveSpecification", nil, "Member must not be null")
	case spec.Enabled == nil:
		return nil, violated("timeToLiveSpecification.enabled", nil, "Member must not be null")
	case spec.AttributeName == "":
		return nil, invalid("TimeToLiveSpecification AttributeName must be a non empty string")
	case len(spec.AttributeName) > 255:
		return nil, violated("timeToLiveSpecification.attributeName", spec.AttributeName, "Member must have length less than or equal to 255")
	}
	err = s.env.DB.Update(func(tx *store.Tx) error {
		t, err := describedTable(tx, name)
		if err != nil {
			return err
		}
		if err := t.setTimeToLive(spec.AttributeName, *spec.Enabled); err != nil {
			return err
		}
		return t.save(tx)
	})
	return &updateTimeToLiveAnswer{TimeToLiveSpecification: spec}, err
}

func (t *table) setTimeToLive(attribute string, enabled bool) error {
	switch {
	case enabled && t.TTL == attribute:
		return invalid("TimeToLive is already enabled")
	case !enabled && t.TTL == "":
		return invalid("TimeToLive is already disabled")
	case t.TTL != "" && t.TTL != attribute:
		return invalid("TimeToLive is active on a different AttributeName: current AttributeName is %s", t.TTL)
	}
	t.TTL = ""
	if enabled {
		t.TTL = attribute
	}
	return nil
}

type ttlDescription struct {
	TimeToLiveStatus string
	AttributeName    string `json:",omitempty"`
}

type describeTimeToLiveAnswer struct {
	TimeToLiveDescription ttlDescription
}

func (s *Service) describeTimeToLive(_ context.Context, in *tableRequest) (*describeTimeToLiveAnswer, error) {
	name, err := s.tableName("tableName", in.TableName)
	if err != nil {
		return nil, err
	}
	d := ttlDescription{TimeToLiveStatus: "DISABLED"}
	err = s.env.DB.View(func(tx *store.Tx) error {
		t, err := describedTable(tx, name)
		if err == nil && t.TTL != "" {
			d = ttlDescription{TimeToLiveStatus: "ENABLED", AttributeName: t.TTL}
		}
		return err
	})
	return &describeTimeToLiveAnswer{TimeToLiveDescription: d}, err
}
