// Package operations accepts requests: it writes down what was asked before it is
// handed on, so that an accepted request can be followed from the first moment and is
// never lost. It decides nothing that a message in flight could change.
package operations

import (
	"cmp"
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"sync"
	"time"

	"github.com/oklog/ulid/v2"

	"github.com/gatehouse-portal/gatehouse/events"
	"github.com/gatehouse-portal/gatehouse/portal"
	"github.com/gatehouse-portal/gatehouse/projections"
)

// MaxIdempotencyKey bounds the Idempotency-Key, characters.
const MaxIdempotencyKey = 255

// sender hands a request to its queue; what is sent twice under one id may be
// swallowed, what is repeated is not.
type sender interface {
	Send(ctx context.Context, messages ...events.Event) error
	Repeat(ctx context.Context, messages ...events.Event) error
}

// views are what acceptance reads: what is offered, what the account has, and what has
// become of an operation.
type views interface {
	Catalog(ctx context.Context) (projections.Catalog, error)
	LastCatalog() projections.Catalog
	Account(ctx context.Context, id portal.AccountID) (projections.Account, error)
	Progress(ctx context.Context, op portal.OperationID) (projections.Progress, error)
	Shown(ctx context.Context, stream portal.Stream) (int64, error)
}

// heads tell how long streams are.
type heads interface {
	Head(ctx context.Context, stream portal.Stream) (int64, error)
}

// reveals write down when keys are shown.
type reveals interface {
	Record(ctx context.Context, account portal.AccountID, key projections.Key, at time.Time, correlation string) error
}

// values derives key values, for their owners to see.
type values interface {
	Value(ctx context.Context, scheme, kmsKey string, account portal.AccountID, key portal.KeyID) (string, error)
}

// Operations accepts requests and finds them again.
type Operations struct {
	rows    rows
	sender  sender
	views   views
	heads   heads
	reveals reveals
	values  values
	now     func() time.Time
	source  string
	nudges  *nudges
	read    *readRows
}

// Config is what Operations are built from.
type Config struct {
	// Tables keeps the rows, in the table named Records.
	Tables  client
	Records string
	Sender  sender
	Views   views
	Heads   heads
	Reveals reveals
	Values  values
	// MaxOpen is how many requests an actor may have open; 0 is DefaultMaxOpen.
	MaxOpen int
	Now     func() time.Time
	// Source is written into the requests, e.g. "/gatehouse/api".
	Source string
}

// New returns Operations.
func New(cfg Config) *Operations {
	return &Operations{
		rows: rows{client: cfg.Tables, table: cfg.Records, maxOpen: cmp.Or(cfg.MaxOpen, DefaultMaxOpen)}, sender: cfg.Sender,
		views: cfg.Views, heads: cfg.Heads, reveals: cfg.Reveals, values: cfg.Values, now: cfg.Now, source: cfg.Source,
		nudges: newNudges(cfg.Now), read: newReadRows(),
	}
}

// Asked is a request as it comes in.
type Asked struct {
	// Actor asks; Subject is the stream that the request is about. They differ where an
	// admin acts on somebody's account.
	Actor   portal.Actor
	Subject portal.Stream
	// IdempotencyKey makes the same request, sent again, the same operation; "" makes
	// every request its own.
	IdempotencyKey string
	Request        events.Request
	// Wording is what the client said, where the request carries more than that: two
	// requests in the same words are the same. "" takes the request itself.
	Wording     string
	Correlation string
}

// Operation is what one accepted request set in motion.
type Operation struct {
	ID        portal.OperationID
	Actor     portal.Actor
	Subject   portal.Stream
	Type      string
	CreatedAt time.Time
	// Plan is the plan that it is about, "" if it is about none.
	Plan portal.PlanID
	projections.Progress
}

// Accept writes the operation down, hands the request to its queue and returns the
// operation, which can be read from then on.
//
// The same Idempotency-Key with the same request is the same operation: unless it has ended,
// it is handed on again the first time at once, then twice a minute at most. With another request it is
// KeyReused. More than MaxPerMinute requests of one actor in a minute, those sent again
// included, more than MaxChanges changes of plans in ChangesWithin, or one request more than
// an actor may have open are TooManyRequests, but for what was accepted before. Where the table or the queue does not
// answer it is Unavailable, and the message says whether the request may have been accepted
// all the same. The client may send it again, and need not: once the row is written, a due
// row hands the request on later.
func (o *Operations) Accept(ctx context.Context, asked Asked) (Operation, error) {
	return o.accept(ctx, asked, preparation{
		change: changesPlans(asked.Request),
		make:   func(context.Context) (events.Request, error) { return asked.Request, nil },
	})
}

// preparation makes a request, or says why there is none.
type preparation struct {
	make func(context.Context) (events.Request, error)
	// change says that the request changes plans.
	change bool
	// likely says that nothing will speak against the request. It is then counted, and gets its
	// intent number, while make reads what it needs; otherwise only afterwards.
	likely bool
}

