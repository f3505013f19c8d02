package administration_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"github.com/gatehouse-portal/gatehouse/administration"
	"github.com/gatehouse-portal/gatehouse/journal/journaltest"
	"github.com/gatehouse-portal/gatehouse/marketplace/metering"
	"github.com/gatehouse-portal/gatehouse/members"
	"github.com/gatehouse-portal/gatehouse/portal"
	"github.com/gatehouse-portal/gatehouse/schema"
)

// ledger has refused records of licences. down is the error of reading them.
type ledger struct {
	refused map[portal.Stream][]metering.RefusedRecord
	resent  []portal.Stream
	down    error
}

func (l *ledger) RefusedRecords(_ context.Context, licence portal.Stream) ([]metering.RefusedRecord, error) {
	return l.refused[licence], l.down
}

func (l *ledger) Resend(_ context.Context, records []metering.RefusedRecord) ([]metering.RefusedRecord, error) {
	for _, r := range records {
		l.resent = append(l.resent, r.Licence)
		delete(l.refused, r.Licence)
	}
	return records, nil
}

func TestOrdersToResendUsageAreCarriedOutOnce(t *testing.T) {
	t.Parallel()
	tables, now := journaltest.Start(t), opened
	clock := func() time.Time { return now }
	people := members.NewStore(tables.Client, tables.Records, clock)
	orders := administration.NewResendOrders(tables.Client, tables.Records, people, clock)
	meter := &ledger{refused: map[portal.Stream][]metering.RefusedRecord{
		"licence/l-1": {{Record: metering.Record{Licence: "licence/l-1"}}}, "licence/l-2": {{Record: metering.Record{Licence: "licence/l-2"}}},
	}}
	job := administration.ResendJob{Orders: orders, Meter: meter, Now: clock}
	for _, licence := range []portal.Stream{"licence/l-1", "licence/l-1", "licence/l-2"} {
		if _, err := orders.Place(t.Context(), licence, "root", 1); err != nil {
			t.Fatal(err)
		}
	}
	if waiting, err := orders.Waiting(t.Context(), 10); err != nil || len(waiting) != 3 {
		t.Fatalf("%v wait, %v", waiting, err)
	}
	meter.down = &portal.Postponed{After: time.Second, Reason: "the usage table does not answer"}
	if _, err := job.Step(t.Context(), ""); err == nil {
		t.Error("an order whose licence cannot be read is given up at once")
	}
	meter.down = nil
	for cursor := "more"; cursor != ""; {
		next, err := job.Step(t.Context(), cursor)
		if err != nil {
			t.Fatal(err)
		}
		cursor = next
	}
	if len(meter.resent) != 2 {
		t.Errorf("resent are %v", meter.resent)
	}
	entries, _, err := people.Audit(t.Context(), members.AuditFilter{What: members.AuditUsageResent}, "", 10)
	if err != nil || len(entries) != 3 || entries[0].Admin != "root" || entries[0].Choice == "" || entries[0].Count != 1 {
		t.Errorf("the audit has %+v, %v", entries, err)
	}
}

// A newer version may have written a row that this one cannot read.
func TestAnOrderThatCannotBeReadDoesNotBlockTheOthers(t *testing.T) {
	t.Parallel()
	tables, clock := journaltest.Start(t), func() time.Time { return opened }
	orders := administration.NewResendOrders(tables.Client, tables.Records, members.NewStore(tables.Client, tables.Records, clock), clock)
	unreadable := schema.ResendOrder("000000000000001-other").Attributes()
	unreadable["at"] = &types.AttributeValueMemberSS{Value: []string{"yesterday", "today"}}
	if _, err := tables.Client.PutItem(t.Context(), &dynamodb.PutItemInput{TableName: &tables.Records, Item: unreadable}); err != nil {
		t.Fatal(err)
	}
	if _, err := orders.Place(t.Context(), "licence/l-1", "root", 1); err != nil {
		t.Fatal(err)
	}
	if waiting, err := orders.Waiting(t.Context(), 1); err != nil || len(waiting) != 1 || waiting[0].Licence != "licence/l-1" {
		t.Errorf("%v wait, %v", waiting, err)
	}
}

func TestAnOrderWhoseLicenceCannotBeReadIsGivenUpAfterHalfAnHourOfTries(t *testing.T) {
	t.Parallel()
	tables, now := journaltest.Start(t), opened
	clock := func() time.Time { return now }
	orders := administration.NewResendOrders(tables.Client, tables.Records, members.NewStore(tables.Client, tables.Records, clock), clock)
	job := administration.ResendJob{Orders: orders, Meter: &ledger{down: errors.New("a fact cannot be read")}, Now: clock}
	if _, err := orders.Place(t.Context(), "licence/l-1", "root", 1); err != nil {
		t.Fatal(err)
	}
	now = now.Add(time.Hour) // no worker runs
	if _, err := job.Step(t.Context(), ""); err == nil {
		t.Error("it is given up at once")
	}
	now = now.Add(29 * time.Minute)
	if _, err := job.Step(t.Context(), ""); err == nil {
		t.Error("it is given up before half an hour of tries")
	}
	now = now.Add(2 * time.Minute)
	if next, err := job.Step(t.Context(), ""); err != nil || next == "" {
		t.Errorf("%q, %v", next, err)
	}
	if waiting, err := orders.Waiting(t.Context(), 10); err != nil || len(waiting) != 0 {
		t.Errorf("%v wait, %v", waiting, err)
	}
}
