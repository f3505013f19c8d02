package app

import (
	"maps"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/feature/dynamodb/attributevalue"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"

	"github.com/gatehouse-portal/gatehouse/events"
	"github.com/gatehouse-portal/gatehouse/marketplace/metering"
	"github.com/gatehouse-portal/gatehouse/portal"
	"github.com/gatehouse-portal/gatehouse/schema"
)

func TestAWrongCorrectionOfALicenceIsRefused(t *testing.T) {
	t.Parallel()
	s := newShop(t)
	arn := func(id string) string { return "arn:aws:license-manager:us-east-1:111122223333:license:" + id }
	for _, stream := range []portal.Stream{"licence/l-1", "licence/l-2", "legacy/older1/cust"} {
		s.happens(stream, events.LicenceClaimed{Account: "ann", Plan: "pro", Purchase: events.Purchase{Product: "newer1", ARN: arn("l-1")}})
	}
	s.happens("licence/l-3", events.LicenceNoticed{Status: events.LicenceActive})
	desk, err := OpenDesk(s.Process)
	ok(t, err)
	for name, c := range map[string]struct {
		licence string
		names   events.Purchase
		want    string
	}{
		"nothing to correct":                      {"l-1", events.Purchase{}, "Nothing is to be corrected"},
		"an ARN of another kind":                  {"l-1", events.Purchase{ARN: "arn:aws:s3:::bucket"}, "does not end with the id of a licence"},
		"no ARN":                                  {"l-1", events.Purchase{ARN: "l-1"}, "does not begin with arn:"},
		"an ARN that goes on on another line":     {"l-1", events.Purchase{ARN: arn("l-1\nx")}, "no id of AWS Marketplace has"},
		"a very long ARN":                         {"l-1", events.Purchase{ARN: "arn:" + strings.Repeat("a", 1000) + ":l-1"}, "is longer than"},
		"a licence that is claimed":               {"l-1", events.Purchase{ARN: arn("l-2")}, "which account ann has claimed"},
		"a buyer that is no AWS account":          {"l-1", events.Purchase{Buyer: "ann"}, "must have 12 digits"},
		"a product code with a control character": {"l-1", events.Purchase{Product: "a\x1b[2J"}, "no id of AWS Marketplace has"},
		"a customer of a newer listing":           {"l-1", events.Purchase{Customer: "cust"}, "Correct those"},
		"an ARN of an older listing":              {"legacy/older1/cust", events.Purchase{ARN: arn("l-1")}, "Correct those"},
		"a licence that does not exist":           {"l-9", events.Purchase{Buyer: "111122223333"}, "There is no licence"},
		"a stream that is no licence":             {"account/ann", events.Purchase{Buyer: "111122223333"}, "names no licence"},
	} {
		if _, err := desk.Correction(t.Context(), c.licence, c.names); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: the error is %v, want %q", name, err, c.want)
		}
	}
	for name, names := range map[string]events.Purchase{
		"a licence that nobody has claimed": {ARN: arn("l-3")}, "the same id, written in another way": {ARN: "arn:aws-us-gov:license-manager::1:license:l-1"},
		"an id that is new": {ARN: arn("l-4")}, "a buyer": {Buyer: "111122223333"},
	} {
		if c, err := desk.Correction(t.Context(), "l-1", names); err != nil || !c.Changes() {
			t.Errorf("%s: it says %+v, %v", name, c, err)
		}
	}
	if c, err := desk.Correction(t.Context(), "l-1", events.Purchase{ARN: arn("l-1")}); err != nil || c.Changes() {
		t.Errorf("the same names are a change: %+v, %v", c, err)
	}
}

func TestRefusedUsageOfAPlanThatTheCatalogSellsCanBeSentAgain(t *testing.T) {
	t.Parallel()
	s := newShopWithLicence(t)
	desk, err := OpenDesk(s.Process)
	ok(t, err)
	if all, err := desk.RefusedUsage(t.Context(), ""); err != nil || len(all) > 0 {
		t.Errorf("before anything was refused it lists %+v, %v", all, err)
	}
	s.refused("licence/l-1", time.Now().Add(-time.Hour), 7)
	all, err := desk.RefusedUsage(t.Context(), "l-1")
	ok(t, err)
	if len(all) != 1 || len(all[0].Records) != 1 || all[0].Records[0].Remedy != metering.SendAgain || all[0].Records[0].Quantity != 7 {
		t.Fatalf("it lists %+v", all)
	}
	done, err := desk.Resend(t.Context(), all)
	ok(t, err)
	again, err := desk.Resend(t.Context(), all)
	ok(t, err)
	if len(done) != 1 || len(again) != 0 {
		t.Errorf("it has sent %d records again, and a second time %d", len(done), len(again))
	}
}

// refused writes a ledger in which AWS has refused the licence's only record.
func (s *sellingInstallation) refused(licence portal.Stream, at time.Time, quantity int64) {
	s.t.Helper()
	record := metering.Record{Licence: licence, Product: "newer1", Dimension: "requests", At: at, Quantity: quantity, Status: metering.Refused, Code: "InvalidLicenseException", Tries: 1, MaybeBilled: 1}
	for key, row := range map[schema.Key]any{
		schema.MeteringTally(licence):                             metering.Tally{Licence: licence, Version: 1, Sums: map[metering.RecordStatus]int64{metering.Refused: quantity}},
		schema.MeteringRecord(licence, record.Hour(), "requests"): record,
	} {
		item, err := attributevalue.MarshalMap(row)
		ok(s.t, err)
		maps.Copy(item, key.Attributes())
		_, err = s.dynamodb.PutItem(s.t.Context(), &dynamodb.PutItemInput{TableName: &s.names.Usage, Item: item})
		ok(s.t, err)
	}
}
