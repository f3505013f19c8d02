package app

import (
	"context"

	"github.com/gatehouse-portal/gatehouse/identity"
	"github.com/gatehouse-portal/gatehouse/members"
	"github.com/gatehouse-portal/gatehouse/portal"
)

// settingsDesk also tells the account's sessions, from which pages read the time zone.
type settingsDesk struct {
	*members.Store
	sessions *identity.Service
}

// SetSettings stores the settings.
func (d settingsDesk) SetSettings(ctx context.Context, account portal.AccountID, settings members.Settings) error {
	if err := d.Store.SetSettings(ctx, account, settings); err != nil {
		return err
	}
	return d.sessions.SetTimeZone(ctx, account, settings.TimeZone)
}

func timeZoneOf(store *members.Store) func(context.Context, portal.AccountID) (string, error) {
	return func(ctx context.Context, account portal.AccountID) (string, error) {
		settings, err := store.Settings(ctx, account)
		return settings.TimeZone, err
	}
}
