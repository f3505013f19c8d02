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
	tally := metering.Tally{Licence: "licence/l-576af9cc9b1d60cb043c53d0e444460f", Version: 3, Sums: map[metering.RecordStatus]int64{metering.Accepted: 12}, Closed: hour}
	var out bytes.Buffer
	printLedger(&out, app.Ledger{Region: "us-east-1", Licences: []app.MeteredLicence{
		{Tally: metering.Tally{Licence: "legacy/prod/cust"}},
		{Tally: metering.Tally{Licence: "legacy/prod/nobody"}, ByGateway: true},
		{Tally: metering.Tally{Licence: "legacy/prod/fleet", Version: 2, Unbilled: map[metering.Cause]int64{metering.Elsewhere: 4}}, ByGateway: true},
		{Tally: tally, More: true, Records: []metering.Record{
			{Dimension: "requests", At: hour, Quantity: 12, Status: metering.Accepted, ID: "c302d8fd-994c-4b1f-a61e-c0bed9ef6f4b"},
			{Dimension: "requests", At: hour, Quantity: 3, Status: metering.NotSubscribed},
			{Dimension: "bytes", At: hour, Quantity: 2147483647, Status: metering.Refused, Code: "InvalidCustomerIdentifierException\x1b[2J"},
		}},
	}}, hour)
	for _, line := range strings.Split(out.String(), "\n") {
		if len(line) > 80 && !strings.Contains(line, "--json") {
			t.Errorf("a line has %d characters: %s", len(line), line)
		}
	}
	for _, want := range []string{"Nothing was metered.", "API Gateway meters it, so its requests are not in this ledger.", "12 requests billed; metering ended at 2026-11-27 20:44:00 UTC", "2026-11-27 20:00  12", "c302d8fd-994c-4b1f-a61e-c0bed9ef6f4b", "InvalidCustomerIdentifierException", "Metered in us-east-1. 4 licences in the ledger.", "Workers next collect usage at 20:45 UTC, and send it to AWS from 20:45 UTC on."} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("%q is missing in\n%s", want, out.String())
		}
	}
	if strings.Contains(out.String(), "0 requests billed") {
		t.Errorf("it says that nothing is billed of what API Gateway meters:\n%s", out.String())
	}
	if strings.Contains(out.String(), "\x1b") {
		t.Errorf("AWS's code reaches the terminal as it is: %q", out.String())
	}
}

func TestTheReconciliationExplainsDifferences(t *testing.T) {
	t.Parallel()
	var out bytes.Buffer
	printReconciled(&out, reconcile.Result{Agreements: 2, Sent: 1}, true, []app.LicenceBalance{
		{Balance: metering.Balance{Licence: "licence/l-1", Collected: 9, Metered: 7, Accepted: 7, Reasons: []metering.Reason{{Cause: metering.Next, Quantity: 2, Words: metering.Next.Words()}}}},
		{Balance: metering.Balance{Licence: "legacy/prod/fleet", Collected: 4, Reasons: []metering.Reason{{Cause: metering.Elsewhere, Quantity: 4, Words: metering.Elsewhere.Words()}}}, ByGateway: true},
	}, time.Date(2026, 11, 27, 20, 50, 0, 0, time.UTC))
	for _, want := range []string{"Compared 2 agreements; sent 1 notice", "collected 9, metered 7, accepted 7, difference 2", "2  counted since the last record", "legacy/prod/fleet\n  API Gateway meters it, so the portal does not. It collected 4 requests.\n", "1 licence metered by the portal.", "Workers next collect usage at 21:00 UTC, and send it to AWS from 21:45 UTC on."} {
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
