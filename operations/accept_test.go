package operations_test

import (
	"context"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb"

	"github.com/gatehouse-portal/gatehouse/events"
	"github.com/gatehouse-portal/gatehouse/operations"
	"github.com/gatehouse-portal/gatehouse/portal"
	"github.com/gatehouse-portal/gatehouse/projections"
)

var (
	leaveFree, leavePlus = events.UnsubscribeRequested{Plan: "free"}, events.UnsubscribeRequested{Plan: "plus"}
	register             = events.RegisterUser{}
)

func TestARequestIsStoredBeforeItIsSent(t *testing.T) {
	t.Parallel()
	d := newFixture(t)
	var found operations.Operation
	d.outbox.on = func(msg events.Event) {
		var err error
		if found, err = d.Find(t.Context(), ann, msg.Operation); err != nil {
			t.Errorf("while it is handed on the operation is not there: %v", err)
		}
	}
	op := d.accepts(ask(ann, "", leaveFree))
	want := operations.Operation{
		ID: op.ID, Actor: portal.AccountActor(ann), Subject: portal.AccountStream(ann), Type: "UnsubscribeRequested", Plan: "free", CreatedAt: d.now,
		Progress: projections.Progress{Status: projections.Accepted, UpdatedAt: d.now},
	}
	same(t, "the operation", want, op)
	same(t, "the operation as it was found", want, found)
	sent, repeated := d.outbox.empty()
	same(t, "sent", []events.Event{{
		ID: string(op.ID), Source: "/test", Subject: portal.AccountStream(ann), Actor: portal.AccountActor(ann), Time: d.now,
		Operation: op.ID, Intent: 1, Correlation: "corr", Data: leaveFree,
	}}, sent)
	if len(repeated) > 0 || op.ID == "" {
		t.Errorf("operation %q was sent again: %v", op.ID, repeated)
	}
}

func TestWithoutAnIdempotencyKeyEveryRequestIsANewOperation(t *testing.T) {
	t.Parallel()
	d := newFixture(t)
	a, b := d.accepts(ask(ann, "", leaveFree)), d.accepts(ask(ann, "", leaveFree))
	if a.ID == b.ID {
		t.Error("two requests are one operation")
	}
}

// unanswered is a table that carries out transactions without answering.
type unanswered struct{ *dynamodb.Client }

func (u unanswered) TransactWriteItems(ctx context.Context, in *dynamodb.TransactWriteItemsInput, opts ...func(*dynamodb.Options)) (*dynamodb.TransactWriteItemsOutput, error) {
	if _, err := u.Client.TransactWriteItems(ctx, in, opts...); err != nil {
		return nil, err
	}
	return nil, errDown
}

// silentUpdates is a table that does not answer updates.
type silentUpdates struct{ *dynamodb.Client }

func (silentUpdates) UpdateItem(context.Context, *dynamodb.UpdateItemInput, ...func(*dynamodb.Options)) (*dynamodb.UpdateItemOutput, error) {
	return nil, errDown
}

func TestAClientIsToldThatNothingWasDoneOnlyIfThatIsCertain(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		key     string
		earlier bool // whether the request was accepted before
		trouble func(*fixture, *operations.Config)
		sure    bool
	}{
		"the queue does not answer":                      {"k", false, func(d *fixture, _ *operations.Config) { d.outbox.down = errDown }, false},
		"the queue does not answer a second time":        {"k", true, func(d *fixture, _ *operations.Config) { d.outbox.down = errDown }, false},
		"the row is written and its answer is lost":      {"k", false, func(d *fixture, cfg *operations.Config) { cfg.Tables = unanswered{d.tables.Client} }, false},
		"a first request's answer is lost":               {"", false, func(d *fixture, cfg *operations.Config) { cfg.Tables = unanswered{d.tables.Client} }, false},
		"no number can be drawn":                         {"", false, func(d *fixture, cfg *operations.Config) { cfg.Tables = silentUpdates{d.tables.Client} }, true},
		"no number can be drawn for one accepted before": {"k", true, func(d *fixture, cfg *operations.Config) { cfg.Tables = silentUpdates{d.tables.Client} }, false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			d := newFixture(t)
			if c.earlier {
				d.accepts(ask(ann, c.key, leaveFree))
				d.pass(time.Minute)
			}
			cfg := d.config()
			c.trouble(d, &cfg)
			var request events.Request = leaveFree
			if name == "a first request's answer is lost" {
				request = register
			}
			_, err := operations.New(cfg).Accept(t.Context(), ask(ann, c.key, request))
			refuses(t, err, portal.Unavailable)
			if text := portal.MessageOf(err); strings.Contains(text, "Nothing was done") != c.sure || strings.Contains(text, "not certain") == c.sure {
				t.Errorf("the client is told: %q", text)
			}
		})
	}
}

