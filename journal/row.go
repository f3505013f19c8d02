package journal

import (
	"fmt"
	"maps"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/feature/dynamodb/attributevalue"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"github.com/gatehouse-portal/gatehouse/due"
	"github.com/gatehouse-portal/gatehouse/events"
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
	// Fact makes the row a check that the journal has exactly this fact, and Free one that the journal
	// has none of that key.
	Fact *events.Event
	Free bool
	// New makes the write of Value fail if the item exists.
	New bool
	// Holder must hold the lease that is deleted; "" for other rows.
	Holder string
}

// MustExist writes nothing. Unless the item exists, Append returns ErrTaken, and the caller
// decides again.
func MustExist(key schema.Key) Row { return Row{Key: key, Check: true} }

// MustHave writes nothing. The facts are appended only if the journal has this one, unchanged;
// otherwise Append returns ErrTaken. A caller that appends after a fact which it has not read again
// needs it, since the journal may have been restored to an earlier time.
func MustHave(fact events.Event) Row {
	return Row{Key: schema.Fact(fact.Subject, fact.Sequence), Fact: &fact}
}

// MustEndWith writes nothing. The rows are written only if that fact, unchanged, is its stream's last;
// otherwise Write returns ErrTaken.
func MustEndWith(fact events.Event) []Row {
	return []Row{MustHave(fact), {Key: schema.Fact(fact.Subject, fact.Sequence+1), Free: true}}
}

// PutNew writes an item that must not exist. If it does, Append and Write return ErrTaken.
func PutNew(key schema.Key, value any) Row { return Row{Key: key, Value: value, New: true} }

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

func (r Row) write(facts, table string) (types.TransactWriteItem, error) {
	if r.Fact != nil {
		body, err := events.Encode(*r.Fact)
		if err != nil {
			return types.TransactWriteItem{}, err
		}
		return types.TransactWriteItem{ConditionCheck: &types.ConditionCheck{
			TableName: &facts, Key: r.Attributes(), ConditionExpression: aws.String("event = :event"),
			ExpressionAttributeValues: map[string]types.AttributeValue{":event": schema.Text(string(body))},
		}}, nil
	}
	if r.Free {
		return types.TransactWriteItem{ConditionCheck: &types.ConditionCheck{
			TableName: &facts, Key: r.Attributes(), ConditionExpression: aws.String("attribute_not_exists(pk)"),
		}}, nil
	}
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
	put := &types.Put{TableName: &table, Item: item}
	if r.New {
		put.ConditionExpression = aws.String("attribute_not_exists(pk)")
	}
	return types.TransactWriteItem{Put: put}, nil
}
