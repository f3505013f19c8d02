package main

import (
	"strings"
	"testing"
	"time"

	"github.com/gatehouse-portal/gatehouse/administration"
	"github.com/gatehouse-portal/gatehouse/app"
	"github.com/gatehouse-portal/gatehouse/events"
	"github.com/gatehouse-portal/gatehouse/marketplace/metering"
)

func TestResendSaysWhatIsLost(t *testing.T) {
	t.Parallel()
	hour := time.Date(2026, 11, 27, 3, 44, 0, 0, time.UTC)
	record := func(remedy metering.Remedy, quantity int64, code string) metering.RefusedRecord {
		return metering.RefusedRecord{Record: metering.Record{Dimension: "requests", At: hour, Quantity: quantity, Code: code}, Remedy: remedy}
	}
	all := []app.RefusedUsage{{Licence: "licence/l-1", Records: []metering.RefusedRecord{
		record(metering.SendAgain, 7, "InvalidLicenseException"), record(metering.NextRecord, 2, "InvalidUsageDimensionException\x1b[2J"),
		record(metering.TooOld, 120, "InvalidLicenseException"), record(metering.Ended, 3, "x"), record(metering.NotMetered, 4, "x"), record(metering.PerhapsBilled, 5, "x"),
	}}}
	for _, r := range all[0].Records {
		if administration.RemedyWords(r.Remedy) == "" {
			t.Errorf("%s has no words", r.Remedy)
		}
	}
	dry := printed(func(w *strings.Builder) { printResent(w, all, nil, false, hour) })
	for _, want := range []string{
		"2026-11-27 03:00  120 requests in requests, InvalidLicenseException\n    it is lost: AWS takes the hour no more", "9 requests would be sent again. Run the command with --yes.", "132 requests cannot be billed.",
	} {
		if !strings.Contains(dry, want) {
			t.Errorf("it says\n%s\nwant %q", dry, want)
		}
	}
	if strings.Contains(dry, "\x1b") {
		t.Errorf("it prints AWS's code as it is: %q", dry)
	}
	if done := printed(func(w *strings.Builder) { printResent(w, all, all[0].Records[:1], true, hour) }); !strings.Contains(done, "7 requests will be sent again") {
		t.Errorf("it says\n%s", done)
	}
	if got := resentJSONOf(all, all[0].Records[:1], true); got.Possible != 9 || got.Lost != 132 || got.Resent != 7 || len(got.Records) != 6 {
		t.Errorf("the JSON is %+v", got)
	}
	if none := printed(func(w *strings.Builder) { printResent(w, nil, nil, true, hour) }); none != "AWS has refused no usage.\n" {
		t.Errorf("it says %q", none)
	}
}

func TestCorrectPrintsBothNames(t *testing.T) {
	t.Parallel()
	c := app.Correction{Licence: "licence/l-1", Before: events.Purchase{ARN: "arn:old\x1b[2J", Product: "p"}, After: events.Purchase{ARN: "arn:new", Product: "p"}}
	text := printed(func(w *strings.Builder) { printCorrection(w, c, false) })
	if !strings.Contains(text, "to    ARN arn:new, product p") || !strings.Contains(text, "Nothing was changed.") || strings.Contains(text, "\x1b") {
		t.Errorf("it says %q", text)
	}
	c.Before = c.After
	if text := printed(func(w *strings.Builder) { printCorrection(w, c, true) }); text != "licence/l-1 has these names already.\n" {
		t.Errorf("it says %q", text)
	}
}
