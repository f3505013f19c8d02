package deadletters

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/feature/dynamodb/attributevalue"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"github.com/gatehouse-portal/gatehouse/portal"
	"github.com/gatehouse-portal/gatehouse/schema"
)

const discardTries = 5

// Discard closes the letter without carrying it out, and records the operator, the time and the
// reason. Its operation stays failed. The letter can be replayed for 30 more days.
//
// Discarding again changes nothing and keeps the first record. Errors are portal.Errors:
// Invalid for an empty reason or one of more than 1000 bytes, NotFound for an unknown letter,
// Conflict for a settled one.
func (a Admin) Discard(ctx context.Context, id, reason string) error {
	reason = strings.TrimSpace(strings.ToValidUTF8(reason, "\uFFFD"))
	switch {
	case reason == "":
		return portal.Fail(portal.Invalid, "Give a reason for discarding dead letter "+id+".")
	case len(reason) > maxText:
		return portal.Fail(portal.Invalid, fmt.Sprintf("The reason has %d bytes; give one of at most %d.", len(reason), maxText))
	}
	for range discardTries {
		letter, err := a.row(ctx, id)
		if err != nil {
			return err
		}
		switch letter.State() {
		case Discarded:
			return nil
		case Settled:
			return portal.Fail(portal.Conflict, "Dead letter "+letter.ID+" is settled: a replay of it was handled. There is nothing to discard.")
		}
		written, err := a.writeDiscard(ctx, letter, reason)
		if written || err != nil {
			return err
		}
	}
	return portal.Fail(portal.Conflict, "Dead letter "+keyOf(id)+" kept changing. Look at it again before you discard it.")
}

func (a Admin) writeDiscard(ctx context.Context, letter Letter, reason string) (written bool, err error) {
	now := a.Now().UTC()
	discard, err := attributevalue.Marshal(Discard{By: a.Operator, At: now, Reason: reason, Replays: letter.Replays})
	if err != nil {
		return false, fmt.Errorf("discarding %s: %w", letter.ID, err)
	}
	last, err := attributevalue.Marshal(letter.Last)
	if err != nil {
		return false, fmt.Errorf("discarding %s: %w", letter.ID, err)
	}
	before := "attribute_not_exists(discard)"
	values := map[string]types.AttributeValue{
		":discard": discard, ":expires": schema.Expiry(now.Add(closedTTL)), ":last": last,
		":replays": schema.Number(letter.Replays), ":settled": schema.Number(letter.SettledReplay),
	}
	if letter.Discard != nil {
		before = "discard.replays = :before"
		values[":before"] = schema.Number(letter.Discard.Replays)
	}
	_, err = a.Tables.UpdateItem(ctx, &dynamodb.UpdateItemInput{
		TableName: &a.Records, Key: schema.DeadLetter(letter.ID).Attributes(),
		ConditionExpression:       aws.String("replays = :replays AND settled = :settled AND #last = :last AND " + before),
		UpdateExpression:          aws.String("SET discard = :discard, expires_at = :expires"),
		ExpressionAttributeNames:  map[string]string{"#last": "last"},
		ExpressionAttributeValues: values,
	})
	var changed *types.ConditionalCheckFailedException
	if errors.As(err, &changed) {
		return false, nil
	}
	if err != nil {
		return false, fmt.Errorf("discarding %s: %w", letter.ID, err)
	}
	return true, nil
}
