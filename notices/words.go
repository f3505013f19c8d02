package notices

import (
	"cmp"
	"net/url"
	"slices"
	"strings"
	"unicode"

	"github.com/gatehouse-portal/gatehouse/events"
	"github.com/gatehouse-portal/gatehouse/portal"
)

const dashboard = "/dashboard"

func subscriptionActive(a about, f events.SubscriptionActivated) (Notice, bool) {
	n := Notice{
		Importance: Info, About: aboutSubscription(f.Plan, f.Payer), Link: dashboard,
		Title: a.plan(f.Plan) + " is active",
		Text:  "Your subscription to " + a.plan(f.Plan) + " is active. Your API key works with it now.",
	}
	if f.Licence != "" {
		n.Plan, n.Text = f.Plan, "Your purchase of "+a.purchase(f.Plan, f.Licence)+" is active. Its API key works now."
	}
	return n, true
}

func subscriptionRejected(a about, f events.RequestRejected) (Notice, bool) {
	plan, ok := a.rejectedPlan(f)
	if !ok || a.changeRefused(f.Wish) {
		return Notice{}, false
	}
	what := "Your request"
	if name := a.account.PlanName(plan); name != "" {
		what += " about " + oneLine(name)
	}
	return Notice{
		Importance: Warn, About: aboutSubscription(plan, a.payerOf(f.Wish)), Link: a.operationOr(dashboard),
		Title: what + " was refused", Text: what + " was refused. " + f.Message,
	}, true
}

func (a about) rejectedPlan(f events.RequestRejected) (portal.PlanID, bool) {
	for _, scope := range f.Scopes {
		if plan, ok := strings.CutPrefix(string(scope), aboutPlan("")); ok {
			return portal.PlanID(plan), true
		}
	}
	for _, fact := range a.facts {
		if data, ok := fact.Data.(interface{ AboutPlan() portal.PlanID }); ok && f.Wish != 0 && fact.Sequence == f.Wish {
			return data.AboutPlan(), true
		}
	}
	return "", false
}

// changeRefused reports whether the wish was a change of plans that API Gateway refused. The
// PlanChangeRefused makes its notice.
func (a about) changeRefused(wish int64) bool {
	return slices.ContainsFunc(a.facts, func(e events.Event) bool {
		refused, ok := e.Data.(events.PlanChangeRefused)
		return ok && wish != 0 && refused.Wish == wish
	})
}

func subscriptionLost(a about, f events.SubscriptionLost) (Notice, bool) {
	n := Notice{
		Importance: Act, About: aboutSubscription(f.Plan, f.Payer), Link: "/apis",
		Title:  "Your subscription to " + a.plan(f.Plan) + " has ended",
		Text:   "The operator of this portal has removed " + a.plan(f.Plan) + ", so your API key no longer works with it.",
		Advice: "Subscribe to another plan.",
	}
	if f.Reason == events.LostStageTaken {
		n.Text = a.plan(f.Plan) + " now covers the same API as another of your plans, and a key can be in only one of them. So your API key no longer works with it."
		n.Advice = "If you want " + a.plan(f.Plan) + " instead, leave the other plan and subscribe again."
	}
	return n, true
}

// subscriptionEnded tells of a plan that an account left without asking for it.
func subscriptionEnded(a about, f events.SubscriptionEnding) (Notice, bool) {
	if f.Licence != "" {
		if a.account.Licences[f.Licence].HasAccess {
			return Notice{}, false // it pays for another plan now
		}
		return a.purchaseEnded(f), true
	}
	if a.fact.Actor == "" || a.fact.Actor == portal.AccountActor(a.account.ID) {
		return Notice{}, false
	}
	return Notice{
		Importance: Act, About: aboutPlan(f.Plan), Link: dashboard,
		Title:  "Your subscription to " + a.plan(f.Plan) + " is ending",
		Text:   "The operator of this portal has ended your subscription to " + a.plan(f.Plan) + ". Your API key stops working with it within seconds.",
		Advice: "Ask the operator of this portal why.",
	}, true
}

// purchaseEnded sends nobody to buy again who has another purchase of the plan, such as a renewal.
func (a about) purchaseEnded(f events.SubscriptionEnding) Notice {
	n := Notice{
		Importance: Act, About: aboutPurchase(f.Licence), Plan: f.Plan, Link: bought,
		Title:  "Your purchase of " + a.plan(f.Plan) + " has ended",
		Text:   "AWS Marketplace says that your purchase of " + a.purchase(f.Plan, f.Licence) + " has ended. Its API key stops working within seconds.",
		Advice: "Buy it again on AWS Marketplace if you want to use it.",
	}
	for _, other := range a.account.Claims() {
		if access := a.account.Licences[other]; other != f.Licence && access.HasAccess && access.Plan == f.Plan {
			n.Importance, n.Advice = Warn, "You have another purchase of "+a.plan(f.Plan)+" "+inBrackets(other)+". Use its API key."
			break
		}
	}
	return n
}