func TestARequestThatCannotBeSentIsUnavailableAndCanBeRepeated(t *testing.T) {
	t.Parallel()
	d := newFixture(t)
	d.outbox.down = errDown
	_, err := d.Accept(t.Context(), ask(ann, "k", leaveFree))
	refuses(t, err, portal.Unavailable)
	if text := portal.MessageOf(err); strings.Contains(text, "arn:") || text == "" {
		t.Errorf("the user reads %q", text)
	}
	d.outbox.down = nil
	d.pass(time.Hour)
	again := ask(ann, "k", leaveFree)
	again.Correlation = "another click"
	op := d.accepts(again)
	sent, repeated := d.outbox.empty()
	// It is sent with SendAgain and unchanged, since the first message may have arrived.
	first := d.now.Add(-time.Hour)
	same(t, "repeated", []events.Event{{
		ID: string(op.ID), Source: "/test", Subject: portal.AccountStream(ann), Actor: portal.AccountActor(ann), Time: first,
		Operation: op.ID, Intent: 1, Correlation: "corr", Data: leaveFree,
	}}, repeated)
	if len(sent) > 0 || !op.CreatedAt.Equal(first) {
		t.Errorf("the operation is of %v, and was sent as new: %v", op.CreatedAt, sent)
	}
}

func TestAnIdempotencyKeyIdentifiesOneRequestOfOneAccount(t *testing.T) {
	t.Parallel()
	d := newFixture(t)
	op := d.accepts(ask(ann, "k", leaveFree))
	if again := d.accepts(ask(ann, "k", leaveFree)); again.ID != op.ID {
		t.Errorf("sent again it is %s, was %s", again.ID, op.ID)
	}
	d.outbox.empty()
	for _, other := range []events.Request{leavePlus, events.RegisterUser{}, events.KeyReleaseRequested{Key: "free"}} {
		_, err := d.Accept(t.Context(), ask(ann, "k", other))
		refuses(t, err, portal.KeyReused)
	}
	if sent, repeated := d.outbox.empty(); len(sent)+len(repeated) > 0 {
		t.Errorf("a refused request was handed on: %v %v", sent, repeated)
	}
	if other := d.accepts(ask(ann, "k2", leaveFree)); other.ID == op.ID {
		t.Error("another key is the same operation")
	}
	if bobs := d.accepts(ask(bob, "k", leavePlus)); bobs.ID == op.ID {
		t.Error("another account's request under the same key is the same operation")
	}
}

func TestAKeyLongerThanTheLimitIsInvalid(t *testing.T) {
	t.Parallel()
	d := newFixture(t)
	d.accepts(ask(ann, strings.Repeat("k", operations.MaxIdempotencyKey), leaveFree))
	_, err := d.Accept(t.Context(), ask(ann, strings.Repeat("k", operations.MaxIdempotencyKey+1), leaveFree))
	refuses(t, err, portal.Invalid)
}

func TestARepeatedRequestIsNotSentOnceItsOperationHasEnded(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name    string
		fact    events.Fact
		want    projections.Status
		repeats int
	}{
		{"succeeded", events.RequestUnchanged{}, projections.Succeeded, 0},
		{"rejected", events.RequestRejected{Code: portal.Conflict, Message: "No."}, projections.Rejected, 0},
		{"failed, whose replay is the operator's", events.RequestFailed{}, projections.Failed, 0},
		{"joined and still open", events.RequestJoined{Plan: "free"}, projections.Running, 1},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			d := newFixture(t)
			op := d.accepts(ask(ann, "k", leaveFree))
			d.outbox.empty()
			d.happen(portal.AccountStream(ann), op.ID, c.fact)
			d.pass(time.Minute)
			again := d.accepts(ask(ann, "k", leaveFree))
			if again.ID != op.ID || again.Status != c.want || len(again.Steps) != 1 {
				t.Errorf("sent again it is %+v, want %s", again, c.want)
			}
			sent, repeated := d.outbox.empty()
			if len(sent) != 0 || len(repeated) != c.repeats {
				t.Errorf("sent %d, repeated %d times; want %d repetitions", len(sent), len(repeated), c.repeats)
			}
			found, err := d.Find(t.Context(), ann, op.ID)
			if err != nil {
				t.Fatal(err)
			}
			same(t, "the operation as it is found", again, found)
		})
	}
}

