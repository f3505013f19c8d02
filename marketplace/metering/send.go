package metering

import (
	"context"
	"errors"
	"slices"
	"time"

	"github.com/rs/zerolog"
	"golang.org/x/sync/errgroup"

	"github.com/gatehouse-portal/gatehouse/marketplace/seller"
	"github.com/gatehouse-portal/gatehouse/portal"
)

// timeRefused is AWS's code for a time that is too old or still to come.
const timeRefused = "TimestampOutOfBoundsException"

// surelyInTime is an age at which AWS takes every record.
const surelyInTime = 30 * time.Minute

// answer is what a call has said about a record. If outcome is "", Unprocessed or Unanswered, notBilled means that AWS
// has certainly not billed the record in this call; otherwise it may have.
type answer struct {
	record  Record
	outcome seller.Outcome
	id      string
	// code is AWS's, if it refuses this record.
	code      string
	notBilled bool
}

// A run stops sending after mostUnanswered batches in a row that AWS has not answered. Fewer may be the
// fault of one product.
const mostUnanswered = 5

// parallel is how many rows are written at once.
const parallel = 8

// sendAll sends records, in batches of one product, and writes what AWS answers. Records that AWS has
// not answered are sent again by a later run. It goes on after a batch that AWS has not answered, and notes that as
// did.Problem. It returns AWS's error if AWS takes no more records now.
func (m *Meter) sendAll(ctx context.Context, records []Record, did *Result) error {
	for len(records) > 0 {
		n := 1
		for n < len(records) && n < seller.MaxRecords && records[0].together(records[n]) {
			n++
		}
		err := m.sendBatch(ctx, records[:n], did)
		switch {
		case err == nil:
			did.Silent = 0
		case perhapsOneProduct(err) && did.Silent+1 < mostUnanswered && ctx.Err() == nil:
			did.Silent++
			did.Problem = problemOf(err)
			zerolog.Ctx(ctx).Error().Err(err).Str("product", string(records[0].Product)).Msg("AWS Marketplace did not answer about records of a product; the next run sends them again")
		default:
			return err
		}
		records = records[n:]
	}
	return nil
}

// perhapsOneProduct reports whether AWS did not answer a call, or refused it for a reason that need not hold for other
// products.
func perhapsOneProduct(err error) bool {
	return errors.Is(err, seller.ErrDown) || errors.Is(err, seller.ErrRefused)
}

func (m *Meter) sendBatch(ctx context.Context, records []Record, did *Result) error {
	tried, untried := m.try(ctx, records)
	if len(tried) == 0 {
		return untried
	}
	answers, refused := m.submit(ctx, tried)
	if err := m.note(ctx, answers, did); err != nil {
		return err
	}
	if untried != nil {
		return untried
	}
	return refused
}

// try notes that the records are sent now, and returns those that are still to be sent, also if it fails for others.
// A record that is noted and not sent would count as one that AWS may have billed.
func (m *Meter) try(ctx context.Context, records []Record) ([]Record, error) {
	tries := make([]bool, len(records))
	tried := slices.Clone(records)
	var group errgroup.Group
	group.SetLimit(parallel)
	for i, r := range records {
		group.Go(portal.Guard(func() (err error) {
			tried[i], tries[i], err = m.Ledger.noteTry(ctx, r, m.Now())
			return err
		}))
	}
	err := group.Wait()
	var left []Record
	for i, ok := range tries {
		if ok {
			left = append(left, tried[i])
		}
	}
	return left, err
}

