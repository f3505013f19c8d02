package deadletters_test

import (
	"bytes"
	"context"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/google/go-cmp/cmp"

	"github.com/gatehouse-portal/gatehouse/deadletters"
	"github.com/gatehouse-portal/gatehouse/events"
	"github.com/gatehouse-portal/gatehouse/journal"
	"github.com/gatehouse-portal/gatehouse/portal"
)

func TestFailuresAreCountedFromTheFirst(t *testing.T) {
	t.Parallel()
	d := newFixture(t)
	for i := range 3 {
		count, first, err := d.Failed(t.Context(), "m1", opened.Add(time.Duration(i)*time.Minute))
		if err != nil || count != i+1 || !first.Equal(opened) {
			t.Errorf("failure %d: counted %d since %v, %v", i+1, count, first, err)
		}
	}
	rows := d.tables.Rows(t, d.tables.Records, "failure#m1")
	if len(rows) != 1 || rows[0]["expires_at"] == nil {
		t.Errorf("the count does not expire: %v", rows)
	}
}

func TestOneEventInTwoQueuesHasTwoCounts(t *testing.T) {
	t.Parallel()
	d := newFixture(t)
	later := opened.Add(time.Hour)
	for i := range 4 {
		if _, _, err := d.Failed(t.Context(), "projections/fact1", opened); err != nil {
			t.Fatal(i, err)
		}
	}
	if count, first, err := d.Failed(t.Context(), "usage/fact1", later); err != nil || count != 1 || !first.Equal(later) {
		t.Errorf("at the other consumer: counted %d since %v, %v", count, first, err)
	}
	letter := reportOf(t, register)
	letter.FailureKey = "usage/fact1"
	d.bury(letter)
	if count, _, err := d.Failed(t.Context(), "projections/fact1", later); err != nil || count != 5 {
		t.Errorf("burying it for one consumer left the other a count of %d, %v", count, err)
	}
}

func TestFailuresAtSeveralWorkersAtOnceAreAllCounted(t *testing.T) {
	t.Parallel()
	d := newFixture(t)
	const workers = 6
	counts := make([]int, workers)
	var group sync.WaitGroup
	for i := range workers {
		group.Go(func() { counts[i], _, _ = d.Failed(t.Context(), "m", opened) })
	}
	group.Wait()
	seen := map[int]bool{}
	for _, n := range counts {
		seen[n] = true
	}
	for n := 1; n <= workers; n++ {
		if !seen[n] {
			t.Errorf("nobody was told %d: %v", n, counts)
		}
	}
}

func TestABuriedRequestIsALetterAndHasFailed(t *testing.T) {
	t.Parallel()
	d := newFixture(t)
	report := reportOf(t, register)
	d.bury(report)
	report.FailureKey = ""
	if diff := cmp.Diff(deadletters.Letter{Report: report}, d.find(register.ID)); diff != "" {
		t.Errorf("the letter (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff([]events.Fact{events.RequestFailed{Class: "failed"}}, d.facts()); diff != "" {
		t.Errorf("facts (-want +got):\n%s", diff)
	}
	d.wantState(register.ID, deadletters.Open)
}

func TestBuryingAgainOverwritesTheLetterAndTellsAgain(t *testing.T) {
	t.Parallel()
	d := newFixture(t)
	letter := reportOf(t, register)
	d.bury(letter)
	letter.Attempts, letter.Error = 9, "it still did not work"
	d.bury(letter)
	if got := d.find(register.ID); got.Attempts != 9 || got.Error != letter.Error {
		t.Errorf("the letter is %+v", got)
	}
	if repeated := d.outbox.empty(); len(repeated) != 1 || len(d.facts()) != 1 {
		t.Errorf("repeated %v, and the stream holds %d facts", repeated, len(d.facts()))
	}
}

func TestBuryingForgetsTheFailures(t *testing.T) {
	t.Parallel()
	for name, letter := range map[string]deadletters.Report{
		"a request":   reportOf(t, register),
		"a row alone": {ID: "sqs-1", Body: []byte("?"), Class: "unreadable"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			d := newFixture(t)
			letter.FailureKey = "sqs-1"
			if _, _, err := d.Failed(t.Context(), letter.FailureKey, opened); err != nil {
				t.Fatal(err)
			}
			d.bury(letter)
			later := opened.Add(time.Hour)
			if count, first, err := d.Failed(t.Context(), letter.FailureKey, later); err != nil || count != 1 || !first.Equal(later) {
				t.Errorf("the next failure is number %d since %v, %v; want a new count", count, first, err)
			}
		})
	}
}

