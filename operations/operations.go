// Package operations accepts requests. It writes a request down before publishing it, so that
// an accepted request is never lost and can be followed at once. It decides nothing that a
// message in flight could change.
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
	"github.com/rs/zerolog"

	"github.com/gatehouse-portal/gatehouse/deadletters"
	"github.com/gatehouse-portal/gatehouse/events"
	"github.com/gatehouse-portal/gatehouse/portal"
	"github.com/gatehouse-portal/gatehouse/projections"
	"github.com/gatehouse-portal/gatehouse/traces"
)

// MaxIdempotencyKey is the maximum length of an Idempotency-Key, in characters.
const MaxIdempotencyKey = 255

// A queue may drop a message of Send whose id it has seen, but none of SendAgain.
type sender interface {
	Send(ctx context.Context, messages ...events.Event) error
	SendAgain(ctx context.Context, messages ...events.Event) error
}

type views interface {
	Catalog(ctx context.Context) (projections.Catalog, error)
	LastCatalog() projections.Catalog
	Account(ctx context.Context, id portal.AccountID) (projections.Account, error)
	Profile(ctx context.Context, id portal.AccountID) (projections.Profile, error)
	Progress(ctx context.Context, op portal.OperationID) (projections.Progress, error)
	Shown(ctx context.Context, stream portal.Stream) (int64, error)
}

type heads interface {
	Head(ctx context.Context, stream portal.Stream) (int64, error)
}

type reveals interface {
	Record(ctx context.Context, account portal.AccountID, key projections.Key, at time.Time, correlation string) error
}

type values interface {
	Value(ctx context.Context, scheme, kmsKey string, account portal.AccountID, key portal.KeyID) (string, error)
}

// adopted reads the values of keys that come from an earlier portal. A key that is gone is NotFound.
type adopted interface {
	AdoptedValue(ctx context.Context, key portal.GatewayKeyID) (string, error)
}

// Operations accepts requests and finds their operations.
type Operations struct {
	rows    rows
	sender  sender
	views   views
	heads   heads
	reveals reveals
	values  values
	adopted adopted
	letters letters
	now     func() time.Time
	admit   func(context.Context) error
	source  string
	nudges  *nudges
	read    *readRows
	intents lastIntents
}

// Config holds what Operations needs.
type Config struct {
	Tables  client
	Records string
	// Without a Sender, Operations only reads.
	Sender  sender
	Views   views
	Heads   heads
	Reveals reveals
	Values  values
	Adopted adopted
	// Letters may be nil. Then a failed operation does not say what became of its dead letter.
	Letters letters
	// MaxOpen is how many open requests an actor may have; 0 means DefaultMaxOpen.
	MaxOpen int
	Now     func() time.Time
	// Admit returns why the person in the context may not register. nil admits everybody.
	Admit  func(context.Context) error
	Source string
}

// New returns Operations.
func New(cfg Config) *Operations {
	return &Operations{
		rows: rows{client: cfg.Tables, table: cfg.Records, maxOpen: cmp.Or(cfg.MaxOpen, DefaultMaxOpen)}, sender: cfg.Sender,
		views: cfg.Views, heads: cfg.Heads, reveals: cfg.Reveals, values: cfg.Values, adopted: cfg.Adopted, letters: cfg.Letters, now: cfg.Now, admit: cfg.Admit, source: cfg.Source,
		nudges: newNudges(cfg.Now), read: newReadRows(),
	}
}

// Submission is a request as the caller submits it.
type Submission struct {
	// Actor submits the request about Subject. They differ for an admin's request about another
	// account.
	Actor   portal.Actor
	Subject portal.Stream
	// Operator names the operator at the command line, as user@host. It is "" if Actor is an account.
	Operator string
	// IdempotencyKey makes repeats of the same request one operation. "" makes each submission an
	// operation of its own.
	IdempotencyKey string
	Request        events.Request
	// Wording is what the client sent, if Request holds more than that. Requests with the same
	// Wording, or without one the same Request, are the same.
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
	// Plan is the plan that the request is about, or "".
	Plan portal.PlanID
	// EndsKey says that the request asks for a key to end now.
	EndsKey bool
	// Letter is the state of the request's dead letter, "" if there is none.
	Letter deadletters.State
	projections.Progress
}

