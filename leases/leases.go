// Package leases keeps leases as items of the records table: each says who may do a
// thing, and until when. Nobody is told when a lease runs out, so it never stands alone: what it
// is about must be safe, if slow, without it.
//
// The lease of an account is for converging, and the attach lease for the control plane. They
// share the code of the table, so the account's is here and not in package provisioning.
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

// table is what leases need of DynamoDB.
type table interface {
	UpdateItem(ctx context.Context, in *dynamodb.UpdateItemInput, opts ...func(*dynamodb.Options)) (*dynamodb.UpdateItemOutput, error)
	DeleteItem(ctx context.Context, in *dynamodb.DeleteItemInput, opts ...func(*dynamodb.Options)) (*dynamodb.DeleteItemOutput, error)
}

// Config of New.
type Config struct {
	// Table is the name of the records table.
	Table string
	// Target is whose accounts' leases they are: leases of different targets have nothing to do
	// with each other.
	Target portal.Target
	// Now is the clock; nil is the system's. A time that is further ahead of it than
	// clock.Skew is not believed.
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

// Free is the condition under which a lease can be taken: nobody has it, it has run out, or
// its time is one that no right clock can have stored. Its values are :now, :latest, see
// clock.Latest, and :holder. The holder's name is drawn anew each time, so a repeated write of
// the SDK finds itself and not a rival.
const Free = "(attribute_not_exists(#until) OR #until <= :now OR #until > :latest OR holder = :holder)"

// timeout bounds one call of the table.
const timeout = 2 * time.Second

// Update changes a lease's item and returns what was there before, nothing if there was
// no item; ok is false if the condition does not hold. "#until" names the attribute until. The
// error is a *portal.Postponed.
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

// GiveUp frees a lease that is still the holder's, by that update, and leaves its item. It also
// does so after ctx has ended. One that cannot be given back runs out.
func (l *Leases) GiveUp(ctx context.Context, lease schema.Key, update string, values map[string]types.AttributeValue) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), timeout)
	defer cancel()
	_, _, _ = l.Update(ctx, lease, update, "holder = :holder", values)
}

// remove deletes a lease that is still the holder's. One that cannot be deleted runs out.
func (l *Leases) remove(ctx context.Context, lease schema.Key, holder string) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), timeout)
	defer cancel()
	_, _ = l.db.DeleteItem(ctx, &dynamodb.DeleteItemInput{
		TableName: aws.String(l.name), Key: lease.Attributes(),
		ConditionExpression:       aws.String("holder = :holder"),
		ExpressionAttributeValues: map[string]types.AttributeValue{":holder": schema.Text(holder)},
	})
}
