// Package leases keeps leases as items of the records table. A lease says who may do a thing, and
// until when. Nobody tells its holder when it runs out, so it only saves work: the work must be
// safe without it. Converging takes the lease of an account, and the control plane the attach
// lease.
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

// Config configures Leases.
type Config struct {
	Table  string
	Target portal.Target
	Now    func() time.Time
}

// Leases are the leases of one target, safe for concurrent use.
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

// Free is the condition for taking a lease: it has no holder, has run out, or no right clock can
// have stored its time. Its values are :now, :latest (see clock.Latest) and :holder. The holder
// draws a new name each time, so a write that the SDK repeats recognises itself.
const Free = "(attribute_not_exists(#until) OR #until <= :now OR #until > :latest OR holder = :holder)"

const timeout = 2 * time.Second

// Update changes a lease's item and returns the item before, nil if there was none. ok is false
// if the condition fails. "#until" names the attribute until. The error is a *portal.Postponed.
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

// GiveUp frees a lease with that update, and keeps its item, if it is still the holder's, even
// after ctx has ended. If it fails, the lease runs out.
func (l *Leases) GiveUp(ctx context.Context, lease schema.Key, update string, values map[string]types.AttributeValue) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), timeout)
	defer cancel()
	_, _, _ = l.Update(ctx, lease, update, "holder = :holder", values)
}

// remove deletes a lease if it is still the holder's. If that fails, the lease runs out.
func (l *Leases) remove(ctx context.Context, lease schema.Key, holder string) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), timeout)
	defer cancel()
	_, _ = l.db.DeleteItem(ctx, &dynamodb.DeleteItemInput{
		TableName: aws.String(l.name), Key: lease.Attributes(),
		ConditionExpression:       aws.String("holder = :holder"),
		ExpressionAttributeValues: map[string]types.AttributeValue{":holder": schema.Text(holder)},
	})
}