// purchaseRenewed tells of a licence that replaces another one. It is about the old licence, so that it stays once
// the new key is active, and goes once the old licence ends.
func purchaseRenewed(a about, f events.LicenceAccessSet) (Notice, bool) {
	if f.Renews == nil || !f.HasAccess {
		return Notice{}, false
	}
	old := "The old key works until AWS Marketplace ends the old licence."
	if ends := f.Renews.Ends; ends != nil {
		old = "The old key works until " + moment(*ends) + " at the latest."
	}
	return Notice{
		Importance: Warn, About: aboutPurchase(f.Renews.Licence), Link: bought,
		Title:  "Your purchase of " + a.plan(f.Plan) + " was renewed",
		Text:   "AWS Marketplace made a new licence for your purchase of " + a.purchase(f.Plan, f.Licence) + ". It has an API key of its own, which replaces the old one " + inBrackets(f.Renews.Licence) + ". " + old,
		Advice: "Use the new API key. You can reveal it on the dashboard once it is active.",
	}, true
}

func keyCreated(a about, f events.KeyCreated) (Notice, bool) {
	return Notice{
		Importance: Info, About: aboutKey(f.Key), Link: dashboard,
		Title: a.key(f.Key) + " was created",
		Text:  "Your API key " + a.key(f.Key) + " was created. You can reveal it on the dashboard.",
	}, true
}

func keyDisabled(a about, f events.KeyObserved) (Notice, bool) {
	return Notice{
		Importance: Act, About: aboutKey(f.Key), Link: dashboard,
		Title:  a.key(f.Key) + " is disabled",
		Text:   "The operator of this portal has disabled your API key " + a.key(f.Key) + ". Calls with it are refused.",
		Advice: "Ask the operator of this portal why.",
	}, !f.Enabled
}

func keyEnabled(a about, f events.KeyObserved) (Notice, bool) {
	return Notice{
		Importance: Info, About: aboutKey(f.Key), Link: dashboard,
		Title: a.key(f.Key) + " is enabled again",
		Text:  "The operator of this portal has enabled your API key " + a.key(f.Key) + " again. It works as before.",
	}, f.Enabled
}

func webhookPaused(w Webhook, why string) Notice {
	return Notice{
		Kind: WebhookPaused, Importance: Act, About: "webhook/" + w.ID, Link: "/webhooks/" + url.PathEscape(w.ID),
		Title: "Your webhook at " + w.host() + " is off",
		Text:  why + " We send nothing to it now.", Advice: "Repair it, turn it on, then ask for what it missed.",
	}
}

func productPath(id string) string { return "/apis/" + url.PathEscape(id) }

func aboutPlan(plan portal.PlanID) string { return "plan/" + string(plan) }
func aboutKey(key portal.KeyID) string    { return "key/" + string(key) }

func (a about) plan(id portal.PlanID) string {
	return oneLine(cmp.Or(a.account.PlanName(id), "a plan"))
}

// purchase names the plan and the licence that pays for it.
func (a about) purchase(plan portal.PlanID, licence portal.Stream) string {
	return a.plan(plan) + " " + inBrackets(licence)
}

func (a about) key(id portal.KeyID) string {
	return oneLine(cmp.Or(a.account.Keys[id].Name, "an API key"))
}

func (a about) operationOr(path string) string {
	if actor := a.fact.Actor; a.fact.Operation == "" || actor != "" && actor != portal.AccountActor(a.account.ID) {
		return path
	}
	return "/operations/" + url.PathEscape(string(a.fact.Operation))
}

const maxName = 100

// oneLine makes a name fit for a sentence and a mail's subject: control characters and line breaks
// become spaces, and a long name is cut.
func oneLine(name string) string {
	clean := strings.Join(strings.FieldsFunc(strings.ToValidUTF8(name, "?"), func(r rune) bool {
		return unicode.IsSpace(r) || unicode.IsControl(r) || unicode.In(r, unicode.Bidi_Control)
	}), " ")
	if runes := []rune(clean); len(runes) > maxName {
		clean = string(runes[:maxName-1]) + "…"
	}
	return clean
}
