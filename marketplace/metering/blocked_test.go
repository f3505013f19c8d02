package metering

import (
	"context"
	"errors"
	"fmt"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"github.com/gatehouse-portal/gatehouse/events"
	"github.com/gatehouse-portal/gatehouse/portal"
	"github.com/gatehouse-portal/gatehouse/state"
	"github.com/gatehouse-portal/gatehouse/usage"
)

// sells has a buyer of that product use a plan of its own, one call.
func (w *world) sells(product portal.ProductCode, stream portal.Stream) {
	account := portal.AccountID("buyer of " + string(stream))
	w.happens(stream, events.LicenceClaimed{Account: account, Plan: "pro", Purchase: events.Purchase{Product: product, Buyer: "111122223333", ARN: "arn:aws:x:" + string(stream)}})
	w.happens(stream, events.LicenceNoticed{Notice: events.MarketplaceNotified{At: w.clock}, Status: events.LicenceActive})
	w.rings[account] = state.Account{Keys: map[portal.KeyID]state.Key{"k": {ID: "k", Ring: portal.LicenceRing(stream)}}}
	w.counts[account] = []usage.Counter{counterOf("pro", day(w.clock), 1)}
}

// DynamoDB refuses a row of more than 400 KB, and always will.
func TestALicenceWhoseTallyCannotBeStoredDoesNotHoldUpOthers(t *testing.T) {
	t.Parallel()
	tables, create := newTable(t)
	create("usage")
	w := newWorld(t, tables.Client, "usage")
	for i := range perStep + 20 {
		w.sells("prod", portal.Stream(fmt.Sprintf("licence/l-%04d", i)))
	}
	w.db.refuses = func(licence string) error {
		if licence != "licence/l-0003" {
			return nil
		}
		return &types.TransactionCanceledException{CancellationReasons: []types.CancellationReason{{Code: aws.String("ValidationError"), Message: aws.String("Item size has exceeded the maximum allowed size")}}}
	}
	if _, err := w.Step(context.Background(), Demanded); err != nil {
		t.Fatalf("the step fails: %v", err)
	}
	w.tick(Demanded)
	if result := w.saved["last"].(Result); w.aws.billed() != perStep+19 || result.Failed != 1 {
		t.Errorf("AWS bills %d of %d, and the result is %+v", w.aws.billed(), perStep+19, result)
	}
}

func TestATallyOfMoreThan400KBIsRefusedForGood(t *testing.T) {
	t.Parallel()
	tables, create := newTable(t)
	create("usage")
	w := newWorld(t, tables.Client, "usage")
	for i := range 1000 {
		w.happens(bought, events.LicenceClaimed{Account: portal.AccountID(fmt.Sprintf("%0500d", i)), Plan: "pro"})
	}
	w.used(5)
	of, err := w.subject(t.Context(), bought)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := w.write(t.Context(), of, false); !errors.Is(err, errRefused) {
		t.Errorf("the error is %v", err)
	}
}

// AWS may answer one product's calls with errors of its own for days.
func TestAProductThatAWSDoesNotAnswerAboutDoesNotHoldUpOthers(t *testing.T) {
	t.Parallel()
	tables, create := newTable(t)
	create("usage")
	w := newWorld(t, tables.Client, "usage")
	for _, product := range []portal.ProductCode{"a", "b", "c"} {
		w.sells(product, portal.Stream("licence/l-"+string(product)))
	}
	w.aws.down = "a"
	w.tick(Demanded)
	if result := w.saved["last"].(Result); w.aws.billed() != 2 || result.Unanswered != 1 || result.Problem == "" {
		t.Errorf("AWS bills %d of the 2 other products, and the result is %+v", w.aws.billed(), result)
	}
	w.aws.down = ""
	w.at(0)
	w.tick("")
	if w.aws.billed() != 3 {
		t.Errorf("once AWS answers, it bills %d", w.aws.billed())
	}
}

func TestARunStopsSendingWhileAWSIsDown(t *testing.T) {
	t.Parallel()
	tables, create := newTable(t)
	create("usage")
	w := newWorld(t, tables.Client, "usage")
	for i := range 20 {
		w.sells(portal.ProductCode(fmt.Sprintf("p%02d", i)), portal.Stream(fmt.Sprintf("licence/l-%02d", i)))
	}
	w.aws.down = "*"
	w.tick(Demanded)
	if sent := len(w.aws.sent); sent != mostUnanswered {
		t.Errorf("%d batches were sent to an AWS that is down, want %d", sent, mostUnanswered)
	}
	w.aws.down = ""
	w.at(0)
	w.tick("")
	if w.aws.billed() != 20 {
		t.Errorf("once AWS answers, it bills %d", w.aws.billed())
	}
}
