package metering

import (
	"strings"
	"time"

	"github.com/gatehouse-portal/gatehouse/marketplace/seller"
	"github.com/gatehouse-portal/gatehouse/portal"
	"github.com/gatehouse-portal/gatehouse/schema"
)

// RecordStatus is what has become of a record.
type RecordStatus string

// The statuses of records. Written records are sent until AWS has answered; the others are final, except that
// a TooLate record becomes Accepted if an earlier try turns out to have succeeded.
const (
	Written RecordStatus = "written"
	// Accepted records are billed. No other record is.
	Accepted RecordStatus = "accepted"
	// Duplicate: AWS has another quantity for the hour, which something else has metered.
	Duplicate RecordStatus = "duplicate"
	// NotSubscribed: AWS took no more usage of the licence.
	NotSubscribed RecordStatus = "not_subscribed"
	// Refused: AWS refused the record with Record.Code.
	Refused RecordStatus = "refused"
	// TooLate: AWS takes no usage of the record's hour any more, since the hour is too long ago or the licence
	// has ended. It may have billed an earlier try whose answer was lost.
	TooLate RecordStatus = "too_late"
	// Returned: AWS takes no usage of the record's hour any more, and did not bill it. The quantity is
	// metered in a later hour.
	Returned RecordStatus = "returned"
)

// Record is the usage of a licence in one dimension and hour. The fields from Product to Quantity
// are sent to AWS, and never change.
type Record struct {
	Licence portal.Stream      `dynamodbav:"licence"`
	Product portal.ProductCode `dynamodbav:"product"`
	// ARN and Buyer name the licence, and Customer that of an older listing.
	ARN       string            `dynamodbav:"arn,omitempty"`
	Buyer     portal.AWSAccount `dynamodbav:"buyer,omitempty"`
	Customer  string            `dynamodbav:"customer,omitempty"`
	Dimension string            `dynamodbav:"dimension"`
	// At is the time that AWS is told, in whole seconds. AWS bills each hour (UTC) once.
	At       time.Time `dynamodbav:"at"`
	Quantity int64     `dynamodbav:"quantity"`

	Status RecordStatus `dynamodbav:"status"`
	// Code is AWS's, if the record was refused.
	Code string `dynamodbav:"code,omitempty"`
	// ID is AWS's id of the record, "" unless it is Accepted.
	ID string `dynamodbav:"id,omitempty"`
	// Tries counts how often the record was sent, and MaybeBilled how many of these tries AWS may have billed,
	// since no answer says that it has not. The present try is one of them until it is answered.
	Tries       int       `dynamodbav:"tries"`
	MaybeBilled int       `dynamodbav:"unsure"`
	Sent        time.Time `dynamodbav:"sent"`
	Ended       time.Time `dynamodbav:"ended"`
}

// Hour is the hour that the record is for.
func (r Record) Hour() time.Time { return hourOf(r.At) }

// Place is where a list of the licence's records goes on behind this one.
func (r Record) Place() string {
	return strings.TrimPrefix(schema.MeteringRecord(r.Licence, r.Hour(), r.Dimension).SK, schema.MeteringRecords(r.Licence).Begins)
}

// usage is the record as the seller sends it.
func (r Record) usage() seller.Record {
	return seller.Record{Licence: r.ARN, Buyer: r.Buyer, Customer: r.Customer, Dimension: r.Dimension, Quantity: r.Quantity, At: r.At}
}

// together reports whether AWS takes both records in one batch.
func (r Record) together(other Record) bool {
	return r.Product == other.Product && (r.Customer == "") == (other.Customer == "")
}

func hourOf(t time.Time) time.Time { return t.UTC().Truncate(time.Hour) }
