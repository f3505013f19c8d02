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

// AccountLease is the lease of an account. It also remembers whether a holder left something
// unrecorded (decision 0014).
type AccountLease struct {
	Until time.Time
	// LastUnrecorded is when an earlier holder may last have had API Gateway do something that is
	// not recorded. Zero: all is recorded.
	LastUnrecorded time.Time
	// Key and Holder name the lease's item. If all that this and earlier holders began is
	// recorded, the holder may delete the item in a transaction of its own, on condition that it
	// still has that holder. That ends the lease.
	Key    schema.Key
	Holder string

	end func(recorded bool)
}

// End ends the lease if it is still the holder's. recorded: all that this and earlier holders
// began is recorded.
func (l AccountLease) End(recorded bool) {
	if l.end != nil {
		l.end(recorded)
	}
}

// AccountLease takes the lease of an account for a message, for d and without waiting. ok is
// false while another message holds it. A redelivery takes it over, since the message's worker is
// taken for dead. So two workers may work at once; safety rests on LastUnrecorded. The error is a
// *portal.Postponed.
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
	lease = l.held(ctx, key, holder, until)
	var left struct {
		LastUnrecorded int64 `dynamodbav:"unsettled"` // the stored name stays
	}
	if err := attributevalue.UnmarshalMap(before, &left); err != nil {
		return AccountLease{}, false, portal.Postpone("lease store", fmt.Errorf("decoding lease %s: %w", key.SK, err))
	}
	if len(before) > 0 {
		// A lease that is taken over has not run out, so its holder may have acted until now.
		lease.LastUnrecorded = clock.Earlier(time.UnixMilli(left.LastUnrecorded), now)
	}
	return lease, true, nil
}

// LeaseItem is the item of a lease of an account that had none. Its attributes are those that
// AccountLease writes.
type LeaseItem struct {
	Holder         string `dynamodbav:"holder"`
	Message        string `dynamodbav:"message"`
	Until          int64  `dynamodbav:"until"`
	LastUnrecorded int64  `dynamodbav:"unsettled"`
}

// NewAccountLease returns a lease like AccountLease's, on the guess that no item has its key. The caller
// must write the item under the lease's key, on condition that there is none, and holds the lease once
// that has succeeded. ok is false if the caller should call AccountLease instead.
func (l *Leases) NewAccountLease(ctx context.Context, account portal.AccountID, message string, d time.Duration) (lease AccountLease, item LeaseItem, ok bool) {
	holder, until := rand.Text(), l.now().Add(d)
	item = LeaseItem{Holder: holder, Message: message, Until: until.UnixMilli(), LastUnrecorded: until.UnixMilli()}
	return l.held(ctx, schema.AccountLease(l.target, account), holder, until), item, true
}

func (l *Leases) held(ctx context.Context, key schema.Key, holder string, until time.Time) AccountLease {
	return AccountLease{Until: until, Key: key, Holder: holder, end: func(recorded bool) {
		if recorded {
			l.remove(ctx, key, holder)
			return
		}
		l.GiveUp(ctx, key, "SET unsettled = :now REMOVE holder, message, #until", map[string]types.AttributeValue{
			":holder": schema.Text(holder), ":now": schema.Number(l.now().UnixMilli()),
		})
	}}
}
