package identity

import (
	"context"
	"errors"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"github.com/gatehouse-portal/gatehouse/portal"
	"github.com/gatehouse-portal/gatehouse/schema"
)

// Eraser deletes the personal data that this package keeps.
type Eraser struct {
	DynamoDB database
	Tables   Tables
}

// Erase deletes the identity's mapping to the account, the sessions, and the personal data. Browsers
// whose session it has ended are known to Service.Deleted until the session would have ended. It may be
// repeated, also after it has failed in between. Since every row of a person is written together with
// a check of the mapping, none is written after the mapping is gone. The identity's next sign-in
// opens another account.
func (e Eraser) Erase(ctx context.Context, account portal.AccountID) error {
	journal, records := table{e.DynamoDB, e.Tables.Journal}, table{e.DynamoDB, e.Tables.Records}
	row, err := records.find(ctx, schema.Person(account))
	if err != nil {
		return err
	}
	if name := row.text("identity"); name != "" {
		if err := journal.removeIf(ctx, schema.Identity(name), "account = :account", item{":account": text(string(account))}); err != nil {
			return err
		}
	}
	if err := e.endSessions(ctx, account); err != nil {
		return err
	}
	// The row may have changed until the mapping was gone.
	if row, err = records.find(ctx, schema.Person(account)); err != nil {
		return err
	}
	for _, word := range row.texts("words") {
		if _, err := records.remove(ctx, schema.PersonWord(word, account)); err != nil {
			return err
		}
	}
	_, err = records.remove(ctx, schema.Person(account))
	return err
}

// endSessions leaves a row for each session, by which Deleted knows it.
func (e Eraser) endSessions(ctx context.Context, account portal.AccountID) error {
	s := sessions{table: table{e.DynamoDB, e.Tables.Sessions}}
	listed, err := s.table.query(ctx, schema.AccountSessions(account))
	if err != nil {
		return err
	}
	for _, row := range listed {
		gone := newItem(schema.DeletedSession(schema.SessionListedBy(schema.KeyOf(row))))
		gone["account"], gone[schema.TTL] = text(string(account)), row[schema.TTL]
		if err := s.table.put(ctx, gone); err != nil {
			return err
		}
		if err := s.endListed(ctx, schema.KeyOf(row)); err != nil {
			return err
		}
	}
	return nil
}

func (t table) removeIf(ctx context.Context, key schema.Key, condition string, values item) error {
	_, err := t.db.DeleteItem(ctx, &dynamodb.DeleteItemInput{
		TableName: &t.name, Key: key.Attributes(), ConditionExpression: aws.String(condition), ExpressionAttributeValues: values,
	})
	var failed *types.ConditionalCheckFailedException
	if errors.As(err, &failed) {
		return nil
	}
	return t.unavailable("removing", key.SK, err)
}
