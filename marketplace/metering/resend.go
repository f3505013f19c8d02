package metering

import (
	"context"
	"errors"
	"slices"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"github.com/gatehouse-portal/gatehouse/portal"
	"github.com/gatehouse-portal/gatehouse/schema"
)

// takes is how long after its time AWS takes a record. The Go SDK says six hours, newer pages of the Metering
// Service API Reference 24. The shorter time is the one that AWS certainly keeps.
const takes = 6 * time.Hour

// Remedy says what can be done about a record that AWS refused.
type Remedy string

// The remedies. Only usage with the first two can still be billed.
const (
	// SendAgain: the record is sent again for its hour, with the names that the licence has now.
	SendAgain Remedy = "send_again"
	// NextRecord: the next record has the quantity, since AWS takes none of that hour any more, or the catalog now
	// meters the plan in another dimension.
	NextRecord Remedy = "next_record"
	// TooOld: AWS takes no record of that age, and may have billed an earlier try whose answer was lost.
	TooOld Remedy = "too_old"
	// Ended: AWS takes no more usage of the licence.
	Ended Remedy = "ended"
	// NotMetered: the catalog says that the portal does not meter the plan.
	NotMetered Remedy = "not_metered"
	// PerhapsBilled: AWS may have billed an earlier try whose answer was lost. It would bill the usage twice, since
	// the licence has other names now.
	PerhapsBilled Remedy = "perhaps_billed"
)

// Possible reports whether the usage can still be billed.
func (r Remedy) Possible() bool { return r == SendAgain || r == NextRecord }

// RefusedRecord is a record that AWS refused, and what can be done about it.
type RefusedRecord struct {
	Record
	Remedy Remedy
	// corrected is the record as it is sent again. With NextRecord only its dimension counts.
	corrected Record
	// active means that AWS says the licence is active, so a ledger that was closed takes usage again.
	active bool
}

// RefusedRecords lists the records of a licence that AWS refused, the newest first. It changes nothing. It needs
// Ledger, Journal, Sold and Now.
func (m *Meter) RefusedRecords(ctx context.Context, licence portal.Stream) (list []RefusedRecord, err error) {
	tally, err := m.Ledger.Tally(ctx, licence)
	left := tally.Sums[Refused]
	if err != nil || left == 0 {
		return nil, err
	}
	of, err := m.subject(ctx, licence)
	if err != nil {
		return nil, err
	}
	sold, err := m.Sold(ctx)
	if err != nil {
		return nil, err
	}
	err = m.Ledger.Records(ctx, licence, func(r Record) bool {
		if r.Status == Refused {
			list = append(list, m.remedy(of, sold, tally, r))
			left -= r.Quantity
		}
		return left > 0
	})
	return list, err
}

func (m *Meter) remedy(of subject, sold func(portal.PlanID) Sold, tally Tally, r Record) RefusedRecord {
	corrected := of.record()
	corrected.Dimension, corrected.At, corrected.Quantity = dimensionNow(of, sold, r.Dimension), r.At, r.Quantity
	tooOld := m.Now().Sub(r.At) >= takes
	refused := RefusedRecord{Record: r, corrected: corrected, active: of.licence.Active()}
	switch {
	case !tally.Closed.IsZero() && !refused.active:
		refused.Remedy = Ended
	case corrected.Dimension == "":
		refused.Remedy = NotMetered
	case r.MaybeBilled > 1 && (corrected.usage() != r.usage() || corrected.Product != r.Product): // the refused try itself is one of them
		refused.Remedy = PerhapsBilled
	case tooOld && r.MaybeBilled > 1:
		refused.Remedy = TooOld
	case tooOld, corrected.Dimension != r.Dimension:
		refused.Remedy = NextRecord
	default:
		refused.Remedy = SendAgain
	}
	return refused
}

// dimensionNow is the dimension itself if a plan of the licence is metered in it, else that of the present plan;
// "" if the portal does not meter the plan.
func dimensionNow(of subject, sold func(portal.PlanID) Sold, dimension string) string {
	if slices.ContainsFunc(of.plans, func(plan portal.PlanID) bool { return sold(plan).Dimension == dimension }) {
		return dimension
	}
	return sold(of.licence.Claim.Plan).Dimension
}

// Resend has the next run send what can still be billed of the records. A record that was sent again, or changed
// otherwise, since it was read stays as it is, so a second call changes nothing. done has those that it changed.
func (m *Meter) Resend(ctx context.Context, records []RefusedRecord) (done []RefusedRecord, err error) {
	for _, r := range records {
		if !r.Remedy.Possible() {
			continue
		}
		changed, err := m.Ledger.resend(ctx, r)
		if err != nil {
			return done, err
		}
		if changed {
			done = append(done, r)
		}
	}
	return done, nil
}

// resend opens a refused record again, or moves its quantity to the next record of another dimension. It reports
// false if the record is no longer as it was read.
func (l *Ledger) resend(ctx context.Context, refused RefusedRecord) (bool, error) {
	key := schema.MeteringRecord(refused.Licence, refused.Hour(), refused.Dimension)
	again := refused.Record
	if refused.Remedy == SendAgain {
		again.Product, again.ARN, again.Buyer, again.Customer = refused.corrected.Product, refused.corrected.ARN, refused.corrected.Buyer, refused.corrected.Customer
		again.Status, again.Code, again.Ended = Written, "", time.Time{}
		again.MaybeBilled = max(0, again.MaybeBilled-1) // AWS certainly did not bill the refused try
	} else {
		again.Status = Returned
	}
	for range maxRaces {
		before, err := l.Tally(ctx, refused.Licence)
		if err != nil {
			return false, err
		}
		row, err := l.get(ctx, key)
		if err != nil {
			return false, err
		}
		current, err := decode(row)
		if err != nil || current.Status != Refused || current.Tries != refused.Tries {
			return false, err
		}
		after := before.clone()
		if refused.active {
			after.Closed = time.Time{}
		}
		counted := again
		counted.Dimension = refused.corrected.Dimension
		after.recount(current, counted)
		tally, err := l.putTally(before, after)
		if err != nil {
			return false, err
		}
		record, err := encode(key, again)
		if err != nil {
			return false, err
		}
		items := []types.TransactWriteItem{tally, {Put: &types.Put{
			TableName: &l.table, Item: record, ConditionExpression: aws.String("#status = :refused AND tries = :tries"),
			ExpressionAttributeNames: map[string]string{"#status": "status"},
			ExpressionAttributeValues: map[string]types.AttributeValue{
				":refused": schema.Text(string(Refused)), ":tries": schema.Number(int64(refused.Tries)),
			},
		}}}
		if again.Status == Written {
			items = append(items, types.TransactWriteItem{Put: &types.Put{TableName: &l.table, Item: l.unansweredRow(again)}})
		}
		if err := l.transact(ctx, "sending a record of "+string(refused.Licence)+" again", items); !errors.Is(err, errRace) {
			return err == nil, err
		}
	}
	return false, &portal.Postponed{After: time.Second, Reason: "other processes change the ledger"}
}
