package web_test

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/gatehouse-portal/gatehouse/administration"
	"github.com/gatehouse-portal/gatehouse/catalog"
	"github.com/gatehouse-portal/gatehouse/events"
	"github.com/gatehouse-portal/gatehouse/marketplace"
	"github.com/gatehouse-portal/gatehouse/marketplace/metering"
	"github.com/gatehouse-portal/gatehouse/portal"
	"github.com/gatehouse-portal/gatehouse/projections"
	"github.com/gatehouse-portal/gatehouse/state"
)

// fakeLicences is a desk of licences.
type fakeLicences struct {
	rows       []projections.Licence
	tallies    map[portal.Stream]metering.Tally
	details    map[portal.Stream]administration.LicenceDetail
	records    []metering.Record
	comparison administration.Comparison
	setUp      bool
	// did are what admins had workers do.
	did []string
}

func (o *fakeAdmin) Licences(_ context.Context, choice administration.LicenceChoice, after string, limit int) (administration.LicencePage, error) {
	page := administration.ChooseLicences(o.sold.rows, o.sold.tallies, choice, after, limit)
	page.SetUp, page.Comparison = o.sold.setUp, o.sold.comparison
	return page, o.err
}

func (o *fakeAdmin) Licence(_ context.Context, name string) (administration.LicenceDetail, error) {
	stream, _ := marketplace.Parse(name)
	detail, ok := o.sold.details[stream]
	if !ok && o.err == nil {
		return detail, portal.Fail(portal.NotFound, "There is no such licence.")
	}
	return detail, o.err
}

func (o *fakeAdmin) Records(_ context.Context, _, before string, limit int) (page administration.RecordsPage, err error) {
	rest := o.sold.records
	if before != "" {
		rest = rest[1+slices.IndexFunc(rest, func(r metering.Record) bool { return r.Place() == before }):]
	}
	if page.Records = rest; len(rest) > limit {
		page.Records, page.Next = rest[:limit], rest[limit-1].Place()
	}
	return page, o.err
}

func (o *fakeAdmin) do(format string, args ...any) {
	o.sold.did = append(o.sold.did, fmt.Sprintf(format, args...))
}

func (o *fakeAdmin) Reconcile(_ context.Context, admin portal.AccountID) (administration.JobState, error) {
	if !o.sold.comparison.Job.Ran {
		return administration.JobState{}, portal.Fail(portal.Conflict, "The workers do not compare agreements.")
	}
	o.do("reconcile for %s", admin)
	return o.sold.comparison.Job, o.err
}

func (o *fakeAdmin) Resend(_ context.Context, admin portal.AccountID, name string, dryRun bool) (int, int64, error) {
	stream, _ := marketplace.Parse(name)
	records, requests := o.sold.details[stream].Meter.Resendable()
	if records == 0 {
		return 0, 0, portal.Fail(portal.Conflict, "No usage of this licence can be sent again.")
	}
	if !dryRun {
		o.do("resend %s for %s", name, admin)
	}
	return records, requests, o.err
}

func (o *fakeAdmin) Correct(_ context.Context, admin portal.AccountID, name string, names events.Purchase, dryRun bool) (administration.LicenceCorrection, error) {
	stream, _ := marketplace.Parse(name)
	c := administration.LicenceCorrection{Licence: stream, Before: o.sold.details[stream].Purchase}
	c.After = names.Or(c.Before)
	switch {
	case names == events.Purchase{}:
		return c, portal.Fail(portal.Invalid, "Nothing is to be corrected.")
	case !dryRun && c.Changes():
		o.do("correct %s to %s for %s", name, names.ARN, admin)
	}
	return c, o.err
}

const (
	goodLicence   portal.Stream = "licence/l-0123456789abcdef0123456789abcdef"
	legacyLicence portal.Stream = "legacy/4fk3q8b2v7x1n6m9z0c5d1234/PJS7FAH0HX5"
)

func noticed(kind events.NoticeKind, status events.LicenceStatus, age time.Duration) events.LicenceNoticed {
	return events.LicenceNoticed{Status: status, Notice: events.MarketplaceNotified{Kind: kind, At: now.Add(-age), Purchase: events.Purchase{
		Product: "prod-weather", Buyer: "111122223333", ARN: "arn:aws:license-manager::1:license:l-0123456789abcdef0123456789abcdef", Agreement: "agmt-1",
	}}}
}

