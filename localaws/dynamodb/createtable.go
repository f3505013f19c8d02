package dynamodb

import (
	"context"
	"fmt"
	"strings"

	"github.com/gatehouse-portal/gatehouse/localaws/store"
	"github.com/gatehouse-portal/gatehouse/localaws/wire"
)

type keySchemaElement struct{ AttributeName, KeyType string }

type attributeDefinition struct{ AttributeName, AttributeType string }

type throughput struct {
	ReadCapacityUnits, WriteCapacityUnits int64
}

type sseSpecification struct {
	Enabled        bool
	SSEType        string `json:",omitempty"`
	KMSMasterKeyId string `json:",omitempty"`
}

type tag struct{ Key, Value *string }

// Throughput and SSE are only stored. Indexes, replicas and resource policies are not
// implemented.
type createTableRequest struct {
	TableName                 string
	KeySchema                 []keySchemaElement
	AttributeDefinitions      []attributeDefinition
	BillingMode               string
	ProvisionedThroughput     *throughput
	TableClass                string
	DeletionProtectionEnabled bool
	SSESpecification          *sseSpecification
	StreamSpecification       *struct {
		StreamEnabled  bool
		StreamViewType string
	}
	Tags []tag
}

type tableAnswer struct {
	TableDescription *tableDescription
}

func (s *Service) createTable(_ context.Context, in *createTableRequest) (*tableAnswer, error) {
	t, err := s.newTable(in)
	if err != nil {
		return nil, err
	}
	err = s.env.DB.Update(func(tx *store.Tx) error {
		if tx.Bucket(bucket, tablesBucket).Get([]byte(t.Name)) != nil {
			return wire.Errorf("ResourceInUseException", "Table already exists: %s", t.Name)
		}
		return t.save(tx)
	})
	if err != nil {
		return nil, err
	}
	answer := s.description(t)
	answer.TableStatus = "CREATING"
	return &tableAnswer{TableDescription: answer}, nil
}

func (s *Service) newTable(in *createTableRequest) (*table, error) {
	t := &table{
		Name:       in.TableName,
		ID:         wire.NewUUID(),
		Created:    seconds(s.env.Now()),
		Class:      in.TableClass,
		Protected:  in.DeletionProtectionEnabled,
		Encryption: in.SSESpecification,
	}
	if in.StreamSpecification != nil && in.StreamSpecification.StreamEnabled {
		return nil, wire.NotImplemented("A table's stream")
	}
	if err := checkNewTable(in); err != nil {
		return nil, err
	}
	if err := t.setBilling(in.BillingMode, in.ProvisionedThroughput); err != nil {
		return nil, err
	}
	if err := t.setKeys(in.KeySchema, in.AttributeDefinitions); err != nil {
		return nil, err
	}
	return t, t.addTags(in.Tags)
}

func checkNewTable(in *createTableRequest) error {
	switch {
	case in.TableName == "":
		return invalid("The parameter 'TableName' is required but was not present in the request")
	case len(in.TableName) < 3 || len(in.TableName) > 255:
		return invalid("TableName must be at least 3 characters long and at most 255 characters long")
	case !tableNameForm.MatchString(in.TableName):
		return violated("tableName", in.TableName, "Member must satisfy regular expression pattern: [a-zA-Z0-9_.-]+")
	case len(in.KeySchema) == 0:
		return violated("keySchema", nil, "Member must not be null")
	case len(in.KeySchema) > 2:
		return violated("keySchema", in.KeySchema, "Member must have length less than or equal to 2")
	}
	for i, e := range in.KeySchema {
		at := fmt.Sprintf("keySchema.%d.member.", i+1)
		if err := checkEnum(at+"keyType", e.KeyType, "HASH", "RANGE"); err != nil {
			return err
		}
		if err := checkKeyName(at+"attributeName", e.AttributeName); err != nil {
			return err
		}
	}
	for i, d := range in.AttributeDefinitions {
		at := fmt.Sprintf("attributeDefinitions.%d.member.", i+1)
		if d.AttributeType == "" {
			return violated(at+"attributeType", nil, "Member must not be null")
		}
		if err := checkEnum(at+"attributeType", d.AttributeType, "B", "N", "S"); err != nil {
			return err
		}
		if err := checkKeyName(at+"attributeName", d.AttributeName); err != nil {
			return err
		}
	}
	return checkEnum("tableClass", in.TableClass, "STANDARD", "STANDARD_INFREQUENT_ACCESS")
}

func checkKeyName(at, name string) error {
	switch {
	case name == "":
		return violated(at, nil, "Member must not be null")
	case len(name) > 255:
		return violated(at, name, "Member must have length less than or equal to 255")
	}
	return nil
}

func (t *table) setBilling(mode string, units *throughput) error {
	if err := checkEnum("billingMode", mode, "PROVISIONED", "PAY_PER_REQUEST"); err != nil {
		return err
	}
	t.Billing, t.Throughput = mode, throughput{}
	if mode == "PAY_PER_REQUEST" {
		if units != nil {
			return invalidParameter("Neither ReadCapacityUnits nor WriteCapacityUnits can be specified when BillingMode is PAY_PER_REQUEST")
		}
		return nil
	}
	if units == nil || units.ReadCapacityUnits == 0 || units.WriteCapacityUnits == 0 {
		return invalidParameter("ReadCapacityUnits and WriteCapacityUnits must both be specified when BillingMode is PROVISIONED")
	}
	if units.ReadCapacityUnits < 1 {
		return violated("provisionedThroughput.readCapacityUnits", units.ReadCapacityUnits, "Member must have value greater than or equal to 1")
	}
	if units.WriteCapacityUnits < 1 {
		return violated("provisionedThroughput.writeCapacityUnits", units.WriteCapacityUnits, "Member must have value greater than or equal to 1")
	}
	t.Billing, t.Throughput = "PROVISIONED", *units
	return nil
}

func (t *table) setKeys(schema []keySchemaElement, definitions []attributeDefinition) error {
	types := map[string]string{}
	var defined, keys []string
	for _, d := range definitions {
		types[d.AttributeName] = d.AttributeType
		defined = append(defined, d.AttributeName)
	}
	for _, e := range schema {
		keys = append(keys, e.AttributeName)
	}
	for _, key := range keys {
		if types[key] == "" {
			return invalidParameter("Some index key attributes are not defined in AttributeDefinitions. Keys: [%s], AttributeDefinitions: [%s]",
				strings.Join(keys, ", "), strings.Join(defined, ", "))
		}
	}
	switch {
	case len(keys) == 2 && keys[0] == keys[1]:
		return invalid("Both the Hash Key and the Range Key element in the KeySchema have the same name")
	case schema[0].KeyType != "HASH":
		return invalid("Invalid KeySchema: The first KeySchemaElement is not a HASH key type")
	case len(keys) == 2 && schema[1].KeyType != "RANGE":
		return invalid("Invalid KeySchema: The second KeySchemaElement is not a RANGE key type")
	case len(keys) != len(types) || len(types) != len(definitions):
		return invalidParameter("Number of attributes in KeySchema does not exactly match number of attributes defined in AttributeDefinitions")
	}
	t.Hash = keyAttribute{Name: keys[0], Type: types[keys[0]]}
	if len(keys) == 2 {
		t.Range = &keyAttribute{Name: keys[1], Type: types[keys[1]]}
	}
	return nil
}
