package notices

import (
	"context"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"

	"github.com/gatehouse-portal/gatehouse/due"
	"github.com/gatehouse-portal/gatehouse/events"
	"github.com/gatehouse-portal/gatehouse/portal"
)

const day24 = 24 * time.Hour

// leads are how long before a key's end its owner is reminded: the first for which at least a day is
// left.
func leads() []time.Duration { return []time.Duration{7 * day24, day24} }

// reminderOf is the due row of the reminder that a fact about a key's end asks for.
func reminderOf(fact events.Event, now time.Time) (row due.Row, ok bool) {
	var key portal.KeyID
	var ends *time.Time
	switch f := fact.Data.(type) {
	case events.KeyEndScheduled:
		key, ends = f.Key, f.Ends
	case events.KeyWanted:
		key, ends = f.Key, f.Ends
	}
	if ends == nil {
		return due.Row{}, false
	}
	for _, lead := range leads() {
		if at := ends.Add(-lead); at.Sub(now) >= day24 {
			return due.OfReminder(fact.Subject, key, at), true
		}
	}
	return due.Row{}, false
}

// plan writes the due row of a reminder. Writing it again changes nothing.
func (s *Store) plan(ctx context.Context, row due.Row) error {
	write, err := item(row.Place(), row, time.Time{})
	if err != nil {
		return err
	}
	_, err = s.client.PutItem(ctx, &dynamodb.PutItemInput{TableName: aws.String(s.records), Item: write})
	return outcome("planning a reminder", err)
}

// remind tells the owner of a key that it ends soon, unless its end has moved or it has ended.
func (n *Notifier) remind(ctx context.Context, account portal.AccountID, row due.Row) error {
	history, err := n.Accounts.Account(ctx, account)
	if err != nil {
		return err
	}
	key, at := history.Account.Keys[row.Key], row.From
	left := key.Ends.Sub(at)
	if key.Ends.IsZero() || !key.Live() || left != leads()[0] && left != leads()[1] || !n.Now().Before(key.Ends) || history.Account.Standing.Leaving() {
		return nil
	}
	fact := events.KeyEndScheduled{Key: row.Key, Ends: &key.Ends, Reason: key.EndsFor}
	notice, ok := keyEnding(about{account: history.Account}, fact)
	if !ok {
		return nil
	}
	notice.ID, notice.Kind, notice.At = noticeID(at, 0, "reminder", string(account), string(row.Key), key.Ends.UTC().String()), KeyEnding, at.UTC()
	return n.Tell(ctx, account, notice)
}
