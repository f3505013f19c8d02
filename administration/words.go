package administration

import (
	"strings"
	"unicode"

	"github.com/gatehouse-portal/gatehouse/events"
)

// factTitles say in words what a fact records. Pages, JSON and commands share them.
var factTitles = map[string]string{
	"UserRegistered":              "Account registered",
	"RegistrationPending":         "Registration waits for approval",
	"RegistrationDenied":          "Registration denied",
	"AccountSuspended":            "Account suspended",
	"AccountReinstated":           "Account reinstated",
	"AccountKeysSwitched":         "Keys updated in API Gateway",
	"AccountDeleting":             "Deletion of the account began",
	"AccountDeleted":              "Account deleted",
	"AdminPromoted":               "Admin promoted",
	"AdminDemoted":                "Promotion ended",
	"KeyWanted":                   "API key requested",
	"KeyCreated":                  "API key created",
	"KeyAdopted":                  "API key taken over",
	"KeyReady":                    "Key ready",
	"KeyRenamed":                  "Key renamed",
	"KeyEndScheduled":             "End scheduled",
	"KeyEndsSoon":                 "Owner told that the key ends soon",
	"KeyEnding":                   "Key is ending",
	"KeyEnded":                    "Key disabled",
	"KeyBlocked":                  "Key blocked",
	"KeyUnblocked":                "Key unblocked",
	"KeyObserved":                 "Key changed in API Gateway by hand",
	"KeyReleasing":                "Unused key is being deleted in API Gateway",
	"KeyReleased":                 "Unused key deleted in API Gateway",
	"KeyAttached":                 "Key added to the plan",
	"KeyDetached":                 "Key removed from the plan",
	"KeyMoved":                    "Key moved to the plan",
	"UsageCarried":                "Quota passed on to the new key",
	"QuotaUsed":                   "Usage of an ended key read",
	"QuotaNotCarried":             "Quota not passed on to the new key",
	"QuotaThresholdReached":       "A share of the quota used",
	"SubscriptionWanted":          "Subscription requested",
	"SubscriptionApprovalPending": "Subscription waits for approval",
	"SubscriptionApproved":        "Subscription approved",
	"SubscriptionDenied":          "Subscription denied",
	"SubscriptionActivated":       "Subscription active",
	"SubscriptionEnding":          "Subscription is ending",
	"SubscriptionEnded":           "Subscription ended",
	"SubscriptionLost":            "Subscription lost",
	"PlanChangeWanted":            "Change of plan requested",
	"PlanChanged":                 "Plan changed",
	"PlanChangeRefused":           "Change of plan refused by API Gateway",
	"WishParked":                  "Change waits",
	"RequestJoined":               "Joined an earlier request",
	"RequestUnchanged":            "Request changed nothing",
	"RequestRejected":             "Request refused",
	"RequestSuperseded":           "Request cancelled by a newer one",
	"RequestFailed":               "Request failed",
	"LicenceClaimed":              "Purchase recorded",
	"LicenceReleased":             "Purchase released",
	"LicenceNoticed":              "Notice from AWS Marketplace",
	"LicenceEntitled":             "Entitlement read from AWS Marketplace",
	"LicencePlanChanged":          "Plan of the purchase changed",
	"LicenceCorrected":            "Names of the purchase corrected",
	"LicenceAccessWanted":         "Purchase confirmed",
	"LicenceAccessEnding":         "Access of the purchase is ending",
	"LicenceAccessSet":            "Purchase updated",
	"MarketplaceNoticeKept":       "Notice of AWS Marketplace kept",
	"CatalogPublished":            "Catalog published",
	"CatalogSourceFailed":         "Catalog not read",
}

// FactTitle says in words what a fact of the type records, such as KeyEnding. A type of a later version becomes
// separate words.
func FactTitle(name string) string {
	if title, ok := factTitles[name]; ok {
		return title
	}
	var b strings.Builder
	for i, r := range name {
		if i > 0 && unicode.IsUpper(r) {
			b.WriteRune(' ')
			r = unicode.ToLower(r)
		}
		b.WriteRune(r)
	}
	return b.String()
}

// reasonTexts are the reasons of facts in words.
var reasonTexts = map[string]string{
	string(events.EndRevoked):        "The owner or an admin revoked it.",
	string(events.EndLeaked):         "Its value became known to others. Another key has replaced it.",
	string(events.EndRotated):        "Another key has replaced it.",
	string(events.EndExpired):        "It had an expiry date.",
	string(events.EndAccountDeleted): "The account was deleted.",
	string(events.EndRefused):        "API Gateway does not accept it.",
	string(events.EndLost):           "Somebody deleted it in API Gateway.",

	string(events.WaitingForAWS):           "API Gateway does not answer, or refuses for now.",
	string(events.WaitingForCapacity):      "The AWS account holds as many keys as it may. An operator must make room.",
	string(events.WaitingForKMS):           "KMS, which computes key values, does not answer or throttles.",
	string(events.WaitingForKMSKey):        "The KMS key is disabled or may not be used. An operator must act.",
	string(events.WaitingForReinstatement): "The account is suspended.",
	string(events.WaitingForRepair):        "The message that asks for the change is a dead letter. An operator must act.",

	string(events.LostPlanGone):   "The usage plan was deleted.",
	string(events.LostStageTaken): "The plan covers a stage now that another plan of the key covers.",

	string(events.LicenceFailed): "AWS Marketplace could not take the payment.",
	string(events.LicenceEnding): "The agreement at AWS Marketplace is ending.",
	string(events.LicenceEnded):  "The agreement at AWS Marketplace has ended.",
}

// Title says in words what has happened.
func (e HistoryEntry) Title() string { return FactTitle(e.What) }

// WhyText is Why as people read it: the message that the fact carries, or its reason in words.
func (e HistoryEntry) WhyText() string {
	if text, ok := reasonTexts[e.Why]; ok && e.Coded {
		return text
	}
	return e.Why
}