// detailed is a licence with these facts, one an hour until now.
func detailed(stream portal.Stream, meter administration.LicenceMeter, facts ...events.Fact) administration.LicenceDetail {
	var history []events.Event
	for i, fact := range facts {
		history = append(history, events.Event{Sequence: int64(i + 1), Subject: stream, Time: now.Add(time.Duration(i-len(facts)) * time.Hour), Operation: "op-9", Data: fact})
	}
	l := state.FoldLicence(stream, history)
	return administration.LicenceDetail{
		ListedLicence: administration.ListLicence(projections.ShowLicence(l), meter.Tally), Words: administration.WordsOf(l), Purchase: l.Purchase, Offer: l.Offer,
		Entitled: l.Entitled, Lapsed: l.Lapsed, HasAccess: l.HasAccess, AccessAt: l.AccessAt, Facts: history, Meter: meter,
	}
}

func usageRecord(hour int, quantity int64, status metering.RecordStatus, text string) metering.Record {
	r := metering.Record{Licence: goodLicence, Dimension: "requests", At: now.Add(-time.Duration(hour) * time.Hour), Quantity: quantity, Status: status, Code: text}
	if status == metering.Accepted {
		r.Code, r.ID = "", text
	}
	return r
}

// market has licences in every state, and one of which AWS has refused usage.
func market() *fakeAdmin {
	until := now.Add(40 * 24 * time.Hour)
	refused := []metering.RefusedRecord{}
	for i, remedy := range []metering.Remedy{metering.SendAgain, metering.NextRecord, metering.TooOld, metering.Ended, metering.NotMetered, metering.PerhapsBilled} {
		refused = append(refused, metering.RefusedRecord{Record: usageRecord(i+1, 10, metering.Refused, "InvalidLicenseException<b>"), Remedy: remedy})
	}
	tally := metering.Tally{Licence: goodLicence, Version: 3, Sums: map[metering.RecordStatus]int64{metering.Accepted: 1204, metering.Refused: 60, metering.TooLate: 2}}
	meter := administration.LicenceMeter{
		Region: "us-east-1", Tally: tally, Refused: refused, NextCollection: now.Add(15 * time.Minute), NextSending: now.Add(45 * time.Minute), Ordered: now.Add(-time.Minute), Problem: "AWS Marketplace does not answer. The next run sends the records again.",
		Balance: metering.Balance{Licence: goodLicence, Collected: 1270, Metered: 1266, Accepted: 1204, Reasons: []metering.Reason{
			{Cause: metering.Next, Quantity: 4, Words: "counted since the last record; the next hour has it"},
			{Cause: metering.Cause(metering.Refused), Quantity: 60, Words: "AWS refused the record; see `gatehouse marketplace resend`"},
		}},
	}
	good := detailed(goodLicence, meter,
		noticed(events.NoticeLicenceUpdated, events.LicenceActive, 30*time.Hour), events.LicenceClaimed{Account: "account-bob", Plan: "plan-pro", Name: "Pro <i>x</i>"},
		events.LicenceAccessWanted{Account: "account-bob", Plan: "plan-pro"}, events.LicenceEntitled{Dimensions: []string{"gold", longWord}, Until: &until},
		noticed(events.NoticeUnknown, "", time.Hour),
	)
	waiting := detailed(legacyLicence, administration.LicenceMeter{NextCollection: now, NextSending: now}, events.LicenceClaimed{
		Account: "account-eve", Plan: "plan-free", Name: "Free", Purchase: events.Purchase{Product: "4fk3q8b2v7x1n6m9z0c5d1234", Customer: "PJS7FAH0HX5"},
	})
	o := &fakeAdmin{sold: fakeLicences{
		setUp: true, tallies: map[portal.Stream]metering.Tally{goodLicence: tally}, details: map[portal.Stream]administration.LicenceDetail{goodLicence: good, legacyLicence: waiting},
		comparison: administration.Comparison{Ended: now.Add(-20 * time.Minute), Agreements: 12, Notices: 1, Job: administration.JobState{Ran: true}},
	}}
	o.sold.rows = []projections.Licence{good.Licence, waiting.Licence}
	for i, state := range administration.LicenceStates() {
		l := projections.Licence{Stream: portal.LicenceStream(portal.LicenceID(fmt.Sprintf("l-%d%s", i, longWord))), State: state, Since: now.Add(-time.Duration(i+2) * 24 * time.Hour), Product: "prod-weather", Buyer: "444455556666"}
		if state != projections.LicenceUnclaimed {
			l.Account, l.Plan, l.Name = "account-eve", "plan-pro", "Pro"
		}
		o.sold.rows = append(o.sold.rows, l)
	}
	for i := range 60 {
		o.sold.records = append(o.sold.records, usageRecord(i+1, int64(i), metering.Accepted, fmt.Sprintf("record-%d-%s", i, longWord)))
	}
	for i, status := range []metering.RecordStatus{metering.Written, metering.Refused, metering.Duplicate, metering.NotSubscribed, metering.TooLate, metering.Returned} {
		o.sold.records[i].Status = status
	}
	return o
}

