package main

import (
	"bytes"
	"strings"
	"testing"
	"time"

	"github.com/gatehouse-portal/gatehouse/app"
	"github.com/gatehouse-portal/gatehouse/marketplace/metering"
	"github.com/gatehouse-portal/gatehouse/marketplace/reconcile"
)

func TestTheLedgerFitsATerminal(t *testing.T) {
	t.Parallel()
	hour := time.Date(2026, 11, 27, 20, 44, 0, 0, time.UTC)
	head := metering.Head{Licence: "licence/l-576af9cc9b1d60cb043c53d0e444460f", Version: 3, Sums: map[metering.Status]int64{metering.Accepted: 12}, Closed: hour}
	var out bytes.Buffer
	printLedger(&out, app.Ledger{Region: "us-east-1", Licences: []app.MeteredLicence{
		{Head: metering.Head{Licence: "legacy/prod/cust"}},
		{Head: head, More: true, Records: []metering.Record{
			{Dimension: "requests", At: hour, Quantity: 12, Status: metering.Accepted, ID: "c302d8fd-994c-4b1f-a61e-c0bed9ef6f4b"},
			{Dimension: "requests", At: hour, Quantity: 3, Status: metering.NotSubscribed},
			{Dimension: "bytes", At: hour, Quantity: 2147483647, Status: metering.Refused, Code: "InvalidCustomerIdentifierException\x1b[2J"},
		}},
	}})
	for _, line := range strings.Split(out.String(), "\n") {
		if len(line) > 80 && !strings.Contains(line, "--json") {
			t.Errorf("a line has %d characters: %s", len(line), line)
		}
	}
	for _, want := range []string{"Nothing was metered.", "12 calls billed; metering ended at 2026-11-27 20:44:00 UTC", "2026-11-27 20:00  12", "c302d8fd-994c-4b1f-a61e-c0bed9ef6f4b", "InvalidCustomerIdentifierException", "Metered in us-east-1. 2 licences."} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("%q is missing in\n%s", want, out.String())
		}
	}
	if strings.Contains(out.String(), "\x1b") {
		t.Errorf("AWS's code reaches the terminal as it is: %q", out.String())
	}
}

func TestTheReconciliationExplainsDifferences(t *testing.T) {
	t.Parallel()
	var out bytes.Buffer
	printReconciled(&out, reconcile.Result{Agreements: 2, Sent: 1}, true, []metering.Balance{{
		Licence: "licence/l-1", Collected: 9, Metered: 7, Accepted: 7, Reasons: []metering.Reason{{Status: metering.Next, Quantity: 2, Words: metering.Next.Words()}},
	}})
	for _, want := range []string{"Compared 2 agreements; sent 1 notice", "collected 9, metered 7, accepted 7, difference 2", "2  counted since the last record", "1 licence metered."} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("%q is missing in\n%s", want, out.String())
		}
	}
	for _, line := range strings.Split(out.String(), "\n") {
		if len(line) > 80 {
			t.Errorf("a line has %d characters: %s", len(line), line)
		}
	}
}
