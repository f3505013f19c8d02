package web

import (
	"cmp"
	"strings"
	"unicode"

	"github.com/gatehouse-portal/gatehouse/administration"
	"github.com/gatehouse-portal/gatehouse/deadletters"
	"github.com/gatehouse-portal/gatehouse/operations"
	"github.com/gatehouse-portal/gatehouse/portal"
	"github.com/gatehouse-portal/gatehouse/projections"
)

// Pages have their own texts for the names and codes of operations and steps, so that
// better wording applies to old steps, too. Without one, they show the text that was
// stored.

const (
	typeRegister    = "RegisterUser"
	typeSubscribe   = "SubscribeRequested"
	typeUnsubscribe = "UnsubscribeRequested"
	typeChange      = "PlanChangeRequested"
	typeKey         = "KeyRequested"
	typeRenameKey   = "KeyRenameRequested"
	typeRotateKey   = "KeyRotationRequested"
	typeEndKey      = "KeyEndRequested"

	typeConfirm = "MarketplaceConfirmed"

	typeDeleteAccount = "AccountDeletionRequested"
	typeSuspend       = "AccountSuspensionRequested"
	typeReinstate     = "AccountReinstatementRequested"
	typePromote       = "AdminPromotionRequested"
	typeDemote        = "AdminDemotionRequested"
	typeReview        = "RegistrationReviewRequested"
	typeSyncCatalog   = "CatalogSyncRequested"
	typeReviewPlan    = "SubscriptionReviewRequested"
)

func asksForPlan(kind string) bool {
	return kind == typeSubscribe || kind == typeChange || kind == typeConfirm
}

const (
	waitsForAWS      = "aws"
	waitsForCapacity = "capacity"
	waitsForKMS      = "kms"
	waitsForKMSKey   = "kms_key"
	waitsForRepair   = "fault"
	waitsForApproval = "approval"
	waitsSuspended   = "suspended"

	waitsForPayment = "payment"
	paymentFailed   = "payment_failed"
	agreementEnded  = "agreement_ended"
)

// operationTitle is for the present status. plan is the plan's name or "".
func operationTitle(operation operations.Operation, plan string) string {
	if plan == "" {
		plan = "a plan"
	}
	doing, done := sentence(operation.Type), sentence(operation.Type)
	switch operation.Type {
	case typeRegister:
		doing, done = "Registering your account", "Your account is registered"
	case typeSubscribe:
		doing, done = "Subscribing to "+plan, "Subscribed to "+plan
	case typeUnsubscribe:
		doing, done = "Leaving "+plan, "Left "+plan
	case typeChange:
		doing, done = "Changing to "+plan, "Changed to "+plan
	case typeKey:
		doing, done = "Creating a key", "Your new key is ready"
	case typeRenameKey:
		doing, done = "Renaming a key", "Renamed a key"
	case typeRotateKey:
		doing, done = "Replacing a key", "Your new key is ready"
	case typeEndKey:
		doing, done = "Changing when a key ends", "Changed when a key ends"
		if operation.EndsKey {
			doing, done = "Ending a key", "Ended a key"
		}
	case typeConfirm:
		doing, done = "Setting up "+plan+" from AWS Marketplace", plan+" from AWS Marketplace is active"
	case typeDeleteAccount:
		doing, done = "Deleting the account", "The account is deleted"
	case typeSuspend:
		doing, done = "Suspending an account", "Suspended an account"
	case typeReinstate:
		doing, done = "Reinstating an account", "Reinstated an account"
	case typePromote:
		doing, done = "Making a person an admin", "Made a person an admin"
	case typeDemote:
		doing, done = "Ending a promotion to admin", "Ended a promotion to admin"
	case typeReview:
		doing, done = "Answering a registration", "Answered a registration"
	case typeSyncCatalog:
		doing, done = "Reading the catalog", "The catalog is read"
	}
	switch {
	case operation.Status == projections.Succeeded:
		return done
	case superseded(operation):
		return doing + " was cancelled"
	case operation.Status == projections.Rejected:
		return doing + " was refused"
	case operation.Status == projections.Failed:
		return doing + " failed"
	}
	return doing
}

func superseded(operation operations.Operation) bool {
	return operation.Status == projections.Rejected && operation.Code == string(portal.Superseded)
}

// stepWords are the title and the detail of a step; "{plan}" stands for the plan's name. If
// the title is "", it is that of the fact in an account's history. If the detail is "", the stored text is shown.
type stepWords struct{ Title, Detail string }

