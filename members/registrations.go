package members

import (
	"context"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"github.com/gatehouse-portal/gatehouse/portal"
	"github.com/gatehouse-portal/gatehouse/records"
	"github.com/gatehouse-portal/gatehouse/schema"
)

// PendingRegistration is an account that an admin must approve. The decision writes and deletes
// the row.
type PendingRegistration struct {
	Account portal.AccountID `dynamodbav:"-"`
	AskedAt time.Time        `dynamodbav:"asked_at"`
	// Wish is the fact that opened the wish for the account, 0 in rows of older versions.
	Wish int64 `dynamodbav:"wish"`
}

// PendingRegistrations lists at most limit accounts that an admin must approve, by id. Pages are as
// for Audit.
func (s *Store) PendingRegistrations(ctx context.Context, after string, limit int) (page []PendingRegistration, next string, err error) {
	err = s.rows.Each(ctx, schema.PendingRegistrations(), records.Select{Before: after, Limit: limit + 1, OldestFirst: true}, func(key schema.Key, row map[string]types.AttributeValue) (bool, error) {
		if len(page) == limit {
			next = string(page[limit-1].Account)
			return false, nil
		}
		before := len(page)
		if records.DecodeReadable(ctx, key, row, &page); len(page) > before {
			page[before].Account = portal.AccountID(key.SK)
		}
		return true, nil
	})
	return page, next, err
}

// PendingRegistration returns the registration of an account if it waits for an admin.
func (s *Store) PendingRegistration(ctx context.Context, account portal.AccountID) (waiting PendingRegistration, ok bool, err error) {
	ok, err = s.rows.Get(ctx, schema.PendingRegistration(account), &waiting)
	waiting.Account = account
	return waiting, ok, err
}
