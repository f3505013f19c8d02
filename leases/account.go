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
)

// AccountLease is the lease of an account, and it remembers: one that was not ended, or
// not as settled, is unsettled for its next holder. Its item exists for as long as that is
// so, and only then (pk "lease", sk "account#<account>").
type AccountLease struct {
	// Until is when it runs out, by this process's clock.
	Until time.Time
	// Unsettled is the last time at which an earlier holder may have had API Gateway do
	// something that is not recorded: when it gave the lease back unsettled, or when a lease
	// that was never given back ran out, or was taken over. It is the zero time if there is
	// nothing unsettled.
	LastUnrecorded time.Time

	end func(recorded bool)
}

// End gives the lease back if it is still the holder's. settled says that everything begun
// under it, by this holder or by those who left it unsettled, is known and recorded.
func (l AccountLease) End(recorded bool) {
	if l.end != nil {
		l.end(recorded)
	}
}

// AccountLease takes the lease of an account for a message, for at most d and without
// waiting; ok is false while it is held for another message. A message that comes again
// takes it over, since it comes again only when its worker is given up for dead. The lease
// spares two convergers the work of getting in each other's way and guards nothing: it may
// be lost under its holder. The error is a *portal.Postponed: the table did not answer.
func (l *Leases) AccountLease(ctx context.Context, account portal.AccountID, message string, d time.Duration) (lease AccountLease, ok bool, err error) {
	within, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	name := "account#" + string(account)
	holder, now := rand.Text(), l.now()
	until := now.Add(d)
	before, ok, err := l.Update(within, name,
		"SET holder = :holder, message = :message, #until = :until, unsettled = :until",
		"("+Free+" OR message = :message)",
		map[string]types.AttributeValue{
			":holder": text(holder), ":message": text(message), ":until": number(until.UnixMilli()),
			":now": number(now.UnixMilli()), ":latest": number(clock.Latest(now, d).UnixMilli()),
		})
	if !ok || err != nil {
		return AccountLease{}, false, err
	}
	lease = AccountLease{Until: until, end: func(recorded bool) {
		if recorded {
			l.remove(ctx, name, holder)
			return
		}
		l.GiveUp(ctx, name, "SET unsettled = :now REMOVE holder, message, #until", map[string]types.AttributeValue{
			":holder": text(holder), ":now": number(l.now().UnixMilli()),
		})
	}}
	var left struct {
		LastUnrecorded int64 `dynamodbav:"unsettled"`
	}
	if err := attributevalue.UnmarshalMap(before, &left); err != nil {
		return AccountLease{}, false, portal.Postpone("lease store", fmt.Errorf("decoding lease %s: %w", name, err))
	}
	if len(before) > 0 {
		// A lease that is taken over has not run out yet: its holder may have tried until now.
		lease.LastUnrecorded = clock.Earlier(time.UnixMilli(left.LastUnrecorded), now)
	}
	return lease, true, nil
}
