package app

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/feature/dynamodb/attributevalue"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	ddbtypes "github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"github.com/gatehouse-portal/gatehouse/portal"
	"github.com/gatehouse-portal/gatehouse/projections"
)

// FoundOperation is what operators see of an operation.
type FoundOperation struct {
	ID        portal.OperationID
	Account   portal.AccountID
	Type      string
	CreatedAt time.Time
	// Plan is the plan that it is about, "" if it is about none.
	Plan portal.PlanID
	projections.Progress
}

// Operation reads any operation by its id; an unknown one is NotFound.
func (d *Desk) Operation(ctx context.Context, id portal.OperationID) (FoundOperation, error) {
	out, err := d.dynamodb.GetItem(ctx, &dynamodb.GetItemInput{
		TableName: &d.names.Records, ConsistentRead: aws.Bool(true), ProjectionExpression: aws.String("account"),
		Key: map[string]ddbtypes.AttributeValue{
			"pk": &ddbtypes.AttributeValueMemberS{Value: "operation#" + string(id)}, "sk": &ddbtypes.AttributeValueMemberS{Value: "operation"},
		},
	})
	if err != nil {
		return FoundOperation{}, told("", err)
	}
	if out.Item == nil {
		return FoundOperation{}, portal.Fail(portal.NotFound, fmt.Sprintf("There is no operation %s. Operation ids stand in the address of the page that follows them, and in the API's answers.", id))
	}
	var row struct {
		Account portal.AccountID `dynamodbav:"account"`
	}
	if err := attributevalue.UnmarshalMap(out.Item, &row); err != nil {
		return FoundOperation{}, fmt.Errorf("decoding operation %s: %w", id, err)
	}
	return d.foundOperation(ctx, row.Account, id)
}

func (d *Desk) foundOperation(ctx context.Context, account portal.AccountID, id portal.OperationID) (FoundOperation, error) {
	op, err := d.ops.Find(ctx, account, id)
	return FoundOperation{ID: op.ID, Account: account, Type: op.Type, CreatedAt: op.CreatedAt, Plan: op.Plan, Progress: op.Progress}, err
}

// recent reads the newest operations that the account's journal names.
func (d *Desk) recent(ctx context.Context, id portal.AccountID) ([]FoundOperation, error) {
	facts, err := d.facts.Read(ctx, portal.AccountStream(id), 0)
	if err != nil {
		return nil, err
	}
	var ids []portal.OperationID
	for _, fact := range slices.Backward(facts) {
		if fact.Operation != "" && !slices.Contains(ids, fact.Operation) && len(ids) < recentOperations {
			ids = append(ids, fact.Operation)
		}
	}
	var recent []FoundOperation
	for _, op := range ids {
		one, err := d.foundOperation(ctx, id, op)
		if portal.CodeOf(err) == portal.NotFound {
			continue
		}
		if err != nil {
			return nil, err
		}
		recent = append(recent, one)
	}
	return recent, nil
}
