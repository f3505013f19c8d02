package web

import (
	"strings"
	"unicode"

	"github.com/gatehouse-portal/gatehouse/events"
	"github.com/gatehouse-portal/gatehouse/operations"
	"github.com/gatehouse-portal/gatehouse/portal"
	"github.com/gatehouse-portal/gatehouse/projections"
)

// The types of operations that pages ask for, as operations name them.
var (
	typeRegister    = events.Name(events.RegisterUser{}.EventType())
	typeSubscribe   = events.Name(events.SubscribeRequested{}.EventType())
	typeUnsubscribe = events.Name(events.UnsubscribeRequested{}.EventType())
)

func operationTitle(kind string) string {
	switch kind {
	case typeRegister:
		return "Opening your account"
	case typeSubscribe:
		return "Subscribing to a plan"
	case typeUnsubscribe:
		return "Leaving a plan"
	}
	return sentence(kind)
}

// planTitle is the title of an operation about that plan.
func planTitle(kind, plan string) string {
	switch kind {
	case typeSubscribe:
		return "Subscribing to " + plan
	case typeUnsubscribe:
		return "Leaving " + plan
	}
	return operationTitle(kind)
}

var stepTitles = map[string]string{
	events.Name(events.UserRegistered{}.EventType()):        "Account opened",
	events.Name(events.KeyWanted{}.EventType()):             "Key prepared",
	events.Name(events.KeyCreated{}.EventType()):            "Key created",
	events.Name(events.SubscriptionWanted{}.EventType()):    "Subscription granted",
	events.Name(events.KeyAttached{}.EventType()):           "Key added to the plan",
	events.Name(events.KeyDetached{}.EventType()):           "Key removed from the plan",
	events.Name(events.SubscriptionActivated{}.EventType()): "Subscription active",
	events.Name(events.SubscriptionEnding{}.EventType()):    "Leaving noted",
	events.Name(events.SubscriptionEnded{}.EventType()):     "Subscription ended",
	events.Name(events.WishParked{}.EventType()):            "Waiting",
	events.Name(events.RequestJoined{}.EventType()):         "Joined an earlier request",
	events.Name(events.RequestUnchanged{}.EventType()):      "Nothing to do",
	events.Name(events.RequestRejected{}.EventType()):       "Refused",
	events.Name(events.RequestSuperseded{}.EventType()):     "Overtaken by a newer request",
	events.Name(events.RequestFailed{}.EventType()):         "Not carried out",
}

// stepTitle is a step in a few words; a fact that has none yet says its own name.
func stepTitle(fact string) string {
	if title, ok := stepTitles[fact]; ok {
		return title
	}
	return sentence(fact)
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

func statusBadge(status projections.Status) badge {
	switch status {
	case projections.Succeeded:
		return badge{"ok", "check", "Done"}
	case projections.Rejected:
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

// nextOf says what happens next with an operation, or what has come of it.
func nextOf(operation operations.Operation) nextStep {
	switch operation.Status {
	case projections.Accepted:
		return nextStep{Heading: "Next: we pick it up", Text: "That usually takes a second or two. You can stay here or come back later; it goes on either way."}
	case projections.Running:
		return nextStep{Heading: "Next: API Gateway does its part", Text: "We are working on it. There is nothing you need to do; it goes on even if you close this page."}
	case projections.Waiting:
		return waiting(operation.Code)
	case projections.Succeeded:
		return succeeded(operation.Type)
	case projections.Rejected:
		return rejected(operation)
	}
	return nextStep{
		Heading: "This could not be carried out",
		Text:    "The operator of this portal has been told and can repeat it. If they do, this page shows it; you do not have to ask again.",
		Links:   []link{toDashboard},
	}
}

// waiting says who acts next; why it waits stands in the step before.
func waiting(reason string) nextStep {
	switch events.Reason(reason) {
	case events.WaitingForAWS:
		return nextStep{Heading: "Next: we try again", Text: "We do so by ourselves, as often as it takes. There is nothing you need to do."}
	case events.WaitingForCapacity:
		return nextStep{Heading: "Next: the operator of this portal makes room", Text: "Then it goes on by itself. Your request is not forgotten, and you do not have to send it again."}
	}
	return nextStep{Heading: "Next: it goes on by itself", Text: "Your request is not forgotten. It goes on as soon as it can."}
}

func succeeded(kind string) nextStep {
	switch kind {
	case typeRegister:
		return nextStep{"Your account is open", "Next, find an API and subscribe to one of its plans. Your API key comes with the first subscription.", []link{toCatalog, toDashboard}}
	case typeSubscribe:
		return nextStep{"You can call the API now", "Your key opens this plan. Show the key, copy it into your program, and make a first call.", []link{toDashboard}}
	case typeUnsubscribe:
		return nextStep{"You have left the plan", "Your key no longer opens it. You can subscribe again at any time.", []link{toDashboard, toCatalog}}
	}
	return nextStep{"Done", "It is so now.", []link{toDashboard}}
}

func rejected(operation operations.Operation) nextStep {
	switch operation.Code {
	case string(portal.NotRegistered):
		return nextStep{Heading: "Your account has to be opened first", Text: "That takes one click and a few seconds. Then go back to the API and subscribe again."}
	case string(portal.Superseded):
		return nextStep{"A newer request decided otherwise", "You asked for something else after this, and the newest request counts. Your dashboard shows how things are now.", []link{toDashboard}}
	}
	return nextStep{"This was refused", operation.Message, []link{toDashboard, toCatalog}}
}

// waitingFor says why something waits and who acts next.
func waitingFor(reason string) string {
	switch events.Reason(reason) {
	case events.WaitingForAWS:
		return "API Gateway does not take it right now. We try again by ourselves; there is nothing you need to do."
	case events.WaitingForCapacity:
		return "There is no room for another key right now. The operator of this portal has to make some; then it goes on by itself."
	}
	return "It goes on by itself as soon as it can."
}
