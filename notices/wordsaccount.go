package notices

import (
	"fmt"
	"time"

	"github.com/gatehouse-portal/gatehouse/events"
	"github.com/gatehouse-portal/gatehouse/portal"
)

// AboutAccount is what notices about the account itself are about.
const AboutAccount = "account"

const aboutAdmin = "admin"

func planChanged(a about, f events.PlanChanged) (Notice, bool) {
	if f.Licence != "" {
		return Notice{
			Importance: Info, About: aboutPurchase(f.Licence), Link: dashboard,
			Title: "Your purchase is now for " + a.plan(f.Plan),
			Text:  "You changed your purchase on AWS Marketplace " + inBrackets(f.Licence) + " from " + a.plan(f.From) + " to " + a.plan(f.Plan) + ". Your API key is the same, and works with " + a.plan(f.Plan) + " now.",
		}, true
	}
	return Notice{
		Importance: Info, About: aboutPlan(f.Plan), Link: dashboard,
		Title: "You changed to " + a.plan(f.Plan),
		Text:  "Your change from " + a.plan(f.From) + " to " + a.plan(f.Plan) + " is done. Your API key works with " + a.plan(f.Plan) + " now.",
	}, true
}

func planChangeRefused(a about, f events.PlanChangeRefused) (Notice, bool) {
	return Notice{
		Importance: Warn, About: aboutSubscription(f.Plan, a.payerOf(f.Wish)), Link: a.operationOr(dashboard),
		Title: "Your change to " + a.plan(f.Plan) + " was refused",
		Text:  "Your change to " + a.plan(f.Plan) + " was refused, and you keep the plan that you had. " + f.Message,
	}, true
}

func approvalPending(a about, f events.SubscriptionApprovalPending) (Notice, bool) {
	return Notice{
		Importance: Info, About: aboutPlan(f.Plan), Link: a.operationOr(dashboard),
		Title: "Your subscription to " + a.plan(f.Plan) + " waits for an approval",
		Text:  "The operator of this portal has to approve your subscription to " + a.plan(f.Plan) + ". We tell you when they have decided. There is nothing you need to do.",
	}, true
}

func approvalGranted(a about, f events.SubscriptionApproved) (Notice, bool) {
	return Notice{
		Importance: Info, About: aboutPlan(f.Plan), Link: a.operationOr(dashboard),
		Title: "Your subscription to " + a.plan(f.Plan) + " was approved",
		Text:  "The operator of this portal has approved your subscription to " + a.plan(f.Plan) + ". It becomes active within seconds.",
	}, true
}

func approvalDenied(a about, f events.SubscriptionDenied) (Notice, bool) {
	return Notice{
		Importance: Warn, About: aboutPlan(f.Plan), Link: a.operationOr(dashboard),
		Title: "Your subscription to " + a.plan(f.Plan) + " was denied",
		Text:  reason("The operator of this portal has denied your subscription to "+a.plan(f.Plan)+".", f.Message),
	}, true
}

func registrationPending(_ about, _ events.RegistrationPending) (Notice, bool) {
	return Notice{
		Importance: Info, About: AboutAccount, Link: dashboard,
		Title: "Your account waits for an approval",
		Text:  "The operator of this portal has to approve your account. We tell you when they have decided. There is nothing you need to do.",
	}, true
}

// registrationApproved tells of an account that waited. Other people see theirs open at once.
func registrationApproved(a about, f events.UserRegistered) (Notice, bool) {
	return Notice{
		Importance: Info, About: AboutAccount, Link: "/apis",
		Title: "Your account was approved", Text: "The operator of this portal has approved your account. You can subscribe to APIs now.",
	}, f.Wish != 0
}

func registrationDenied(_ about, f events.RegistrationDenied) (Notice, bool) {
	return Notice{
		Importance: Act, About: AboutAccount, Link: dashboard,
		Title: "Your account was denied", Text: reason("The operator of this portal has denied your account.", f.Message),
		Advice: "Ask the operator of this portal if you think that this is a mistake.",
	}, true
}

func keyEnding(a about, f events.KeyEndScheduled) (Notice, bool) {
	if f.Ends == nil || a.justTyped(f) {
		return Notice{}, false
	}
	n := Notice{
		Importance: Warn, About: aboutKey(f.Key), Link: dashboard, Until: *f.Ends,
		Title:  a.key(f.Key) + " ends on " + day(*f.Ends),
		Text:   "Your API key " + a.key(f.Key) + " works until " + moment(*f.Ends) + ".",
		Advice: "Rotate it before that, and put the new key into your programs.",
	}
	if f.Reason == events.EndRotated {
		n.Text = "A new key has replaced your API key " + a.key(f.Key) + ", which still works until " + moment(*f.Ends) + "."
		n.Advice = "Put the new key into your programs before that."
	}
	return n, true
}

const leadTime = 7 * 24 * time.Hour

// justTyped: the owner has set an end that comes so soon that a notice would only repeat it.
func (a about) justTyped(f events.KeyEndScheduled) bool {
	if a.fact.Actor != "" && a.fact.Actor != portal.AccountActor(a.account.ID) {
		return false
	}
	left := f.Ends.Sub(a.fact.Time)
	return left <= 0 || f.Reason == events.EndExpired && left < leadTime
}

