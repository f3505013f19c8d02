package web

import (
	"strings"
	"unicode"

	"github.com/gatehouse-portal/gatehouse/operations"
	"github.com/gatehouse-portal/gatehouse/portal"
	"github.com/gatehouse-portal/gatehouse/projections"
)

// Pages word by themselves what happened, from the names and codes that operations and
// steps carry. The texts that were stored with a step are only shown where a page has no
// words of its own, so that a wording can be corrected for what happened before, too.

// The types of operations that pages ask for, as operations name them.
const (
	typeRegister    = "RegisterUser"
	typeSubscribe   = "SubscribeRequested"
	typeUnsubscribe = "UnsubscribeRequested"
)

// The reasons for which something waits.
const (
	waitsForAWS      = "aws"
	waitsForCapacity = "capacity"
	waitsForKMS      = "kms"
	waitsForKMSKey   = "kms_key"
)

// operationTitle is the title of an operation, as it stands; plan is the plan's name, ""
// if it is about none or about one that is not known any more.
func operationTitle(operation operations.Operation, plan string) string {
	if plan == "" {
		plan = "a plan"
	}
	doing, done := sentence(operation.Type), sentence(operation.Type)
	switch operation.Type {
	case typeRegister:
		doing, done = "Opening your account", "Your account is open"
	case typeSubscribe:
		doing, done = "Subscribing to "+plan, "Subscribed to "+plan
	case typeUnsubscribe:
		doing, done = "Leaving "+plan, "Left "+plan
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

// stepWords are the title of a step, and what it means to the person; "{plan}" stands for
// the plan's name. A step without a detail shows the text it was stored with.
type stepWords struct{ Title, Detail string }

var stepTexts = map[string]stepWords{
	"UserRegistered":        {"Account opened", "You can subscribe to plans now."},
	"KeyWanted":             {"API key reserved", "Your first subscription brings a key. API Gateway creates it next."},
	"KeyCreated":            {"API key created", "API Gateway has your key."},
	"KeyAttached":           {"API key added", "API Gateway has added your key to {plan}."},
	"KeyDetached":           {"API key removed", "API Gateway has taken your key out of {plan}."},
	"KeyObserved":           {"API key changed", "The operator of this portal enabled or disabled your key."},
	"KeyReleasing":          {"API key unused", "It was in no plan for 30 days, so it is given back next."},
	"KeyReleased":           {"API key given back", "It returns, with the same value, with your next subscription."},
	"SubscriptionWanted":    {"Request approved", "Your key is added to {plan} next."},
	"SubscriptionActivated": {"Subscription active", "Your key opens {plan}."},
	"SubscriptionEnding":    {"Request approved", "Your key is taken out of {plan} next."},
	"SubscriptionEnded":     {"Subscription ended", "Your key does not open {plan} any more."},
	"SubscriptionLost":      {"Subscription ended", "The operator of this portal has removed {plan}."},
	"WishParked":            {"Waiting", ""},
	"RequestJoined":         {"Joined an earlier request", "You asked for this before. Both requests are finished together."},
	"RequestUnchanged":      {"Already done", "Nothing had to be changed."},
	"RequestRejected":       {"Refused", ""},
	"RequestSuperseded":     {"Cancelled", "You asked for something else after this, and the newest request counts."},
	"RequestFailed":         {"Not carried out", "Something went wrong on our side. Your request is kept, and the operator of this portal can repeat it."},
	"CatalogPublished":      {"Catalog published", ""},
	"CatalogSourceFailed":   {"Catalog not read", ""},
}

// wordsFor words one step of an operation about a plan of that name.
func wordsFor(step projections.Step, plan string) stepWords {
	words, ok := stepTexts[step.Name]
	switch {
	case !ok:
		return stepWords{sentence(step.Name), step.Detail}
	case step.Status == projections.Waiting:
		words.Detail = projections.WaitingText(step.Code)
	case words.Detail == "" || (plan == "" && strings.Contains(words.Detail, "{plan}")):
		words.Detail = step.Detail
	}
	words.Detail = strings.ReplaceAll(words.Detail, "{plan}", plan)
	return words
}

// sentence takes a name apart: KeyRotationScheduled is "Key rotation scheduled".
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

// nextStep says what happens now and who acts.
type nextStep struct {
	Heading, Text string
	// Links lead on; the first is the one to take.
	Links []link
}

type link struct{ Text, Href string }

var (
	toDashboard = link{"Go to your dashboard", "/dashboard"}
	toCatalog   = link{"Browse the APIs", "/apis"}
)

// nextOf says what happens next with an operation that is open, refused or failed.
func nextOf(operation operations.Operation, now present) nextStep {
	switch operation.Status {
	case projections.Accepted:
		return nextStep{Heading: "Next: we start on it", Text: "That usually takes a second or two. You can close this page: we go on without it."}
	case projections.Waiting:
		return waiting(operation.Code)
	case projections.Rejected:
		return rejected(operation, now)
	case projections.Failed:
		return nextStep{
			Heading: "Something went wrong on our side",
			Text: "Your request is kept, and the operator of this portal can repeat it. " +
				"If you cannot wait, send them the number at the end of this page. When they repeat it, this page shows the result.",
			Links: []link{toDashboard},
		}
	}
	return nextStep{Heading: "Next: API Gateway does its part", Text: "There is nothing you need to do. You can close this page: we go on without it."}
}

// waiting says who acts next; the step before says why it waits.
func waiting(reason string) nextStep {
	switch reason {
	case waitsForAWS, waitsForKMS:
		return nextStep{Heading: "Next: we try again", Text: "We retry automatically for as long as it takes. There is nothing you need to do."}
	case waitsForCapacity:
		return nextStep{Heading: "Next: the operator of this portal makes room", Text: "Then we go on automatically. You do not have to ask again."}
	case waitsForKMSKey:
		return nextStep{Heading: "Next: the operator of this portal has to fix that", Text: "If it takes long, send them the number at the end of this page. Once it is fixed we go on automatically. You do not have to ask again."}
	}
	return nextStep{Heading: "Next: we go on as soon as we can", Text: "We retry automatically. There is nothing you need to do."}
}

func rejected(operation operations.Operation, now present) nextStep {
	switch operation.Code {
	case string(portal.NotRegistered):
		return nextStep{"Your account has to be opened first", "That takes one click and a few seconds. Then go back to the API and subscribe again.", []link{now.toProduct()}}
	case string(portal.Superseded):
		return nextStep{"A newer request replaced this one", "You asked for something else after this, and the newest request counts. Your dashboard shows what you have now.", []link{toDashboard}}
	}
	return nextStep{"This was refused", operation.Message, []link{now.toProduct(), toDashboard}}
}
