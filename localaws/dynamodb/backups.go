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

// describeContinuousBackups says what AWS says of a table for which nothing was asked:
// continuous backups are on for every table, and recovery to a point in time is off.
// Turning it on is not implemented here.
func (s *Service) describeContinuousBackups(_ context.Context, in *tableRequest) (*describeContinuousBackupsAnswer, error) {
	name, err := s.tableName("tableName", in.TableName)
	if err != nil {
		return nil, err
	}
	err = s.env.DB.View(func(tx *store.Tx) error {
		_, err := describedTable(tx, name)
		return err
	})
	return &describeContinuousBackupsAnswer{ContinuousBackupsDescription: backupsDescription{
		ContinuousBackupsStatus:        "ENABLED",
		PointInTimeRecoveryDescription: recoveryDescription{PointInTimeRecoveryStatus: ttlDisabled},
	}}, err
}
