package dynamodb

import (
	"context"
	"time"

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

// ttlSettling is how long a change takes; others are refused meanwhile (DynamoDB API
// Reference, UpdateTimeToLive: up to one hour).
const ttlSettling = time.Hour

const (
	ttlEnabled   = "ENABLED"
	ttlDisabling = "DISABLING"
	ttlDisabled  = "DISABLED"
)

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
		if err := t.setTimeToLive(spec.AttributeName, *spec.Enabled, s.env.Now()); err != nil {
			return err
		}
		return t.save(tx)
	})
	return &updateTimeToLiveAnswer{TimeToLiveSpecification: spec}, err
}

func (t *table) setTimeToLive(attribute string, enabled bool, now time.Time) error {
	on := t.TTL != "" && !t.TTLOff
	switch {
	case enabled && on && t.TTL == attribute:
		return invalid("TimeToLive is already enabled")
	case !enabled && !on:
		return invalid("TimeToLive is already disabled")
	case on && t.TTL != attribute:
		return invalid("TimeToLive is active on a different AttributeName: current AttributeName is %s", t.TTL)
	case t.ttlSettling(now):
		return invalid("Time to live has been modified multiple times within a fixed interval")
	}
	t.TTL, t.TTLOff, t.TTLChanged = attribute, !enabled, now
	return nil
}

func (t *table) ttlSettling(now time.Time) bool {
	return !t.TTLChanged.IsZero() && now.Before(t.TTLChanged.Add(ttlSettling))
}

func (t *table) timeToLive(now time.Time) ttlDescription {
	d := ttlDescription{TimeToLiveStatus: ttlDisabled}
	switch {
	case t.TTL == "" || t.TTLOff && !t.ttlSettling(now):
		return d
	case t.TTLOff:
		d.TimeToLiveStatus = ttlDisabling
	default:
		// Enabling takes effect at once; on AWS it may take an hour.
		d.TimeToLiveStatus = ttlEnabled
	}
	d.AttributeName = t.TTL
	return d
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
	var d ttlDescription
	err = s.env.DB.View(func(tx *store.Tx) error {
		t, err := describedTable(tx, name)
		if err == nil {
			d = t.timeToLive(s.env.Now())
		}
		return err
	})
	return &describeTimeToLiveAnswer{TimeToLiveDescription: d}, err
}
