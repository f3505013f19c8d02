package api

import (
	"net/http"
	"time"

	"github.com/gatehouse-portal/gatehouse/portal"
)

func exampleLicence() AdminLicence {
	return AdminLicence{
		ID: "l-0123456789abcdef0123456789abcdef", Licence: "licence/l-0123456789abcdef0123456789abcdef", State: "active", Since: &exampleTime, Account: exampleAccount,
		Plan: examplePlan, PlanName: "Pro", ClaimedAt: &exampleTime, Product: "4fk3q8b2v7x1n6m9z0c5d1234", Buyer: "111122223333", Agreement: "agmt-1a2b3c4d5e6f",
		Billed: 1204, Refused: 17, Problems: []string{"AWS has refused usage."},
	}
}

func exampleLicences() AdminLicences {
	return AdminLicences{
		SetUp: true, Total: 1, Items: []AdminLicence{exampleLicence()},
		Comparison: AgreementComparison{EndedAt: &exampleTime, Agreements: 12, Run: JobRun{StartedAt: &exampleTime, EndedAt: &exampleTime}},
	}
}

func exampleRecord() UsageRecord {
	return UsageRecord{Hour: exampleTime.Truncate(time.Hour), Dimension: "requests", Requests: 17, Status: "refused", Code: "InvalidLicenseException", Tries: 1, SentAt: &exampleTime, EndedAt: &exampleTime}
}

func exampleLicenceDetail() AdminLicenceDetail {
	return AdminLicenceDetail{
		AdminLicence: exampleLicence(), Says: "AWS says that it is active.", Access: true, AccessAt: &exampleTime,
		History: []LicenceFact{{At: exampleTime, Type: "LicenceClaimed", Text: "account " + exampleAccount + " claimed it for the plan " + examplePlan + " (Pro), operation " + exampleOperation, Operation: exampleOperation}},
		Ledger: LicenceLedger{
			Region: "us-east-1", Collected: 1221, Metered: 1221, Accepted: 1204, Difference: 17,
			Reasons: []LedgerReason{{Cause: "refused", Requests: 17, Text: "AWS refused the record; see `gatehouse marketplace resend`"}}, NextAt: &exampleTime,
		},
		RefusedOf: []RefusedUsage{{UsageRecord: exampleRecord(), Remedy: "send_again", Text: "it can go to AWS again for its hour"}},
	}
}

func exampleCorrection() LicenceCorrection {
	names := LicenceNames{ARN: "arn:aws:license-manager::111122223333:license:l-0123456789abcdef0123456789abcdef", Buyer: "111122223333", Product: "4fk3q8b2v7x1n6m9z0c5d1234"}
	before := names
	before.Product = "3ek3q8b2v7x1n6m9z0c5d1234"
	return LicenceCorrection{Changes: true, Before: before, After: names}
}

var (
	noLicence    = map[int]expected{http.StatusNotFound: {portal.NotFound, "There is no such licence.", "There is no such licence."}}
	notCompared  = map[int]expected{http.StatusConflict: {portal.Conflict, "The workers do not compare agreements.", "The workers do not compare agreements. The operator sets GATEHOUSE_MARKETPLACE_ACCOUNTS or GATEHOUSE_MARKETPLACE_TOPICS for them."}}
	nothingAgain = map[int]expected{http.StatusConflict: {portal.Conflict, "No usage of the licence can be sent again.", "No usage of this licence can be sent again."}}
	otherLicence = map[int]expected{http.StatusConflict: {portal.Conflict, "The ARN names another licence, which is claimed.", "licence/l-1 is a licence of its own, which account 01m7x8a0b1c2d3e4f5g6h7j8km has claimed. Its usage is metered already, and AWS bills an hour of a licence once."}}
	badNames     = map[int]expected{http.StatusBadRequest: {portal.Invalid, "The request cannot be read, or a name cannot be AWS's. The detail says which.", "The buyer is not an AWS account: it must have 12 digits."}}
	badState     = map[int]expected{http.StatusBadRequest: {portal.Invalid, "The request cannot be read, or there is no such state.", "There is no such state of a licence. Give one of unclaimed, waiting, failed, active, ending, ended."}}
)
