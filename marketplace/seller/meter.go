package seller

import (
	"context"
	"errors"
	"fmt"
	"math"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/marketplacemetering"
	"github.com/aws/aws-sdk-go-v2/service/marketplacemetering/types"

	"github.com/gatehouse-portal/gatehouse/portal"
)

// MaxRecords is how many records BatchMeterUsage takes (AWS Marketplace Metering Service API
// Reference, BatchMeterUsage).
const MaxRecords = 25

// Record is a licence's usage in one dimension and hour. AWS bills those three once: of two
// records with different quantities, the first counts.
type Record struct {
	// Licence is the ARN as ResolveCustomer wrote it, and Buyer its account. Customer is the
	// identifier of older listings; AWS takes it only without the others.
	Licence   string
	Buyer     portal.AWSAccount
	Customer  string
	Dimension string
	Quantity  int64
	At        time.Time
}

// Outcome is AWS's answer about one record.
type Outcome string

// The outcomes.
const (
	// Accepted records are billed.
	Accepted Outcome = "accepted"
	// Duplicate records are not billed: the hour has another quantity already.
	Duplicate Outcome = "duplicate"
	// NotSubscribed records are not billed: the licence ended more than an hour ago.
	NotSubscribed Outcome = "not_subscribed"
	// Unprocessed records are not billed. They must be sent again as they are.
	Unprocessed Outcome = "unprocessed"
	// Unanswered records may be billed: AWS's answer does not mention them. They must be sent again as
	// they are.
	Unanswered Outcome = "unanswered"
)

// Metered is a record with its outcome. ID is AWS's, "" unless it is Accepted.
type Metered struct {
	Record
	Outcome Outcome
	ID      string
}

// BatchRefused: AWS refused a whole batch because of at least one record. Smaller batches show
// which.
type BatchRefused struct {
	// Code is AWS's, such as InvalidUsageDimensionException.
	Code string
}

func (b *BatchRefused) Error() string { return "AWS Marketplace refuses the batch: " + b.Code }

var refusingBatches = map[string]bool{
	"InvalidCustomerIdentifierException": true, "InvalidLicenseException": true, "InvalidProductCodeException": true, "InvalidTagException": true,
	"InvalidUsageAllocationsException": true, "InvalidUsageDimensionException": true, "TimestampOutOfBoundsException": true, "ValidationException": true,
}

// Meter sends at most MaxRecords records of one product, all by customer or all by licence. The
// results are in the order of the records. It calls AWS once, so an error is about this try and no
// earlier one. The same records may be sent again. product is for records by customer only: AWS bills
// twice what is metered by product and by licence.
//
// The error is a *BatchRefused if AWS refuses the whole batch. After any other error, the records
// may or may not be metered.
func (s *Seller) Meter(ctx context.Context, product portal.ProductCode, records []Record) ([]Metered, error) {
	if len(records) == 0 {
		return nil, nil
	}
	in, err := batch(product, records)
	if err != nil {
		return nil, err
	}
	out, err := s.metering.BatchMeterUsage(ctx, in, func(o *marketplacemetering.Options) { o.RetryMaxAttempts = 1 })
	switch code := codeOf(err); {
	case refusingBatches[code]:
		return nil, &BatchRefused{Code: code}
	case err != nil:
		return nil, failure(fmt.Sprintf("metering %d records", len(records)), err)
	}
	answers := map[slot]types.UsageRecordResult{}
	for _, result := range out.Results {
		if result.UsageRecord != nil {
			answers[slotOf(*result.UsageRecord)] = result
		}
	}
	unprocessed := map[slot]bool{}
	for _, record := range out.UnprocessedRecords {
		unprocessed[slotOf(record)] = true
	}
	metered := make([]Metered, len(records))
	for i, sent := range in.UsageRecords {
		metered[i] = Metered{Record: records[i], Outcome: Unanswered}
		answer, ok := answers[slotOf(sent)]
		switch outcome, known := outcomes[answer.Status]; {
		case ok && known:
			metered[i].Outcome = outcome
		case !ok && unprocessed[slotOf(sent)]:
			metered[i].Outcome = Unprocessed
		}
		if metered[i].Outcome == Accepted {
			metered[i].ID = aws.ToString(answer.MeteringRecordId)
		}
	}
	return metered, nil
}

var outcomes = map[types.UsageRecordResultStatus]Outcome{
	types.UsageRecordResultStatusSuccess:               Accepted,
	types.UsageRecordResultStatusDuplicateRecord:       Duplicate,
	types.UsageRecordResultStatusCustomerNotSubscribed: NotSubscribed,
}

// slot is what AWS bills once.
type slot struct {
	licence, customer, dimension string
	at                           int64
}

func slotOf(r types.UsageRecord) slot {
	return slot{aws.ToString(r.LicenseArn), aws.ToString(r.CustomerIdentifier), aws.ToString(r.Dimension), aws.ToTime(r.Timestamp).Unix()}
}

func batch(product portal.ProductCode, records []Record) (*marketplacemetering.BatchMeterUsageInput, error) {
	if len(records) > MaxRecords {
		return nil, fmt.Errorf("metering %d records: a batch has at most %d", len(records), MaxRecords)
	}
	in := &marketplacemetering.BatchMeterUsageInput{}
	byCustomer := records[0].Customer != ""
	if byCustomer {
		in.ProductCode = aws.String(string(product))
	}
	taken := map[slot]bool{}
	for _, r := range records {
		switch {
		case (r.Customer != "") != byCustomer:
			return nil, errors.New("metering records: a batch cannot mix records by customer and by licence")
		case r.Quantity < 0 || r.Quantity > math.MaxInt32:
			return nil, fmt.Errorf("metering %d units of %s: a record has at least 0 and at most %d", r.Quantity, r.Dimension, math.MaxInt32)
		}
		record := types.UsageRecord{Dimension: aws.String(r.Dimension), Quantity: aws.Int32(int32(r.Quantity)), Timestamp: aws.Time(r.At.UTC())}
		if byCustomer {
			record.CustomerIdentifier = aws.String(r.Customer)
		} else {
			record.LicenseArn, record.CustomerAWSAccountId = aws.String(r.Licence), aws.String(string(r.Buyer))
		}
		if taken[slotOf(record)] {
			return nil, fmt.Errorf("metering records: two are for %s at %s", r.Dimension, r.At.UTC().Format(time.RFC3339))
		}
		taken[slotOf(record)] = true
		in.UsageRecords = append(in.UsageRecords, record)
	}
	return in, nil
}