// Accept writes the operation down, publishes the request and returns the operation, which can be
// read at once.
//
// The same request under the same Idempotency-Key is the same operation. Unless it has ended, the
// first repeat publishes it again at once, later ones at most twice a minute. A different request
// under the same key is KeyReused.
//
// Accept returns TooManyRequests for more than MaxPerMinute requests of one actor in a minute
// (repeats included), more than MaxChanges plan changes in ChangesWithin, and more than MaxOpen
// open requests. A repeat of an accepted request is still answered.
//
// If the table or the queue does not answer, the error is Unavailable, and its message says
// whether the request may have been accepted. If the row was written, a due row publishes the
// request later; otherwise the caller must send it again, which is safe with an Idempotency-Key
// but may make a second operation without one.
func (o *Operations) Accept(ctx context.Context, submitted Submission) (Operation, error) {
	return o.accept(ctx, submitted, preparation{
		change: changesPlans(submitted.Request),
		make:   func(context.Context) (events.Request, error) { return submitted.Request, nil },
	})
}

type preparation struct {
	make   func(context.Context) (events.Request, error)
	change bool
	// likely: make will probably succeed. Then the request is counted and gets its intent while
	// make runs, or if the intent can be guessed, in the transaction that writes it down.
	likely bool
	// standing means that the request is about the actor's account, which must be in good standing.
	standing bool
}

func (o *Operations) accept(ctx context.Context, submitted Submission, prepare preparation) (Operation, error) {
	if len(submitted.IdempotencyKey) > MaxIdempotencyKey {
		return Operation{}, portal.Fail(portal.Invalid, fmt.Sprintf("The Idempotency-Key is longer than %d characters.", MaxIdempotencyKey))
	}
	now := o.now().UTC().Round(0)
	row := operationRow{
		ID: o.newID(submitted), Actor: submitted.Actor, Operator: submitted.Operator, Subject: submitted.Subject, Correlation: submitted.Correlation, TraceParent: traces.Of(ctx).Parent,
		CreatedAt: now, PublishedAt: now,
	}
	last, guessed := o.intents.guess(row, submitted.Request)
	var intent portal.Intent
	var refused error
	var drawing sync.WaitGroup
	counted := row
	draw := portal.Guard(func() (err error) {
		intent, err = o.draw(ctx, counted, prepare.change)
		return err
	})
	early := prepare.likely && !guessed
	if early {
		drawing.Go(func() { refused = draw() })
	}
	account, _ := submitted.Subject.Account()
	unchecked := prepare.standing && newcomer(last, guessed)
	var request events.Request
	var err error
	if prepare.standing && !unchecked {
		request, err = o.made(ctx, account, prepare)
	} else {
		request, err = prepare.make(ctx)
	}
	drawing.Wait()
	if err != nil {
		if early && refused == nil {
			o.rows.uncount(ctx, counted, prepare.change)
		}
		return Operation{}, err
	}
	body, err := json.Marshal(request)
	if err != nil {
		return Operation{}, fmt.Errorf("encoding a %s: %w", request.EventType(), err)
	}
	submitted.Request = request
	row.Type, row.Body, row.Hash = request.EventType(), string(body), submitted.hash(body)
	if guessed {
		row.Intent = last + 1
		operation, done, err := o.acceptGuessed(ctx, row, request, prepare.change)
		if done {
			return operation, err
		}
		if unchecked {
			if err := o.inGoodStanding(ctx, account); err != nil {
				return Operation{}, err
			}
		}
	}
	if !early {
		refused = draw()
	}
	row.Intent = intent
	if refused != nil {
		return o.answerFromEarlier(ctx, row, submitted.IdempotencyKey, refused)
	}
	known, isNew, err := o.rows.insert(ctx, row)
	switch {
	case notWritten(err):
		return Operation{}, notAccepted(err)
	case err != nil:
		// If the row was written, a due row publishes the request. A repeat publishes it at
		// once.
		return Operation{}, errors.Join(uncertain(err), o.rows.notPublished(ctx, row))
	}
	o.intents.drawn(row)
	if !isNew {
		return o.acceptedBefore(ctx, row, known)
	}
	return o.accepted(ctx, row, request)
}

