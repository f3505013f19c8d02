// Package operations accepts requests: it writes down what was asked before it is
// handed on, so that an accepted request can be followed from the first moment and is
// never lost. It decides nothing that a message in flight could change.
package operations

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"strings"
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
	Account(ctx context.Context, id portal.AccountID) (projections.Account, error)
	Progress(ctx context.Context, op portal.OperationID) (projections.Progress, error)
}

// values derives key values, for their owners to see.
type values interface {
	Value(ctx context.Context, scheme, kmsKey string, account portal.AccountID, key portal.KeyID) (string, error)
}

// Operations accepts requests and finds them again.
type Operations struct {
	rows   rows
	sender sender
	views  views
	values values
	now    func() time.Time
	source string
}

// Config is what Operations are built from.
type Config struct {
	// Tables keeps the rows, in the table named Records.
	Tables  client
	Records string
	Sender  sender
	Views   views
	Values  values
	Now     func() time.Time
	// Source is written into the requests, e.g. "/gatehouse/api".
	Source string
}

// New returns Operations.
func New(cfg Config) *Operations {
	return &Operations{
		rows: rows{client: cfg.Tables, table: cfg.Records}, sender: cfg.Sender,
		views: cfg.Views, values: cfg.Values, now: cfg.Now, source: cfg.Source,
	}
}

// Asked is a request as it comes in.
type Asked struct {
	Account portal.AccountID
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
	Account   portal.AccountID
	Type      string
	CreatedAt time.Time
	// Plan is the plan that it is about, "" if it is about none.
	Plan portal.PlanID
	projections.Progress
}

// Accept writes the operation down, hands the request to its queue and returns the
// operation, which can be read from then on.
//
// The same Idempotency-Key with the same request is the same operation: it is handed
// on again unless it has ended. With another request it is KeyReused. More than
// MaxPerMinute requests of one account in a minute, those sent again included, are
// TooManyRequests, but for what was accepted before. Where the row
// cannot be written or the queue does not answer it is Unavailable, and nothing is
// promised: the client may send it again.
func (o *Operations) Accept(ctx context.Context, asked Asked) (Operation, error) {
	if len(asked.IdempotencyKey) > MaxIdempotencyKey {
		return Operation{}, portal.Fail(portal.Invalid, fmt.Sprintf("The Idempotency-Key is longer than %d characters.", MaxIdempotencyKey))
	}
	body, err := json.Marshal(asked.Request)
	if err != nil {
		return Operation{}, fmt.Errorf("encoding a %s: %w", asked.Request.EventType(), err)
	}
	row := operationRow{
		ID: o.newID(asked), Account: asked.Account, Type: asked.Request.EventType(), Body: string(body),
		Hash: asked.hash(body), Correlation: asked.Correlation, CreatedAt: o.now().UTC(),
	}
	if row.Intent, err = o.rows.nextIntent(ctx, asked.Account, o.now()); err != nil {
		return o.beyond(ctx, row, asked.IdempotencyKey, err)
	}
	known, isNew, err := o.rows.insert(ctx, row)
	if err != nil {
		return Operation{}, unavailable(err)
	}
	if !isNew {
		return o.again(ctx, row, known)
	}
	if err := o.hand(ctx, row, o.sender.Send); err != nil {
		return Operation{}, err
	}
	return row.operation(projections.Progress{Status: projections.Accepted}), nil
}

// beyond answers a request that could be given no intent number. One that was accepted
// before needs none, however often it is sent again.
func (o *Operations) beyond(ctx context.Context, row operationRow, key string, cause error) (Operation, error) {
	if key == "" || portal.CodeOf(cause) != portal.TooManyRequests {
		return Operation{}, unavailable(cause)
	}
	known, found, err := o.rows.find(ctx, row.ID)
	switch {
	case err != nil:
		return Operation{}, unavailable(err)
	case !found:
		return Operation{}, cause
	}
	return o.again(ctx, row, known)
}

// again answers a request that is known already.
func (o *Operations) again(ctx context.Context, asked, known operationRow) (Operation, error) {
	if asked.Hash != known.Hash {
		return Operation{}, portal.Fail(portal.KeyReused, "This Idempotency-Key was used for another request before. Use a new one.")
	}
	now, err := o.views.Progress(ctx, known.ID)
	if err != nil {
		return Operation{}, err
	}
	if !now.Status.Over() {
		if err := o.hand(ctx, known, o.sender.Repeat); err != nil {
			return Operation{}, err
		}
	}
	return known.operation(now), nil
}

func (o *Operations) hand(ctx context.Context, row operationRow, send func(context.Context, ...events.Event) error) error {
	request, err := events.DecodeRequest(row.Type, []byte(row.Body))
	if err != nil {
		return fmt.Errorf("reading operation %s: %w", row.ID, err)
	}
	err = send(ctx, events.Event{
		ID: string(row.ID), Source: o.source, Subject: portal.AccountStream(row.Account), Time: row.CreatedAt,
		Operation: row.ID, Intent: row.Intent, Correlation: row.Correlation, Data: request,
	})
	if err != nil {
		return unavailable(fmt.Errorf("publishing operation %s: %w", row.ID, err))
	}
	return nil
}

// Find reads an operation of that account. An unknown one and somebody else's are the
// same NotFound.
func (o *Operations) Find(ctx context.Context, account portal.AccountID, id portal.OperationID) (Operation, error) {
	row, found, err := o.rows.find(ctx, id)
	if err != nil {
		return Operation{}, unavailable(err)
	}
	if !found || row.Account != account {
		return Operation{}, portal.Fail(portal.NotFound, "There is no such operation.")
	}
	now, err := o.views.Progress(ctx, id)
	if err != nil {
		return Operation{}, err
	}
	return row.operation(now), nil
}

func (o *Operations) newID(asked Asked) portal.OperationID {
	if asked.IdempotencyKey != "" {
		return portal.OperationID(portal.DeriveID("operation", string(asked.Account), asked.IdempotencyKey))
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
	sum := sha256.Sum256(append([]byte(a.Request.EventType()+"\n"), body...))
	return hex.EncodeToString(sum[:])
}

func unavailable(err error) error {
	if portal.CodeOf(err) != portal.Internal {
		return err
	}
	return &portal.Error{Code: portal.Unavailable, Message: "The request could not be accepted right now. Nothing was done; send it again in a moment.", Err: err}
}
