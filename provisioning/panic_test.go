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

// explosiveAccounts panic at one account.
type explosiveAccounts struct {
	*accounts.Reader
	account portal.AccountID
}

func (e explosiveAccounts) Account(ctx context.Context, id portal.AccountID) (accounts.History, error) {
	if id == e.account {
		panic("oh")
	}
	return e.Reader.Account(ctx, id)
}

func TestAStreamAtWhichTheSweepPanicsCountsAsUnreadable(t *testing.T) {
	t.Parallel()
	b := newBench(t, events.UserRegistered{}, keyWanted, freeWanted)
	b.append("broken", events.UserRegistered{})
	sweep := b.sweep(&listings{plans: []portal.PlanID{"free"}}, 99)
	sweep.Accounts = explosiveAccounts{b.reader(b.journal), "broken"}
	found := b.swept(sweep)
	if found.Streams != 1 || found.Open != 1 || found.Unreadable != 1 {
		t.Errorf("found %+v", found)
	}
}
