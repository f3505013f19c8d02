package dynamodb

import (
	"cmp"
	"context"
	"time"

	"github.com/gatehouse-portal/gatehouse/localaws/store"
)

type tableDescription struct {
	TableName                 string
	TableArn                  string
	TableId                   string
	TableStatus               string
	CreationDateTime          float64
	KeySchema                 []keySchemaElement
	AttributeDefinitions      []attributeDefinition
	ItemCount                 int64
	TableSizeBytes            int64
	DeletionProtectionEnabled bool
	ProvisionedThroughput     struct {
		NumberOfDecreasesToday int64
		throughput
	}
	BillingModeSummary *billingModeSummary `json:",omitempty"`
	TableClassSummary  *tableClassSummary  `json:",omitempty"`
	SSEDescription     *sseDescription     `json:",omitempty"`
}

type billingModeSummary struct {
	BillingMode                       string
	LastUpdateToPayPerRequestDateTime float64
}

type tableClassSummary struct{ TableClass string }

type sseDescription struct {
	Status, SSEType string
	KMSMasterKeyArn string `json:",omitempty"`
}

func seconds(t time.Time) float64 { return float64(t.UnixMilli()) / 1000 }

// description does not set the counts.
func (s *Service) description(t *table) *tableDescription {
	d := &tableDescription{
		TableName:                 t.Name,
		TableArn:                  s.tableARN(t.Name),
		TableId:                   t.ID,
		TableStatus:               "ACTIVE",
		CreationDateTime:          t.Created,
		DeletionProtectionEnabled: t.Protected,
	}
	d.ProvisionedThroughput.throughput = t.Throughput
	for i, k := range t.keys() {
		d.KeySchema = append(d.KeySchema, keySchemaElement{AttributeName: k.Name, KeyType: []string{"HASH", "RANGE"}[i]})
		d.AttributeDefinitions = append(d.AttributeDefinitions, attributeDefinition{AttributeName: k.Name, AttributeType: k.Type})
	}
	if t.Billing == "PAY_PER_REQUEST" {
		d.BillingModeSummary = &billingModeSummary{BillingMode: t.Billing, LastUpdateToPayPerRequestDateTime: cmp.Or(t.OnDemandSince, t.Created)}
	}
	if t.Class != "" {
		d.TableClassSummary = &tableClassSummary{TableClass: t.Class}
	}
	if t.Encryption != nil && t.Encryption.Enabled {
		d.SSEDescription = &sseDescription{Status: "ENABLED", SSEType: "KMS", KMSMasterKeyArn: t.Encryption.KMSMasterKeyId}
	}
	return d
}

type tableRequest struct{ TableName string }

type describeTableAnswer struct{ Table *tableDescription }

// describeTable counts all items, which takes time. AWS's counts may be six hours old.
func (s *Service) describeTable(_ context.Context, in *tableRequest) (*describeTableAnswer, error) {
	name, err := s.tableName("tableName", in.TableName)
	if err != nil {
		return nil, err
	}
	var d *tableDescription
	err = s.env.DB.View(func(tx *store.Tx) error {
		t, err := describedTable(tx, name)
		if err != nil {
			return err
		}
		d = s.description(t)
		c := t.items(tx).Cursor()
		for place, rec := c.First(); place != nil; place, rec = c.Next() {
			d.ItemCount++
			d.TableSizeBytes += int64(record(rec).size())
		}
		return nil
	})
	return &describeTableAnswer{Table: d}, err
}

type listTablesRequest struct {
	ExclusiveStartTableName string
	Limit                   *int
}

type listTablesAnswer struct {
	TableNames             []string
	LastEvaluatedTableName string `json:",omitempty"`
}

func (s *Service) listTables(_ context.Context, in *listTablesRequest) (*listTablesAnswer, error) {
	limit := 100
	if in.Limit != nil {
		limit = *in.Limit
	}
	switch {
	case limit < 1:
		return nil, violated("limit", limit, "Member must have value greater than or equal to 1")
	case limit > 100:
		return nil, violated("limit", limit, "Member must have value less than or equal to 100")
	}
	var answer *listTablesAnswer
	err := s.env.DB.View(func(tx *store.Tx) error {
		answer = &listTablesAnswer{TableNames: []string{}}
		c := tx.Bucket(bucket, tablesBucket).Cursor()
		for name, _ := c.Seek(after([]byte(in.ExclusiveStartTableName))); name != nil; name, _ = c.Next() {
			if len(answer.TableNames) == limit {
				answer.LastEvaluatedTableName = answer.TableNames[limit-1]
				return nil
			}
			answer.TableNames = append(answer.TableNames, string(name))
		}
		return nil
	})
	return answer, err
}
