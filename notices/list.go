package notices

import (
	"context"
	"errors"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"github.com/gatehouse-portal/gatehouse/portal"
	"github.com/gatehouse-portal/gatehouse/records"
	"github.com/gatehouse-portal/gatehouse/schema"
)

// MaxListed is how many of an account's newest notices are listed.
const MaxListed = 100

// List returns an account's newest notices, newest first, without hidden ones.
func (d *Desk) List(ctx context.Context, account portal.AccountID) ([]Notice, error) {
	all, err := listed[Notice](ctx, d.Store, schema.Notices(account), "", last, MaxListed)
	if err != nil {
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

func (s *Store) notice(ctx context.Context, account portal.AccountID, id string) (n Notice, ok bool, err error) {
	ok, err = s.rows.Get(ctx, schema.Notice(account, id), &n)
	return n, ok, err
}

// Dismiss marks a notice as dismissed; it may be repeated. A notice that is not the account's is
// portal.NotFound.
func (d *Desk) Dismiss(ctx context.Context, account portal.AccountID, id string) (Notice, error) {
	err := d.rows.Transact(ctx, "dismissing a notice", records.Write{
		Key: schema.Notice(account, id), Update: "SET dismissed_at = :at",
		If:     "attribute_exists(pk) AND (attribute_not_exists(dismissed_at) OR dismissed_at = :never)",
		Values: map[string]types.AttributeValue{":at": schema.Time(d.Now().UTC()), ":never": schema.Time(time.Time{})},
	})
	if err != nil && !errors.Is(err, records.ErrRefused) {
		return Notice{}, err
	}
	n, ok, err := d.notice(ctx, account, id)
	if err == nil && (!ok || n.Hidden) {
		return Notice{}, errNoNotice()
	}
	return n, err
}