func TestTenClicksUnderOneKeyAreOneOperationWithOneIntent(t *testing.T) {
	t.Parallel()
	d := newFixture(t)
	const clicks = 10
	ids := make([]portal.OperationID, clicks)
	var group sync.WaitGroup
	for i := range clicks {
		group.Go(func() {
			op, err := d.Accept(t.Context(), ask(ann, "k", leaveFree))
			if err != nil {
				t.Error(err)
			}
			ids[i] = op.ID
		})
	}
	group.Wait()
	for _, id := range ids {
		if id != ids[0] {
			t.Errorf("one click is %s, another %s", id, ids[0])
		}
	}
	sent, repeated := d.outbox.empty()
	if len(sent) != 1 || len(repeated) > 1 {
		t.Errorf("sent %d times and repeated %d times, want one message, and one again at most", len(sent), len(repeated))
	}
}

type counted struct {
	*dynamodb.Client
	mu    sync.Mutex
	calls []string
}

func (c *counted) note(call string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.calls = append(c.calls, call)
}

func (c *counted) GetItem(ctx context.Context, in *dynamodb.GetItemInput, opts ...func(*dynamodb.Options)) (*dynamodb.GetItemOutput, error) {
	c.note("GetItem")
	return c.Client.GetItem(ctx, in, opts...)
}

func (c *counted) PutItem(ctx context.Context, in *dynamodb.PutItemInput, opts ...func(*dynamodb.Options)) (*dynamodb.PutItemOutput, error) {
	c.note("PutItem")
	return c.Client.PutItem(ctx, in, opts...)
}

func (c *counted) UpdateItem(ctx context.Context, in *dynamodb.UpdateItemInput, opts ...func(*dynamodb.Options)) (*dynamodb.UpdateItemOutput, error) {
	c.note("UpdateItem")
	return c.Client.UpdateItem(ctx, in, opts...)
}

func (c *counted) TransactWriteItems(ctx context.Context, in *dynamodb.TransactWriteItemsInput, opts ...func(*dynamodb.Options)) (*dynamodb.TransactWriteItemsOutput, error) {
	c.note("TransactWriteItems")
	return c.Client.TransactWriteItems(ctx, in, opts...)
}

func TestAcceptingTakesAFewWritesAndNoReads(t *testing.T) {
	t.Parallel()
	d := newFixture(t)
	tables := &counted{Client: d.tables.Client}
	cfg := d.config()
	cfg.Tables = tables
	costs := func(request events.Request, want ...string) {
		t.Helper()
		tables.calls = nil
		if _, err := operations.New(cfg).Accept(t.Context(), ask(ann, "", request)); portal.CodeOf(err) == portal.Unavailable {
			t.Fatal(err)
		}
		same(t, "requests", want, tables.calls)
	}
	for range operations.MaxChanges {
		costs(leaveFree, "UpdateItem", "TransactWriteItems")
	}
	costs(leaveFree, "UpdateItem")                                            // and is refused
	costs(register, "TransactWriteItems", "UpdateItem", "TransactWriteItems") // and is not the account's first
}

