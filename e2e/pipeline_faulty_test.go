// The journal, tables, queues and control plane that the workers of pipeline_test.go call.

package e2e

import (
	"context"
	"errors"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb"

	"github.com/gatehouse-portal/gatehouse/events"
	"github.com/gatehouse-portal/gatehouse/gateway"
	"github.com/gatehouse-portal/gatehouse/journal"
	"github.com/gatehouse-portal/gatehouse/leases"
	"github.com/gatehouse-portal/gatehouse/portal"
)

// Each call of these is a fault point.

type faultyJournal struct {
	*journal.Journal
	w *world
}

func (f faultyJournal) Append(ctx context.Context, stream portal.Stream, after int64, facts []events.Event, rows ...journal.Row) error {
	return f.w.faultPoint(ctx, func() error { return f.Journal.Append(ctx, stream, after, facts, rows...) })
}

// fakeSender puts messages into the world's queue. Facts wake the projector, and a copy of each the
// notifier.
type fakeSender struct{ w *world }

func (s fakeSender) Send(ctx context.Context, messages ...events.Event) error {
	return s.w.faultPoint(ctx, func() error {
		s.w.queue = append(s.w.queue, messages...)
		for _, msg := range messages {
			if _, ok := msg.Fact(); ok {
				msg.Source = toNotices
				s.w.queue = append(s.w.queue, msg)
			}
		}
		return nil
	})
}

func (s fakeSender) SendAgain(ctx context.Context, messages ...events.Event) error {
	return s.Send(ctx, messages...)
}

func (w *world) realLeases() *leases.Leases {
	return leases.New(faultyTables{w.tables, w}, leases.Config{Table: w.names.Records, Now: w.now})
}

// faultyTables is the table of the leases. A worker that has crashed does not give its lease
// back.
type faultyTables struct {
	*dynamodb.Client
	w *world
}

func (f faultyTables) UpdateItem(ctx context.Context, in *dynamodb.UpdateItemInput, opts ...func(*dynamodb.Options)) (out *dynamodb.UpdateItemOutput, err error) {
	err = f.write(ctx, func() (err error) {
		out, err = f.Client.UpdateItem(ctx, in, opts...)
		return err
	})
	return out, err
}

func (f faultyTables) DeleteItem(ctx context.Context, in *dynamodb.DeleteItemInput, opts ...func(*dynamodb.Options)) (out *dynamodb.DeleteItemOutput, err error) {
	err = f.write(ctx, func() (err error) {
		out, err = f.Client.DeleteItem(ctx, in, opts...)
		return err
	})
	return out, err
}

// write is a fault point whose answer may also be lost.
func (f faultyTables) write(ctx context.Context, step func() error) error {
	if err := f.w.faultPoint(ctx, step); err != nil {
		return err
	}
	if f.w.oneIn(20, "the table's answer is lost") {
		return errors.New("the table does not answer")
	}
	return nil
}

// noLeases gives every worker every lease: leases save work and guard nothing. Only a worker that stops
// leaves keys unrecorded, so none does in the calm.
type noLeases struct{ w *world }

func (l noLeases) AccountLease(context.Context, portal.AccountID, string, time.Duration) (leases.AccountLease, bool, error) {
	if !l.w.calm {
		l.w.unrecorded = l.w.clock
	}
	return leases.AccountLease{LastUnrecorded: l.w.unrecorded}, true, nil
}

func (noLeases) NewAccountLease(context.Context, portal.AccountID, string, time.Duration) (leases.AccountLease, leases.LeaseItem, bool) {
	return leases.AccountLease{}, leases.LeaseItem{}, false
}

type faultyPlane struct{ w *world }

func (f faultyPlane) DeriveAndCreateKey(ctx context.Context, derive func(context.Context) (gateway.Key, error)) (portal.GatewayKeyID, error) {
	key, err := derive(ctx)
	if err != nil {
		return "", err
	}
	return f.CreateKey(ctx, key)
}

// CreateKey returns the key of that name if there is one. If the key is not listed yet or has
// another name, the caller only learns that the value is taken.
func (f faultyPlane) CreateKey(ctx context.Context, key gateway.Key) (id portal.GatewayKeyID, err error) {
	plane := f.w.plane
	err = f.w.planeCall(ctx, func() error {
		if there := plane.keys[key.Name]; plane.unlisted[there] || plane.underAnotherName(key.Name) {
			return &gateway.Unavailable{ValueTaken: true}
		}
		_, there := plane.keys[key.Name]
		id = plane.make(key.Name)
		// A worker of an older version sets no customer.
		if !there && !f.w.oneIn(4, "an older worker created the key") {
			plane.customers[id] = key.Customer
		}
		return nil
	})
	return id, err
}