func TestBuryingIsPostponedWhileNobodyCanBeTold(t *testing.T) {
	t.Parallel()
	d := newFixture(t)
	d.outbox.down = errDown
	if err := d.Bury(t.Context(), reportOf(t, register)); !isPostponed(err) {
		t.Errorf("%v, want Postponed", err)
	}
	d.outbox.down = nil
	d.bury(reportOf(t, register))
	if repeated := d.outbox.empty(); len(repeated) != 1 || len(d.facts()) != 1 {
		t.Errorf("repeated %v, and the stream holds %d facts", repeated, len(d.facts()))
	}
}

// Every message must be kept: one that cannot be buried is redelivered for ever.
func TestThereIsNothingThatCannotBeBuried(t *testing.T) {
	t.Parallel()
	long := strings.Repeat("x", 3000)
	about := func(change func(*events.Event)) []byte {
		msg := register
		change(&msg)
		body, err := events.Encode(msg)
		if err != nil {
			t.Fatal(err)
		}
		return body
	}
	for name, letter := range map[string]deadletters.Report{
		"nothing":                         {ID: "m", Body: nil},
		"no JSON":                         {ID: "m", Body: []byte("<xml/>")},
		"no text":                         {ID: "m", Body: []byte("\xff\xfe\x00\x01")},
		"no id":                           {ID: "", Body: []byte("{}")},
		"an id longer than a key":         {ID: long, Body: []byte("{}")},
		"an id that is no text":           {ID: "m\xff", Body: []byte("{}")},
		"names longer than an item":       {ID: "m", Type: strings.Repeat(long, 100), Subject: portal.Stream(strings.Repeat(long, 100)), Operation: portal.OperationID(long), Error: long, Body: []byte("{}")},
		"names that are no text":          {ID: "m", Type: "a\xff", Subject: "b\xff", Body: []byte("{}")},
		"a failure key longer than a key": {ID: "m", FailureKey: long, Body: []byte("{}")},
		"a subject longer than a key":     {ID: "m", Body: about(func(e *events.Event) { e.Subject = portal.AccountStream(portal.AccountID(long)) })},
		"a fact larger than a message":    {ID: "m", Body: about(func(e *events.Event) { e.ID, e.Correlation = "m", strings.Repeat("c", events.MaxSize-400) })},
		"a request about no stream":       {ID: "m", Body: about(func(e *events.Event) { e.Subject = "licence/x" })},
		"a type that is unknown":          {ID: "m", Body: []byte(`{"specversion":"1.0","id":"m","subject":"account/acct1","type":"gatehouse.Unheard.v1","data":{}}`)},
		"as much as one row holds":        {ID: "m", Body: []byte(strings.Repeat("x", 200<<10))},
		"more than one row holds":         {ID: "m", Body: []byte(strings.Repeat("x", 200<<10+1))},
		"all that SQS takes":              {ID: "m", Body: []byte(strings.Repeat("\xff0123456", 1<<17))},
		"a large request about somebody":  {ID: "op-register", Body: []byte(strings.Replace(string(about(func(*events.Event) {})), `"data":{}`, `"data":{"x":"`+strings.Repeat("y", 900<<10)+`"}`, 1))},
		"a large request with a large id": {ID: long, Body: []byte(strings.Replace(string(about(func(*events.Event) {})), `"id":"op-register"`, `"id":"`+strings.Repeat("y", 900<<10)+`"`, 1))},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			d := newFixture(t)
			letter.Class = "unreadable"
			d.bury(letter)
			d.bury(letter) // a second delivery
			got := d.find(letter.ID)
			if !bytes.Equal(letter.Body, got.Body) {
				t.Errorf("of the body's %d bytes it holds %d, %.40q", len(letter.Body), len(got.Body), got.Body)
			}
			listed := 0
			err := d.Each(t.Context(), func(l deadletters.Letter) error {
				listed++
				got.Body = nil
				if diff := cmp.Diff(got, l); diff != "" {
					t.Errorf("listed (-whole +listed):\n%s", diff)
				}
				return nil
			})
			if err != nil || listed != 1 {
				t.Errorf("%d letters are listed, %v", listed, err)
			}
		})
	}
}

