package jobs

import (
	"context"
	"strconv"
	"time"

	"github.com/gatehouse-portal/gatehouse/due"
	"github.com/gatehouse-portal/gatehouse/events"
	"github.com/gatehouse-portal/gatehouse/portal"
	"github.com/gatehouse-portal/gatehouse/state"
)

// serveKey sends what a row about a key asks for, until the fold shows that it is done or no longer
// applies. Each time the request has another id, so that no queue drops it.
func (d DueRows) serveKey(ctx context.Context, row found) (done bool, err error) {
	account, err := d.account(ctx, row)
	if err != nil {
		return false, err
	}
	if account.NotUnderstood != "" {
		return false, nil // newer workers know whether the row still applies
	}
	request, done := keyRequest(row.Row, account.Keys[row.Key], d.Now())
	if done || request == nil {
		return done, nil
	}
	message := portal.DeriveID(string(row.Kind), string(row.Stream), string(row.Key), row.From.UTC().String(), strconv.Itoa(row.Asked))
	err = d.Sender.Send(ctx, events.Event{
		ID: message, Source: "/gatehouse/jobs", Subject: row.Stream, Time: d.Now(), Correlation: message, Data: request,
	})
	return false, portal.Postpone("the queues do not answer", err)
}

func keyRequest(row due.Row, key state.Key, now time.Time) (request events.Request, done bool) {
	ends := row.KeyEnds()
	switch row.Kind {
	case due.KeyEnd:
		return events.KeyEndRequested{Key: row.Key, Due: &ends}, !key.Live() || !key.Ends.Equal(ends)
	case due.KeyEndSoon:
		return events.KeyEndNoticeRequested{Key: row.Key, Ends: ends, At: row.From},
			!key.Live() || !key.Ends.Equal(ends) || !key.Noticed.Before(row.From) || !now.Before(ends)
	}
	if key.Releasing != 0 {
		return nil, false
	}
	return events.KeyReleaseRequested{Key: row.Key, Ended: row.Ended}, key.Released || key.EndedBy != row.Ended
}