func (f faultyPlane) FindKey(ctx context.Context, name string) (id portal.GatewayKeyID, found bool, err error) {
	err = f.w.planeCall(ctx, func() error {
		id, found = f.w.plane.findListed(name)
		return nil
	})
	return id, found, err
}

func (f faultyPlane) Attach(ctx context.Context, plan portal.PlanID, key portal.GatewayKeyID) error {
	return f.w.planeCall(ctx, func() error { return f.w.plane.join(plan, key) })
}

func (f faultyPlane) Detach(ctx context.Context, plan portal.PlanID, key portal.GatewayKeyID) error {
	return f.w.planeCall(ctx, func() error {
		f.w.plane.detach(attachment{plan, key})
		return nil
	})
}

// Move makes both calls. Each may fail, or its answer may be lost.
func (f faultyPlane) Move(ctx context.Context, from, to portal.PlanID, key portal.GatewayKeyID) error {
	if err := f.Detach(ctx, from, key); err != nil {
		return err
	}
	return f.Attach(ctx, to, key)
}

func (f faultyPlane) HasPlan(ctx context.Context, plan portal.PlanID) (there bool, err error) {
	err = f.w.planeCall(ctx, func() error {
		there = !f.w.plane.gone[plan]
		return nil
	})
	return there, err
}

func (f faultyPlane) DeleteKey(ctx context.Context, key portal.GatewayKeyID) error {
	return f.w.planeCall(ctx, func() error {
		f.w.plane.remove(f.w.plane.nameOf(key))
		return nil
	})
}

func (f faultyPlane) Inspect(ctx context.Context, key portal.GatewayKeyID) (is gateway.KeyState, err error) {
	err = f.w.planeCall(ctx, func() error {
		is.Name = f.w.plane.nameOf(key)
		if is.Name == "" {
			return &gateway.Refused{Reason: gateway.KeyGone}
		}
		_, disabled := f.w.plane.disabled[key]
		is.Enabled, is.Customer = !disabled, f.w.plane.customers[key]
		return nil
	})
	return is, err
}

func (f faultyPlane) Rename(ctx context.Context, key portal.GatewayKeyID, name string) error {
	return f.w.planeCall(ctx, func() error {
		f.w.plane.rename(key, name)
		return nil
	})
}

func (f faultyPlane) SetEnabled(ctx context.Context, key portal.GatewayKeyID, enabled bool) error {
	return f.w.planeCall(ctx, func() error {
		if f.w.plane.nameOf(key) == "" {
			return &gateway.Refused{Reason: gateway.KeyGone}
		}
		if enabled {
			delete(f.w.plane.disabled, key)
		} else {
			f.w.plane.disableByHand(key, f.w.now())
		}
		return nil
	})
}

func (f faultyPlane) SetCustomer(ctx context.Context, key portal.GatewayKeyID, customer string) error {
	return f.w.planeCall(ctx, func() error {
		if f.w.plane.nameOf(key) == "" {
			return &gateway.Refused{Reason: gateway.KeyGone}
		}
		f.w.plane.customers[key] = customer
		delete(f.w.plane.customerLost, key)
		return nil
	})
}

func (f faultyPlane) QuotaOf(ctx context.Context, plan portal.PlanID, key portal.GatewayKeyID) (found gateway.KeyQuota, err error) {
	err = f.w.planeCall(ctx, func() error {
		found = f.w.quotaOf(attachment{plan, key})
		return nil
	})
	return found, err
}

func (f faultyPlane) SetRemaining(ctx context.Context, plan portal.PlanID, key portal.GatewayKeyID, remaining int64) error {
	return f.w.planeCall(ctx, func() error {
		f.w.setRemaining(attachment{plan, key}, remaining)
		return nil
	})
}

func (f faultyPlane) PlansOf(ctx context.Context, key portal.GatewayKeyID) (found []gateway.UsagePlan, err error) {
	err = f.w.planeCall(ctx, func() error {
		for _, id := range f.w.plane.plansOf(key) {
			found = append(found, gateway.UsagePlan{ID: id})
		}
		return nil
	})
	return found, err
}

type fakeValues struct{}

func (fakeValues) Value(_ context.Context, _, _ string, account portal.AccountID, key portal.KeyID) (string, error) {
	return string(account) + string(key), nil
}
