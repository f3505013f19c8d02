package projections

import (
	"context"
	"fmt"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"github.com/gatehouse-portal/gatehouse/events"
	"github.com/gatehouse-portal/gatehouse/portal"
	"github.com/gatehouse-portal/gatehouse/state"
)

const activitySort = "log#activity#"

// Activity is one line of what happened in an account.
type Activity struct {
	Sequence int64     `dynamodbav:"seq"`
	At       time.Time `dynamodbav:"at"`
	Text     string    `dynamodbav:"text"`
	// Operation is the one that the line was written for, "" if none is known.
	Operation portal.OperationID `dynamodbav:"operation,omitempty"`
}

// activityRows: insert-only, one row a fact; written again it is the same.
func activityRows(changed rows, account state.Account, fact events.Event) {
	if text := activityText(account, fact); text != "" {
		changed.view(accountPartition(account.ID), fmt.Sprintf("%s%012d", activitySort, fact.Sequence), fact.Sequence,
			Activity{At: fact.Time, Text: text, Operation: fact.Operation})
	}
}

func activityText(account state.Account, fact events.Event) string {
	switch f := fact.Data.(type) {
	case events.UserRegistered:
		return "You signed up."
	case events.SubscriptionWanted:
		return "You subscribed to " + f.Name + "."
	case events.SubscriptionActivated:
		return account.Subscriptions[f.Plan].Name + " became active."
	case events.SubscriptionEnding:
		return "You left " + account.Subscriptions[f.Plan].Name + "."
	case events.SubscriptionEnded:
		return account.Subscriptions[f.Plan].Name + " ended."
	case events.KeyCreated:
		return account.Keys[f.Key].Name + " was created."
	case events.KeyRevealed:
		return account.Keys[f.Key].Name + " was shown to you."
	case events.RequestRejected:
		return "A request was refused: " + f.Message
	}
	return ""
}

// Activity lists what happened in an account, newest first, at most limit lines before
// that sequence (0: from the newest).
func (v *Views) Activity(ctx context.Context, id portal.AccountID, before int64, limit int32) ([]Activity, error) {
	end := activitySort + "~"
	if before > 0 {
		end = fmt.Sprintf("%s%012d", activitySort, before-1)
	}
	out, err := v.store.client.Query(ctx, &dynamodb.QueryInput{
		TableName:              &v.store.tables.Views,
		ConsistentRead:         aws.Bool(true),
		KeyConditionExpression: aws.String("pk = :pk AND sk BETWEEN :begin AND :end"),
		ExpressionAttributeValues: map[string]types.AttributeValue{
			":pk": textValue(partition(accountPartition(id))), ":begin": textValue(activitySort), ":end": textValue(end),
		},
		ScanIndexForward: aws.Bool(false),
		Limit:            &limit,
	})
	if err != nil {
		return nil, asUnavailable(fmt.Errorf("reading the activity of %s: %w", id, err))
	}
	var lines []Activity
	for _, item := range out.Items {
		if err := appendRow(&lines, item); err != nil {
			return nil, fmt.Errorf("decoding the activity of %s: %w", id, err)
		}
	}
	return lines, nil
}
