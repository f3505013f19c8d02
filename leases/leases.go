// Package leases keeps leases as rows of the records table. A lease says who may do something, and
// until when. A holder is not told when its lease runs out, so leases only save work: what is done
// under one must be safe without it.
//
// Package provisioning takes an account's lease to converge the account. Package gateway builds the
// attach lease on the same code.
package leases

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"github.com/gatehouse-portal/gatehouse/portal"
	"github.com/gatehouse-portal/gatehouse/schema"
)

type table interface {
	UpdateItem(ctx context.Context, in *dynamodb.UpdateItemInput, opts ...func(*dynamodb.Options)) (*dynamodb.UpdateItemOutput, error)
	DeleteItem(ctx context.Context, in *dynamodb.DeleteItemInput, opts ...func(*dynamodb.Options)) (*dynamodb.DeleteItemOutput, error)
}

// Config of New.
type Config struct {
	// Table is the name of the records table.
	Table string
	// Target is whose accounts' leases they are. Targets share no leases.
	Target portal.Target
	// Now is the clock; nil is the system's. A stored time is not believed if it is further ahead
	// than a right clock can have put it, see clock.Latest.
	Now func() time.Time
}

// Leases are the leases of one target. They are safe for concurrent use.
type Leases struct {
	db     table
	name   string
	target portal.Target
	now    func() time.Time
}

// New returns the leases. It does no I/O.
func New(db table, cfg Config) *Leases {
	if cfg.Now == nil {
		cfg.Now = time.Now
	}
	return &Leases{db: db, name: cfg.Table, target: cfg.Target, now: cfg.Now}
}

// Free is the condition for taking a lease: it is not held, it has run out, or its time is later
// than a right clock can have stored. The condition needs the values :now, :latest (see
// clock.Latest) and :holder. Callers draw a new holder's name each time, so that a write which the
// SDK repeats finds its own lease and succeeds.
const Free = "(attribute_not_exists(#until) OR #until <= :now OR #until > :latest OR holder = :holder)"

// timeout bounds one call to the table.
const timeout = 2 * time.Second

// Update changes a lease's row and returns its attributes from before, none if there was no row.
// ok is false if the condition does not hold. In both expressions "#until" names the attribute
// until. The error is a *portal.Postponed.
func (l *Leases) Update(ctx context.Context, lease schema.Key, update, condition string, values map[string]types.AttributeValue) (before map[string]types.AttributeValue, ok bool, err error) {
	in := &dynamodb.UpdateItemInput{
		TableName: aws.String(l.name), Key: lease.Attributes(),
		UpdateExpression: aws.String(update), ExpressionAttributeValues: values, ReturnValues: types.ReturnValueAllOld,
	}
	if condition != "" {
		in.ConditionExpression = aws.String(condition)
	}
	if strings.Contains(update+condition, "#until") {
		in.ExpressionAttributeNames = map[string]string{"#until": "until"}
	}
	out, err := l.db.UpdateItem(ctx, in)
	var failed *types.ConditionalCheckFailedException
	if errors.As(err, &failed) {
		return nil, false, nil
	}
	if err != nil {
		return nil, false, portal.Postpone("lease store", fmt.Errorf("taking lease %s: %w", lease.SK, err))
	}
	return out.Attributes, true, nil
}

// GiveUp applies the update, which frees the lease, if :holder still holds it. The row stays. It
// works after ctx has ended, too. If the table does not answer, the lease runs out by itself.
func (l *Leases) GiveUp(ctx context.Context, lease schema.Key, update string, values map[string]types.AttributeValue) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), timeout)
	defer cancel()
	_, _, _ = l.Update(ctx, lease, update, "holder = :holder", values)
}

// remove is GiveUp, but deletes the row.
func (l *Leases) remove(ctx context.Context, lease schema.Key, holder string) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), timeout)
	defer cancel()
	_, _ = l.db.DeleteItem(ctx, &dynamodb.DeleteItemInput{
		TableName: aws.String(l.name), Key: lease.Attributes(),
		ConditionExpression:       aws.String("holder = :holder"),
		ExpressionAttributeValues: map[string]types.AttributeValue{":holder": schema.Text(holder)},
	})
}