func TestALargeRequestFailsForWhoeverWaits(t *testing.T) {
	t.Parallel()
	d := newFixture(t)
	letter := reportOf(t, register)
	letter.Body = []byte(strings.Replace(string(letter.Body), `"data":{}`, `"data":{"x":"`+strings.Repeat("y", 900<<10)+`"}`, 1))
	d.bury(letter)
	if diff := cmp.Diff([]events.Fact{events.RequestFailed{Class: "failed"}}, d.facts()); diff != "" {
		t.Errorf("facts (-want +got):\n%s", diff)
	}
	if got := d.find(register.ID); !bytes.Equal(letter.Body, got.Body) {
		t.Errorf("%d bytes are kept, want %d", len(got.Body), len(letter.Body))
	}
}

func TestALetterIsKeptWhereItsStreamCannotBeRead(t *testing.T) {
	t.Parallel()
	d := newFixture(t)
	_, err := d.tables.Client.PutItem(t.Context(), &dynamodb.PutItemInput{TableName: aws.String(d.tables.Journal), Item: map[string]types.AttributeValue{
		"pk": &types.AttributeValueMemberS{Value: string(account)}, "sk": &types.AttributeValueMemberS{Value: "000000000001"},
		"event": &types.AttributeValueMemberS{Value: "not an event"},
	}})
	if err != nil {
		t.Fatal(err)
	}
	d.bury(reportOf(t, register))
	d.wantState(register.ID, deadletters.Open)
}

// torn loses the answer to every write that holds only rows.
type torn struct{ *journal.Journal }

func (t torn) Write(ctx context.Context, rows ...journal.Row) error {
	if err := t.Journal.Write(ctx, rows...); err != nil {
		return err
	}
	return portal.Postpone("the answer was lost", errDown)
}

func TestABurialWhoseAnswerWasLostIsRepeated(t *testing.T) {
	t.Parallel()
	d := newFixture(t)
	letter := deadletters.Report{ID: "m", Body: []byte(strings.Repeat("x", 1<<20)), Class: "unreadable"}
	d.Rows = torn{d.journal}
	if err := d.Bury(t.Context(), letter); !isPostponed(err) {
		t.Errorf("%v, want Postponed", err)
	}
	d.Rows = d.journal
	d.bury(letter)
	if got := d.find("m"); !bytes.Equal(letter.Body, got.Body) {
		t.Errorf("%d bytes are kept, want %d", len(got.Body), len(letter.Body))
	}
}

func TestALetterHasAnAddressThatBrowsersKeep(t *testing.T) {
	t.Parallel()
	d := newFixture(t)
	for _, id := range []string{".", "..", "a/../b"} {
		msg := register
		msg.ID = id
		d.bury(reportOf(t, msg))
		if got := d.find(id).ID; got == "." || got == ".." || id == "a/../b" && got != id {
			t.Errorf("the letter of %q is %q", id, got)
		}
	}
}
