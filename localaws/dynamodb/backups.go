package dynamodb

import (
	"context"
	"time"

	"github.com/gatehouse-portal/gatehouse/localaws/store"
	"github.com/gatehouse-portal/gatehouse/localaws/wire"
)

// recovery is only stored and described.
type recovery struct {
	Since time.Time
	Days  int
}

// recoveryDays is AWS's maximum and default, in days.
const recoveryDays = 35

// restorableLag is how old the latest restorable state is: "typically five minutes before
// the current time" (DynamoDB API Reference, PointInTimeRecoveryDescription).
const restorableLag = 5 * time.Minute

type recoveryDescription struct {
	PointInTimeRecoveryStatus  string
	RecoveryPeriodInDays       int     `json:",omitempty"`
	EarliestRestorableDateTime float64 `json:",omitempty"`
	LatestRestorableDateTime   float64 `json:",omitempty"`
}

type backupsDescription struct {
	ContinuousBackupsStatus        string
	PointInTimeRecoveryDescription recoveryDescription
}

type continuousBackupsAnswer struct {
	ContinuousBackupsDescription backupsDescription
}

// describeContinuousBackups reports backups as enabled for every table, and point-in-time
// recovery only after updateContinuousBackups enabled it.
func (s *Service) describeContinuousBackups(_ context.Context, in *tableRequest) (*continuousBackupsAnswer, error) {
	name, err := s.tableName("tableName", in.TableName)
	if err != nil {
		return nil, err
	}
	var t *table
	err = s.env.DB.View(func(tx *store.Tx) error {
		t, err = backedUpTable(tx, name)
		return err
	})
	if err != nil {
		return nil, err
	}
	return t.backups(s.env.Now()), nil
}

type updateContinuousBackupsRequest struct {
	TableName                        string
	PointInTimeRecoverySpecification *struct {
		PointInTimeRecoveryEnabled *bool
		RecoveryPeriodInDays       *int
	}
}

func (s *Service) updateContinuousBackups(_ context.Context, in *updateContinuousBackupsRequest) (*continuousBackupsAnswer, error) {
	name, err := s.tableName("tableName", in.TableName)
	if err != nil {
		return nil, err
	}
	const at = "pointInTimeRecoverySpecification"
	wanted := in.PointInTimeRecoverySpecification
	switch {
	case wanted == nil:
		return nil, violated(at, nil, "Member must not be null")
	case wanted.PointInTimeRecoveryEnabled == nil:
		return nil, violated(at+".pointInTimeRecoveryEnabled", nil, "Member must not be null")
	case wanted.RecoveryPeriodInDays != nil && *wanted.RecoveryPeriodInDays < 1:
		return nil, violated(at+".recoveryPeriodInDays", *wanted.RecoveryPeriodInDays, "Member must have value greater than or equal to 1")
	case wanted.RecoveryPeriodInDays != nil && *wanted.RecoveryPeriodInDays > recoveryDays:
		return nil, violated(at+".recoveryPeriodInDays", *wanted.RecoveryPeriodInDays, "Member must have value less than or equal to 35")
	}
	now := s.env.Now()
	var t *table
	err = s.env.DB.Update(func(tx *store.Tx) error {
		if t, err = backedUpTable(tx, name); err != nil {
			return err
		}
		switch {
		case !*wanted.PointInTimeRecoveryEnabled:
			t.Recovery = nil
		case t.Recovery == nil:
			t.Recovery = &recovery{Since: now, Days: recoveryDays}
		}
		if t.Recovery != nil && wanted.RecoveryPeriodInDays != nil {
			t.Recovery.Days = *wanted.RecoveryPeriodInDays
		}
		return t.save(tx)
	})
	if err != nil {
		return nil, err
	}
	return t.backups(now), nil
}

// backedUpTable returns the not-found error of operations on backups.
func backedUpTable(tx *store.Tx, name string) (*table, error) {
	t, err := describedTable(tx, name)
	if wire.IsCode(err, "ResourceNotFoundException") {
		return nil, wire.Errorf("TableNotFoundException", "Table not found: %s", name)
	}
	return t, err
}

func (t *table) backups(now time.Time) *continuousBackupsAnswer {
	d := recoveryDescription{PointInTimeRecoveryStatus: "DISABLED"}
	if t.Recovery != nil {
		earliest := t.Recovery.Since
		if limit := now.AddDate(0, 0, -t.Recovery.Days); earliest.Before(limit) {
			earliest = limit
		}
		latest := now.Add(-restorableLag)
		if latest.Before(earliest) {
			latest = earliest
		}
		d = recoveryDescription{
			PointInTimeRecoveryStatus: "ENABLED", RecoveryPeriodInDays: t.Recovery.Days,
			EarliestRestorableDateTime: seconds(earliest), LatestRestorableDateTime: seconds(latest),
		}
	}
	return &continuousBackupsAnswer{backupsDescription{ContinuousBackupsStatus: "ENABLED", PointInTimeRecoveryDescription: d}}
}
