package notices

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/gatehouse-portal/gatehouse/portal"
	"github.com/gatehouse-portal/gatehouse/records"
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

// Checked refuses unknown kinds and channels as portal.Invalid.
func (s Settings) Checked() (Settings, error) {
	out := Settings{Off: map[string][]Kind{}}
	for channel, kinds := range s.Off {
		if !slices.Contains(Channels(), channel) {
			return Settings{}, portal.Fail(portal.Invalid, fmt.Sprintf("There is no channel %q. Use dashboard, mail or webhook.", oneLine(channel)))
		}
		kinds, err := checkKinds(kinds)
		if err != nil {
			return Settings{}, err
		}
		if len(kinds) > 0 {
			out.Off[channel] = kinds
		}
	}
	return out, nil
}

// checkKinds returns the kinds sorted, without duplicates, or portal.Invalid for an unknown one.
func checkKinds(kinds []Kind) ([]Kind, error) {
	for _, kind := range kinds {
		if !slices.ContainsFunc(Kinds(), func(k KindInfo) bool { return k.Kind == kind }) {
			return nil, portal.Fail(portal.Invalid, fmt.Sprintf("There is no kind of notice %q. GET /api/v1/account/settings lists them.", oneLine(string(kind))))
		}
	}
	return slices.Compact(slices.Sorted(slices.Values(kinds))), nil
}

// Settings returns the settings of an account.
func (s *Store) Settings(ctx context.Context, account portal.AccountID) (Settings, error) {
	var settings Settings
	_, err := s.rows.Get(ctx, schema.NoticeSettings(account), &settings)
	return settings, err
}

// SetSettings replaces an account's settings. Unknown kinds and channels are portal.Invalid.
func (s *Store) SetSettings(ctx context.Context, account portal.AccountID, settings Settings) error {
	settings, err := settings.Checked()
	if err != nil {
		return err
	}
	err = s.rows.Transact(ctx, "writing the notice settings of "+string(account),
		records.Write{Key: schema.NoticeSettings(account), Put: settings}, records.OfAPerson(account))
	if errors.Is(err, records.ErrRefused) {
		return records.Erased()
	}
	return err
}
