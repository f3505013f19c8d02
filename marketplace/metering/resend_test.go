package metering

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/gatehouse-portal/gatehouse/events"
	"github.com/gatehouse-portal/gatehouse/portal"
)

const rightARN = "arn:aws:license-manager::1:license:l-2"

// resend looks at the refused records and resends them. The texts are hour, quantity and remedy.
func (w *world) resend() (texts []string) {
	w.t.Helper()
	list, err := w.RefusedRecords(context.Background(), bought)
	if err != nil {
		w.t.Fatal(err)
	}
	for _, r := range list {
		texts = append([]string{fmt.Sprintf("%s %d %s", r.Hour().Format("02T15"), r.Quantity, r.Remedy)}, texts...)
	}
	done, err := w.Resend(context.Background(), list)
	if err != nil && !errors.Is(err, errCrash) {
		w.t.Fatal(err)
	}
	for _, r := range done {
		if !r.Remedy.Possible() {
			w.t.Errorf("a record is sent again although its remedy is %s", r.Remedy)
		}
	}
	return texts
}

// twoHours meters 7 requests at 09:45, and 5 an hour later.
func (w *world) twoHours() {
	w.used(7)
	w.at(45)
	w.tick("")
	w.used(5)
	w.at(45)
	w.tick("")
}

