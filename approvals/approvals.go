// Package approvals lists the subscriptions that wait for an admin. Each is a row of the records
// table, written and deleted in the transaction of the facts that begin and end the waiting, so the
// list never lags behind the journal.
package approvals

import (
	"context"
	"fmt"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/feature/dynamodb/attributevalue"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"

	"github.com/gatehouse-portal/gatehouse/due"
	"github.com/gatehouse-portal/gatehouse/journal"
	"github.com/gatehouse-portal/gatehouse/portal"
	"github.com/gatehouse-portal/gatehouse/schema"
	"github.com/gatehouse-portal/gatehouse/state"
)

// Row is a waiting subscription.
type Row struct {
	Account portal.AccountID `dynamodbav:"account"`
	Plan    portal.PlanID    `dynamodbav:"plan"`
	// Name is the plan's when the person asked for it.
	Name string `dynamodbav:"name"`
	// Replaces is the plan that the account would change from, or "".
	Replaces     portal.PlanID `dynamodbav:"replaces,omitempty"`
	ReplacesName string        `dynamodbav:"replaces_name,omitempty"`
	// Wish is what an admin's answer names.
	Wish      int64              `dynamodbav:"wish"`
	Asked     time.Time          `dynamodbav:"asked"`
	Operation portal.OperationID `dynamodbav:"operation"`
}

// Changes are the rows to write with the facts between two states of an account: the list's, and due
// rows by which the admins are told.
func Changes(before, after state.Account) []journal.Row {
	was, is := waiting(before), waiting(after)
	var rows []journal.Row
	for wish, row := range is {
		if _, known := was[wish]; !known {
			rows = append(rows, journal.Row{Key: row.key(), Value: row}, journal.PutDue(row.forAdmins()))
		}
	}
	for wish, row := range was {
		if _, still := is[wish]; !still {
			rows = append(rows, journal.Row{Key: row.key()})
		}
	}
	return rows
}

func waiting(account state.Account) map[int64]Row {
	rows := map[int64]Row{}
	for _, s := range account.Subscriptions {
		if s.Phase != state.AwaitingApproval {
			continue
		}
		rows[s.OpenedBy] = Row{
			Account: account.ID, Plan: s.Plan, Name: s.Name, Replaces: s.Replaces, ReplacesName: account.PlanName(s.Replaces),
			Wish: s.OpenedBy, Asked: s.OpenedAt, Operation: s.Operation,
		}
	}
	return rows
}

func (r Row) forAdmins() due.Row {
	return due.OfAdminItem(portal.AccountStream(r.Account), due.Approval, due.WaitingID(r.Account, r.Wish), r.Asked)
}

func (r Row) key() schema.Key { return schema.Approval(r.Asked, r.Account, r.Wish) }

type table interface {
	GetItem(context.Context, *dynamodb.GetItemInput, ...func(*dynamodb.Options)) (*dynamodb.GetItemOutput, error)
	Query(context.Context, *dynamodb.QueryInput, ...func(*dynamodb.Options)) (*dynamodb.QueryOutput, error)
}

// List reads the rows.
type List struct {
	db      table
	records string
}

// NewList returns the List in the records table of that name.
func NewList(db table, records string) *List { return &List{db: db, records: records} }

// Page is a page of rows.
type Page struct {
	Rows []Row
	// Next is the next page's cursor, "" if there is none.
	Next string
}

// Page returns at most limit rows, those that have waited longest first. The cursor is "" or a
// page's Next. Rows that come or go shift no page.
func (l *List) Page(ctx context.Context, cursor string, limit int) (Page, error) {
	all := schema.Approvals()
	in := &dynamodb.QueryInput{
		TableName: &l.records, ConsistentRead: aws.Bool(true), Limit: aws.Int32(int32(limit)),
		KeyConditionExpression: all.Condition(), ExpressionAttributeValues: all.Values(),
	}
	if cursor != "" {
		in.ExclusiveStartKey = schema.Key{PK: all.PK, SK: cursor}.Attributes()
	}
	out, err := l.db.Query(ctx, in)
	if err != nil {
		return Page{}, unavailable(fmt.Errorf("listing approvals: %w", err))
	}
	var page Page
	if err := attributevalue.UnmarshalListOfMaps(out.Items, &page.Rows); err != nil {
		return Page{}, fmt.Errorf("decoding approvals: %w", err)
	}
	if out.LastEvaluatedKey != nil {
		page.Next = schema.KeyOf(out.LastEvaluatedKey).SK
	}
	return page, nil
}

// Waits returns a row that still waits. ok is false if the person's request was answered, taken back or
// replaced.
func (l *List) Waits(ctx context.Context, asked time.Time, account portal.AccountID, wish int64) (row Row, ok bool, err error) {
	out, err := l.db.GetItem(ctx, &dynamodb.GetItemInput{
		TableName: &l.records, ConsistentRead: aws.Bool(true), Key: schema.Approval(asked, account, wish).Attributes(),
	})
	if err != nil {
		return Row{}, false, unavailable(fmt.Errorf("reading an approval: %w", err))
	}
	if len(out.Item) == 0 {
		return Row{}, false, nil
	}
	if err := attributevalue.UnmarshalMap(out.Item, &row); err != nil {
		return Row{}, false, fmt.Errorf("decoding an approval: %w", err)
	}
	return row, true, nil
}

func unavailable(err error) error {
	return &portal.Error{Code: portal.Unavailable, Message: "The requests that wait for approval could not be read right now. Try again in a moment.", Err: err}
}