// accept is Accept of the request that is made.
func (o *Operations) accept(ctx context.Context, asked Asked, prepare preparation) (Operation, error) {
	if len(asked.IdempotencyKey) > MaxIdempotencyKey {
		return Operation{}, portal.Fail(portal.Invalid, fmt.Sprintf("The Idempotency-Key is longer than %d characters.", MaxIdempotencyKey))
	}
	now := o.now().UTC().Round(0)
	row := operationRow{
		ID: o.newID(asked), Actor: asked.Actor, Subject: asked.Subject, Correlation: asked.Correlation, CreatedAt: now, HandedAt: now,
	}
	var intent portal.Intent
	var refused error
	var drawing sync.WaitGroup
	counted := row
	draw := portal.Guard(func() (err error) {
		intent, err = o.draw(ctx, counted, prepare.change)
		return err
	})
	if prepare.likely {
		drawing.Go(func() { refused = draw() })
	}
	request, err := prepare.make(ctx)
	drawing.Wait()
	if err != nil {
		if prepare.likely && refused == nil {
			o.rows.uncount(ctx, counted, prepare.change)
		}
		return Operation{}, err
	}
	if !prepare.likely {
		refused = draw()
	}
	body, err := json.Marshal(request)
	if err != nil {
		return Operation{}, fmt.Errorf("encoding a %s: %w", request.EventType(), err)
	}
	asked.Request = request
	row.Type, row.Body, row.Hash, row.Intent = request.EventType(), string(body), asked.hash(body), intent
	if refused != nil {
		return o.acceptedBefore(ctx, row, asked.IdempotencyKey, refused)
	}
	known, isNew, err := o.rows.insert(ctx, row)
	switch {
	case notWritten(err):
		return Operation{}, unavailable(err)
	case err != nil:
		// The row may be there, and then it is handed on. Sent again with the same
		// Idempotency-Key, it is handed on at once.
		return Operation{}, errors.Join(uncertain(err), o.rows.notHanded(ctx, row))
	}
	if !isNew {
		return o.again(ctx, row, known)
	}
	o.read.keep(row)
	if err := o.hand(ctx, row, o.sender.Send); err != nil {
		// Sent again with the same Idempotency-Key, it is handed on at once.
		return Operation{}, errors.Join(err, o.rows.notHanded(ctx, row))
	}
	return row.operation(projections.Progress{Status: projections.Accepted}), nil
}

// changesPlans says whether the request makes API Gateway change something, of which it
// can do little.
func changesPlans(request events.Request) bool {
	switch request.(type) {
	case events.SubscribeRequested, events.UnsubscribeRequested:
		return true
	}
	return false
}

// acceptedBefore answers a request that could be given no intent number. One that was
// accepted before needs none, however often it is sent again.
func (o *Operations) acceptedBefore(ctx context.Context, row operationRow, key string, cause error) (Operation, error) {
	switch {
	case key == "":
		return Operation{}, unavailable(cause)
	case portal.CodeOf(cause) != portal.TooManyRequests:
		return Operation{}, uncertain(cause)
	}
	known, found, err := o.rows.find(ctx, row.ID)
	switch {
	case err != nil:
		return Operation{}, uncertain(err)
	case !found:
		return Operation{}, cause
	}
	return o.again(ctx, row, known)
}

// handAgain is how long a request that is sent again and again is handed on but once. A time
// that lies further ahead than that was written by a clock that was wrong.
const handAgain = 30 * time.Second

// again answers a request that is known already.
func (o *Operations) again(ctx context.Context, asked, known operationRow) (Operation, error) {
	if asked.Hash != known.Hash {
		return Operation{}, portal.Fail(portal.KeyReused, "This Idempotency-Key was used for another request before. Use a new one.")
	}
	progress, err := o.views.Progress(ctx, known.ID)
	if err != nil {
		return Operation{}, err
	}
	// Whoever accepted it may have died before handing it on, so the first one who asks again
	// does that for certain.
	firstAgain := known.HandedAt.Equal(known.CreatedAt)
	if !progress.Status.Over() && (firstAgain || o.now().Sub(known.HandedAt).Abs() >= handAgain) {
		if err := o.handAgain(ctx, known); err != nil {
			return Operation{}, err
		}
	}
	return known.operation(progress), nil
}

// handAgain hands the request on, unless somebody else does so at this moment.
func (o *Operations) handAgain(ctx context.Context, row operationRow) error {
	now := o.now().UTC().Round(0)
	if now.Equal(row.CreatedAt) {
		now = now.Add(time.Nanosecond) // so that it is seen to have been handed on again
	}
	mine, err := o.rows.takeTurn(ctx, row, now)
	if err != nil {
		return uncertain(err)
	}
	if !mine {
		return nil
	}
	if err := o.hand(ctx, row, o.sender.Repeat); err != nil {
		// Sent again, it is handed on at once.
		return errors.Join(err, o.rows.notHanded(ctx, row))
	}
	return nil
}

