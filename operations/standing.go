package operations

import (
	"context"

	"golang.org/x/sync/errgroup"

	"github.com/gatehouse-portal/gatehouse/events"
	"github.com/gatehouse-portal/gatehouse/portal"
	"github.com/gatehouse-portal/gatehouse/projections"
)

// inGoodStanding returns why an account may change nothing now, as far as the views know. The
// worker decides again.
func inGoodStanding(profile projections.Profile) error {
	switch profile.Status {
	case projections.StatusSuspended:
		return portal.AccountSuspended(profile.Message)
	case projections.StatusDeleting, projections.StatusDeleted:
		return portal.AccountDeleting()
	}
	return nil
}

// registered returns why an account that may change something is not open yet, or nil.
func registered(profile projections.Profile) error {
	switch profile.Status {
	case projections.StatusRegistered:
		return nil
	case projections.StatusPending:
		return portal.Fail(portal.NotRegistered, "The operator of this portal has to approve your registration first. There is nothing you need to do.")
	case projections.StatusDenied:
		return portal.Fail(portal.NotRegistered, "The operator of this portal has denied your registration.")
	case projections.StatusNone:
		return portal.Fail(portal.NotRegistered, "Register first: this account is not registered yet.")
	}
	return inGoodStanding(profile)
}

// newcomer reports whether the guess says that the account's only request so far is one of its own.
// Nobody has suspended or deleted it then: both take a request, and the guess is wrong after one.
func newcomer(last portal.Intent, guessed bool) bool { return guessed && last == 1 }

// inGoodStanding refuses a request of an account that may not change anything.
func (o *Operations) inGoodStanding(ctx context.Context, account portal.AccountID) error {
	return o.whileStanding(ctx, account, inGoodStanding, func(context.Context) error { return nil })
}

// made makes the request, and at the same time reads whether the account may change something. If it
// may not, that is the error.
func (o *Operations) made(ctx context.Context, account portal.AccountID, prepare preparation) (request events.Request, err error) {
	err = o.whileStanding(ctx, account, inGoodStanding, func(ctx context.Context) (err error) {
		request, err = prepare.make(ctx)
		return err
	})
	return request, err
}

// whileStanding reads what a request needs, and at the same time the account's standing. A refusal by
// check comes before an error of read.
func (o *Operations) whileStanding(ctx context.Context, account portal.AccountID, check func(projections.Profile) error, read func(context.Context) error) error {
	var profile projections.Profile
	group, within := errgroup.WithContext(ctx)
	group.Go(portal.Guard(func() (err error) {
		profile, err = o.views.Profile(within, account)
		return err
	}))
	var failed error
	group.Go(portal.Guard(func() error {
		failed = read(within)
		return nil
	}))
	if err := group.Wait(); err != nil {
		return err
	}
	if refused := check(profile); refused != nil {
		return refused
	}
	return failed
}
