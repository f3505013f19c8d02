package gateway

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"strconv"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"github.com/gatehouse-portal/gatehouse/portal"
)

// leases are items of the records table (pk "lease") that say who may do a thing
// until when. Nobody is told when one runs out, so it never stands alone: what it
// is about must be safe, if slow, without it.
type leases struct {
	db   table
	name string
	now  func() time.Time
	// turn holds one entry while this process has or seeks the attach lease, so that
	// one goroutine of each asks the table.
	turn chan struct{}
}

// attach waits for the lease that CreateUsagePlanKey and DeleteUsagePlanKey are
// called under, at most for patience. AWS changes the keys of its usage plans one
// at a time and answers whoever comes meanwhile with 409 "concurrent modification";
// taking turns spends no tokens on those. A holder that died costs d, one that
// acts late draws the 409, which is tried again. Any error is a *portal.Postponed.
func (l *leases) attach(ctx context.Context, d time.Duration) (release func(), err error) {
	waiting, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	select {
	case l.turn <- struct{}{}:
	case <-waiting.Done():
		return nil, notHad(ctx)
	}
	for {
		giveUp, ok, err := l.take(ctx, "attach", d)
		if ok {
			return func() { giveUp(); <-l.turn }, nil
		}
		if err == nil && sleep(waiting, jitter(20*time.Millisecond, 100*time.Millisecond)) != nil {
			err = notHad(ctx)
		}
		if err != nil {
			<-l.turn
			return nil, err
		}
	}
}

func notHad(ctx context.Context) error {
	if err := ctx.Err(); err != nil {
		return portal.Postpone("stopping", err)
	}
	return postponed("attach lease")
}

// take takes a lease if it is free or has run out. The holder's name is drawn
// anew each time, so a repeated write of the SDK finds itself and not a rival.
func (l *leases) take(ctx context.Context, lease string, d time.Duration) (release func(), ok bool, err error) {
	within, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	holder, now := rand.Text(), l.now()
	item := rowKey("lease", lease)
	item["holder"] = text(holder)
	item["until"] = number(now.Add(d).UnixMilli())
	_, err = l.db.PutItem(within, &dynamodb.PutItemInput{
		TableName: aws.String(l.name), Item: item,
		ConditionExpression:      aws.String("attribute_not_exists(pk) OR #until <= :now OR holder = :holder"),
		ExpressionAttributeNames: map[string]string{"#until": "until"},
		ExpressionAttributeValues: map[string]types.AttributeValue{
			":now": number(now.UnixMilli()), ":holder": text(holder),
		},
	})
	var taken *types.ConditionalCheckFailedException
	switch {
	case errors.As(err, &taken):
		return func() {}, false, nil
	case err != nil:
		return func() {}, false, portal.Postpone("lease store", fmt.Errorf("taking lease %s: %w", lease, err))
	}
	return func() { l.release(ctx, lease, holder) }, true, nil
}

// release deletes a lease that is still ours. One that cannot be deleted runs out.
func (l *leases) release(ctx context.Context, lease, holder string) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), patience)
	defer cancel()
	_, _ = l.db.DeleteItem(ctx, &dynamodb.DeleteItemInput{
		TableName: aws.String(l.name), Key: rowKey("lease", lease),
		ConditionExpression:       aws.String("holder = :holder"),
		ExpressionAttributeValues: map[string]types.AttributeValue{":holder": text(holder)},
	})
}

func rowKey(pk, sk string) map[string]types.AttributeValue {
	return map[string]types.AttributeValue{"pk": text(pk), "sk": text(sk)}
}

func text(s string) types.AttributeValue { return &types.AttributeValueMemberS{Value: s} }

func number(n int64) types.AttributeValue {
	return &types.AttributeValueMemberN{Value: strconv.FormatInt(n, 10)}
}
