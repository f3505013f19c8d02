package operations_test

import (
	"context"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"github.com/gatehouse-portal/gatehouse/events"
	"github.com/gatehouse-portal/gatehouse/operations"
	"github.com/gatehouse-portal/gatehouse/portal"
	"github.com/gatehouse-portal/gatehouse/projections"
)

func TestARequestThatIsRepeatedManyTimesIsNeverRefusedAndIsSentTwiceAMinute(t *testing.T) {
	t.Parallel()
	d := newFixture(t)
	d.publish(free)
	var first portal.OperationID
	for range 600 {
		op, err := d.Subscribe(t.Context(), who(ann, "same"), "free")
		if err != nil {
			t.Fatal(err)
		}
		if first == "" {
			first = op.ID
		}
		if op.ID != first {
			t.Fatalf("it is %s, was %s", op.ID, first)
		}
		d.pass(time.Minute / 600)
	}
	sent, repeated := d.outbox.empty()
	if len(sent) != 1 || len(repeated) != 2 {
		t.Errorf("within a minute it was sent %d times and repeated %d times, want once, and at once and after half a minute", len(sent), len(repeated))
	}
}

// The portal that accepted the request may have been killed before it sent it.
func TestTheFirstRepetitionOfARequestIsSentAtOnce(t *testing.T) {
	t.Parallel()
	d := newFixture(t)
	cfg := d.config()
	cfg.Sender = killed{}
	func() {
		defer func() { _ = recover() }()
		_, _ = operations.New(cfg).Accept(t.Context(), ask(ann, "k", register))
	}()
	d.accepts(ask(ann, "k", register))
	sent, repeated := d.outbox.empty()
	if len(sent) != 0 || len(repeated) != 1 || repeated[0].Data != (events.RegisterUser{}) {
		t.Errorf("sent %v, repeated %v; want the request", sent, repeated)
	}
}

type killed struct{}

func (killed) Send(context.Context, ...events.Event) error { panic("killed") }

func (killed) SendAgain(context.Context, ...events.Event) error { panic("killed") }

func TestConcurrentRepetitionsOfARequestAreSentOnce(t *testing.T) {
	t.Parallel()
	d := newFixture(t)
	first := d.accepts(ask(ann, "k", register))
	d.outbox.empty()
	d.pass(31 * time.Second)
	var group sync.WaitGroup
	for range 10 {
		group.Go(func() {
			if op, err := d.Accept(t.Context(), ask(ann, "k", register)); err != nil || op.ID != first.ID {
				t.Errorf("it is %s, %v", op.ID, err)
			}
		})
	}
	group.Wait()
	if sent, repeated := d.outbox.empty(); len(sent) != 0 || len(repeated) != 1 {
		t.Errorf("sent %d times, repeated %d times; want one repetition", len(sent), len(repeated))
	}
}

func TestARepetitionAfterAFailedSendIsSentAtOnce(t *testing.T) {
	t.Parallel()
	d := newFixture(t)
	fails := func() {
		t.Helper()
		d.outbox.down = errDown
		_, err := d.Accept(t.Context(), ask(ann, "k", leaveFree))
		refuses(t, err, portal.Unavailable)
		d.outbox.down = nil
	}
	succeeds := func() {
		t.Helper()
		d.accepts(ask(ann, "k", leaveFree))
		if sent, repeated := d.outbox.empty(); len(sent) != 0 || len(repeated) != 1 || repeated[0].Intent != 1 {
			t.Errorf("sent %v, repeated %v; want the request once more", sent, repeated)
		}
	}
	fails()
	succeeds()
	d.pass(time.Minute)
	fails()
	fails()
	succeeds()
	d.accepts(ask(ann, "k", leaveFree))
	if sent, repeated := d.outbox.empty(); len(sent)+len(repeated) > 0 {
		t.Errorf("after that it was handed on again: %v %v", sent, repeated)
	}
}