func TestAnAccountsFirstRequestsTakeOneWriteEach(t *testing.T) {
	t.Parallel()
	d := newFixture(t)
	tables := &counted{Client: d.tables.Client}
	cfg := d.config()
	cfg.Tables = tables
	here := operations.New(cfg)
	costs := func(name string, request events.Request, intent portal.Intent, want ...string) {
		t.Helper()
		tables.calls = nil
		if _, err := here.Accept(t.Context(), ask(ann, "", request)); err != nil {
			t.Fatal(err)
		}
		same(t, "requests of "+name, want, tables.calls)
		if sent, _ := d.outbox.empty(); len(sent) != 1 || sent[0].Intent != intent {
			t.Errorf("%s: sent %v, want one message with intent %d", name, sent, intent)
		}
	}
	costs("the registration", register, 1, "TransactWriteItems")
	costs("the next", leaveFree, 2, "TransactWriteItems")
	same(t, "the counters", int64(2), d.counters(ann)["intent"])
	d.accepts(ask(ann, "", leavePlus)) // in another process
	d.outbox.empty()
	costs("one after a request elsewhere", leaveFree, 4, "TransactWriteItems", "UpdateItem", "TransactWriteItems")
	costs("one after that", leaveFree, 5, "TransactWriteItems")
	d.pass(time.Minute)
	costs("one of a minute later", leaveFree, 6, "UpdateItem", "TransactWriteItems")
	for n := range operations.MaxGuesses {
		costs("one of many", register, portal.Intent(7+n), "TransactWriteItems")
	}
	costs("the last of many", register, 7+operations.MaxGuesses, "UpdateItem", "TransactWriteItems")
}

func TestARepeatedFirstRequestIsCountedAndAnsweredWithItsOperation(t *testing.T) {
	t.Parallel()
	d := newFixture(t)
	first := d.accepts(ask(ann, "k", register))
	for range 3 {
		d.restart()
		if again := d.accepts(ask(ann, "k", register)); again.ID != first.ID {
			t.Errorf("sent again it is %s, was %s", again.ID, first.ID)
		}
	}
	d.restart()
	_, err := d.Accept(t.Context(), ask(ann, "k", leaveFree))
	refuses(t, err, portal.KeyReused)
	for name, n := range d.counters(ann) {
		if strings.HasPrefix(name, "minute_") && n != 5 {
			t.Errorf("%d requests are counted, want all five", n)
		}
	}
}

func TestManyFirstRequestsAtOnceHaveANumberEach(t *testing.T) {
	t.Parallel()
	d := newFixture(t)
	const requests = 10
	var group sync.WaitGroup
	for range requests {
		group.Go(func() {
			if _, err := d.Accept(t.Context(), ask(ann, "", register)); err != nil {
				t.Error(err)
			}
		})
	}
	group.Wait()
	sent, _ := d.outbox.empty()
	numbers := map[portal.Intent]bool{}
	for _, msg := range sent {
		numbers[msg.Intent] = true
	}
	if len(sent) != requests || len(numbers) != requests || numbers[0] {
		t.Errorf("%d requests have the intents %v", len(sent), numbers)
	}
}

func TestAGuessedRequestKeepsTheLimits(t *testing.T) {
	t.Parallel()
	d := newFixture(t)
	d.now = d.now.Truncate(time.Minute)
	for range operations.MaxChanges {
		d.accepts(ask(ann, "", leaveFree))
	}
	_, err := d.Accept(t.Context(), ask(ann, "", leaveFree))
	refused(t, "a change too many", err, "plan changes")
	for range operations.MaxPerMinute - operations.MaxChanges {
		op := d.accepts(ask(ann, "", register))
		d.end(op)
	}
	_, err = d.Accept(t.Context(), ask(ann, "", register))
	refused(t, "a request too many", err, "requests in a minute")
}

func TestPollingAnOperationDoesNotReadItsRowAgain(t *testing.T) {
	t.Parallel()
	d := newFixture(t)
	looks := func(ops *operations.Operations, tables *counted, op portal.OperationID, want ...string) {
		t.Helper()
		tables.calls = nil
		for range 3 {
			if _, err := ops.Find(t.Context(), ann, op); err != nil {
				t.Fatal(err)
			}
			if _, err := ops.Find(t.Context(), bob, op); portal.CodeOf(err) != portal.NotFound {
				t.Errorf("somebody else reads it: %v", err)
			}
		}
		same(t, "requests", want, tables.calls)
	}
	process := func() (*operations.Operations, *counted) {
		tables := &counted{Client: d.tables.Client}
		cfg := d.config()
		cfg.Tables = tables
		return operations.New(cfg), tables
	}
	accepting, tables := process()
	op, err := accepting.Accept(t.Context(), ask(ann, "", register))
	if err != nil {
		t.Fatal(err)
	}
	looks(accepting, tables, op.ID)
	other, tables := process()
	looks(other, tables, op.ID, "GetItem")
}

