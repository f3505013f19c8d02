package api_test

import (
	"context"
	"fmt"
	"time"

	"github.com/gatehouse-portal/gatehouse/administration"
	"github.com/gatehouse-portal/gatehouse/events"
	"github.com/gatehouse-portal/gatehouse/marketplace/metering"
	"github.com/gatehouse-portal/gatehouse/portal"
	"github.com/gatehouse-portal/gatehouse/projections"
)

// licenceDesk is the fake as the desk of licences.
type licenceDesk struct{ *fake }

var bought = administration.ListedLicence{
	Licence: projections.Licence{Stream: "legacy/prod/cust", Account: "account-grace", Plan: "plan-max", Name: "Unlimited", ClaimedAt: now, Product: "prod", Customer: "cust"},
	State:   "waiting", Billed: 7, Refused: 5, Problems: []string{"AWS has refused usage."},
}

var metered = metering.Record{Licence: "legacy/prod/cust", Dimension: "requests", At: now.Add(time.Minute), Quantity: 5, Status: metering.Refused, Code: "InvalidProductCodeException", Tries: 1, Sent: now}

func (d licenceDesk) Licences(_ context.Context, choice administration.LicenceChoice, after string, limit int) (administration.LicencePage, error) {
	return administration.LicencePage{
		Licences: []administration.ListedLicence{bought}, Next: "0#legacy/prod/cust", Total: 2, SetUp: true,
		Comparison: administration.Comparison{Ended: now, Agreements: 3, Notices: 1, Job: administration.JobState{Ran: true, Started: now, Ended: now}},
	}, d.askBy("licences", "", fmt.Sprintf("%+v %s %d", choice, after, limit))
}

func (d licenceDesk) Licence(_ context.Context, name string) (administration.LicenceDetail, error) {
	return administration.LicenceDetail{
		ListedLicence: bought, Words: administration.LicenceWords{Said: "It is claimed.", Next: "Wait."}, HasAccess: true, AccessAt: now,
		Facts: []events.Event{{Time: now, Operation: "op-1", Data: events.LicenceClaimed{Account: "account-grace", Plan: "plan-max", Name: "Unlimited"}}},
		Meter: administration.LicenceMeter{
			Region: "us-east-1", Balance: metering.Balance{Collected: 12, Metered: 12, Accepted: 7, Reasons: []metering.Reason{{Cause: "refused", Quantity: 5, Words: "AWS refused the record"}}},
			Refused: []metering.RefusedRecord{{Record: metered, Remedy: metering.SendAgain}}, NextSending: now,
		},
	}, d.askBy("licence", "", name)
}

func (d licenceDesk) Records(_ context.Context, name, before string, limit int) (administration.RecordsPage, error) {
	return administration.RecordsPage{Records: []metering.Record{metered}, Next: "2026-11-22T09#requests"}, d.askBy("records", "", fmt.Sprint(name, before, limit))
}

func (d licenceDesk) Reconcile(_ context.Context, admin portal.AccountID) (administration.JobState, error) {
	return administration.JobState{Ran: true, UnderWay: true, Started: now}, d.askBy("reconcile", admin, "")
}

func (d licenceDesk) Resend(_ context.Context, admin portal.AccountID, name string, dryRun bool) (int, int64, error) {
	return 1, 5, d.askBy("resend", admin, fmt.Sprint(name, dryRun))
}

func (d licenceDesk) Correct(_ context.Context, admin portal.AccountID, name string, names events.Purchase, dryRun bool) (administration.LicenceCorrection, error) {
	before := events.Purchase{Product: "prod", Customer: "cust"}
	return administration.LicenceCorrection{Licence: "legacy/prod/cust", Before: before, After: names.Or(before)}, d.askBy("correct", admin, fmt.Sprint(name, names, dryRun))
}

// licenceExamples are the examples of the routes about licences.
func licenceExamples(private map[string]string) []example {
	const (
		run     = `{"under_way":false,"waits":false,"started_at":"2026-11-22T09:00:00Z","ended_at":"2026-11-22T09:00:00Z"}`
		running = `{"under_way":true,"waits":false,"started_at":"2026-11-22T09:00:00Z","ended_at":null}`
		licence = `"id":"legacy:prod:cust","licence":"legacy/prod/cust","state":"waiting","not_begun":false,"cancelled":false,"since":null,"account":"account-grace","plan":"plan-max","plan_name":"Unlimited",
			"claimed_at":"2026-11-22T09:00:00Z","product":"prod","customer":"cust","free_trial":false,"until":null,"billed":7,"refused":5,"lost":0,"problems":["AWS has refused usage."]`
		record = `"hour":"2026-11-22T09:00:00Z","dimension":"requests","requests":5,"status":"refused","code":"InvalidProductCodeException","tries":1,"sent_at":"2026-11-22T09:00:00Z","ended_at":null`
	)
	return []example{
		{"GET /admin/licences", "/admin/licences?limit=1&problems=true&state=waiting", 200, `{"set_up":true,"total":2,"comparison":{"ended_at":"2026-11-22T09:00:00Z","agreements":3,"notices":1,"run":` + run + `},
			"items":[{` + licence + `}],"next":"/api/v1/admin/licences?cursor=0%23legacy%2Fprod%2Fcust&limit=1&problems=true&state=waiting"}`, private, "", ""},
		{"GET /admin/licences/{licence}", "/admin/licences/legacy:prod:cust", 200, `{` + licence + `,"says":"It is claimed.","next_step":"Wait.","entitled":false,"lapsed":false,"access":true,"access_at":"2026-11-22T09:00:00Z",
			"history":[{"at":"2026-11-22T09:00:00Z","type":"LicenceClaimed","text":"account account-grace claimed it for the plan plan-max (Unlimited), operation op-1","operation":"op-1"}],
			"ledger":{"metered_by_api_gateway":false,"region":"us-east-1","collected":12,"metered":12,"accepted":7,"difference":5,"reasons":[{"cause":"refused","requests":5,"text":"AWS refused the record"}],
			"closed_at":null,"ordered_at":null,"next_at":"2026-11-22T09:00:00Z"},"refused_records":[{` + record + `,"remedy":"send_again","text":"it can go to AWS again for its hour"}]}`, private, "", ""},
		{"GET /admin/licences/{licence}/records", "/admin/licences/legacy:prod:cust/records?limit=1", 200, `{"items":[{` + record + `}],
			"next":"/api/v1/admin/licences/legacy:prod:cust/records?cursor=2026-11-22T09%23requests&limit=1"}`, private, "", ""},
		{"POST /admin/licence-reconciliations", "/admin/licence-reconciliations", 200, running, private, "", ""},
		{"POST /admin/licences/{licence}/resend", "/admin/licences/legacy:prod:cust/resend", 200, `{"records":1,"requests":5}`, private, `{"dry_run":true}`, ""},
		{"POST /admin/licences/{licence}/correct", "/admin/licences/legacy:prod:cust/correct", 200, `{"changes":true,"before":{"product":"prod","customer":"cust"},"after":{"product":"prod","customer":"other"}}`, private, `{"customer":"other"}`, ""},
	}
}
