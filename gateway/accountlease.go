package gateway

import (
	"context"
	"crypto/rand"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"github.com/gatehouse-portal/gatehouse/portal"
)

// AccountLease is the lease of an account, and it remembers: one that was not ended, or
// not as settled, is unsettled for whoever has it next. Its item is there for as long as
// that is so, and only then (pk "lease", sk "account#<account>").
type AccountLease struct {
	// Until is when it runs out, by this process's clock.
	Until time.Time
	// Unsettled says that an earlier holder may have had API Gateway do something, or may
	// have it done yet, that is not recorded.
	Unsettled bool

	end func(settled bool)
}

// End gives the lease back if it is still ours. settled says that whatever was begun under
// it, by this holder or by those who left it unsettled, is known and recorded.
func (l AccountLease) End(settled bool) {
	if l.end != nil {
		l.end(settled)
	}
}

// AccountLease takes the lease of an account for at most d, without waiting; ok is
// false while somebody else holds it. It spares two convergers the work of getting
// in each other's way and guards nothing: it may run out under its holder. The error is a
// *portal.Postponed: the table did not answer.
func (cp *ControlPlane) AccountLease(ctx context.Context, account portal.AccountID, d time.Duration) (lease AccountLease, ok bool, err error) {
	return cp.budget.leases.account(ctx, "account#"+string(account), d)
}

func (l *leases) account(ctx context.Context, name string, d time.Duration) (AccountLease, bool, error) {
	within, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	holder, now := rand.Text(), l.now()
	until := now.Add(d)
	before, ok, err := l.update(within, name, "SET holder = :holder, #until = :until", free, map[string]types.AttributeValue{
		":holder": text(holder), ":until": number(until.UnixMilli()), ":now": number(now.UnixMilli()),
	})
	if !ok || err != nil {
		return AccountLease{}, false, err
	}
	return AccountLease{Until: until, Unsettled: len(before) > 0, end: func(settled bool) {
		if settled {
			l.release(ctx, name, holder)
			return
		}
		l.giveUp(ctx, name, holder)
	}}, true, nil
}
