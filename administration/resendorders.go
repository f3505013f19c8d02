package administration

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/rs/zerolog"

	"github.com/gatehouse-portal/gatehouse/marketplace/metering"
	"github.com/gatehouse-portal/gatehouse/members"
	"github.com/gatehouse-portal/gatehouse/portal"
	"github.com/gatehouse-portal/gatehouse/records"
	"github.com/gatehouse-portal/gatehouse/schema"
)

// ResendOrder asks workers to bill the usage of a licence that AWS Marketplace refused, as far as AWS still
// takes it.
type ResendOrder struct {
	// ID sorts by time.
	ID      string           `dynamodbav:"id"`
	Licence portal.Stream    `dynamodbav:"licence"`
	By      portal.AccountID `dynamodbav:"by"`
	At      time.Time        `dynamodbav:"at"`
	// FailingSince is when a worker first failed to carry the order out, zero if none has.
	FailingSince time.Time `dynamodbav:"failing_since"`
}

// ResendOrders stores the orders that workers have not carried out yet.
type ResendOrders struct {
	rows  records.Table
	audit audit
	now   func() time.Time
}

// NewResendOrders returns the ResendOrders of the records table.
func NewResendOrders(client records.Client, table string, audit audit, now func() time.Time) *ResendOrders {
	return &ResendOrders{rows: records.New(client, table), audit: audit, now: now}
}

// Place stores an order, and records it in the audit in the same transaction. count is the number of records
// that can be sent again. Placing an order twice makes two orders; the second finds nothing left to do.
func (o *ResendOrders) Place(ctx context.Context, licence portal.Stream, by portal.AccountID, count int) (ResendOrder, error) {
	at := o.now().UTC()
	order := ResendOrder{ID: schema.Milliseconds(at) + "-" + strings.ToLower(rand.Text()), Licence: licence, By: by, At: at}
	return order, o.rows.Transact(ctx, "ordering that usage is sent again",
		order.row(),
		o.audit.AuditWrite(members.AuditEntry{Admin: by, What: members.AuditUsageResent, Count: count, Choice: string(licence)}))
}

func (order ResendOrder) row() records.Write {
	return records.Write{Key: schema.ResendOrder(order.ID), Put: order, Expires: order.At.Add(orderKept)}
}

// failed notes that a worker has failed to carry an order out, unless another worker has ended it.
func (o *ResendOrders) failed(ctx context.Context, order ResendOrder, at time.Time) error {
	order.FailingSince = at.UTC()
	row := order.row()
	row.If = records.Exists
	if err := o.rows.Transact(ctx, "noting that an order fails", row); !errors.Is(err, records.ErrRefused) {
		return err
	}
	return nil
}

// Waiting returns at most limit orders, the oldest first.
func (o *ResendOrders) Waiting(ctx context.Context, limit int) (orders []ResendOrder, err error) {
	err = o.rows.Each(ctx, schema.ResendOrders(), records.Select{OldestFirst: true}, func(key schema.Key, row map[string]types.AttributeValue) (bool, error) {
		records.DecodeReadable(ctx, key, row, &orders)
		return len(orders) < limit, nil
	})
	return orders, err
}

// Done removes an order that was carried out.
func (o *ResendOrders) Done(ctx context.Context, id string) error {
	return o.rows.Transact(ctx, "ending an order that usage is sent again", records.Write{Key: schema.ResendOrder(id)})
}

type resending interface {
	RefusedRecords(ctx context.Context, licence portal.Stream) ([]metering.RefusedRecord, error)
	Resend(ctx context.Context, records []metering.RefusedRecord) ([]metering.RefusedRecord, error)
}

// ResendJob carries ResendOrders out, the oldest first. The job metering then sends the records.
type ResendJob struct {
	Orders *ResendOrders
	Meter  resending
	Now    func() time.Time
}

// Step carries the oldest order out. If it is repeated, the records that were opened again stay as they are.
// An order whose licence workers cannot read for half an hour is removed, so that it does not block the others.
func (j ResendJob) Step(ctx context.Context, _ string) (next string, err error) {
	orders, err := j.Orders.Waiting(ctx, 1)
	if err != nil || len(orders) == 0 {
		return "", err
	}
	order := orders[0]
	log := zerolog.Ctx(ctx).With().Str("order", order.ID).Str("licence", string(order.Licence)).Logger()
	done, err := j.resend(ctx, order.Licence)
	switch {
	case err == nil:
		log.Info().Int("records", len(done)).Msg("usage that AWS refused is sent again")
	case order.FailingSince.IsZero():
		return "", errors.Join(err, j.Orders.failed(ctx, order, j.Now()))
	case j.Now().Sub(order.FailingSince) < patience:
		return "", err
	default:
		log.Error().Err(err).Msg("usage that AWS refused cannot be sent again, and the order is removed")
	}
	return more, j.Orders.Done(ctx, order.ID)
}

func (j ResendJob) resend(ctx context.Context, licence portal.Stream) ([]metering.RefusedRecord, error) {
	refused, err := j.Meter.RefusedRecords(ctx, licence)
	if err != nil {
		return nil, resendFailed(licence, err)
	}
	done, err := j.Meter.Resend(ctx, refused)
	return done, resendFailed(licence, err)
}

func resendFailed(licence portal.Stream, err error) error {
	var later *portal.Postponed
	if err == nil || errors.As(err, &later) {
		return err
	}
	return fmt.Errorf("sending usage of %s again: %w", licence, err)
}