// sellingWeather is the site of an admin whose catalog sells the weather on AWS Marketplace.
func sellingWeather(o *fakeAdmin) site {
	product := weather()
	product.Plans[0].Listing = &catalog.Listing{Product: "prod-weather"}
	return siteOf(&fake{catalog: published(product), account: registered(), office: o}, &root)
}

// crowdedMarket has more licences than a page lists.
func crowdedMarket() *fakeAdmin {
	o := market()
	for i := range 40 {
		o.sold.rows = append(o.sold.rows, projections.Licence{
			Stream: portal.LicenceStream(portal.LicenceID(fmt.Sprintf("l-many%02d", i))), State: projections.LicenceActive, Since: now.Add(-time.Duration(i+30) * 24 * time.Hour), Account: "account-ada", Name: "Pro",
		})
	}
	return o
}

func licenceStates() map[string]shown {
	const at = "/admin/licences/l-0123456789abcdef0123456789abcdef"
	failed := market()
	failed.sold.comparison.Problem, failed.sold.comparison.Job.UnderWay = "The seller's role cannot be assumed. See `docs/marketplace.md`.", true
	failed.sold.rows = nil
	gateway := market()
	byGateway := gateway.sold.details[legacyLicence]
	byGateway.Meter.ByGateway = true
	gateway.sold.details[legacyLicence], gateway.sold.records = byGateway, nil
	return map[string]shown{
		"licences":                     {site: sellingWeather(crowdedMarket()), path: "/admin/licences"},
		"licences, filtered":           {site: sellingWeather(market()), path: "/admin/licences?problems=on&state=active&asked=on"},
		"licences, nothing bought":     {site: sellingWeather(failed), path: "/admin/licences"},
		"licences, nothing sold":       {site: administered(&fakeAdmin{}), path: "/admin/licences"},
		"a licence":                    {site: sellingWeather(market()), path: at},
		"a licence, older records":     {site: sellingWeather(market()), path: at + "?asked=resend&before=" + usageRecord(48, 0, "", "").Place()[:13] + "%23requests"},
		"a licence that waits":         {site: sellingWeather(gateway), path: "/admin/licences/legacy:4fk3q8b2v7x1n6m9z0c5d1234:PJS7FAH0HX5"},
		"compare licences":             {site: sellingWeather(market()), path: "/admin/licences/reconcile"},
		"resend usage":                 {site: sellingWeather(market()), path: at + "/resend"},
		"resend usage, nothing to":     {site: sellingWeather(market()), path: "/admin/licences/legacy:4fk3q8b2v7x1n6m9z0c5d1234:PJS7FAH0HX5/resend"},
		"correct a licence":            {site: sellingWeather(market()), path: at + "/correct"},
		"correct a licence, nothing":   {site: sellingWeather(market()), path: at + "/correct", post: at + "/correct"},
		"correct a licence, confirmed": {site: sellingWeather(market()), path: at + "/correct", post: at + "/correct", form: `document.querySelector("#arn").value = "arn:aws:other"`},
	}
}
