package dynamodb

import (
	"cmp"
	"context"
	"slices"

	"github.com/gatehouse-portal/gatehouse/localaws/store"
)

// AttributeDefinitions may only repeat the table's, since there are no indexes.
type updateTableRequest struct {
	TableName                 string
	AttributeDefinitions      []attributeDefinition
	BillingMode               string
	ProvisionedThroughput     *throughput
	TableClass                string
	DeletionProtectionEnabled *bool
	SSESpecification          *sseSpecification
}

func (s *Service) updateTable(_ context.Context, in *updateTableRequest) (*tableAnswer, error) {
	name, err := s.tableName("tableName", in.TableName)
	if err != nil {
		return nil, err
	}
	if err := checkEnum("tableClass", in.TableClass, "STANDARD", "STANDARD_INFREQUENT_ACCESS"); err != nil {
		return nil, err
	}
	var t *table
	err = s.env.DB.Update(func(tx *store.Tx) error {
		var err error
		if t, err = describedTable(tx, name); err != nil {
			return err
		}
		if err := t.update(in, seconds(s.env.Now())); err != nil {
			return err
		}
		return t.save(tx)
	})
	if err != nil {
		return nil, err
	}
	answer := s.description(t)
	answer.TableStatus = "UPDATING"
	return &tableAnswer{TableDescription: answer}, nil
}

func (t *table) update(in *updateTableRequest, now float64) error {
	if in.BillingMode == "" && in.ProvisionedThroughput == nil && in.TableClass == "" &&
		in.DeletionProtectionEnabled == nil && in.SSESpecification == nil {
		return invalid("At least one of ProvisionedThroughput, BillingMode, UpdateStreamEnabled, GlobalSecondaryIndexUpdates or SSESpecification or ReplicaUpdates is required")
	}
	for _, d := range in.AttributeDefinitions {
		if !slices.Contains(t.keys(), keyAttribute{d.AttributeName, d.AttributeType}) {
			return invalidParameter("Some AttributeDefinitions are not used. AttributeDefinitions: [%s]", d.AttributeName)
		}
	}
	if in.BillingMode != "" || in.ProvisionedThroughput != nil {
		if err := t.updateBilling(in, now); err != nil {
			return err
		}
	}
	if in.TableClass != "" {
		t.Class = in.TableClass
	}
	if in.DeletionProtectionEnabled != nil {
		t.Protected = *in.DeletionProtectionEnabled
	}
	if in.SSESpecification != nil {
		t.Encryption = in.SSESpecification
	}
	return nil
}

func (t *table) updateBilling(in *updateTableRequest, now float64) error {
	before, units := t.Billing, t.Throughput
	if err := t.setBilling(cmp.Or(in.BillingMode, t.Billing), in.ProvisionedThroughput); err != nil {
		return err
	}
	switch {
	case t.Billing == before && t.Billing == "PROVISIONED" && t.Throughput == units:
		return invalid("The provisioned throughput for the table will not change. The requested value equals the current value. Current ReadCapacityUnits provisioned for the table: %[1]d. Requested ReadCapacityUnits: %[1]d. Current WriteCapacityUnits provisioned for the table: %[2]d. Requested WriteCapacityUnits: %[2]d. Refer to the Amazon DynamoDB Developer Guide for current limits and how to request higher limits.",
			units.ReadCapacityUnits, units.WriteCapacityUnits)
	case t.Billing != before && t.Billing == "PAY_PER_REQUEST":
		t.OnDemandSince = now
	}
	return nil
}

// deleteTable deletes at once, but describes the table as DELETING, like AWS.
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