// acceptGuessed accepts a request with a guessed intent in one transaction. done is false if it
// needs a drawn one.
func (o *Operations) acceptGuessed(ctx context.Context, row operationRow, request events.Request, change bool) (operation Operation, done bool, err error) {
	known, isNew, err := o.rows.insertNext(ctx, row, change)
	if err == nil && isNew {
		o.intents.guessed(row)
		operation, err = o.accepted(ctx, row, request)
		return operation, true, err
	}
	o.intents.wrong(row)
	switch {
	case errors.Is(err, errGuess):
		return Operation{}, false, nil
	case notWritten(err):
		return Operation{}, true, notAccepted(err)
	case err != nil:
		return Operation{}, true, errors.Join(uncertain(err), o.rows.notPublished(ctx, row))
	}
	// A repeat counts, too, but is answered even if there were too many.
	_, refused := o.draw(ctx, row, change)
	if refused != nil && portal.CodeOf(refused) != portal.TooManyRequests {
		return Operation{}, true, uncertain(refused)
	}
	operation, err = o.acceptedBefore(ctx, row, known)
	return operation, true, err
}

func (o *Operations) accepted(ctx context.Context, row operationRow, request events.Request) (Operation, error) {
	o.read.keep(row)
	if err := o.publish(ctx, row, request, o.sender.Send); err != nil {
		row.log(zerolog.Ctx(ctx).Warn().Err(err)).Msg("a request was written down and could not be sent; a due row sends it later")
		return Operation{}, errors.Join(err, o.rows.notPublished(ctx, row))
	}
	row.log(zerolog.Ctx(ctx).Info()).Msg("request accepted")
	return row.operation(projections.Progress{Status: projections.Accepted}), nil
}

// log adds the fields by which the worker's lines name the request, too.
func (r operationRow) log(line *zerolog.Event) *zerolog.Event {
	return line.Str("type", r.Type).Str("subject", string(r.Subject)).Str("operation_id", string(r.ID))
}

// changesPlans: the request makes API Gateway change a plan's keys, which its quotas allow only
// slowly.
func changesPlans(request events.Request) bool {
	switch request.(type) {
	case events.SubscribeRequested, events.UnsubscribeRequested, events.PlanChangeRequested, events.KeyRequested, events.KeyRotationRequested:
		return true
	}
	return false
}

