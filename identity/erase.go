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

// Eraser deletes this package's personal data.
type Eraser struct {
	DynamoDB scanner
	Tables   Tables
}

// Erase deletes the identity's mapping to the account, the sessions, and the personal data.
// Service.Deleted knows the browsers whose sessions it ended until these would have ended. It may be
// repeated, also after it has failed halfway. Every write about a person checks the mapping, so nothing
// is written once it is gone. The identity's next sign-in opens another account.
//
// If the person's row is missing or, as in older versions, does not name the identity, Erase searches
// the whole journal table for the mapping.
func (e Eraser) Erase(ctx context.Context, account portal.AccountID) error {
	journal, records := table{e.DynamoDB, e.Tables.Journal}, table{e.DynamoDB, e.Tables.Records}
	row, err := records.find(ctx, schema.Person(account))
	if err != nil {
		return err
	}
	mapped := []schema.Key{schema.Identity(row.text("identity"))}
	if row.text("identity") == "" {
		if mapped, err = e.mappingsOf(ctx, account); err != nil {
			return err
		}
	}
	for _, key := range mapped {
		if err := journal.removeIf(ctx, key, "account = :account", item{":account": text(string(account))}); err != nil {
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
	if _, err := records.remove(ctx, schema.GroupAdmin(account)); err != nil {
		return err
	}
	_, err = records.remove(ctx, schema.Person(account))
	return err
}

func (e Eraser) mappingsOf(ctx context.Context, account portal.AccountID) ([]schema.Key, error) {
	var found []schema.Key
	pages := dynamodb.NewScanPaginator(e.DynamoDB, &dynamodb.ScanInput{
		TableName: &e.Tables.Journal, ConsistentRead: aws.Bool(true), ProjectionExpression: aws.String("pk, sk"),
		FilterExpression:          aws.String("begins_with(pk, :identities) AND account = :account"),
		ExpressionAttributeValues: item{":identities": text(schema.IdentityBegins()), ":account": text(string(account))},
	})
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return nil, table{e.DynamoDB, e.Tables.Journal}.unavailable("looking for the identity of", string(account), err)
		}
		for _, it := range page.Items {
			found = append(found, schema.KeyOf(it))
		}
	}
	return found, nil
}

// endSessions leaves a row for each session, for Deleted.
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
