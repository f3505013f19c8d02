package provisioning_test

import (
	"context"
	"errors"
	"testing"

	"github.com/gatehouse-portal/gatehouse/accounts"
	"github.com/gatehouse-portal/gatehouse/events"
	"github.com/gatehouse-portal/gatehouse/portal"
)

// explosive panics when facts are sent.
type explosive struct{ *sent }

func (explosive) Send(context.Context, ...events.Event) error { panic("oh") }

func TestAPanicOfSendingFactsIsTheErrorOfTheMessage(t *testing.T) {
	t.Parallel()
	b := newBench(t, events.UserRegistered{}, keyWanted, freeWanted)
	b.Sender = explosive{b.sent}
	err := b.wake("w1")
	var panicked *portal.PanicError
	if !errors.As(err, &panicked) || panicked.Value != "oh" || panicked.Stack == "" {
		t.Errorf("it returns %v", err)
	}
}

// explosiveAccounts panics at one account, or returns the error.
type explosiveAccounts struct {
	*accounts.Reader
	account portal.AccountID
	err     error
}

func (e explosiveAccounts) Account(ctx context.Context, id portal.AccountID) (accounts.History, error) {
	switch {
	case id != e.account:
		return e.Reader.Account(ctx, id)
	case e.err != nil:
		return accounts.History{}, e.err
	}
	panic("oh")
}

func TestAStreamAtWhichTheSweepPanicsCountsAsUnreadable(t *testing.T) {
	t.Parallel()
	elsewhere := portal.Postpone("the journal does not answer", portal.Guard(func() error { panic("oh") })())
	for name, err := range map[string]error{"in the sweep's goroutine": nil, "in another goroutine": elsewhere} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := newBench(t, events.UserRegistered{}, keyWanted, freeWanted)
			b.append("broken", events.UserRegistered{})
			sweep := b.sweep(&listings{plans: []portal.PlanID{"free"}}, 99)
			sweep.Accounts = explosiveAccounts{b.reader(b.journal), "broken", err}
			found := b.swept(sweep)
			if found.Streams != 1 || found.Open != 1 || found.Unreadable != 1 {
				t.Errorf("found %+v", found)
			}
		})
	}
}
