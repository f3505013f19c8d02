package dynamodb

import (
	"context"

	"github.com/gatehouse-portal/gatehouse/localaws/store"
)

type recoveryDescription struct{ PointInTimeRecoveryStatus string }

type backupsDescription struct {
	ContinuousBackupsStatus        string
	PointInTimeRecoveryDescription recoveryDescription
}

type describeContinuousBackupsAnswer struct {
	ContinuousBackupsDescription backupsDescription
}

// describeContinuousBackups says whether the table can be restored to a point in time.
// Continuous backups themselves are on for every table.
func (s *Service) describeContinuousBackups(_ context.Context, in *tableRequest) (*describeContinuousBackupsAnswer, error) {
	name, err := s.tableName("tableName", in.TableName)
	if err != nil {
		return nil, err
	}
	var t *table
	err = s.env.DB.View(func(tx *store.Tx) error {
		var err error
		t, err = describedTable(tx, name)
		return err
	})
	if err != nil {
		return nil, err
	}
	return backupsOf(t), nil
}

type recoverySpecification struct{ PointInTimeRecoveryEnabled *bool }

type updateContinuousBackupsRequest struct {
	TableName                        string
	PointInTimeRecoverySpecification *recoverySpecification
}

// updateContinuousBackups turns point-in-time recovery on or off. Nothing can be
// restored here; only the setting is kept.
func (s *Service) updateContinuousBackups(_ context.Context, in *updateContinuousBackupsRequest) (*describeContinuousBackupsAnswer, error) {
	name, err := s.tableName("tableName", in.TableName)
	if err != nil {
		return nil, err
	}
	spec := in.PointInTimeRecoverySpecification
	switch {
	case spec == nil:
		return nil, violated("pointInTimeRecoverySpecification", nil, "Member must not be null")
	case spec.PointInTimeRecoveryEnabled == nil:
		return nil, violated("pointInTimeRecoverySpecification.pointInTimeRecoveryEnabled", nil, "Member must not be null")
	}
	var t *table
	err = s.env.DB.Update(func(tx *store.Tx) error {
		var err error
		if t, err = describedTable(tx, name); err != nil {
			return err
		}
		t.Recovery = *spec.PointInTimeRecoveryEnabled
		return t.save(tx)
	})
	if err != nil {
		return nil, err
	}
	return backupsOf(t), nil
}

func backupsOf(t *table) *describeContinuousBackupsAnswer {
	status := ttlDisabled
	if t.Recovery {
		status = ttlEnabled
	}
	return &describeContinuousBackupsAnswer{ContinuousBackupsDescription: backupsDescription{
		ContinuousBackupsStatus:        "ENABLED",
		PointInTimeRecoveryDescription: recoveryDescription{PointInTimeRecoveryStatus: status},
	}}
}
