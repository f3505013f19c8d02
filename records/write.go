package records

import (
	"fmt"
	"maps"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/feature/dynamodb/attributevalue"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"github.com/gatehouse-portal/gatehouse/portal"
	"github.com/gatehouse-portal/gatehouse/schema"
)

// Write is one write of a transaction, which can contain a row only once.
type Write struct {
	Key schema.Key
	// Put is the row, a struct with dynamodbav tags. Update is an update expression. Without both, the
	// row is deleted or, with Check, only checked.
	Put    any
	Update string
	Check  bool
	// Expires is when DynamoDB may delete the row that Put writes, zero for never. Update ignores it.
	Expires time.Time
	// If is a condition, "" for none. Values and Names are those of If and Update.
	If     string
	Values map[string]types.AttributeValue
	Names  map[string]string
}

// Common conditions.
const (
	Exists  = "attribute_exists(pk)"
	Missing = "attribute_not_exists(pk)"
)

// OfAPerson fails if the portal has no personal data of the account: it was erased, or no token has named an e-mail
// address. Every transaction that writes about a
// person needs it, so that nothing is written after the erasure.
func OfAPerson(account portal.AccountID) Write {
	return Write{Key: schema.Person(account), Check: true, If: Exists}
}

// Erased explains ErrRefused of OfAPerson to the owner of the account.
func Erased() error {
	return portal.Fail(portal.Unauthorized, "This account was deleted a moment ago, or your token names no e-mail address. Sign in again.")
}

func (w Write) item(table string) (types.TransactWriteItem, error) {
	var condition *string
	if w.If != "" {
		condition = &w.If
	}
	switch {
	case w.Check:
		return types.TransactWriteItem{ConditionCheck: &types.ConditionCheck{
			TableName: &table, Key: w.Key.Attributes(), ConditionExpression: condition, ExpressionAttributeValues: w.Values, ExpressionAttributeNames: w.Names,
		}}, nil
	case w.Update != "":
		return types.TransactWriteItem{Update: &types.Update{
			TableName: &table, Key: w.Key.Attributes(), UpdateExpression: aws.String(w.Update), ConditionExpression: condition,
			ExpressionAttributeValues: w.Values, ExpressionAttributeNames: w.Names,
		}}, nil
	case w.Put == nil:
		return types.TransactWriteItem{Delete: &types.Delete{
			TableName: &table, Key: w.Key.Attributes(), ConditionExpression: condition, ExpressionAttributeValues: w.Values, ExpressionAttributeNames: w.Names,
		}}, nil
	}
	row, err := attributevalue.MarshalMap(w.Put)
	if err != nil {
		return types.TransactWriteItem{}, fmt.Errorf("encoding row %s %s: %w", w.Key.PK, w.Key.SK, err)
	}
	maps.Copy(row, w.Key.Attributes())
	if !w.Expires.IsZero() {
		row[schema.TTL] = schema.Expiry(w.Expires)
	}
	return types.TransactWriteItem{Put: &types.Put{
		TableName: &table, Item: row, ConditionExpression: condition, ExpressionAttributeValues: w.Values, ExpressionAttributeNames: w.Names,
	}}, nil
}