var stepTexts = map[string]stepWords{
	"UserRegistered":        {"", "You can subscribe to plans now."},
	"KeyWanted":             {},
	"KeyCreated":            {"", "API Gateway has your key."},
	"KeyAdopted":            {},
	"KeyReady":              {},
	"KeyRenamed":            {},
	"KeyEndScheduled":       {},
	"KeyEndsSoon":           {"Key expires soon", ""},
	"KeyEnding":             {},
	"KeyEnded":              {"", "API Gateway refuses the key for ever."},
	"KeyBlocked":            {"", "API Gateway refuses the key for now."},
	"KeyUnblocked":          {"", "We no longer keep the key disabled."},
	"UsageCarried":          {"Quota passed on", ""},
	"KeyAttached":           {"", "API Gateway has added your key to {plan}."},
	"KeyDetached":           {"", "API Gateway has removed your key from {plan}."},
	"SubscriptionWanted":    {"Request accepted", "Your key will be added to {plan}."},
	"SubscriptionActivated": {"", "Your key works with {plan}."},
	"SubscriptionEnding":    {"Request accepted", "Your key will be removed from {plan}."},
	"SubscriptionEnded":     {"", "Your key no longer works with {plan}."},
	"PlanChangeWanted":      {"Request accepted", "Your keys will move to {plan}."},
	"KeyMoved":              {"Key moved", "API Gateway has moved a key to {plan}."},
	"PlanChanged":           {"", "Your keys work with {plan}."},
	"LicenceClaimed":        {},
	"LicenceNoticed":        {},
	"LicenceAccessWanted":   {"", "AWS Marketplace has confirmed the purchase."},
	"LicenceAccessSet":      {},
	"PlanChangeRefused":     {"Refused by API Gateway", "Your keys return to the old plan."},
	"WishParked":            {"Waiting", ""},
	"RegistrationPending":   {"Waiting for approval", ""},
	"RegistrationDenied":    {},
	"AccountSuspended":      {"", "API Gateway will refuse its keys."},
	"AccountReinstated":     {"", "API Gateway will accept its keys again."},
	"AccountKeysSwitched":   {"Keys updated", ""},
	"AdminPromoted":         {"", "The account's owner is an admin of this portal."},
	"AdminDemoted":          {"", "The account's owner is no longer an admin of this portal by promotion."},
	"AccountDeleting":       {"Deletion accepted", ""},
	"AccountDeleted":        {"", "Nothing personal is left of it."},

	"SubscriptionApprovalPending": {"Awaiting approval", ""},
	"SubscriptionApproved":        {"Approved", "The operator of this portal has approved {plan}."},
	"SubscriptionDenied":          {"Denied", ""},
	"RequestJoined":               {"", "You asked for this before. Both requests finish together."},
	"RequestUnchanged":            {"Already done", "There was nothing to change."},
	"RequestRejected":             {"Refused", ""},
	"RequestSuperseded":           {"Cancelled", "You made a newer request, and the newest one counts."},
	"RequestFailed":               {failedStep, failedDetail},
	"CatalogPublished":            {},
	"CatalogSourceFailed":         {},
}

// The step of a request that became a dead letter.
const failedStep, failedDetail = "Failed", "Something went wrong on our side."

func wordsFor(step projections.Step, plan string) stepWords {
	words, ok := stepTexts[step.Name]
	words.Title = cmp.Or(words.Title, administration.FactTitle(step.Name))
	switch {
	case !ok:
		words.Detail = step.Detail
	case step.Status == projections.Waiting && saysWhatWaits(step.Code):
		words.Detail = step.Detail
	case step.Status == projections.Waiting:
		words.Detail = projections.WaitingText(step.Code)
	case words.Detail == "" || (plan == "" && strings.Contains(words.Detail, "{plan}")):
		words.Detail = step.Detail
	}
	words.Detail = strings.ReplaceAll(words.Detail, "{plan}", plan)
	return words
}

func sentence(name string) string {
	var b strings.Builder
	for i, r := range name {
		switch {
		case i == 0:
			r = unicode.ToUpper(r)
		case unicode.IsUpper(r):
			b.WriteRune(' ')
			r = unicode.ToLower(r)
		}
		b.WriteRune(r)
	}
	return b.String()
}

func statusBadge(operation operations.Operation) badge {
	switch operation.Status {
	case projections.Succeeded:
		return badge{"ok", "check", "Done"}
	case projections.Rejected:
		if superseded(operation) {
			return badge{"quiet", "minus", "Cancelled"}
		}
		return badge{"bad", "cross", "Refused"}
	case projections.Failed:
		return badge{"bad", "cross", "Failed"}
	case projections.Waiting:
		return badge{"warn", "pause", "Waiting"}
	case projections.Accepted:
		return badge{"busy", "clock", "Received"}
	}
	return badge{"busy", "clock", "In progress"}
}

type nextStep struct {
	Heading, Text string
	Links         []link
}

type link struct{ Text, Href string }

var (
	toDashboard = link{"Go to your dashboard", "/dashboard"}
	toCatalog   = link{"Browse the APIs", "/apis"}
	toKeys      = link{"Go to your keys", keysPath}
)

