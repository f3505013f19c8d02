package dynamodb

import (
	"cmp"
	"context"

	"github.com/gatehouse-portal/gatehouse/localaws/store"
)

// Only what createTable stores can be changed.
type updateTableRequest struct {
	TableName                 string
	BillingMode               string
	ProvisionedThroughput     *throughput
	TableClass                string
	DeletionProtectionEnabled *bool
}

func (s *Service) updateTable(_ context.Context, in *updateTableRequest) (*tableAnswer, error) {
	name, err := s.tableName("tableName", in.TableName)
	if err != nil {
		return nil, err
	}
	if err := checkEnum("tableClass", in.TableClass, "STANDARD", "STANDARD_INFREQUENT_ACCESS"); err != nil {
		return nil, err
	}
	if in.BillingMode == "" && in.ProvisionedThroughput == nil && in.TableClass == "" && in.DeletionProtectionEnabled == nil {
		return nil, invalid("At least one of ProvisionedThroughput, BillingMode, UpdateStreamEnabled, GlobalSecondaryIndexUpdates or SSESpecification or ReplicaUpdates is required")
	}
	var t *table
	err = s.env.DB.Update(func(tx *store.Tx) error {
		var err error
		if t, err = describedTable(tx, name); err != nil {
			return err
		}
		if in.BillingMode != "" || in.ProvisionedThroughput != nil {
			if err := t.setBilling(cmp.Or(in.BillingMode, t.Billing), in.ProvisionedThroughput); err != nil {
				return err
			}
		}
		if in.TableClass != "" {
			t.Class = in.TableClass
		}
		if in.DeletionProtectionEnabled != nil {
			t.Protected = *in.DeletionProtectionEnabled
		}
		return t.save(tx)
	})
	if err != nil {
		return nil, err
	}
	return &tableAnswer{TableDescription: s.description(t)}, nil
}

// deleteTable deletes at once: what it describes as DELETING is gone already.
func (s *Service) deleteTable(_ context.Context, in *tableRequest) (*tableAnswer, error) {
	name, err := s.tableName("tableName", in.TableName)
	if err != nil {
		return nil, err
	}
	var t *table
	err = s.env.DB.Update(func(tx *store.Tx) error {
		var err error
		if t, err = describedTable(tx, name); err != nil {
			return err
		}
		if t.Protected {
			return invalid("Resource cannot be deleted as it is currently protected against deletion. Disable deletion protection first.")
		}
		if err := tx.Bucket(bucket, tablesBucket).Delete([]byte(name)); err != nil {
			return err
		}
		return tx.Drop(bucket, itemsBucket, t.ID)
	})
	if err != nil {
		return nil, err
	}
	answer := s.description(t)
	answer.TableStatus = "DELETING"
	return &tableAnswer{TableDescription: answer}, nil
}
