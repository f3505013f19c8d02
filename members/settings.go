package members

import (
	"context"
	"errors"
	"strings"
	"time"
	_ "time/tzdata" // time zones are known wherever the program runs

	"github.com/gatehouse-portal/gatehouse/portal"
	"github.com/gatehouse-portal/gatehouse/records"
	"github.com/gatehouse-portal/gatehouse/schema"
)

// Settings are a person's choices.
type Settings struct {
	// TimeZone is a name of the tz database, "" for UTC.
	TimeZone string `dynamodbav:"time_zone"`
}

// Location is the time zone, UTC if there is none.
func (s Settings) Location() *time.Location {
	if location, err := ParseTimeZone(s.TimeZone); err == nil {
		return location
	}
	return time.UTC
}

// ParseTimeZone returns the time zone of a name of the tz database, UTC for "". Any other name is
// Invalid.
func ParseTimeZone(name string) (*time.Location, error) {
	location, err := time.LoadLocation(name)
	// "Local" would be the server's time zone.
	if err != nil || strings.EqualFold(name, "local") || len(name) > 64 {
		return nil, portal.Fail(portal.Invalid, "There is no such time zone. Send a name of the tz database, such as Europe/Berlin or America/New_York.")
	}
	return location, nil
}

// Settings returns the person's choices, or the defaults.
func (s *Store) Settings(ctx context.Context, account portal.AccountID) (Settings, error) {
	var found Settings
	_, err := s.rows.Get(ctx, schema.Settings(account), &found)
	return found, err
}

// SetSettings stores the settings.
func (s *Store) SetSettings(ctx context.Context, account portal.AccountID, settings Settings) error {
	if _, err := ParseTimeZone(settings.TimeZone); err != nil {
		return err
	}
	return erased(s.rows.Transact(ctx, "writing settings", records.OfAPerson(account), records.Write{Key: schema.Settings(account), Put: settings}))
}

func erased(err error) error {
	if errors.Is(err, records.ErrRefused) {
		return records.Erased()
	}
	return err
}
