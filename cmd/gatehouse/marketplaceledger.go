package main

import (
	"context"
	"fmt"
	"io"
	"maps"
	"math"
	"os"
	"slices"
	"time"

	"github.com/gatehouse-portal/gatehouse/app"
	"github.com/gatehouse-portal/gatehouse/marketplace/metering"
	"github.com/gatehouse-portal/gatehouse/portal"
)

type marketplaceLedgerCommand struct {
	output
	Licence string `arg:"" optional:"" help:"The licence: licence/<id>, the id alone (l-…), or legacy/<product code>/<customer identifier>. Without it: all licences, with their newest records."`
}

const (
	newestRecords = 5
	recordsOfOne  = 100
)

func (c marketplaceLedgerCommand) Run(ctx context.Context) error {
	desk, err := openDesk(ctx)
	if err != nil {
		return err
	}
	limit := newestRecords
	switch {
	case c.JSON:
		limit = math.MaxInt
	case c.Licence != "":
		limit = recordsOfOne
	}
	ledger, err := desk.Ledger(ctx, c.Licence, limit)
	if err != nil {
		return err
	}
	return c.print(os.Stdout, ledgerJSONOf(ledger), func(w io.Writer) { printLedger(w, ledger, time.Now()) })
}

func printLedger(w io.Writer, ledger app.Ledger, now time.Time) {
	if ledger.Problem != "" {
		fmt.Fprintf(w, "%s\n\n", wrap(ledger.Problem, width(w), 0))
	}
	for _, l := range ledger.Licences {
		fmt.Fprintf(w, "%s\n", oneLine(string(l.Licence)))
		if l.ByGateway {
			fmt.Fprintln(w, "  API Gateway meters it, so its requests are not in this ledger.")
		}
		switch {
		case l.ByGateway && l.Total() == l.Unbilled[metering.Elsewhere]:
			fmt.Fprintln(w)
			continue
		case l.Version == 0:
			fmt.Fprint(w, "  Nothing was metered.\n\n")
			continue
		}
		fmt.Fprintf(w, "  %s billed", count(int(l.Sums[metering.Accepted]), "request"))
		if !l.Closed.IsZero() {
			fmt.Fprintf(w, "; metering ended at %s", moment(l.Closed))
		}
		fmt.Fprint(w, "\n\n")
		printRecords(w, l.Records)
		if l.More {
			fmt.Fprintf(w, "Older records: %s marketplace ledger %s --json\n\n", processName, oneLine(string(l.Licence)))
		}
	}
	where := "Nothing was metered yet"
	if ledger.Region != "" {
		where = "Metered in " + ledger.Region
	}
	fmt.Fprintf(w, "%s. %s in the ledger.\n%s\n", where, count(len(ledger.Licences), "licence"), nextMetering(now))
}

// nextMetering says when the next usage gets to AWS.
func nextMetering(now time.Time) string {
	collected, sent := app.NextMetering(now)
	return fmt.Sprintf("Workers next collect usage at %s UTC, and send it to AWS from %s UTC on.", collected.Format("15:04"), sent.Format("15:04"))
}

// printRecords has a table for each dimension, which fits a terminal of 80 columns.
func printRecords(w io.Writer, records []metering.Record) {
	rows := map[string][][]string{}
	for _, r := range records {
		said := r.ID
		if r.Status != metering.Accepted {
			said = r.Code
		}
		rows[r.Dimension] = append(rows[r.Dimension], []string{r.Hour().Format("2006-01-02 15:00"), fmt.Sprint(r.Quantity), string(r.Status), oneLine(said)})
	}
	for _, dimension := range slices.Sorted(maps.Keys(rows)) {
		fmt.Fprintf(w, "%s:\n", oneLine(dimension))
		table(w, "", []string{"HOUR (UTC)", "QUANTITY", "STATUS", "AWS'S ID OR CODE"}, rows[dimension])
		fmt.Fprintln(w)
	}
}

type ledgerJSON struct {
	Region   string              `json:"region"`
	Problem  string              `json:"problem,omitempty"`
	Licences []licenceLedgerJSON `json:"licences"`
}

type licenceLedgerJSON struct {
	Licence portal.Stream            `json:"licence"`
	Sums    map[metering.Cause]int64 `json:"sums"`
	// ByGateway: API Gateway meters the licence's plan, and not the portal.
	ByGateway bool         `json:"metered_by_api_gateway"`
	Last      *time.Time   `json:"last"`
	Closed    *time.Time   `json:"closed"`
	Records   []recordJSON `json:"records"`
}

type recordJSON struct {
	Hour      time.Time             `json:"hour"`
	At        time.Time             `json:"at"`
	Product   portal.ProductCode    `json:"product"`
	ARN       string                `json:"licence_arn,omitempty"`
	Buyer     portal.AWSAccount     `json:"buyer,omitempty"`
	Customer  string                `json:"customer,omitempty"`
	Dimension string                `json:"dimension"`
	Quantity  int64                 `json:"quantity"`
	Status    metering.RecordStatus `json:"status"`
	Code      string                `json:"code,omitempty"`
	ID        string                `json:"id,omitempty"`
	Tries     int                   `json:"tries"`
	Unsure    int                   `json:"unsure"`
	Sent      *time.Time            `json:"sent"`
	Ended     *time.Time            `json:"ended"`
}

func ledgerJSONOf(ledger app.Ledger) ledgerJSON {
	out := ledgerJSON{Region: ledger.Region, Problem: ledger.Problem, Licences: []licenceLedgerJSON{}}
	for _, l := range ledger.Licences {
		one := licenceLedgerJSON{Licence: l.Licence, Sums: sumsOf(l.Tally), ByGateway: l.ByGateway, Last: instant(l.Last), Closed: instant(l.Closed), Records: []recordJSON{}}
		for _, r := range l.Records {
			one.Records = append(one.Records, recordJSON{
				Hour: r.Hour(), At: r.At.UTC(), Product: r.Product, ARN: r.ARN, Buyer: r.Buyer, Customer: r.Customer, Dimension: r.Dimension, Quantity: r.Quantity,
				Status: r.Status, Code: r.Code, ID: r.ID, Tries: r.Tries, Unsure: r.MaybeBilled, Sent: instant(r.Sent), Ended: instant(r.Ended),
			})
		}
		out.Licences = append(out.Licences, one)
	}
	return out
}

// sumsOf are all quantities by the status of their record, or by the cause for which they are in none.
func sumsOf(tally metering.Tally) map[metering.Cause]int64 {
	sums := map[metering.Cause]int64{}
	maps.Copy(sums, tally.Unbilled)
	for status, quantity := range tally.Sums {
		sums[metering.Cause(status)] = quantity
	}
	if waiting := tally.Waiting(); waiting > 0 {
		sums[metering.Cause(metering.Returned)] = waiting
	}
	return sums
}