// submit sends records of one product. If AWS refuses all of them because of at least one, it sends
// each half, until the bad ones stand alone. The answers are of all records. The error is AWS's if it
// takes no more records now.
func (m *Meter) submit(ctx context.Context, records []Record) ([]answer, error) {
	sent := make([]seller.Record, len(records))
	for i, r := range records {
		sent[i] = r.usage()
	}
	metered, err := m.Seller.Meter(ctx, records[0].Product, sent)
	var refused *seller.BatchRefused
	switch {
	case errors.As(err, &refused) && len(records) == 1:
		return []answer{{record: records[0], code: refused.Code, notBilled: true}}, nil
	case errors.As(err, &refused):
		half := len(records) / 2
		first, err := m.submit(ctx, records[:half])
		if err != nil {
			return append(first, unanswered(records[half:], true)...), err
		}
		second, err := m.submit(ctx, records[half:])
		return append(first, second...), err
	case errors.Is(err, seller.ErrThrottled), errors.Is(err, seller.ErrDenied), errors.Is(err, seller.ErrDisabled), errors.Is(err, seller.ErrRefused):
		return unanswered(records, true), err
	case err != nil:
		return unanswered(records, false), err
	}
	answers := make([]answer, len(records))
	for i, r := range metered {
		answers[i] = answer{record: records[i], outcome: r.Outcome, id: r.ID, notBilled: r.Outcome == seller.Unprocessed}
	}
	return answers, nil
}

func unanswered(records []Record, notBilled bool) []answer {
	answers := make([]answer, len(records))
	for i, r := range records {
		answers[i] = answer{record: r, notBilled: notBilled}
	}
	return answers
}

// note writes what AWS has answered.
func (m *Meter) note(ctx context.Context, answers []answer, did *Result) error {
	group, within := errgroup.WithContext(ctx)
	group.SetLimit(parallel)
	for _, a := range answers {
		did.count(a)
		group.Go(portal.Guard(func() error { return m.noteOrPass(within, a) }))
	}
	return group.Wait()
}

// noteOrPass passes over an outcome that DynamoDB refuses to store. A later run sends the record again.
func (m *Meter) noteOrPass(ctx context.Context, a answer) error {
	err := m.noteOne(ctx, a)
	if errors.Is(err, errRefused) {
		zerolog.Ctx(ctx).Error().Err(err).Str("licence", string(a.record.Licence)).Msg("the outcome of a record cannot be stored and is passed over")
		return nil
	}
	return err
}

func (m *Meter) noteOne(ctx context.Context, a answer) error {
	now := m.Now()
	ended := a.record
	log := zerolog.Ctx(ctx).With().Str("licence", string(ended.Licence)).Str("dimension", ended.Dimension).Time("hour", ended.Hour()).Int64("quantity", ended.Quantity).Logger()
	switch {
	case a.outcome == seller.Accepted:
		ended.Status, ended.ID = Accepted, a.id
	case a.outcome == seller.Duplicate:
		ended.Status = Duplicate
		log.Error().Msg("AWS Marketplace has another quantity for this hour, so this usage is not billed; find out what else meters the listing")
	case a.outcome == seller.NotSubscribed:
		ended.Status = NotSubscribed
		log.Error().Msg("AWS Marketplace says that the buyer is not subscribed, so this usage is not billed now")
		return m.endUnsubscribed(ctx, ended, now)
	case a.code == timeRefused && now.Sub(ended.At) < surelyInTime:
		return m.Ledger.notBilled(ctx, ended) // AWS's clock is behind
	case a.code == timeRefused:
		ended.Status = Returned
	case a.code != "":
		ended.Status, ended.Code = Refused, a.code
		log.Error().Str("code", a.code).Msg("AWS Marketplace refuses this usage, so it is not billed; docs/runbook.md says what to do")
	case a.notBilled:
		return m.Ledger.notBilled(ctx, ended)
	default:
		return nil
	}
	return m.Ledger.noteOutcome(ctx, ended, now)
}

// endUnsubscribed writes that AWS takes no more usage of the licence. This ends the metering of a
// licence that is ending or has ended. The record of a licence that is active by the last notice is sent again, while AWS
// takes its hour, and is then in the next record: AWS may know of a purchase later than it sends the notice.
func (m *Meter) endUnsubscribed(ctx context.Context, ended Record, now time.Time) error {
	of, err := m.subject(ctx, ended.Licence)
	if err != nil {
		return err
	}
	switch {
	case of.licence.Active() && now.Sub(ended.At) < takes:
		return m.Ledger.notBilled(ctx, ended)
	case of.licence.Active():
		ended.Status = Returned
		return m.Ledger.noteOutcome(ctx, ended, now)
	}
	if err := m.Ledger.noteOutcome(ctx, ended, now); err != nil {
		return err
	}
	return m.closeLedger(ctx, of)
}
