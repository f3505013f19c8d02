package identity

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"github.com/gatehouse-portal/gatehouse/portal"
	"github.com/gatehouse-portal/gatehouse/schema"
)

type scanner interface {
	database
	Scan(context.Context, *dynamodb.ScanInput, ...func(*dynamodb.Options)) (*dynamodb.ScanOutput, error)
}

// Lookup finds accounts for operators.
type Lookup struct {
	DynamoDB scanner
	Tables   Tables
}

// ByEmail lists the accounts with this e-mail address, ignoring case. It scans the whole records
// table.
func (l Lookup) ByEmail(ctx context.Context, email string) ([]portal.AccountID, error) {
	var accounts []portal.AccountID
	err := l.EachPerson(ctx, func(account portal.AccountID, is Person) error {
		if strings.EqualFold(is.Email, email) {
			accounts = append(accounts, account)
		}
		return nil
	})
	return accounts, err
}

// EachPerson visits everybody. It scans the whole records table.
func (l Lookup) EachPerson(ctx context.Context, visit func(portal.AccountID, Person) error) error {
	filter := "begins_with(pk, :person)"
	pages := dynamodb.NewScanPaginator(l.DynamoDB, &dynamodb.ScanInput{
		TableName: &l.Tables.Records, FilterExpression: &filter,
		ExpressionAttributeValues: map[string]types.AttributeValue{":person": text(schema.PersonBegins())},
	})
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return fmt.Errorf("looking for people in table %s: %w", l.Tables.Records, err)
		}
		for _, it := range page.Items {
			if account, ok := schema.PersonOf(schema.KeyOf(it)); ok {
				if err := visit(account, recordOf(it).Person); err != nil {
					return err
				}
			}
		}
	}
	return nil
}

// BySubject returns the account of an issuer's subject, or "".
func (l Lookup) BySubject(ctx context.Context, issuer, subject string) (portal.AccountID, error) {
	known := accounts{table: table{l.DynamoDB, l.Tables.Journal}}
	return known.read(ctx, portal.DeriveID("identity", issuer, subject))
}

// Person returns the personal data of an account, or NotFound.
func (l Lookup) Person(ctx context.Context, account portal.AccountID) (Person, error) {
	return newPeople(table{l.DynamoDB, l.Tables.Records}, l.Tables.Journal, time.Now).find(ctx, account)
}

// FindPeople lists at most limit accounts of people whose e-mail address, or a word of whose name,
// begins with the text, ignoring case. more: there are others.
func (l Lookup) FindPeople(ctx context.Context, begins string, limit int32) (found []portal.AccountID, more bool, err error) {
	begins = normalised(begins)
	if begins == "" {
		return nil, false, nil
	}
	of := schema.PersonWords(begins)
	listed := map[portal.AccountID]bool{}
	query := dynamodb.NewQueryPaginator(l.DynamoDB, &dynamodb.QueryInput{
		TableName: &l.Tables.Records, KeyConditionExpression: of.Condition(), ExpressionAttributeValues: of.Values(), Limit: aws.Int32(2*limit + 1),
	})
	for query.HasMorePages() {
		page, err := query.NextPage(ctx)
		if err != nil {
			return nil, false, table{l.DynamoDB, l.Tables.Records}.unavailable("looking for people in", of.PK, err)
		}
		for _, row := range page.Items {
			account := schema.AccountOfWord(schema.KeyOf(row))
			switch {
			case listed[account]:
			case len(found) == int(limit):
				return found, true, nil
			default:
				listed[account] = true
				found = append(found, account)
			}
		}
	}
	return found, false, nil
}
