package operations

import (
	"context"

	"golang.org/x/sync/errgroup"

	"github.com/gatehouse-portal/gatehouse/portal"
	"github.com/gatehouse-portal/gatehouse/projections"
)

// inGoodStanding returns why an account may change nothing now, as far as the views know: it is
// suspended, or is being deleted. The worker decides again.
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

// whileInGoodStanding reads what a request needs and, at the same time, whether the account may
// change something. If it may not, that is the error.
func (o *Operations) whileInGoodStanding(ctx context.Context, account portal.AccountID, read func(context.Context) error) error {
	return o.whileStanding(ctx, account, inGoodStanding, read)
}

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
