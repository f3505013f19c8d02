package notices

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/gatehouse-portal/gatehouse/portal"
	"github.com/gatehouse-portal/gatehouse/schema"
)

// Settings are the kinds that an account has switched off, by channel. Everything else is on.
type Settings struct {
	Off map[string][]Kind `dynamodbav:"off"`
}

// Wants reports whether notices of the kind go to the channel.
func (s Settings) Wants(kind Kind, channel string) bool {
	return kind == WebhookTest || !slices.Contains(s.Off[channel], kind)
}

// checked returns settings with only kinds and channels that exist, or portal.Invalid.
func (s Settings) checked() (Settings, error) {
	out := Settings{Off: map[string][]Kind{}}
	for channel, kinds := range s.Off {
		if !slices.Contains(Channels(), channel) {
			return Settings{}, portal.Fail(portal.Invalid, fmt.Sprintf("There is no channel %q. Use dashboard, mail or webhook.", oneLine(channel)))
		}
		for _, kind := range kinds {
			if !slices.ContainsFunc(Kinds(), func(k KindInfo) bool { return k.Kind == kind }) {
				return Settings{}, portal.Fail(portal.Invalid, fmt.Sprintf("There is no kind of notice %q.", oneLine(string(kind))))
			}
		}
		if len(kinds) > 0 {
			out.Off[channel] = slices.Compact(slices.Sorted(slices.Values(kinds)))
		}
	}
	return out, nil
}

// Settings returns the settings of an account.
func (s *Store) Settings(ctx context.Context, account portal.AccountID) (Settings, error) {
	var settings Settings
	_, err := s.get(ctx, schema.NoticeSettings(account), &settings)
	return settings, err
}

// SetSettings replaces the settings of an account. Unknown kinds and channels are portal.Invalid.
func (s *Store) SetSettings(ctx context.Context, account portal.AccountID, settings Settings) error {
	settings, err := settings.checked()
	if err != nil {
		return err
	}
	row, err := s.put(schema.NoticeSettings(account), settings, time.Time{}, "")
	if err != nil {
		return err
	}
	err = s.transact(ctx, "writing the notice settings of "+string(account), row, s.ofAPerson(account))
	if errors.Is(err, errChanged) {
		return errErased()
	}
	return err
}
