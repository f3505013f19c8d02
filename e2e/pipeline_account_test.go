// What admins do to accounts, and deletions, in pipeline_test.go.

package e2e

import (
	"context"
	"strings"

	"pgregory.net/rapid"

	"github.com/gatehouse-portal/gatehouse/events"
	"github.com/gatehouse-portal/gatehouse/portal"
	"github.com/gatehouse-portal/gatehouse/projections"
	"github.com/gatehouse-portal/gatehouse/state"
)

// accountRequests lists what may be asked for about an account as a whole. A deletion comes up rarely,
// since an account does nothing after it.
func accountRequests() []events.Request {
	suspend, reinstate := events.AccountSuspensionRequested{Message: "Too many calls."}, events.AccountReinstatementRequested{}
	return []events.Request{
		suspend, suspend, suspend, reinstate, reinstate, reinstate, reinstate, events.AccountDeletionRequested{},
		events.AdminPromotionRequested{}, events.AdminDemotionRequested{ByGroup: true},
		events.RegistrationReviewRequested{Approved: true}, events.RegistrationReviewRequested{Message: "No."},
	}
}

func (w *world) requestAboutAccount() {
	account := rapid.SampledFrom(people).Draw(w.T, "account")
	if w.intents[account] > 0 {
		w.request(account, rapid.SampledFrom(accountRequests()).Draw(w.T, "request about an account"))
	}
}

// answerRegistrations approves the accounts that wait, in the calm.
func (w *world) answerRegistrations() {
	for _, account := range people {
		history, err := w.reader.Account(context.Background(), account)
		if err != nil {
			w.Fatal(err)
		}
		if history.Account.Standing.Asked != 0 {
			w.request(account, events.RegistrationReviewRequested{Approved: true})
		}
	}
	w.drain()
}

// erase erases the personal data of a deleted account. The worker may crash before or after.
func (w *world) erase(ctx context.Context, account portal.AccountID) error {
	return w.faultPoint(ctx, func() error {
		for name := range w.plane.keys {
			if strings.HasPrefix(name, string(account)+"/") && w.isRecordedAs(account, name) {
				w.Errorf("the data of %s is erased while API Gateway has its key %s", account, name)
			}
		}
		w.erased[account] = true
		return w.erasure.Erase(ctx, account)
	})
}

// isRecordedAs reports whether the account's stream records the key of that name.
func (w *world) isRecordedAs(account portal.AccountID, name string) bool {
	history, err := w.reader.Account(context.Background(), account)
	if err != nil {
		w.Fatal(err)
	}
	_, key, _ := strings.Cut(name, "/")
	recorded := history.Account.Keys[portal.KeyID(key)].GatewayID
	return recorded != "" && recorded == w.plane.keys[name]
}

// reinstateTheRest checks that the keys of suspended accounts do not work, and reinstates the accounts in
// the calm. Their subscriptions on the way waited for it.
func (w *world) reinstateTheRest() {
	for _, account := range people {
		history, err := w.reader.Account(context.Background(), account)
		if err != nil {
			w.Fatal(err)
		}
		if is := history.Account.Standing; is.Suspended && !is.Leaving() {
			w.checkStanding(history.Account)
			w.request(account, events.AccountReinstatementRequested{})
		}
	}
	w.drain()
	w.sweep()
}

// checkStanding checks that a suspended account's keys are disabled, that only a suspension or its own
// end keeps a key disabled that nobody has disabled by hand, and that of a deleted account nothing is
// left.
func (w *world) checkStanding(folded state.Account) {
	is := folded.Standing
	if is.Switching != 0 || is.Deleting != 0 || is.Asked != 0 {
		w.Errorf("%s still waits: %+v", folded.ID, is)
	}
	if is.Deleted && !w.erased[folded.ID] {
		w.Errorf("%s is deleted, and its data was not erased", folded.ID)
	}
	for id, name := range w.plane.madeAs {
		key, own := strings.CutPrefix(name, string(folded.ID)+"/")
		if !own || w.plane.nameOf(id) == "" {
			continue
		}
		recorded := folded.Keys[portal.KeyID(key)]
		_, disabled := w.plane.disabled[id]
		switch {
		case is.Deleted:
			w.Errorf("%s is deleted, and API Gateway has its key %s", folded.ID, id)
		case is.Suspended && !disabled:
			w.Errorf("%s is suspended, and its key %s works", folded.ID, id)
		case !is.Suspended && recorded.Live() && disabled && !recorded.Disabled:
			w.Errorf("%s is not suspended, and its key %s is disabled: %+v", folded.ID, id, recorded)
		}
	}
}

// statusOf is how the account should be shown.
func statusOf(folded state.Account, facts []events.Event) string {
	switch {
	case folded.Standing.Deleted:
		return projections.StatusDeleted
	case folded.Standing.Deleting != 0:
		return projections.StatusDeleting
	case folded.Standing.Suspended:
		return projections.StatusSuspended
	case folded.Registered:
		return projections.StatusRegistered
	}
	for _, fact := range facts {
		if _, denied := fact.Data.(events.RegistrationDenied); denied {
			return projections.StatusDenied
		}
	}
	return projections.StatusNone
}