// answerFromEarlier answers a request that got no intent. A repeat of an accepted request needs
// none.
func (o *Operations) answerFromEarlier(ctx context.Context, row operationRow, key string, cause error) (Operation, error) {
	switch {
	case key == "":
		return Operation{}, notAccepted(cause)
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
	return o.acceptedBefore(ctx, row, known)
}

// republishEvery is the shortest time between two publications of a repeated request. A
// publication time further in the future comes from a wrong clock and is ignored.
const republishEvery = 30 * time.Second

func (o *Operations) acceptedBefore(ctx context.Context, row, known operationRow) (Operation, error) {
	if row.Hash != known.Hash {
		return Operation{}, portal.Fail(portal.KeyReused, "This Idempotency-Key was used for another request before. Use a new one.")
	}
	progress, err := o.views.Progress(ctx, known.ID)
	if err != nil {
		return Operation{}, err
	}
	// The process that accepted the request may have died before publishing it.
	firstAgain := known.PublishedAt.Equal(known.CreatedAt)
	if !progress.Status.Over() && (firstAgain || o.now().Sub(known.PublishedAt).Abs() >= republishEvery) {
		if err := o.republish(ctx, known); err != nil {
			return Operation{}, err
		}
	}
	return known.operation(progress), nil
}

func (o *Operations) republish(ctx context.Context, row operationRow) error {
	now := o.now().UTC().Round(0)
	if now.Equal(row.CreatedAt) {
		now = now.Add(time.Nanosecond) // differs from CreatedAt, so the next repeat is not the first
	}
	mine, err := o.rows.takeTurn(ctx, row, now)
	if err != nil {
		return uncertain(err)
	}
	if !mine {
		return nil
	}
	if err := o.publishStored(ctx, row, o.sender.SendAgain); err != nil {
		return errors.Join(err, o.rows.notPublished(ctx, row))
	}
	return nil
}

// Republish publishes an accepted request again. done: there is nothing to publish, because the
// operation shows a step already, or there is no such request. Workers recognise requests they
// have handled.
func (o *Operations) Republish(ctx context.Context, id portal.OperationID) (done bool, err error) {
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
	return false, portal.Postpone("the queues do not answer", o.publishStored(ctx, row, o.sender.SendAgain))
}

type sendFunc func(context.Context, ...events.Event) error

func (o *Operations) publishStored(ctx context.Context, row operationRow, send sendFunc) error {
	request, err := events.DecodeRequest(row.Type, []byte(row.Body))
	if err != nil {
		return fmt.Errorf("reading operation %s: %w", row.ID, err)
	}
	return o.publish(ctx, row, request, send)
}

func (o *Operations) publish(ctx context.Context, row operationRow, request events.Request, send sendFunc) error {
	err := send(ctx, events.Event{
		ID: string(row.ID), Source: o.source, Subject: row.Subject, Time: row.CreatedAt, Actor: row.Actor,
		Operation: row.ID, Intent: row.Intent, Correlation: row.Correlation, TraceParent: row.TraceParent, Data: request,
	})
	if err != nil {
		return uncertain(fmt.Errorf("publishing operation %s: %w", row.ID, err))
	}
	return nil
}

// Find returns an operation of the account; any other is NotFound. With a Sender, it nudges an
// operation without a new step for a while.
func (o *Operations) Find(ctx context.Context, account portal.AccountID, id portal.OperationID) (Operation, error) {
	shown, err := o.find(ctx, id, func(row operationRow) bool { return row.Actor == portal.AccountActor(account) })
	if err != nil {
		return shown, err
	}
	operation := o.withLetter(ctx, shown)
	shown.Letter = operation.Letter
	o.nudge(ctx, shown)
	return operation, nil
}

// FindAny returns any operation, for operators.
func (o *Operations) FindAny(ctx context.Context, id portal.OperationID) (Operation, error) {
	operation, err := o.find(ctx, id, func(operationRow) bool { return true })
	if err != nil {
		return operation, err
	}
	return o.withLetter(ctx, operation), nil
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
		return Operation{}, unavailable("The operation could not be read right now. Try again in a moment.", err)
	}
	if !found || !may(row) {
		return Operation{}, portal.Fail(portal.NotFound, "There is no such operation.")
	}
	return row.operation(progress), unread
}

// PublishedAt of the row may be out of date.
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

func (o *Operations) newID(submitted Submission) portal.OperationID {
	if submitted.IdempotencyKey != "" {
		return portal.OperationID(portal.DeriveID("operation", string(submitted.Actor), submitted.IdempotencyKey))
	}
	return portal.OperationID(strings.ToLower(ulid.MustNew(ulid.Timestamp(o.now()), rand.Reader).String()))
}

// RegistrationKey is the Idempotency-Key of the registration that a sign-in submits, so that
// several browsers register the account once.
func RegistrationKey(account portal.AccountID) string { return "register:" + string(account) }

func (s Submission) hash(body []byte) string {
	if s.Wording != "" {
		body = []byte(s.Wording)
	}
	sum := sha256.Sum256(append([]byte(s.Request.EventType()+"\n"+string(s.Subject)+"\n"), body...))
	return hex.EncodeToString(sum[:])
}

// uncertain: the row may be written, or the message sent, although no answer confirmed it.
func uncertain(err error) error {
	return &portal.Error{
		Code: portal.Unavailable, Err: err,
		Message: "It is not certain that the request was accepted. Send it again in a moment; asking twice does no harm.",
	}
}

func notAccepted(err error) error {
	return unavailable("The request could not be accepted right now. Nothing was done; send it again in a moment.", err)
}

func unavailable(message string, err error) error {
	if portal.CodeOf(err) != portal.Internal {
		return err
	}
	return &portal.Error{Code: portal.Unavailable, Message: message, Err: err}
}