func TestBeyondTheLimitAKeyThatWasNeverAcceptedIsRefused(t *testing.T) {
	t.Parallel()
	d, _ := mayHaveOpen(t, 1000)
	for range operations.MaxPerMinute {
		d.accepts(ask(ann, "", register))
	}
	_, err := d.Accept(t.Context(), ask(ann, "never accepted", register))
	refuses(t, err, portal.TooManyRequests)
}

// beaten lets another process write the row first.
type beaten struct {
	*dynamodb.Client
	meanwhile func()
}

func (b *beaten) TransactWriteItems(ctx context.Context, in *dynamodb.TransactWriteItemsInput, opts ...func(*dynamodb.Options)) (*dynamodb.TransactWriteItemsOutput, error) {
	b.meanwhile()
	return b.Client.TransactWriteItems(ctx, in, opts...)
}

func TestTheSlowerOfTwoEqualRequestsAnswersWithTheFasterOnesOperation(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name   string
		faster events.Request
		want   portal.Code
	}{
		{"the same request", leaveFree, ""},
		{"another request under the same key", leavePlus, portal.KeyReused},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			d := newFixture(t)
			cfg := d.config()
			cfg.Tables = &beaten{d.tables.Client, func() { d.accepts(ask(ann, "k", c.faster)) }}
			op, err := operations.New(cfg).Accept(t.Context(), ask(ann, "k", leaveFree))
			refuses(t, err, c.want)
			sent, repeated := d.outbox.empty()
			if len(sent) != 1 || sent[0].Data != c.faster {
				t.Fatalf("sent %v, want the faster one's request", sent)
			}
			if want := map[bool]int{true: 1}[err == nil]; len(repeated) != want {
				t.Errorf("repeated %v", repeated)
			}
			if err == nil && op.ID != sent[0].Operation {
				t.Errorf("the slower one is operation %s", op.ID)
			}
		})
	}
}

func TestIntentNumbersOfAnAccountRiseAndAreDrawnOnce(t *testing.T) {
	t.Parallel()
	d := newFixture(t)
	for range 3 {
		d.accepts(ask(ann, "", register))
		d.pass(time.Minute)
	}
	d.accepts(ask(bob, "", register))
	sent, _ := d.outbox.empty()
	for i, want := range []portal.Intent{1, 2, 3, 1} {
		if sent[i].Intent != want {
			t.Errorf("request %d of %s has intent %d, want %d", i+1, sent[i].Subject, sent[i].Intent, want)
		}
	}
	var group sync.WaitGroup
	for range 10 {
		group.Go(func() {
			if _, err := d.Accept(t.Context(), ask(ann, "", register)); err != nil {
				t.Error(err)
			}
		})
	}
	group.Wait()
	sent, _ = d.outbox.empty()
	drawn := map[portal.Intent]bool{}
	for _, msg := range sent {
		drawn[msg.Intent] = true
	}
	for want := portal.Intent(4); want <= 13; want++ {
		if !drawn[want] {
			t.Errorf("nobody drew %d: %v", want, drawn)
		}
	}
}

func TestTheRequestsOfAnAccountInAMinuteAreLimited(t *testing.T) {
	t.Parallel()
	d, _ := mayHaveOpen(t, 1000)
	kept := d.accepts(ask(ann, "k", register))
	var mu sync.Mutex
	var group sync.WaitGroup
	refused := 0
	for range 4 {
		group.Go(func() {
			for range operations.MaxPerMinute / 4 {
				_, err := d.Accept(t.Context(), ask(ann, "", register))
				mu.Lock()
				switch portal.CodeOf(err) {
				case "":
				case portal.TooManyRequests:
					refused++
				default:
					t.Error(err)
				}
				mu.Unlock()
			}
		})
	}
	group.Wait()
	if sent, _ := d.outbox.empty(); refused != 1 || len(sent) != operations.MaxPerMinute {
		t.Errorf("of %d requests %d were refused and %d handed on", operations.MaxPerMinute+1, refused, len(sent))
	}
	d.pass(29 * time.Second) // the same minute
	_, err := d.Accept(t.Context(), ask(ann, "", register))
	refuses(t, err, portal.TooManyRequests)
	d.accepts(ask(bob, "", register))
	if again := d.accepts(ask(ann, "k", register)); again.ID != kept.ID {
		t.Error("what was accepted before cannot be sent again")
	}
	// A process whose clock is a little behind counts in the same minute.
	d.pass(-time.Minute)
	_, err = d.Accept(t.Context(), ask(ann, "", register))
	refuses(t, err, portal.TooManyRequests)
	d.pass(time.Minute + time.Second)
	d.outbox.empty()
	d.accepts(ask(ann, "", register))
	if sent, _ := d.outbox.empty(); sent[0].Intent != operations.MaxPerMinute+1 {
		t.Errorf("in the next minute intents go on at %d", sent[0].Intent)
	}
}