// Resend hands an accepted request in again, if it has led to nothing that is shown yet.
// done says that it has, or that there is no such request. What was handled already is
// recognised by the worker.
func (o *Operations) Resend(ctx context.Context, id portal.OperationID) (done bool, err error) {
	row, found, err := o.rows.find(ctx, id)
	if err != nil {
		return false, portal.Postpone("the records do not answer", err)
	}
	if !found {
		return true, nil
	}
	progress, err := o.views.Progress(ctx, id)
	if err != nil {
		return false, portal.Postpone("the views do not answer", err)
	}
	if len(progress.Steps) > 0 {
		return true, nil
	}
	return false, portal.Postpone("the queues do not answer", o.hand(ctx, row, o.sender.Repeat))
}

func (o *Operations) hand(ctx context.Context, row operationRow, send func(context.Context, ...events.Event) error) error {
	request, err := events.DecodeRequest(row.Type, []byte(row.Body))
	if err != nil {
		return fmt.Errorf("reading operation %s: %w", row.ID, err)
	}
	err = send(ctx, events.Event{
		ID: string(row.ID), Source: o.source, Subject: row.Subject, Time: row.CreatedAt, Actor: row.Actor,
		Operation: row.ID, Intent: row.Intent, Correlation: row.Correlation, Data: request,
	})
	if err != nil {
		return uncertain(fmt.Errorf("publishing operation %s: %w", row.ID, err))
	}
	return nil
}

// Find reads an operation that the account has asked for. An unknown one and somebody
// else's are the same NotFound. If it seems not to move, because a message was lost, it is
// helped on: see nudge.
func (o *Operations) Find(ctx context.Context, account portal.AccountID, id portal.OperationID) (Operation, error) {
	operation, err := o.find(ctx, id, func(row operationRow) bool { return row.Actor == portal.AccountActor(account) })
	if err == nil {
		o.nudge(ctx, operation)
	}
	return operation, err
}

// Show reads any operation, for operators.
func (o *Operations) Show(ctx context.Context, id portal.OperationID) (Operation, error) {
	return o.find(ctx, id, func(operationRow) bool { return true })
}

func (o *Operations) find(ctx context.Context, id portal.OperationID, may func(operationRow) bool) (Operation, error) {
	var progress projections.Progress
	var unread error
	var reading sync.WaitGroup
	read := portal.Guard(func() (err error) {
		progress, err = o.views.Progress(ctx, id)
		return err
	})
	reading.Go(func() { unread = read() })
	row, found, err := o.row(ctx, id)
	reading.Wait()
	if err != nil {
		return Operation{}, unavailable(err)
	}
	if !found || !may(row) {
		return Operation{}, portal.Fail(portal.NotFound, "There is no such operation.")
	}
	return row.operation(progress), unread
}

// row is the operation's row, in which only HandedAt may be of the past.
func (o *Operations) row(ctx context.Context, id portal.OperationID) (operationRow, bool, error) {
	if row, ok := o.read.recall(id); ok {
		return row, true, nil
	}
	row, found, err := o.rows.find(ctx, id)
	if err == nil && found {
		o.read.keep(row)
	}
	return row, found, err
}

func (o *Operations) newID(asked Asked) portal.OperationID {
	if asked.IdempotencyKey != "" {
		return portal.OperationID(portal.DeriveID("operation", string(asked.Actor), asked.IdempotencyKey))
	}
	return portal.OperationID(strings.ToLower(ulid.MustNew(ulid.Timestamp(o.now()), rand.Reader).String()))
}

// RegistrationKey is the Idempotency-Key under which signing in asks for an account, so
// that however many browsers sign in at once ask but once.
func RegistrationKey(account portal.AccountID) string { return "register:" + string(account) }

// hash tells requests apart that come under one Idempotency-Key.
func (a Asked) hash(body []byte) string {
	if a.Wording != "" {
		body = []byte(a.Wording)
	}
	sum := sha256.Sum256(append([]byte(a.Request.EventType()+"\n"+string(a.Subject)+"\n"), body...))
	return hex.EncodeToString(sum[:])
}

// uncertain is the error of a request that may have been accepted: its row may be written,
// or its message sent, although no answer said so.
func uncertain(err error) error {
	return &portal.Error{
		Code: portal.Unavailable, Err: err,
		Message: "It is not certain that the request was accepted. Send it again in a moment; asking twice does no harm.",
	}
}

// unavailable is the error of a request that was certainly not accepted.
func unavailable(err error) error {
	if portal.CodeOf(err) != portal.Internal {
		return err
	}
	return &portal.Error{Code: portal.Unavailable, Message: "The request could not be accepted right now. Nothing was done; send it again in a moment.", Err: err}
}