func TestRefusedUsageIsBilledOnceTheCauseIsCorrected(t *testing.T) {
	t.Parallel()
	tables, create := newTable(t)
	const code = "InvalidLicenseException"
	wrongARN := func(w *world) {
		w.aws.refusesLicence = "arn:aws:license-manager::1:license:l-1"
		w.twoHours()
	}
	wrongDimension := func(w *world) {
		w.aws.refuses["requests"] = "InvalidUsageDimensionException"
		w.twoHours()
	}
	corrected := func(w *world) {
		w.happens(bought, events.LicenceCorrected{Purchase: events.Purchase{ARN: rightARN}})
	}
	for name, play := range map[string]func(*world){
		"the operator corrects the licence's ARN": func(w *world) {
			wrongARN(w)
			w.want("before", "20T09 7 refused "+code, "20T10 5 refused "+code)
			corrected(w)
			w.wantTexts(w.resend(), "20T09 7 send_again", "20T10 5 send_again")
			w.at(0)
			w.tick("")
			w.want("after", "20T09 7 accepted", "20T10 5 accepted")
			w.wantBilled(12)
			w.wantTexts(w.resend())
		},
		"the operator adds the dimension to the listing": func(w *world) {
			wrongDimension(w)
			delete(w.aws.refuses, "requests")
			w.wantTexts(w.resend(), "20T09 7 send_again", "20T10 5 send_again")
			w.at(0)
			w.tick("")
			w.want("after", "20T09 7 accepted", "20T10 5 accepted")
			w.wantBilled(12)
		},
		"the operator corrects the dimension in the product folder": func(w *world) {
			wrongDimension(w)
			w.plans["pro"] = Sold{Known: true, Dimension: "calls"}
			w.wantTexts(w.resend(), "20T09 7 next_record", "20T10 5 next_record")
			w.at(45)
			w.tick("")
			w.want("after", "20T09 7 returned InvalidUsageDimensionException", "20T10 5 returned InvalidUsageDimensionException", "20T11 12 accepted")
			w.wantBilled(12)
			w.wantTexts(w.resend())
		},
		"AWS still refuses the records": func(w *world) {
			wrongARN(w)
			w.resend()
			w.at(0)
			w.tick("")
			w.want("after", "20T09 7 refused "+code, "20T10 5 refused "+code)
			corrected(w)
			w.wantTexts(w.resend(), "20T09 7 send_again", "20T10 5 send_again")
			w.at(15)
			w.tick("")
			w.wantBilled(12)
		},
		"records of six hours ago are in the next one": func(w *world) {
			wrongARN(w)
			corrected(w)
			w.clock = began.Add(6*time.Hour + 44*time.Minute) // the first record is of 09:44
			w.wantTexts(w.resend(), "20T09 7 next_record", "20T10 5 send_again")
			w.at(45)
			w.tick("")
			w.want("after", "20T09 7 returned "+code, "20T10 5 accepted", "20T15 7 accepted")
			w.wantTexts(w.resend())
			w.wantBilled(12)
		},
		"a record of six hours ago that AWS may have billed is lost": func(w *world) {
			w.aws.next = []fault{lost}
			w.used(7)
			w.at(45)
			w.tick("")
			w.aws.refuses["requests"] = "InvalidUsageDimensionException"
			w.at(0)
			w.tick("")
			w.clock = began.Add(7 * time.Hour)
			w.wantTexts(w.resend(), "20T09 7 too_old")
			w.wantBilled(7)
		},
		"a record that becomes too old on its way is in the next one": func(w *world) {
			wrongARN(w)
			corrected(w)
			w.clock = began.Add(6*time.Hour + 38*time.Minute)
			w.resend()
			w.at(0)
			w.tick("")
			w.want("after", "20T09 7 returned", "20T10 5 accepted")
			w.at(45)
			w.tick("")
			w.wantBilled(12)
		},
		"AWS takes no more usage of the licence": func(w *world) {
			wrongARN(w)
			corrected(w)
			w.noticed(events.NoticeDeprovisioned, events.LicenceEnded)
			w.clock = w.clock.Add(2 * time.Hour)
			if err := w.closeLedger(context.Background(), must(w.subject(context.Background(), bought))); err != nil {
				w.t.Fatal(err)
			}
			w.wantTexts(w.resend(), "20T09 7 ended", "20T10 5 ended")
			w.wantBilled(0)
		},
		"the portal no longer meters the plan": func(w *world) {
			wrongDimension(w)
			w.plans["pro"] = Sold{Known: true}
			w.wantTexts(w.resend(), "20T09 7 not_metered", "20T10 5 not_metered")
		},
		"AWS may have billed a try whose answer was lost": func(w *world) {
			w.used(7)
			w.aws.next = []fault{lost}
			w.tick(Demanded)
			w.aws.refusesLicence = "arn:aws:license-manager::1:license:l-1"
			w.at(15)
			w.tick("")
			w.want("before", "20T09 7 refused "+code)
			corrected(w)
			w.wantTexts(w.resend(), "20T09 7 perhaps_billed")
			w.wantBilled(7)
		},
		"AWS may have billed a try under another product code": func(w *world) {
			w.used(7)
			w.aws.next = []fault{lost}
			w.tick(Demanded)
			w.aws.refuses["requests"] = "InvalidUsageDimensionException"
			w.at(15)
			w.tick("")
			delete(w.aws.refuses, "requests")
			w.happens(bought, events.LicenceCorrected{Purchase: events.Purchase{Product: "right-code"}})
			w.wantTexts(w.resend(), "20T09 7 perhaps_billed")
			w.at(30)
			w.tick("")
			w.wantBilled(7)
		},
		"a buyer comes back before the ledger is open again": func(w *world) {
			wrongDimension(w)
			w.noticed(events.NoticeDeprovisioned, events.LicenceEnded)
			if err := w.closeLedger(context.Background(), must(w.subject(context.Background(), bought))); err != nil {
				w.t.Fatal(err)
			}
			w.noticed(events.NoticeLicenceUpdated, events.LicenceActive)
			w.plans["pro"] = Sold{Known: true, Dimension: "calls"}
			w.wantTexts(w.resend(), "20T09 7 next_record", "20T10 5 next_record")
			w.at(45)
			w.tick("")
			w.wantBilled(12)
		},
		"a try whose answer was lost is sent again as it was": func(w *world) {
			w.used(7)
			w.aws.next = []fault{lost}
			w.tick(Demanded)
			w.aws.refuses["requests"] = "InvalidUsageDimensionException"
			w.at(15)
			w.tick("")
			delete(w.aws.refuses, "requests")
			w.wantTexts(w.resend(), "20T09 7 send_again")
			w.at(30)
			w.tick("")
			w.want("after", "20T09 7 accepted")
			w.wantBilled(7)
		},
		"two operators resend at once": func(w *world) {
			wrongARN(w)
			corrected(w)
			list, err := w.RefusedRecords(context.Background(), bought)
			if err != nil {
				w.t.Fatal(err)
			}
			w.db.after, w.db.meanwhile = 1, func() { w.resend() }
			if done, err := w.Resend(context.Background(), list); err != nil || len(done) != 0 {
				w.t.Errorf("the slower one has sent %d records again, %v", len(done), err)
			}
			w.at(0)
			w.tick("")
			w.wantBilled(12)
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			table := "usage-" + portal.DeriveID(name)
			create(table)
			w := newWorld(t, tables.Client, table)
			play(w)
			w.balanced()
		})
	}
}

func (w *world) wantTexts(got []string, want ...string) {
	w.t.Helper()
	if !slices.Equal(got, want) {
		w.t.Errorf("the refused records are %q, want %q", got, want)
	}
}

func (w *world) wantBilled(want int64) {
	w.t.Helper()
	if got := w.aws.billed(); got != want {
		w.t.Errorf("AWS bills %d, want %d", got, want)
	}
}
