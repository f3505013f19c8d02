package journal

import (
	"fmt"
	"maps"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/feature/dynamodb/attributevalue"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"github.com/gatehouse-portal/gatehouse/due"
	"github.com/gatehouse-portal/gatehouse/schema"
)

// Row is an item of the records table, written in the transaction of its facts. A transaction can
// contain an item only once.
type Row struct {
	schema.Key
	// Value is the item's other attributes, a struct with dynamodbav tags. nil deletes the
	// item.
	Value any
	// Check makes the row a check only: the item must exist, or Append returns ErrTaken.
	Check bool
	// Holder must hold the lease that is deleted; "" for other rows.
	Holder string
}

// MustExist writes nothing. Unless the item exists, Append returns ErrTaken, and the caller
// decides again.
func MustExist(key schema.Key) Row { return Row{Key: key, Check: true} }

// PutDue writes a due row.
func PutDue(row due.Row) Row {
	return Row{Key: row.Place(), Value: row}
}

// DropDue deletes a due row whose time has not changed.
func DropDue(row due.Row) Row {
	return Row{Key: row.Place()}
}

// DropLease deletes a lease's item. Unless it still has that holder, Append returns ErrTaken.
func DropLease(key schema.Key, holder string) Row { return Row{Key: key, Holder: holder} }

func (r Row) write(table string) (types.TransactWriteItem, error) {
	if r.Check {
		return types.TransactWriteItem{ConditionCheck: &types.ConditionCheck{
			TableName: &table, Key: r.Attributes(), ConditionExpression: aws.String("attribute_exists(pk)"),
		}}, nil
	}
	if r.Holder != "" {
		return types.TransactWriteItem{Delete: &types.Delete{
			TableName: &table, Key: r.Attributes(), ConditionExpression: aws.String("holder = :holder"),
			ExpressionAttributeValues: map[string]types.AttributeValue{":holder": schema.Text(r.Holder)},
		}}, nil
	}
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