func keyEndsSoon(a about, f events.KeyEndsSoon) (Notice, bool) {
	if a.account.Keys[f.Key].EndsFor == events.EndRotated {
		return Notice{
			Importance: Warn, About: aboutKey(f.Key), Link: dashboard, Until: f.Ends,
			Title:  "The old " + a.key(f.Key) + " ends in " + lasting(f.Ends.Sub(a.fact.Time)),
			Text:   "A new key has replaced your API key " + a.key(f.Key) + ". The old one works until " + moment(f.Ends) + ". After that, calls with it are refused.",
			Advice: "If programs still use the old key, put the new one into them, or let the old one work longer.",
		}, true
	}
	return Notice{
		Importance: Warn, About: aboutKey(f.Key), Link: dashboard, Until: f.Ends,
		Title:  a.key(f.Key) + " expires on " + day(f.Ends),
		Text:   "Your API key " + a.key(f.Key) + " works until " + moment(f.Ends) + ". After that, calls with it are refused.",
		Advice: "Rotate it before that, and put the new key into your programs.",
	}, true
}

func keyAdopted(a about, f events.KeyAdopted) (Notice, bool) {
	return Notice{
		Importance: Info, About: aboutKey(f.Key), Link: dashboard,
		Title:  "Your API key works here, too",
		Text:   "This portal has taken over your API key from the earlier one. It has the same value, and your programs go on as before.",
		Advice: "Rotate it when it suits you. You get a new key, and the old one can work for up to 30 days longer.",
	}, true
}

func keyEnded(a about, f events.KeyEnding) (Notice, bool) {
	n := Notice{
		Importance: Info, About: aboutKey(f.Key), Link: dashboard,
		Title: a.key(f.Key) + " has ended", Text: "Your API key " + a.key(f.Key) + " has ended. Calls with it are refused.",
	}
	switch f.Reason {
	case events.EndLeaked, events.EndAccountDeleted:
		return Notice{}, false
	case events.EndLost:
		n.Importance, n.Advice = Act, "Create another key and put it into your programs."
		n.Text = "Somebody has deleted your API key " + a.key(f.Key) + " in API Gateway. Calls with it are refused."
	case events.EndExpired:
		n.Importance, n.Advice = Act, "If programs still use it, create another key and put it into them."
	case events.EndRevoked:
		if a.fact.Actor != "" && a.fact.Actor != portal.AccountActor(a.account.ID) {
			n.Importance, n.Advice = Act, "Ask the operator of this portal why."
			n.Text = "The operator of this portal has revoked your API key " + a.key(f.Key) + ". Calls with it are refused."
		}
	}
	return n, true
}

func keyLeaked(a about, f events.KeyEnding) (Notice, bool) {
	return Notice{
		Importance: Act, About: aboutKey(f.Key), Link: dashboard,
		Title:  a.key(f.Key) + " was replaced because it leaked",
		Text:   "Your API key " + a.key(f.Key) + " became known to others. Calls with it are refused now, and a new key has replaced it.",
		Advice: "Put the new key into your programs.",
	}, f.Reason == events.EndLeaked
}

func accountSuspended(_ about, f events.AccountSuspended) (Notice, bool) {
	return Notice{
		Importance: Act, About: AboutAccount, Link: dashboard,
		Title: "Your account is suspended", Text: reason("The operator of this portal has suspended your account. Calls with your API keys are refused.", f.Message),
		Advice: "Ask the operator of this portal what has to happen.",
	}, true
}

func accountReinstated(_ about, _ events.AccountReinstated) (Notice, bool) {
	return Notice{
		Importance: Info, About: AboutAccount, Link: dashboard,
		Title: "Your account is no longer suspended", Text: "The operator of this portal has reinstated your account. Your API keys work again within seconds.",
	}, true
}

func adminPromoted(_ about, _ events.AdminPromoted) (Notice, bool) {
	return Notice{
		Importance: Info, About: aboutAdmin, Link: dashboard,
		Title: "You are an admin of this portal", Text: "An admin of this portal has made you an admin, too.",
	}, true
}

func adminDemoted(_ about, _ events.AdminDemoted) (Notice, bool) {
	return Notice{
		Importance: Info, About: aboutAdmin, Link: dashboard,
		Title: "You are no longer an admin of this portal", Text: "An admin of this portal has ended your promotion to admin.",
	}, true
}

func reason(text, message string) string {
	if message == "" {
		return text
	}
	return text + " They wrote: " + message
}

func day(t time.Time) string    { return t.UTC().Format("2 January 2006") }
func moment(t time.Time) string { return t.UTC().Format("2 January 2006 at 15:04 MST") }

// lasting is a length of time in words: hours from two days down, minutes from two hours down.
func lasting(d time.Duration) string {
	switch {
	case d > 47*time.Hour:
		return fmt.Sprintf("%d days", int(d.Round(24*time.Hour)/(24*time.Hour)))
	case d > 110*time.Minute:
		return fmt.Sprintf("%d hours", int(d.Round(time.Hour)/time.Hour))
	}
	return fmt.Sprintf("%d minutes", max(int(d.Round(time.Minute)/time.Minute), 1))
}
