// Package operations accepts requests. It stores a request before it sends it to its queue, so an
// accepted request can be followed at once and is never lost. It decides nothing that a message in
// flight could change; workers decide that.
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

// MaxIdempotencyKey is how many bytes an Idempotency-Key may have.
const MaxIdempotencyKey = 255

// sender sends requests to their queues. SQS may drop a message that Send sends a second time
// under the same id. It never drops one that Repeat sends.
type sender interface {
	Send(ctx context.Context, messages ...events.Event) error
	Repeat(ctx context.Context, messages ...events.Event) error
}

// views are what acceptance reads: the catalog, accounts, and the progress of operations.
type views interface {
	Catalog(ctx context.Context) (projections.Catalog, error)
	LastCatalog() projections.Catalog
	Account(ctx context.Context, id portal.AccountID) (projections.Account, error)
	Progress(ctx context.Context, op portal.OperationID) (projections.Progress, error)
	Shown(ctx context.Context, stream portal.Stream) (int64, error)
}

// heads returns the last sequence numbers of streams.
type heads interface {
	Head(ctx context.Context, stream portal.Stream) (int64, error)
}

// reveals records when keys are shown.
type reveals interface {
	Record(ctx context.Context, account portal.AccountID, key projections.Key, at time.Time, correlation string) error
}

// values derives key values.
type values interface {
	Value(ctx context.Context, scheme, kmsKey string, account portal.AccountID, key portal.KeyID) (string, error)
}

// Operations accepts requests and finds operations.
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

// Config is the configuration of New.
type Config struct {
	// Tables is DynamoDB, and Records the name of the records table.
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
	// Source is the source of the messages, such as "/gatehouse/api".
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

// Asked is a request that comes in.
type Asked struct {
	// Actor makes the request, and Subject is the stream that it is about. They differ when an
	// admin acts on an account.
	Actor   portal.Actor
	Subject portal.Stream
	// IdempotencyKey makes a repeated request the same operation. "" makes every request a new
	// operation.
	IdempotencyKey string
	Request        events.Request
	// Wording is what the client sent, if the request holds more than that. Requests under one
	// IdempotencyKey are the same if their wording is. "" compares the requests themselves.
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
	// Plan is the plan that the operation is about, "" if none.
	Plan portal.PlanID
	projections.Progress
}

// Accept stores the operation, sends the request to its queue and returns the operation, which can
// be read from then on.
//
// The same request under the same Idempotency-Key is the same operation. Unless that has ended,
// Accept sends its message again: at once the first time, then at most twice a minute. Another
// request under the same Idempotency-Key is KeyReused.
//
// Accept answers TooManyRequests if the actor makes more than MaxPerMinute requests in a minute,
// repeated ones included, changes plans more than MaxChanges times in ChangesWithin, or has as many
// requests open as it may. A request that was accepted before is never refused for that.
//
// If the table or the queue does not answer, the error is Unavailable, and its message says whether
// the request may have been accepted. The client may repeat the request but need not: once the row
// is stored, a due row sends the request later.
func (o *Operations) Accept(ctx context.Context, asked Asked) (Operation, error) {
	return o.accept(ctx, asked, preparation{
		change: changesPlans(asked.Request),
		make:   func(context.Context) (events.Request, error) { return asked.Request, nil },
	})
}

// preparation makes a request, or refuses to.
type preparation struct {
	make func(context.Context) (events.Request, error)
	// change is whether the request changes plans.
	change bool
	// likely means that make will probably succeed. The request is then counted, and its intent
	// number drawn, while make runs, and otherwise afterwards.
	likely bool
}

// accept is Accept for a request that has to be prepared.
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
	draw := func() { intent, refused = o.draw(ctx, counted, prepare.change) }
	if prepare.likely {
		drawing.Go(draw)
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
		draw()
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
		// The row may be there. If the client repeats the request under the same
		// Idempotency-Key, its message is sent at once.
		return Operation{}, errors.Join(uncertain(err), o.rows.notHanded(ctx, row))
	}
	if !isNew {
		return o.again(ctx, row, known)
	}
	o.read.keep(row)
	if err := o.hand(ctx, row, o.sender.Send); err != nil {
		// If the client repeats the request under the same Idempotency-Key, it is sent at once.
		return Operation{}, errors.Join(err, o.rows.notHanded(ctx, row))
	}
	return row.operation(projections.Progress{Status: projections.Accepted}), nil
}