func TestNothingIsAcceptedWithoutTheTables(t *testing.T) {
	t.Parallel()
	d := newFixture(t)
	cfg := d.config()
	cfg.Tables = dynamodb.NewFromConfig(d.tables.Config, func(o *dynamodb.Options) {
		o.RetryMaxAttempts = 1
		o.HTTPClient = unreachable{}
	})
	down := operations.New(cfg)
	for _, key := range []string{"", "k"} {
		_, err := down.Accept(t.Context(), ask(ann, key, leaveFree))
		refuses(t, err, portal.Unavailable)
	}
	if sent, repeated := d.outbox.empty(); len(sent)+len(repeated) > 0 {
		t.Errorf("handed on what was not written down: %v %v", sent, repeated)
	}
}

func TestAFailedReadSaysThatNothingCouldBeRead(t *testing.T) {
	t.Parallel()
	d := withKeys(t)
	cfg := d.config()
	cfg.Tables = dynamodb.NewFromConfig(d.tables.Config, func(o *dynamodb.Options) {
		o.RetryMaxAttempts = 1
		o.HTTPClient = unreachable{}
	})
	cfg.Reveals = forgetful{}
	down := operations.New(cfg)
	cfg.Values = &values{down: errDown}
	withoutKMS := operations.New(cfg)
	for name, c := range map[string]struct {
		read func() error
		says string
	}{
		"an account reads its operation":  {func() error { _, err := down.Find(t.Context(), ann, "op"); return err }, "The operation could not be read right now. Try again in a moment."},
		"an operator reads an operation":  {func() error { _, err := down.FindAny(t.Context(), "op"); return err }, "The operation could not be read right now. Try again in a moment."},
		"an account lists its operations": {func() error { _, err := down.Recent(t.Context(), ann, 5); return err }, "The operations could not be read right now. Try again in a moment."},
		"a reveal cannot be recorded":     {func() error { _, err := down.Reveal(t.Context(), who(ann, ""), "there"); return err }, "The key could not be revealed right now. Try again in a moment."},
		"a key's value cannot be derived": {func() error { _, err := withoutKMS.Reveal(t.Context(), who(ann, ""), "there"); return err }, "The key could not be revealed right now. Try again in a moment."},
		"a value to be sent":              {func() error { _, err := withoutKMS.ValueToSend(t.Context(), ann, "there"); return err }, "The key could not be used right now. Try again in a moment."},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			err := c.read()
			refuses(t, err, portal.Unavailable)
			if got := portal.MessageOf(err); got != c.says {
				t.Errorf("%q, want %q", got, c.says)
			}
		})
	}
}

type unreachable struct{}

func (unreachable) Do(*http.Request) (*http.Response, error) { return nil, errDown }

func TestAnotherAccountsOperationIsNotFoundLikeAnUnknownOne(t *testing.T) {
	t.Parallel()
	d := newFixture(t)
	op := d.accepts(ask(ann, "", leaveFree))
	_, foreign := d.Find(t.Context(), bob, op.ID)
	_, unknown := d.Find(t.Context(), bob, "unknown")
	refuses(t, foreign, portal.NotFound)
	refuses(t, unknown, portal.NotFound)
	if foreign.Error() != unknown.Error() {
		t.Errorf("a foreign one is %q, an unknown one %q", foreign, unknown)
	}
}