// The clock of the process that sent it may have been an hour ahead.
func TestARequestWhoseLastSendLiesInTheFutureIsSentAgain(t *testing.T) {
	t.Parallel()
	d := newFixture(t)
	d.pass(time.Hour)
	d.accepts(ask(ann, "k", register))
	d.pass(-time.Hour)
	d.outbox.empty()
	for range 2 {
		d.accepts(ask(ann, "k", register))
	}
	if sent, repeated := d.outbox.empty(); len(sent) != 0 || len(repeated) != 1 {
		t.Errorf("sent %d times, repeated %d times; want one repetition", len(sent), len(repeated))
	}
	d.pass(-5 * time.Second) // clocks may lie so far apart
	d.accepts(ask(ann, "k", register))
	if sent, repeated := d.outbox.empty(); len(sent)+len(repeated) != 0 {
		t.Errorf("sent %d times, repeated %d times by a clock that is a little behind", len(sent), len(repeated))
	}
}

// colliding cancels a number of transactions, as if other processes wrote the same rows.
type colliding struct {
	*dynamodb.Client
	times int
	code  string
}

func (c *colliding) TransactWriteItems(ctx context.Context, in *dynamodb.TransactWriteItemsInput, opts ...func(*dynamodb.Options)) (*dynamodb.TransactWriteItemsOutput, error) {
	if c.times--; c.times >= 0 {
		reasons := make([]types.CancellationReason, len(in.TransactItems))
		reasons[0].Code = aws.String(c.code)
		return nil, &types.TransactionCanceledException{CancellationReasons: reasons}
	}
	return c.Client.TransactWriteItems(ctx, in, opts...)
}

func TestInsertRetriesAfterACollision(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		times   int
		code    string
		earlier bool // whether the same request is there already
		want    portal.Code
	}{
		"twice":                       {2, "TransactionConflict", false, ""},
		"twice, with the same one":    {2, "TransactionConflict", true, ""},
		"for ever":                    {1000, "TransactionConflict", false, portal.Unavailable},
		"not at all: it is throttled": {1, "ThrottlingError", false, portal.Unavailable},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			d := newFixture(t)
			var first operations.Operation
			if c.earlier {
				first = d.accepts(ask(ann, "k", leaveFree))
				d.outbox.empty()
			}
			cfg := d.config()
			cfg.Tables = &colliding{d.tables.Client, c.times, c.code}
			op, err := operations.New(cfg).Accept(t.Context(), ask(ann, "k", leaveFree))
			refuses(t, err, c.want)
			if c.earlier && op.ID != first.ID {
				t.Errorf("it is %s, want %s", op.ID, first.ID)
			}
			want := 1
			if c.earlier || c.want != "" {
				want = 0
			}
			again := 0
			if c.earlier {
				again = 1
			}
			if sent, repeated := d.outbox.empty(); len(sent) != want || len(repeated) != again {
				t.Errorf("sent %v, repeated %v; want %d messages and %d again", sent, repeated, want, again)
			}
		})
	}
}

func TestARequestIsResentUntilAStepOfItIsShown(t *testing.T) {
	t.Parallel()
	d := newFixture(t)
	op := d.accepts(ask(ann, "", leaveFree))
	sent, _ := d.outbox.empty()
	resend := func(id portal.OperationID) bool {
		t.Helper()
		done, err := d.Republish(t.Context(), id)
		if err != nil {
			t.Fatal(err)
		}
		return done
	}
	if resend(op.ID) {
		t.Error("nothing is shown of it, and it is done")
	}
	_, repeated := d.outbox.empty()
	same(t, "repeated", sent, repeated)

	d.outbox.down = errDown
	if done, err := d.Republish(t.Context(), op.ID); done || !isPostponed(err) {
		t.Errorf("while the queue does not answer: done %t, %v; want Postponed", done, err)
	}
	d.outbox.down = nil
	if !resend("unknown") {
		t.Error("one that nobody knows is not done")
	}
	d.happen(portal.AccountStream(ann), op.ID, events.RequestUnchanged{})
	if !resend(op.ID) {
		t.Error("something of it is shown, and it is not done")
	}
	if sent, repeated := d.outbox.empty(); len(sent)+len(repeated) > 0 {
		t.Errorf("handed on %v %v", sent, repeated)
	}
}

