package leases

import (
	"context"
	"crypto/rand"
	"fmt"
	"time"

	"github.com/aws/aws-sdk-go-v2/feature/dynamodb/attributevalue"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"github.com/gatehouse-portal/gatehouse/clock"
	"github.com/gatehouse-portal/gatehouse/portal"
	"github.com/gatehouse-portal/gatehouse/schema"
)

// AccountLease is the lease of an account. It tells its holder whether an earlier holder may have
// left something unrecorded. Its row exists while the lease is held or something is unsettled.
type AccountLease struct {
	// Until is when it runs out, by this process's clock.
	Until time.Time
	// Unsettled is the latest time at which an earlier holder may have changed something in API
	// Gateway without recording it: when it gave the lease back unsettled, or when its lease ran
	// out or was taken over. It is the zero time if nothing is unsettled.
	Unsettled time.Time

	end func(settled bool)
}

// End gives the lease back if the holder still holds it. settled says that the outcome of
// everything that this holder and earlier ones have begun is recorded.
func (l AccountLease) End(settled bool) {
	if l.end != nil {
		l.end(settled)
	}
}

// AccountLease takes the lease of an account for a message, for at most d, without waiting. ok is
// false while another message holds it. A redelivered message takes the lease over, since SQS
// redelivers it only when its worker counts as dead. The error is a *portal.Postponed: the table
// did not answer.
func (l *Leases) AccountLease(ctx context.Context, account portal.AccountID, message string, d time.Duration) (lease AccountLease, ok bool, err error) {
	within, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	key := schema.AccountLease(l.target, account)
	holder, now := rand.Text(), l.now()
	until := now.Add(d)
	before, ok, err := l.Update(within, key,
		"SET holder = :holder, message = :message, #until = :until, unsettled = :until",
		"("+Free+" OR message = :message)",
		map[string]types.AttributeValue{
			":holder": schema.Text(holder), ":message": schema.Text(message), ":until": schema.Number(until.UnixMilli()),
			":now": schema.Number(now.UnixMilli()), ":latest": schema.Number(clock.Latest(now, d).UnixMilli()),
		})
	if !ok || err != nil {
		return AccountLease{}, false, err
	}
	lease = AccountLease{Until: until, end: func(settled bool) {
		if settled {
			l.remove(ctx, key, holder)
			return
		}
		l.GiveUp(ctx, key, "SET unsettled = :now REMOVE holder, message, #until", map[string]types.AttributeValue{
			":holder": schema.Text(holder), ":now": schema.Number(l.now().UnixMilli()),
		})
	}}
	var left struct {
		Unsettled int64 `dynamodbav:"unsettled"`
	}
	if err := attributevalue.UnmarshalMap(before, &left); err != nil {
		return AccountLease{}, false, portal.Postpone("lease store", fmt.Errorf("decoding lease %s: %w", key.SK, err))
	}
	if len(before) > 0 {
		// A lease that is taken over has not run out: its holder may have been at work until now.
		lease.Unsettled = clock.Earlier(time.UnixMilli(left.Unsettled), now)
	}
	return lease, true, nil
}
