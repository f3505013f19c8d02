package notices

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"github.com/gatehouse-portal/gatehouse/portal"
	"github.com/gatehouse-portal/gatehouse/records"
	"github.com/gatehouse-portal/gatehouse/schema"
)

// MaxTests is how many tests an account can have sent to its webhooks within TestsWithin.
const (
	MaxTests    = 5
	TestsWithin = time.Minute
)

// testsRow has the times of an account's last tests, oldest first. Version changes with every write.
type testsRow struct {
	At      []time.Time `dynamodbav:"at"`
	Version int64       `dynamodbav:"version"`
}

// countTest counts a test, or refuses it with TooManyRequests. All processes share the count: each write
// needs the version that it has read, so of two at once one reads again.
func (d *Desk) countTest(ctx context.Context, account portal.AccountID, now time.Time) error {
	for range MaxTests + 1 { // more than so many others cannot have counted one meanwhile
		var row testsRow
		found, err := d.rows.Get(ctx, schema.WebhookTests(account), &row)
		if err != nil {
			return err
		}
		lately := slices.DeleteFunc(row.At, func(at time.Time) bool { return now.Sub(at) >= TestsWithin })
		if len(lately) >= MaxTests {
			return tooManyTests(lately[len(lately)-MaxTests].Add(TestsWithin).Sub(now))
		}
		write := records.Write{Key: schema.WebhookTests(account), Put: testsRow{At: append(lately, now), Version: row.Version + 1}, Expires: now.Add(time.Hour), If: records.Missing}
		if found {
			write.If, write.Values = "version = :before", map[string]types.AttributeValue{":before": schema.Number(row.Version)}
		}
		err = d.rows.Transact(ctx, "counting a test of "+string(account), records.OfAPerson(account), write)
		if err == nil || !errors.Is(err, records.ErrRefused) {
			return err
		}
	}
	return tooManyTests(TestsWithin)
}

func tooManyTests(wait time.Duration) error {
	seconds := max(int((wait+time.Second-1)/time.Second), 1)
	unit := "seconds"
	if seconds == 1 {
		unit = "second"
	}
	refused := portal.Fail(portal.TooManyRequests, fmt.Sprintf("You have sent %d tests in a minute. You can send the next one in %d %s.", MaxTests, seconds, unit))
	refused.After = time.Duration(seconds) * time.Second
	return refused
}