// A wish may be open for days. It has a due row of its own.
func TestARequestIsNotResentOnceItHasLedToAWish(t *testing.T) {
	t.Parallel()
	for name, facts := range map[string][]events.Fact{
		"the wish is open": {events.SubscriptionEnding{Plan: "free"}},
		"the wish is parked": {
			events.SubscriptionEnding{Plan: "free"}, events.WishParked{Link: events.Link{Wish: 1}, Reason: events.WaitingForAWS},
		},
		"the dead letters have it": {events.RequestFailed{Class: "failed"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			d := newFixture(t)
			op := d.accepts(ask(ann, "", leaveFree))
			d.outbox.empty()
			d.happen(portal.AccountStream(ann), op.ID, facts...)
			if done, err := d.Republish(t.Context(), op.ID); !done || err != nil {
				t.Errorf("done %t, %v; want done", done, err)
			}
			if sent, repeated := d.outbox.empty(); len(sent)+len(repeated) > 0 {
				t.Errorf("handed on %v %v", sent, repeated)
			}
		})
	}
}

func TestResendingIsPostponedWithoutTheTables(t *testing.T) {
	t.Parallel()
	d := newFixture(t)
	op := d.accepts(ask(ann, "", leaveFree))
	records, views := d.config(), d.config()
	records.Records = "not-there"
	views.Views = projections.NewViews(d.tables.Client, projections.Tables{Views: "not-there", Records: d.tables.Records}, d.documents)
	for name, cfg := range map[string]operations.Config{"records": records, "views": views} {
		if done, err := operations.New(cfg).Republish(t.Context(), op.ID); done || !isPostponed(err) {
			t.Errorf("without the %s: done %t, %v; want Postponed", name, done, err)
		}
	}
}

// answerless loses the answers to transactions, or the transactions themselves.
type answerless struct {
	*dynamodb.Client
	written bool
}

func (c answerless) TransactWriteItems(ctx context.Context, in *dynamodb.TransactWriteItemsInput, opts ...func(*dynamodb.Options)) (*dynamodb.TransactWriteItemsOutput, error) {
	if c.written {
		if _, err := c.Client.TransactWriteItems(ctx, in, opts...); err != nil {
			return nil, err
		}
	}
	return nil, errDown
}

func TestARequestWhoseWriteGoesUnansweredIsUncertain(t *testing.T) {
	t.Parallel()
	for name, written := range map[string]bool{"it was written": true, "it was not written": false} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			d := newFixture(t)
			cfg := d.config()
			cfg.Tables = answerless{d.tables.Client, written}
			_, err := operations.New(cfg).Accept(t.Context(), ask(ann, "k", leaveFree))
			refuses(t, err, portal.Unavailable)
			if text := portal.MessageOf(err); !strings.Contains(text, "not certain") || strings.Contains(text, "Nothing was done") {
				t.Errorf("the user reads %q", text)
			}
			if sent, repeated := d.outbox.empty(); len(sent)+len(repeated) > 0 {
				t.Errorf("handed on %v %v", sent, repeated)
			}
			recent, err := d.Recent(t.Context(), ann, 10)
			if want := map[bool]int{true: 1}[written]; err != nil || len(recent) != want {
				t.Fatalf("%d operations are listed, %v; want %d", len(recent), err, want)
			}
			// A repetition tells what happened, and is sent at once.
			op := d.accepts(ask(ann, "k", leaveFree))
			if written && op.ID != recent[0].ID {
				t.Errorf("sent again it is %s, was %s", op.ID, recent[0].ID)
			}
			if sent, repeated := d.outbox.empty(); len(sent)+len(repeated) != 1 {
				t.Errorf("sent again it is handed on as %v %v, want once", sent, repeated)
			}
		})
	}
}

func TestARequestWhoseWriteIsCanceledWasNotAccepted(t *testing.T) {
	t.Parallel()
	d := newFixture(t)
	cfg := d.config()
	cfg.Tables = &colliding{d.tables.Client, 1000, "TransactionConflict"}
	_, err := operations.New(cfg).Accept(t.Context(), ask(ann, "k", leaveFree))
	if text := portal.MessageOf(err); !strings.Contains(text, "Nothing was done") {
		t.Errorf("the user reads %q", text)
	}
}
