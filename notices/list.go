package notices

import (
	"context"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"github.com/gatehouse-portal/gatehouse/portal"
	"github.com/gatehouse-portal/gatehouse/schema"
)

// MaxListed is how many of an account's newest notices are listed.
const MaxListed = 100

// List returns an account's newest notices, newest first, without hidden ones.
func (d *Desk) List(ctx context.Context, account portal.AccountID) ([]Notice, error) {
	var all []Notice
	if err := d.list(ctx, schema.Notices(account), "", last, MaxListed, decodeInto(&all)); err != nil {
		return nil, err
	}
	markOver(all, d.Now())
	shown := all[:0]
	for _, n := range all {
		if !n.Hidden {
			shown = append(shown, n)
		}
	}
	return shown, nil
}

// notice returns a notice of the account; ok is false if there is none.
func (s *Store) notice(ctx context.Context, account portal.AccountID, id string) (n Notice, ok bool, err error) {
	ok, err = s.get(ctx, schema.Notice(account, id), &n)
	return n, ok, err
}

// Dismiss marks a notice as dismissed. Dismissing again changes nothing. A notice that the account
// does not have is portal.NotFound.
func (d *Desk) Dismiss(ctx context.Context, account portal.AccountID, id string) (Notice, error) {
	s, at := d.Store, d.Now().UTC()
	_, err := s.client.UpdateItem(ctx, &dynamodb.UpdateItemInput{
		TableName: &s.records, Key: schema.Notice(account, id).Attributes(),
		UpdateExpression:          aws.String("SET dismissed_at = :at"),
		ConditionExpression:       aws.String("attribute_exists(pk) AND (attribute_not_exists(dismissed_at) OR dismissed_at = :never)"),
		ExpressionAttributeValues: map[string]types.AttributeValue{":at": schema.Time(at), ":never": schema.Time(time.Time{})},
	})
	if err = outcome("dismissing a notice", err); err != nil && err != errChanged { //nolint:errorlint // outcome returns it as it is
		return Notice{}, err
	}
	n, ok, err := s.notice(ctx, account, id)
	if err == nil && (!ok || n.Hidden) {
		return Notice{}, portal.Fail(portal.NotFound, "There is no such notice.")
	}
	return n, err
}

// MailOf returns the delivery of a notice by e-mail; portal.NotFound if it did not go out by e-mail.
func (d *Desk) MailOf(ctx context.Context, account portal.AccountID, notice string) (Delivery, error) {
	delivery, ok, err := d.delivery(ctx, account, ChannelMail, notice)
	if err == nil && !ok {
		err = portal.Fail(portal.NotFound, "This notice did not go out by e-mail.")
	}
	return delivery, err
}
