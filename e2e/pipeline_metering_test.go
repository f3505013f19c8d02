// The metering of pipeline_test.go: an AWS that bills, and the job that meters.

package e2e

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb"

	"github.com/gatehouse-portal/gatehouse/events"
	"github.com/gatehouse-portal/gatehouse/gateway"
	"github.com/gatehouse-portal/gatehouse/jobs"
	"github.com/gatehouse-portal/gatehouse/marketplace/metering"
	"github.com/gatehouse-portal/gatehouse/marketplace/seller"
	"github.com/gatehouse-portal/gatehouse/portal"
)

// purchaseOf is what AWS says about the buyer of a licence.
func purchaseOf(stream portal.Stream) events.Purchase {
	if stream.Kind() == portal.KindLicence {
		return events.Purchase{Product: "prod", Buyer: "111122223333", ARN: "arn:aws:license-manager::1:" + string(stream)}
	}
	return events.Purchase{Product: "prod", Customer: string(stream)}
}

// bills is an AWS Marketplace that bills each licence and hour once, and takes usage for six hours.
type bills struct {
	w      *world
	billed map[string]map[time.Time]int64
}

func (b bills) Region() string { return "us-east-1" }

func (b bills) Meter(ctx context.Context, _ portal.ProductCode, records []seller.Record) (metered []seller.Metered, err error) {
	switch {
	case crashed(ctx):
		return nil, errCrash
	case b.w.oneIn(10, "AWS Marketplace throttles"):
		return nil, fmt.Errorf("metering: %w", seller.ErrThrottled)
	case b.w.oneIn(10, "AWS Marketplace does not hear"):
		return nil, fmt.Errorf("metering: %w", seller.ErrDown)
	}
	for _, r := range records {
		if age := b.w.clock.Sub(r.At); age < 0 || age >= 6*time.Hour {
			return nil, &seller.BatchRefused{Code: "TimestampOutOfBoundsException"}
		}
	}
	for _, r := range records {
		whose, hour := r.Licence+r.Customer, r.At.Truncate(time.Hour)
		if b.billed[whose] == nil {
			b.billed[whose] = map[time.Time]int64{}
		}
		before, found := b.billed[whose][hour]
		outcome := seller.Accepted
		if found && before != r.Quantity {
			outcome = seller.Duplicate
		} else {
			b.billed[whose][hour] = r.Quantity
		}
		metered = append(metered, seller.Metered{Record: r, Outcome: outcome, ID: "id"})
	}
	switch {
	case b.w.oneIn(10, "AWS Marketplace's answer is lost"):
		return nil, fmt.Errorf("metering: %w", seller.ErrDown)
	case b.w.oneIn(20, "crashes after metering"):
		return nil, crash(ctx)
	}
	return metered, nil
}

func (f faultyUsageTable) write(ctx context.Context, write func() error) error {
	f.w.writing.Lock()
	defer f.w.writing.Unlock()
	switch {
	case crashed(ctx):
		return errCrash
	case f.w.oneIn(20, "crashes before writing"):
		return crash(ctx)
	}
	err := write()
	if err == nil && f.w.oneIn(20, "the table's answer is lost") {
		return errors.New("the table does not answer")
	}
	return err
}

func (f faultyUsageTable) UpdateItem(ctx context.Context, in *dynamodb.UpdateItemInput, opts ...func(*dynamodb.Options)) (out *dynamodb.UpdateItemOutput, err error) {
	err = f.write(ctx, func() (err error) {
		out, err = f.Client.UpdateItem(context.Background(), in, opts...)
		return err
	})
	return out, err
}

func (f faultyUsageTable) TransactWriteItems(ctx context.Context, in *dynamodb.TransactWriteItemsInput, opts ...func(*dynamodb.Options)) (out *dynamodb.TransactWriteItemsOutput, err error) {
	err = f.write(ctx, func() (err error) {
		out, err = f.Client.TransactWriteItems(context.Background(), in, opts...)
		return err
	})
	return out, err
}

func (w *world) newMeter() *metering.Meter {
	return &metering.Meter{
		Ledger: metering.NewLedger(faultyUsageTable{w.tables, w}, w.names.Usage), Licences: w.views, Journal: w.journal, Accounts: w.reader, Counters: w.collector.Table,
		Seller: bills{w, map[string]map[time.Time]int64{}}, Scratch: jobs.NewScratch(w.tables, w.names.Records, w.now), Now: w.now,
		Sold: func(context.Context) (func(portal.PlanID) metering.Sold, error) {
			return func(portal.PlanID) metering.Sold {
				return metering.Sold{Known: true, Dimension: "requests"}
			}, nil
		},
		ReadKey: func(ctx context.Context, account portal.AccountID, pair portal.Pair, id portal.GatewayKeyID) error {
			_, _, err := w.collector.Final(ctx, gateway.Backlog, func() time.Time { return w.messageLease(ctx) }, account, pair, id)
			return err
		},
	}
}

// meterAll runs the job metering as if it were demanded. A run whose worker crashes, or whose table
// does not answer, is done again later.
func (w *world) meterAll() {
	ctx, me := newWorker()
	for cursor := metering.Demanded; cursor != ""; {
		next, err := w.meter.Step(ctx, cursor)
		var postponed *portal.Postponed
		switch {
		case me.crashed, errors.As(err, &postponed):
			return
		case err != nil:
			w.Fatalf("metering from %q: %v", cursor, err)
		}
		cursor = next
	}
}

// checkMetering checks that AWS bills what was counted with the keys of licences, once, or that the
// ledger has the reason.
func (w *world) checkMetering() {
	w.collectAll()
	for range 3 {
		w.clock = w.clock.Add(time.Hour)
		w.meterAll()
	}
	for _, stream := range licences {
		balance, err := w.meter.Ledger.Balance(context.Background(), stream, w.collector.Table, w.clock)
		if err != nil {
			w.Fatal(err)
		}
		explained, unsure := int64(0), int64(0)
		for _, r := range balance.Reasons {
			explained += r.Quantity
			switch r.Cause {
			case metering.Cause(metering.TooLate):
				unsure = r.Quantity
			case metering.AfterEnd:
			case metering.Next:
				// The job leaves a licence that ended long ago to its due row.
				if licence := w.licence(stream); licence.Status == events.LicenceActive {
					w.Errorf("%d calls of %s are not metered", r.Quantity, stream)
				}
			default:
				w.Errorf("%d calls of %s are %s", r.Quantity, stream, r.Cause)
			}
		}
		bought := purchaseOf(stream)
		billed := int64(0)
		for _, n := range w.meter.Seller.(bills).billed[bought.ARN+bought.Customer] {
			billed += n
		}
		if explained != balance.Difference() || billed < balance.Accepted || billed > balance.Accepted+unsure {
			w.Errorf("of %s AWS bills %d; the ledger has %+v", stream, billed, balance)
		}
	}
}
