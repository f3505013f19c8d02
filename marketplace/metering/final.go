package metering

import (
	"context"
	"errors"
	"slices"
	"time"

	"github.com/rs/zerolog"

	"github.com/gatehouse-portal/gatehouse/due"
	"github.com/gatehouse-portal/gatehouse/events"
	"github.com/gatehouse-portal/gatehouse/portal"
)

const (
	// window is how long the usage of a licence that ends is metered. AWS takes it for an hour. Its
	// documents contradict each other on which notice opens that hour, so each notice counts, and the
	// portal may have it late. The true end is NotSubscribed.
	window = 70 * time.Minute
	// readTime bounds the reading of counters from API Gateway.
	readTime = 15 * time.Second
)

// Wake meters the last usage of the licence of a due row of kind due.Metering. It reads the counters
// from API Gateway again, writes a record unless the hour has one, and sends what is unsent. It is
// done when the window has passed, when AWS takes no more, or when the licence is active again.
//
// It may be repeated. AWS's errors do not fail it: the row falls due again.
func (m *Meter) Wake(ctx context.Context, row due.Row) (done bool, err error) {
	of, err := m.subject(ctx, row.Stream)
	switch {
	case err != nil:
		return false, err
	case of.licence.NotUnderstood != "":
		return false, nil
	case !of.claimed(), row.Opened > 0 && of.licence.Active() && of.licence.Claimed():
		return true, nil
	}
	over := m.Now().Sub(row.From) >= window
	if region, err := m.checkRegion(ctx); errors.Is(err, errElsewhere) {
		zerolog.Ctx(ctx).Error().Msg(otherRegion(region, m.Seller.Region()))
		return over, nil
	} else if err != nil {
		return false, err
	}
	if err := m.last(ctx, of); err != nil {
		return false, err
	}
	if over {
		return true, m.close(ctx, of)
	}
	head, err := m.Ledger.Head(ctx, row.Stream)
	return !head.Closed.IsZero(), err
}

// last meters what the counters have now.
func (m *Meter) last(ctx context.Context, of subject) error {
	head, err := m.Ledger.Head(ctx, of.licence.Stream)
	if err != nil || !head.Closed.IsZero() {
		return err
	}
	if head.anyFree(hourOf(m.Now())) {
		if err := m.readAgain(ctx, of); err != nil {
			return err
		}
		if _, err := m.write(ctx, of, false); err != nil && !errors.Is(err, errElsewhere) {
			return err
		}
	}
	return m.sendOf(ctx, of)
}

// anyFree reports whether any dimension may have no record of the hour.
func (h Head) anyFree(hour time.Time) bool {
	for dimension := range h.Hours {
		if h.free(dimension, hour) {
			return true
		}
	}
	return len(h.Hours) == 0
}

// readAgain reads the counters of the licence's keys from API Gateway. It passes over a key that cannot be
// read in a plan, such as one that has left the plan: what is known already is metered.
func (m *Meter) readAgain(ctx context.Context, of subject) error {
	keys, err := m.keys(ctx, of)
	if err != nil {
		return err
	}
	within, cancel := context.WithTimeout(ctx, readTime)
	defer cancel()
	for _, key := range keys {
		if key.GatewayID == "" {
			continue
		}
		for _, plan := range slices.Backward(of.plans) { // the present plan first
			if err := m.ReadKey(within, key.account, portal.Pair{Key: key.ID, Plan: plan}, key.GatewayID); err != nil {
				zerolog.Ctx(ctx).Warn().Err(err).Str("licence", string(of.licence.Stream)).Str("key", string(key.ID)).Str("plan", string(plan)).Msg("the last usage of a key cannot be read yet")
			}
			if within.Err() != nil {
				return nil
			}
		}
	}
	return nil
}

// sendOf sends what is unsent of one licence.
func (m *Meter) sendOf(ctx context.Context, of subject) error {
	records, _, err := m.Ledger.unsent(ctx, unsentOf(of), "", unsentPerStep)
	if err != nil {
		return err
	}
	err = m.sendAll(ctx, records, &Result{})
	var later *portal.Postponed
	if err == nil || errors.As(err, &later) {
		return err
	}
	zerolog.Ctx(ctx).Warn().Err(err).Str("licence", string(of.licence.Stream)).Msg("the last usage of a licence cannot be metered yet")
	return nil
}

// close ends the metering of a licence that AWS takes no more usage of. Unsent records are still sent.
func (m *Meter) close(ctx context.Context, of subject) error {
	if status := of.licence.Status; status != events.LicenceEnding && status != events.LicenceEnded {
		return nil
	}
	for range maxRaces {
		before, err := m.Ledger.Head(ctx, of.licence.Stream)
		if err != nil || !before.Closed.IsZero() || before.Version == 0 {
			return err
		}
		readings, known, err := m.read(ctx, of, before)
		if err != nil {
			return err
		}
		if err := m.Ledger.write(ctx, before, known.close(readings, m.Now()), nil); !errors.Is(err, errRace) {
			return err
		}
	}
	return &portal.Postponed{After: time.Second, Reason: "others meter " + string(of.licence.Stream)}
}
