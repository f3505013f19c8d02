package journal

import (
	"fmt"
	"maps"

	"github.com/aws/aws-sdk-go-v2/feature/dynamodb/attributevalue"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"github.com/gatehouse-portal/gatehouse/due"
	"github.com/gatehouse-portal/gatehouse/schema"
)

// Row is a row of the records table that is written in one transaction with facts. A
// transaction may have each key only once.
type Row struct {
	schema.Key
	// Value is a struct with dynamodbav tags that holds the other attributes. If it is nil, the
	// row is deleted; it need not exist.
	Value any
}

// PutDue writes a due row.
func PutDue(row due.Row) Row {
	return Row{Key: row.Place(), Value: row}
}

// DropDue deletes a due row that has not been moved to a later time yet. One that was moved has
// another key, and the job deletes it when it next falls due.
func DropDue(row due.Row) Row {
	return Row{Key: row.Place()}
}

func (r Row) write(table string) (types.TransactWriteItem, error) {
	if r.Value == nil {
		return types.TransactWriteItem{Delete: &types.Delete{TableName: &table, Key: r.Attributes()}}, nil
	}
	item, err := attributevalue.MarshalMap(r.Value)
	if err != nil {
		return types.TransactWriteItem{}, fmt.Errorf("encoding row %s %s: %w", r.PK, r.SK, err)
	}
	maps.Copy(item, r.Attributes())
	return types.TransactWriteItem{Put: &types.Put{TableName: &table, Item: item}}, nil
}
