// The checks at the end of a run of pipeline_test.go.

package e2e

import (
	"context"
	"maps"
	"slices"
	"strings"

	"github.com/gatehouse-portal/gatehouse/deadletters"
	"github.com/gatehouse-portal/gatehouse/events"
	"github.com/gatehouse-portal/gatehouse/portal"
	"github.com/gatehouse-portal/gatehouse/projections"
	"github.com/gatehouse-portal/gatehouse/state"
	"github.com/gatehouse-portal/gatehouse/state/statetest"
)

func (w *world) checkPromises() {
	ctx := context.Background()
	for account := range w.intents {
		facts, err := w.journal.Read(ctx, portal.AccountStream(account), 0)
		if err != nil {
			w.Fatal(err)
		}
		folded := statetest.FoldAccount(account, facts)
		w.checkStanding(folded)
		w.checkKeys(folded)
		w.checkRevoked(folded)
		w.checkEndedForEver(folded, facts)
		w.checkAttachments(folded)
		w.checkViews(folded, facts)
		w.checkDecidedOnce(facts)
		w.checkNewestIntentWins(folded, migratedPlans(facts))
	}
	w.checkEveryOperationEnded()
	w.checkNothingWaitsForApproval()
	for _, key := range w.plane.enabledAgain {
		w.Errorf("%s was disabled by hand and is enabled again", key)
	}
}

func (w *world) checkAttachments(folded state.Account) {
	for plan, s := range folded.Subscriptions {
		if s.HasOpenWish() {
			w.Errorf("%s of %s is still %s", plan, folded.ID, s.Phase)
		}
	}
	for pair, is := range folded.Attachments {
		if !folded.Keys[pair.Key].Live() {
			continue // API Gateway keeps it in its plans until it is deleted
		}
		if got := w.plane.attached[attachment{pair.Plan, folded.Keys[pair.Key].GatewayID}]; got != (is.Phase == state.Active) || is.HasOpenWish() {
			w.Errorf("%s of %s is %s, and attached: %v", pair.Plan, folded.ID, is.Phase, got)
		}
		subscription := folded.SubscribedBy(pair)
		if is.Phase == state.Ended && subscription.Ring != folded.Keys[pair.Key].Ring {
			continue // the person left the plan that an adopted key opened, and subscribed to it again
		}
		if subscription.Phase != is.Phase {
			w.Errorf("%s has %s in %s %s, and is subscribed to it %s", folded.ID, pair.Key, pair.Plan, is.Phase, subscription.Phase)
		}
	}
	for name, id := range w.plane.keys {
		account, key, _ := strings.Cut(name, "/")
		recorded := folded.Keys[portal.KeyID(key)]
		if account != string(folded.ID) {
			continue
		}
		if _, disabled := w.plane.disabled[id]; recorded.GatewayID == id && disabled != (recorded.Disabled || recorded.Blocked) {
			w.Errorf("key %s is disabled: %v, and in the fold: %v", id, disabled, recorded.Disabled)
		}
		if !recorded.Live() {
			continue
		}
		for _, plan := range w.plane.plansOf(id) {
			pair := portal.Pair{Key: portal.KeyID(key), Plan: plan}
			if phase := folded.Attachments[pair].Phase; phase != state.Active || recorded.GatewayID != id {
				w.Errorf("%s has key %s in %s, which is %q in the fold, where the key is %q", account, id, plan, phase, recorded.GatewayID)
			}
		}
	}
	for id, name := range w.plane.madeAs {
		if now := w.plane.nameOf(id); now != "" && now != name && !older(name) {
			w.Errorf("key %s is still called %s", id, now)
		}
	}
}

func (w *world) checkViews(folded state.Account, facts []events.Event) {
	shown, err := w.views.Account(context.Background(), folded.ID)
	if err != nil {
		w.Fatal(err)
	}
	if want := statusOf(folded, facts); shown.Profile.Status != want {
		w.Errorf("%s is shown as %s, and is %s", folded.ID, shown.Profile.Status, want)
	}
	keys := 0
	for _, key := range folded.Keys {
		if !key.Gone() {
			keys++
		}
	}
	if len(shown.Subscriptions) != len(folded.Subscriptions) || len(shown.Keys) != keys {
		w.Errorf("%s is shown with %d subscriptions and %d keys, and has %d and %d", folded.ID,
			len(shown.Subscriptions), len(shown.Keys), len(folded.Subscriptions), keys)
	}
	want := map[state.Phase]string{state.Active: projections.SubscriptionActive, state.Ended: projections.SubscriptionEnded}
	for _, s := range shown.Subscriptions {
		if has := folded.Subscriptions[s.ID()]; s.State != want[has.Phase] {
			w.Errorf("%s of %s is shown as %s, and is %s", s.Plan, folded.ID, s.State, has.Phase)
		}
	}
}

