package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"time"

	"github.com/gatehouse-portal/gatehouse/administration"
	"github.com/gatehouse-portal/gatehouse/app"
	"github.com/gatehouse-portal/gatehouse/marketplace/metering"
	"github.com/gatehouse-portal/gatehouse/portal"
)

type marketplaceResendCommand struct {
	output
	dryRun
	Licence string `arg:"" optional:"" help:"The licence: licence/<id>, the id alone (l-…), or legacy/<product code>/<customer identifier>. Without it: all licences."`
}

func (marketplaceResendCommand) Help() string {
	return "A record is sent again for its hour, and after six hours, when AWS takes it no more, its usage goes into the next record. The command lists every record that AWS refused, says what can be done about it, and says how much is lost. Correct the cause first: the listing, the product folder, or the licence with `gatehouse marketplace correct`."
}

func (c marketplaceResendCommand) Run(ctx context.Context) error {
	desk, err := openDesk(ctx)
	if err != nil {
		return err
	}
	refused, err := desk.RefusedUsage(ctx, c.Licence)
	if err != nil {
		return err
	}
	var done []metering.RefusedRecord
	if c.Yes {
		if done, err = desk.Resend(ctx, refused); err != nil {
			return err
		}
	}
	return c.print(os.Stdout, resentJSONOf(refused, done, c.Yes), func(w io.Writer) { printResent(w, refused, done, c.Yes, time.Now()) })
}

func printResent(w io.Writer, all []app.RefusedUsage, done []metering.RefusedRecord, yes bool, now time.Time) {
	possible, lost := sums(all)
	for _, of := range all {
		fmt.Fprintf(w, "%s\n", oneLine(string(of.Licence)))
		for _, r := range of.Records {
			fmt.Fprintf(w, "  %s  %s in %s, %s\n", r.Hour().Format("2006-01-02 15:00"), count(int(r.Quantity), "request"), oneLine(r.Dimension), oneLine(r.Code))
			fmt.Fprintf(w, "    %s\n", wrap(administration.RemedyWords(r.Remedy), max(width(w)-4, 0), 4))
		}
		fmt.Fprintln(w)
	}
	if len(all) == 0 {
		fmt.Fprintln(w, "AWS has refused no usage.")
		return
	}
	switch {
	case possible == 0:
		fmt.Fprintln(w, "Nothing can be sent again.")
	case !yes:
		fmt.Fprintf(w, "%s would be sent again. Run the command with --yes.\n", count(int(possible), "request"))
	default:
		_, sent := app.NextMetering(now)
		fmt.Fprintf(w, "%s will be sent again within a quarter of an hour, or with the next record,\nwhich is sent at %s UTC at the earliest.\n", count(int(quantityOf(done)), "request"), sent.Format("15:04"))
	}
	if lost > 0 {
		fmt.Fprintf(w, "%s cannot be billed.\n", count(int(lost), "request"))
	}
}

// sums are how many requests can still be billed, and how many cannot.
func sums(all []app.RefusedUsage) (possible, lost int64) {
	for _, of := range all {
		for _, r := range of.Records {
			if r.Remedy.Possible() {
				possible += r.Quantity
			} else {
				lost += r.Quantity
			}
		}
	}
	return possible, lost
}

func quantityOf(records []metering.RefusedRecord) (n int64) {
	for _, r := range records {
		n += r.Quantity
	}
	return n
}

type resentJSON struct {
	DryRun bool `json:"dry_run"`
	// Resent is the quantity that is sent again, Possible what can be, and Lost what cannot.
	Resent   int64         `json:"resent"`
	Possible int64         `json:"possible"`
	Lost     int64         `json:"lost"`
	Records  []refusedJSON `json:"records"`
}

type refusedJSON struct {
	Licence   portal.Stream   `json:"licence"`
	Hour      time.Time       `json:"hour"`
	Dimension string          `json:"dimension"`
	Quantity  int64           `json:"quantity"`
	Code      string          `json:"code"`
	Remedy    metering.Remedy `json:"remedy"`
}

func resentJSONOf(all []app.RefusedUsage, done []metering.RefusedRecord, yes bool) resentJSON {
	out := resentJSON{DryRun: !yes, Resent: quantityOf(done), Records: []refusedJSON{}}
	out.Possible, out.Lost = sums(all)
	for _, of := range all {
		for _, r := range of.Records {
			out.Records = append(out.Records, refusedJSON{of.Licence, r.Hour(), r.Dimension, r.Quantity, r.Code, r.Remedy})
		}
	}
	return out
}
