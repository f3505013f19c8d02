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
// from API Gateway again, writes a record unless the hour has one, and sends what AWS has not answered. It is
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
	tally, err := m.Ledger.Tally(ctx, row.Stream)
	return !tally.Closed.IsZero(), err
}

// last meters what the counters have now.
func (m *Meter) last(ctx context.Context, of subject) error {
	tally, err := m.Ledger.Tally(ctx, of.licence.Stream)
	if err != nil || !tally.Closed.IsZero() {
		return err
	}
	if tally.anyFree(hourOf(m.Now())) {
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
func (t Tally) anyFree(hour time.Time) bool {
	for dimension := range t.Hours {
		if t.free(dimension, hour) {
			return true
		}
	}
	return len(t.Hours) == 0
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

// sendOf sends the records of one licence that AWS has not answered.
func (m *Meter) sendOf(ctx context.Context, of subject) error {
	records, _, err := m.Ledger.unanswered(ctx, unansweredOf(of), "", recordsPerStep)
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

// close ends the metering of a licence that AWS takes no more usage of. Records that AWS has not answered are still sent.
func (m *Meter) close(ctx context.Context, of subject) error {
	status, lapsed := of.licence.Status, of.licence.WithoutSubscriptionNotice() && of.licence.Lapsed
	if status != events.LicenceEnding && status != events.LicenceEnded && !lapsed {
		return nil
	}
	return m.closeLedger(ctx, of)
}

// closeLedger closes the ledger of the licence, unless that has happened or nothing was metered.
func (m *Meter) closeLedger(ctx context.Context, of subject) error {
	for range maxRaces {
		before, readings, err := m.read(ctx, of)
		if err != nil {
			return err
		}
		for more := true; more && err == nil; {
			if !before.Closed.IsZero() || before.Version == 0 {
				return nil
			}
			var after metered
			after, more = before.close(readings, m.Now())
			err = m.Ledger.write(ctx, before.Tally, after, nil)
			before = after.written()
		}
		if !errors.Is(err, errRace) {
			return err
		}
	}
	return &portal.Postponed{After: time.Second, Reason: "others meter " + string(of.licence.Stream)}
}