// checkDecidedOnce checks that the facts of a request were appended together, and that no
// operation or wish ended twice. RequestFailed does not count: a replay may follow it.
func (w *world) checkDecidedOnce(facts []events.Event) {
	decided, ended, over := map[string]bool{}, map[portal.OperationID]bool{}, map[int64]bool{}
	deleting := map[int64]bool{}
	previous := ""
	for _, fact := range facts {
		if _, failed := fact.Data.(events.RequestFailed); failed {
			previous = ""
			continue
		}
		if _, asked := w.requestedBy[portal.OperationID(fact.Causation)]; asked && fact.Causation != previous {
			if decided[fact.Causation] {
				w.Errorf("%s was decided twice", fact.Causation)
			}
			decided[fact.Causation] = true
		}
		previous = fact.Causation
		wish := int64(0)
		switch f := fact.Data.(type) {
		case events.SubscriptionActivated:
			wish = f.Wish
		case events.SubscriptionEnded:
			wish = f.Wish
		case events.KeyReleased:
			if deleting[f.Wish] {
				continue // the deletion goes on
			}
			wish = f.Wish
		case events.RequestRejected:
			wish = f.Wish
		case events.RequestSuperseded:
			wish = f.Wish
		case events.KeyReady:
			wish = f.Wish
		case events.KeyEnded:
			wish = f.Wish
		case events.PlanChanged:
			wish = f.Wish
		case events.SubscriptionDenied:
			wish = f.Wish
		case events.AccountKeysSwitched:
			wish = f.Wish
		case events.AccountDeleted:
			wish = f.Wish
		case events.RegistrationDenied:
			wish = f.Wish
		case events.UserRegistered:
			wish = f.Wish
		case events.KeyEndScheduled:
			if f.Reason == events.EndRotated {
				continue // the operation goes on until the new key is ready
			}
		case events.RequestUnchanged, events.KeyRenamed, events.SubscriptionApproved, events.AdminPromoted, events.AdminDemoted:
		case events.RequestJoined, events.KeyWanted, events.SubscriptionWanted, events.SubscriptionEnding, events.WishParked, events.KeyCreated,
			events.KeyAttached, events.KeyDetached, events.SubscriptionLost, events.KeyObserved, events.KeyReleasing, events.KeyEnding, events.KeyEndsSoon, events.KeyBlocked, events.UsageCarried, events.QuotaUsed, events.QuotaNotCarried, events.QuotaThresholdReached,
			events.PlanChangeWanted, events.KeyMoved, events.PlanChangeRefused, events.SubscriptionApprovalPending,
			events.KeyUnblocked, events.RegistrationPending, events.AccountSuspended, events.AccountReinstated, events.LicenceAccessSet:
			continue
		case events.KeyAdopted:
			continue // KeyReady ends its wish
		case events.AccountDeleting:
			deleting[fact.Sequence] = true
			continue
		default:
			w.Errorf("does a %s end its operation? checkDecidedOnce has to know", events.Name(fact.Type()))
			continue
		}
		switch {
		case wish == 0 && fact.Operation == "":
			// a worker did it for no operation, such as the end of a key of an account that is being deleted
		case wish == 0 && ended[fact.Operation]:
			w.Errorf("%s ended twice", fact.Operation)
		case wish == 0:
			ended[fact.Operation] = true
		case over[wish]:
			w.Errorf("the wish %d ended twice", wish)
		default:
			over[wish] = true
		}
	}
}

// checkNewestIntentWins checks that the newest request about each plan that did not fail
// wins, in any order of arrival or replay.
// A plan that an adopted key has brought is left out: the key is in it, also if the person has asked to leave it.
func (w *world) checkNewestIntentWins(folded state.Account, migrated map[portal.PlanID]bool) {
	if folded.Standing.Leaving() {
		return // the deletion ends every other request
	}
	for _, plan := range plans {
		if migrated[plan.Plan] {
			continue
		}
		var newest events.Event
		for _, msg := range w.requests[folded.ID] {
			about, ok := msg.Data.(events.Request)
			if !ok || !slices.Contains(about.Scopes(), portal.PlanScope(plan.Plan)) || msg.Intent < newest.Intent {
				continue
			}
			if p, err := w.views.Progress(context.Background(), msg.Operation); err == nil && p.Status != projections.Failed {
				newest = msg
			}
		}
		p, err := w.views.Progress(context.Background(), newest.Operation)
		if err != nil || newest.Operation == "" {
			continue
		}
		wanted := wants(newest.Data, plan.Plan)
		holds := folded.Subscription(plan.Plan).Desired()
		switch {
		case p.Status == projections.Succeeded && wanted != holds && !w.plane.gone[plan.Plan]:
			w.Errorf("%s is the newest request about %s (wanted: %v) and succeeded, but held is %v", newest.Operation, plan.Plan, wanted, holds)
		case p.Code == string(portal.Superseded) && !w.endedByOther(newest):
			w.Errorf("%s is the newest request about %s and was superseded", newest.Operation, plan.Plan)
		}
	}
}

func (w *world) deadLetters() deadletters.Admin {
	return deadletters.Admin{Tables: w.tables, Records: w.names.Records, Now: w.now}
}

// checkEveryOperationEnded checks that each request succeeded, was rejected with a reason, or
// is a dead letter.
func (w *world) checkEveryOperationEnded() {
	for _, op := range slices.Sorted(maps.Keys(w.requestedBy)) {
		p, err := w.views.Progress(context.Background(), op)
		if err != nil {
			w.Fatal(err)
		}
		switch p.Status {
		case projections.Succeeded:
		case projections.Rejected:
			if p.Code == "" || p.Message == "" {
				w.Errorf("%s is rejected without a reason", op)
			}
		case projections.Failed:
			if _, err := w.deadLetters().Find(context.Background(), string(op)); err != nil {
				w.Errorf("%s has failed and is not a dead letter: %v", op, err)
			}
		default:
			w.Errorf("%s is still %s: %+v", op, p.Status, p.Steps)
		}
	}
}
