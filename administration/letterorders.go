package administration

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"github.com/gatehouse-portal/gatehouse/deadletters"
	"github.com/gatehouse-portal/gatehouse/members"
	"github.com/gatehouse-portal/gatehouse/portal"
	"github.com/gatehouse-portal/gatehouse/records"
	"github.com/gatehouse-portal/gatehouse/schema"
)

// Verb is what a LetterOrder has the workers do.
type Verb string

// The verbs.
const (
	Replay  Verb = "replay"
	Discard Verb = "discard"
)

// LetterOrder asks workers to replay or discard dead letters.
type LetterOrder struct {
	// ID sorts by time.
	ID   string `json:"id"`
	Verb Verb   `json:"verb"`
	// Letter is the id of the one dead letter that the order is about. If it is "", the order is about all
	// that Choice chooses.
	Letter string             `json:"letter,omitempty"`
	Choice deadletters.Choice `json:"choice,omitzero"`
	// Reason says why letters are discarded.
	Reason string           `json:"reason,omitempty"`
	By     portal.AccountID `json:"by"`
	At     time.Time        `json:"at"`
	// FailingSince is when a worker first failed to treat a letter, zero if it has treated one since.
	FailingSince time.Time `json:"failing_since,omitzero"`
}

// orderKept is how long an order stays if no worker carries it out.
const orderKept = 30 * 24 * time.Hour

type orderRow struct {
	Order string `dynamodbav:"order"`
}

type audit interface {
	AuditWrite(done members.AuditEntry) records.Write
}

// LetterOrders stores the orders that workers have not carried out yet.
type LetterOrders struct {
	rows  records.Table
	audit audit
	now   func() time.Time
}

// NewLetterOrders returns the LetterOrders of the records table.
func NewLetterOrders(client records.Client, table string, audit audit, now func() time.Time) *LetterOrders {
	return &LetterOrders{rows: records.New(client, table), audit: audit, now: now}
}

const maxReason = 1000

// Place stores an order for the workers, and records it in the audit in the same transaction. letters is
// the number of letters that the order is about. The order leaves out letters that first fail after now, so
// that a letter that fails again is not replayed for ever. Placing an order twice makes two orders; the
// second finds nothing left to do. The error is Invalid if the verb is unknown, or a discard has no reason or
// one that is too long.
func (o *LetterOrders) Place(ctx context.Context, order LetterOrder, letters int) (LetterOrder, error) {
	order.Reason = strings.TrimSpace(strings.ToValidUTF8(order.Reason, "\uFFFD"))
	switch {
	case order.Verb != Replay && order.Verb != Discard:
		return order, portal.Fail(portal.Invalid, fmt.Sprintf("%q is neither replay nor discard.", order.Verb))
	case order.Verb == Discard && order.Reason == "":
		return order, portal.Fail(portal.Invalid, "Give a reason. Others read it in the letter and in the audit.")
	case len(order.Reason) > maxReason:
		return order, portal.Fail(portal.Invalid, fmt.Sprintf("The reason has %d bytes; give one of at most %d.", len(order.Reason), maxReason))
	}
	order.At = o.now().UTC()
	order.ID = schema.Milliseconds(order.At) + "-" + strings.ToLower(rand.Text())
	order.Choice.States = nil
	if order.Choice.Before.IsZero() || order.Choice.Before.After(order.At) {
		order.Choice.Before = order.At
	}
	row, err := rowOf(order)
	if err != nil {
		return order, err
	}
	what, choice := members.AuditLettersReplayed, order.Letter
	if order.Verb == Discard {
		what = members.AuditLettersDiscarded
	}
	if choice == "" {
		choice = order.Choice.String()
	}
	return order, o.rows.Transact(ctx, "ordering "+string(order.Verb)+" of dead letters",
		row,
		o.audit.AuditWrite(members.AuditEntry{Admin: order.By, What: what, Count: letters, Choice: choice, Reason: order.Reason}))
}

func rowOf(order LetterOrder) (records.Write, error) {
	body, err := json.Marshal(order)
	if err != nil {
		return records.Write{}, fmt.Errorf("encoding an order: %w", err)
	}
	return records.Write{Key: schema.LetterOrder(order.ID), Put: orderRow{string(body)}, Expires: order.At.Add(orderKept)}, nil
}

// keep stores an order as it is now, unless another worker has ended it.
func (o *LetterOrders) keep(ctx context.Context, order LetterOrder) error {
	row, err := rowOf(order)
	if err != nil {
		return err
	}
	row.If = records.Exists
	if err := o.rows.Transact(ctx, "noting whether an order fails", row); !errors.Is(err, records.ErrRefused) {
		return err
	}
	return nil
}

// First returns the oldest order; ok is false if there is none. It skips those that only newer
// versions can read.
func (o *LetterOrders) First(ctx context.Context) (order LetterOrder, ok bool, err error) {
	err = o.rows.Each(ctx, schema.LetterOrders(), records.Select{OldestFirst: true}, func(_ schema.Key, row map[string]types.AttributeValue) (bool, error) {
		var one LetterOrder
		unread := json.Unmarshal([]byte(schema.TextOf(row["order"])), &one)
		if ok = unread == nil && one.ID != "" && (one.Verb == Replay || one.Verb == Discard); ok {
			order = one
		}
		return !ok, nil
	})
	return order, ok, err
}

// Waiting returns at most limit orders, the oldest first.
func (o *LetterOrders) Waiting(ctx context.Context, limit int) (orders []LetterOrder, err error) {
	err = o.rows.Each(ctx, schema.LetterOrders(), records.Select{OldestFirst: true}, func(_ schema.Key, row map[string]types.AttributeValue) (bool, error) {
		var order LetterOrder
		if json.Unmarshal([]byte(schema.TextOf(row["order"])), &order) == nil {
			orders = append(orders, order)
		}
		return len(orders) < limit, nil
	})
	return orders, err
}

// Done removes an order that was carried out.
func (o *LetterOrders) Done(ctx context.Context, id string) error {
	return o.rows.Transact(ctx, "ending an order about dead letters", records.Write{Key: schema.LetterOrder(id)})
}