// changesPlans reports whether the request leads to control-plane calls, which are scarce.
func changesPlans(request events.Request) bool {
	switch request.(type) {
	case events.SubscribeRequested, events.UnsubscribeRequested:
		return true
	}
	return false
}

// acceptedBefore answers a request that got no intent number. A repeated request that was accepted
// before needs none.
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

// handAgain is the least time between two messages of an operation that a client keeps repeating.
// A stored time that is further ahead than that comes from a wrong clock.
const handAgain = 30 * time.Second

// again answers a repeated request.
func (o *Operations) again(ctx context.Context, asked, known operationRow) (Operation, error) {
	if asked.Hash != known.Hash {
		return Operation{}, portal.Fail(portal.KeyReused, "This Idempotency-Key was used for another request before. Use a new one.")
	}
	progress, err := o.views.Progress(ctx, known.ID)
	if err != nil {
		return Operation{}, err
	}
	// The process that accepted the request may have died before it sent the message, so the first
	// repetition always sends it.
	firstAgain := known.HandedAt.Equal(known.CreatedAt)
	if !progress.Status.Over() && (firstAgain || o.now().Sub(known.HandedAt).Abs() >= handAgain) {
		if err := o.handAgain(ctx, known); err != nil {
			return Operation{}, err
		}
	}
	return known.operation(progress), nil
}

// handAgain sends the request again, unless another process is doing so.
func (o *Operations) handAgain(ctx context.Context, row operationRow) error {
	now := o.now().UTC().Round(0)
	if now.Equal(row.CreatedAt) {
		now = now.Add(time.Nanosecond) // HandedAt must differ from CreatedAt from now on
	}
	mine, err := o.rows.takeTurn(ctx, row, now)
	if err != nil {
		return uncertain(err)
	}
	if !mine {
		return nil
	}
	if err := o.hand(ctx, row, o.sender.Repeat); err != nil {
		// If the client repeats the request, it is sent at once.
		return errors.Join(err, o.rows.notHanded(ctx, row))
	}
	return nil
}

// Resend sends an accepted request again if no steps of it are shown yet. done is true if there are
// some, or if there is no such request. A worker recognises a request that it has handled before.
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

// Find reads an operation of the account. An unknown one and one of another account are both
// NotFound. If the operation seems stuck because a message was lost, Find sends that again: see
// nudge.
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
	reading.Go(func() { progress, unread = o.views.Progress(ctx, id) })
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

// row is the operation's row. Its HandedAt may be out of date.
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

// RegistrationKey is the Idempotency-Key of the registration at sign-in, so that several sign-ins
// at once make one request.
func RegistrationKey(account portal.AccountID) string { return "register:" + string(account) }

// hash identifies a request among those under one Idempotency-Key.
func (a Asked) hash(body []byte) string {
	if a.Wording != "" {
		body = []byte(a.Wording)
	}
	sum := sha256.Sum256(append([]byte(a.Request.EventType()+"\n"+string(a.Subject)+"\n"), body...))
	return hex.EncodeToString(sum[:])
}

// uncertain is the error of a request that may have been accepted: its row may be stored, or its
// message sent, although the answer was lost.
func uncertain(err error) error {
	return &portal.Error{
		Code: portal.Unavailable, Err: err,
		Message: "It is not certain that the request was accepted. Send it again in a moment; asking twice does no harm.",
	}
}

// unavailable is the error of a request that was not accepted. It leaves errors with a code as
// they are.
func unavailable(err error) error {
	if portal.CodeOf(err) != portal.Internal {
		return err
	}
	return &portal.Error{Code: portal.Unavailable, Message: "The request could not be accepted right now. Nothing was done; send it again in a moment.", Err: err}
}
