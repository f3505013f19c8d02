package marketplace

import (
	"time"

	"github.com/gatehouse-portal/gatehouse/localaws/metering"
	"github.com/gatehouse-portal/gatehouse/localaws/store"
)

// Settings are what AWS's documents leave open, and what tests want shorter.
type Settings struct {
	// FinalUsageWindow is how long usage can be metered after an end, like "1h" or "90s".
	FinalUsageWindow string `json:"finalUsageWindow"`
	// WindowOpenedBy is ByDeprovisioned or ByEnded.
	WindowOpenedBy string `json:"windowOpenedBy"`
	// LicenceARNs in events are Documented or Observed.
	LicenceARNs string `json:"licenceArns"`
	// QuietEntitlements means that a change of an entitlement does not count as an update of
	// its agreement.
	QuietEntitlements bool `json:"quietEntitlements"`
	// MeteringDisabled means that ResolveCustomer and BatchMeterUsage answer
	// DisabledApiException.
	MeteringDisabled bool `json:"meteringDisabled"`
	// Lose is how many of the next notices are lost.
	Lose int `json:"lose"`
}

// Values of WindowOpenedBy. AWS's documents contradict each other.
const (
	// ByDeprovisioned: License Deprovisioned opens the window for the last usage.
	ByDeprovisioned = "deprovisioned"
	// ByEnded: Purchase Agreement Ended opens it, and License Deprovisioned closes it.
	ByEnded = "ended"
)

// Values of LicenceARNs.
const (
	// Documented: aws:license-manager:us-east-1:ACCOUNT:l-…, as in AWS's sample event.
	Documented = "documented"
	// Observed: arn:aws:license-manager::ACCOUNT:license:l-…, as sellers have received it.
	Observed = "observed"
)

var defaults = Settings{FinalUsageWindow: "1h", WindowOpenedBy: ByDeprovisioned, LicenceARNs: Documented}

const settingsKey = "settings"

func readSettings(tx *store.Tx) (Settings, error) {
	have, found, err := store.GetJSON[Settings](settingsIn(tx), settingsKey)
	if !found {
		have = defaults
	}
	return have, err
}

// Settings returns the settings.
func (s *Service) Settings() (have Settings, err error) {
	err = s.env.DB.View(func(tx *store.Tx) (err error) {
		have, err = readSettings(tx)
		return err
	})
	return have, err
}

// SetSettings replaces the settings. Empty texts mean the defaults.
func (s *Service) SetSettings(wanted Settings) (Settings, error) {
	for field, fallback := range map[*string]string{
		&wanted.FinalUsageWindow: defaults.FinalUsageWindow, &wanted.WindowOpenedBy: defaults.WindowOpenedBy, &wanted.LicenceARNs: defaults.LicenceARNs,
	} {
		if *field == "" {
			*field = fallback
		}
	}
	window, err := time.ParseDuration(wanted.FinalUsageWindow)
	switch {
	case err != nil || window < 0:
		return wanted, badRequest("the final usage window must be a duration such as 1h or 90s")
	case wanted.WindowOpenedBy != ByDeprovisioned && wanted.WindowOpenedBy != ByEnded:
		return wanted, badRequest("the window is opened by %q or %q", ByDeprovisioned, ByEnded)
	case wanted.LicenceARNs != Documented && wanted.LicenceARNs != Observed:
		return wanted, badRequest("the licence ARNs in events are %q or %q", Documented, Observed)
	case wanted.Lose < 0:
		return wanted, badRequest("the number of notices to lose must not be negative")
	}
	return wanted, s.change(func(d *draft) error {
		d.settings = wanted
		d.write(func(tx *store.Tx) error { return metering.SetDisabled(tx, wanted.MeteringDisabled) })
		return nil
	})
}

func (s Settings) window() time.Duration {
	window, err := time.ParseDuration(s.FinalUsageWindow)
	if err != nil {
		panic(err) // SetSettings accepted it
	}
	return window
}