func nextOf(operation operations.Operation, now present) nextStep {
	underway := operation.Status == projections.Accepted || operation.Status == projections.Running
	if operation.Type == typeDeleteAccount && underway {
		return nextStep{
			Heading: "Next: your keys and your personal data are deleted",
			Text:    "Then you are signed out, and this page says that the account is deleted.",
		}
	}
	if operation.Type == typeSyncCatalog {
		return nextOfSync(operation.Status)
	}
	switch operation.Status {
	case projections.Accepted:
		return nextStep{Heading: "Next: we start working on it", Text: "That usually takes a second or two. You can close this page; the work continues."}
	case projections.Waiting:
		if operation.Type == typeRegister && operation.Code == waitsForApproval {
			return nextStep{
				Heading: "Next: the operator of this portal decides about your registration",
				Text:    "You can close this page. We tell you the answer on your dashboard, and by e-mail if this portal sends mail. There is nothing you need to do.",
			}
		}
		return waiting(operation.Code, now)
	case projections.Rejected:
		return rejected(operation, now)
	case projections.Failed:
		return failed(operation.Letter)
	}
	return nextStep{Heading: "Next: API Gateway does its part", Text: "There is nothing you need to do. You can close this page; the work continues."}
}

// failed says where a failed request is. A dead letter is in the operator's list of failures.
func failed(letter deadletters.State) nextStep {
	next := nextStep{Links: []link{toDashboard}}
	switch letter {
	case deadletters.Open:
		next.Heading = "The operator of this portal has been told"
		next.Text = "Your request is saved in their list of failures, and they can run it again. " +
			"If you cannot wait, send them the operation id at the bottom of this page. After that, this page shows the result."
	case deadletters.Replayed, deadletters.Settled:
		next.Heading = "The operator of this portal runs your request again"
		next.Text = "This page shows the result in a moment. You can close it; the work continues."
	case deadletters.Discarded:
		next.Heading = "The operator of this portal has closed this request"
		next.Text = "They do not plan to run it again. If you still need it, make the request again, or send them the operation id at the bottom of this page."
	default:
		next.Heading = "Your request is saved"
		next.Text = "The operator of this portal can run it again. " +
			"If you cannot wait, send them the operation id at the bottom of this page. After that, this page shows the result."
	}
	return next
}

func waiting(reason string, now present) nextStep {
	switch reason {
	case waitsForApproval:
		return nextStep{Heading: "Next: the operator of this portal decides", Text: "You can close this page. Your dashboard shows the answer, and there you can withdraw the request."}
	case waitsSuspended:
		return nextStep{Heading: "Next: the operator of this portal reinstates your account", Text: "Then we continue automatically. You do not have to ask again.", Links: []link{{"See what you can do", "/dashboard#standing"}}}
	case waitsForAWS, waitsForKMS:
		return nextStep{Heading: "Next: we try again", Text: "We retry automatically for as long as it takes. There is nothing you need to do."}
	case waitsForPayment:
		return nextStep{Heading: "Next: AWS Marketplace confirms the payment", Text: "That can take from a minute to a few days. You can close this page; your dashboard shows the answer.", Links: []link{toDashboard}}
	case paymentFailed:
		return nextStep{Heading: "Next: AWS Marketplace takes the payment", Text: "Check the payment method of the AWS account that bought it. Once AWS confirms the payment, we continue automatically.", Links: now.atAWS()}
	case waitsForCapacity:
		return nextStep{Heading: "Next: the operator of this portal makes room", Text: "Then we continue automatically. You do not have to ask again."}
	case waitsForRepair:
		return nextStep{Heading: "Next: the operator of this portal fixes this", Text: "They have been told. We also retry automatically; if you cannot wait, send them the operation id at the bottom of this page."}
	case waitsForKMSKey:
		return nextStep{Heading: "Next: the operator of this portal has to fix this", Text: "If it takes long, send them the operation id at the bottom of this page. Once it is fixed, we continue automatically. You do not have to ask again."}
	}
	return nextStep{Heading: "Next: we continue as soon as we can", Text: "We retry automatically. There is nothing you need to do."}
}

func rejected(operation operations.Operation, now present) nextStep {
	switch operation.Code {
	case string(portal.NotRegistered):
		return nextStep{"Register your account first", "That takes one click and a few seconds. Then go back to the API and subscribe again.", []link{now.toProduct()}}
	case agreementEnded:
		return nextStep{"Check the payment, and buy it again", "AWS Marketplace ended the purchase before it became active. It does that if it cannot take the payment.", now.atAWS()}
	case string(portal.Superseded):
		return nextStep{"A newer request replaced this one", "Your dashboard shows what you have now.", []link{toDashboard}}
	}
	if isAboutKey(operation.Type) {
		return nextStep{"This was refused", operation.Message, []link{toKeys, toDashboard}}
	}
	return nextStep{"This was refused", operation.Message, []link{now.toProduct(), toDashboard}}
}

func isAboutKey(kind string) bool {
	switch kind {
	case typeKey, typeRenameKey, typeRotateKey, typeEndKey:
		return true
	}
	return false
}

// saysWhatWaits reports whether the step itself says what it waits for.
func saysWhatWaits(code string) bool {
	switch code {
	case waitsForApproval, waitsForPayment, paymentFailed:
		return true
	}
	return false
}
