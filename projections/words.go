package projections

import (
	"fmt"
	"time"

	"github.com/gatehouse-portal/gatehouse/events"
	"github.com/gatehouse-portal/gatehouse/state"
)

func describeKey(step *Step, account state.Account, fact events.Event) {
	switch f := fact.Data.(type) {
	case events.KeyAdopted:
		step.Detail = "The account takes over the key from the earlier portal."
	case events.KeyReady:
		step.Status, step.Detail = Succeeded, account.Keys[f.Key].Name+" is ready."
	case events.KeyRenamed:
		step.Status, step.Detail = Succeeded, "The key is called "+f.Name+"."
	case events.KeyEndScheduled:
		step.Detail = keyActivity(account, fact)
		// A rotation goes on after this: it schedules the end right after asking for the new key.
		if account.Keys[account.Keys[f.Key].ReplacedBy].Readying != fact.Sequence-1 {
			step.Status = Succeeded
		}
	case events.KeyEnding:
		step.Detail = account.Keys[f.Key].Name + endingText(f.Reason) + " API Gateway will refuse it."
	case events.KeyEnded:
		step.Status, step.Detail = Succeeded, "API Gateway no longer accepts "+account.Keys[f.Key].Name+"."
	case events.KeyReleasing:
		step.Detail = account.Keys[f.Key].Name + " is to be deleted from API Gateway."
	case events.KeyReleased:
		step.Detail = "API Gateway has deleted " + account.Keys[f.Key].Name + "."
	case events.KeyBlocked:
		step.Detail = "API Gateway has disabled " + account.Keys[f.Key].Name + "."
	case events.KeyUnblocked:
		step.Detail = account.Keys[f.Key].Name + " is no longer blocked."
	case events.UsageCarried:
		step.Detail = account.Keys[f.Key].Name + " begins with what is left of the quota of " + account.Keys[f.From].Name + "."
		if account.Keys[f.Key].Replaces != f.From {
			step.Detail = fmt.Sprintf("%s takes over %d requests that an earlier key has used of the quota of %s.", account.Keys[f.Key].Name, f.Passed, planName(account, fact))
		}
	}
}

func describePlan(step *Step, account state.Account, fact events.Event) {
	plan := planName(account, fact)
	switch f := fact.Data.(type) {
	case events.PlanChangeWanted:
		step.Detail = "Your keys are to move from " + account.PlanName(f.From) + " to " + plan + "."
	case events.KeyMoved:
		step.Detail = "API Gateway has moved " + account.Keys[f.Key].Name + " to " + plan + "."
	case events.PlanChanged:
		step.Status, step.Detail = Succeeded, plan+" is active."
	case events.PlanChangeRefused:
		step.Detail = "API Gateway has refused " + plan + ". Your keys are to return to the old plan."
	case events.SubscriptionApprovalPending:
		step.Status, step.Code, step.Message = Waiting, "approval", plan+" needs the approval of this portal's operator. You will hear from us; there is nothing you need to do."
		step.Detail = step.Message
	case events.SubscriptionApproved:
		step.Detail = "The operator of this portal has approved " + plan + "."
	case events.SubscriptionDenied:
		step.Status, step.Code, step.Message = Rejected, "denied", "The operator of this portal has denied "+plan+": "+f.Message
		step.Detail = step.Message
	}
}

func describeStanding(step *Step, account state.Account, fact events.Event) {
	switch f := fact.Data.(type) {
	case events.RegistrationPending:
		step.Status, step.Code, step.Message = Waiting, "approval", "The operator of this portal has to approve your registration. You will hear from us; there is nothing you need to do."
		step.Detail = step.Message
	case events.RegistrationDenied:
		step.Status, step.Code, step.Message = Rejected, "denied", "The operator of this portal has denied the registration: "+f.Message
		step.Detail = step.Message
	case events.AccountSuspended:
		step.Detail = "The account is suspended. Its keys are to be disabled."
	case events.AccountReinstated:
		step.Detail = "The account is reinstated. Its keys are to be enabled."
	case events.AccountKeysSwitched:
		step.Status, step.Detail = Succeeded, "API Gateway accepts the keys of the account again."
		if account.Standing.Suspended {
			step.Detail = "API Gateway refuses all keys of the account."
		}
	case events.AdminPromoted:
		step.Status, step.Detail = Succeeded, "The account's owner is an admin of this portal."
	case events.AdminDemoted:
		step.Status, step.Detail = Succeeded, "The account's owner is no longer an admin of this portal by promotion."
	case events.AccountDeleting:
		step.Detail = "The account is to be deleted with its keys and its personal data."
	case events.AccountDeleted:
		step.Status, step.Detail = Succeeded, "The account is deleted."
	}
}

func keyActivity(account state.Account, fact events.Event) string {
	switch f := fact.Data.(type) {
	case events.KeyWanted:
		if f.Replaces != "" {
			return "A new key is to replace " + account.Keys[f.Replaces].Name + "." // and has its name
		}
		if f.Requested {
			return "You asked for the key " + f.Name + "."
		}
	case events.KeyAdopted:
		return f.Name + " was taken over from the earlier portal. It keeps its value."
	case events.KeyRenamed:
		return "A key is now called " + f.Name + "."
	case events.KeyEndScheduled:
		if f.Ends == nil {
			return account.Keys[f.Key].Name + " no longer has an end."
		}
		return account.Keys[f.Key].Name + " works until " + timeText(*f.Ends) + "."
	case events.KeyEndsSoon:
		if account.Keys[f.Key].EndsFor == events.EndRotated {
			return "The old " + account.Keys[f.Key].Name + " ends on " + timeText(f.Ends) + "."
		}
		return account.Keys[f.Key].Name + " expires on " + timeText(f.Ends) + "."
	case events.KeyEnding:
		return account.Keys[f.Key].Name + endingText(f.Reason)
	}
	return ""
}

func endingText(reason events.EndReason) string {
	switch reason {
	case events.EndLeaked:
		return " was ended, because its value leaked."
	case events.EndRotated:
		return " was ended, because another key has replaced it."
	case events.EndExpired:
		return " expired."
	case events.EndRefused:
		return " was ended, because API Gateway does not accept it."
	case events.EndLost:
		return " was ended, because somebody deleted it in API Gateway."
	case events.EndAccountDeleted:
		return " was ended with the account."
	}
	return " was revoked."
}

func planActivity(account state.Account, fact events.Event) string {
	plan := planName(account, fact)
	switch f := fact.Data.(type) {
	case events.PlanChangeWanted:
		if _, paid := f.Ring.Licence(); paid {
			return "AWS Marketplace says that you changed your purchase from " + account.PlanName(f.From) + " to " + plan + "."
		}
		return "You asked to change from " + account.PlanName(f.From) + " to " + plan + "."
	case events.PlanChanged:
		if f.Licence != "" {
			return "Your purchase of " + plan + " replaced that of " + account.PlanName(f.From) + "."
		}
		return "You changed from " + account.PlanName(f.From) + " to " + plan + "."
	case events.SubscriptionApprovalPending:
		return "You asked for " + plan + ". It waits for approval."
	case events.SubscriptionApproved:
		return "The operator of this portal approved " + plan + "."
	case events.SubscriptionDenied:
		return "The operator of this portal denied " + plan + ": " + f.Message
	}
	return ""
}

func standingActivity(account state.Account, fact events.Event) string {
	switch f := fact.Data.(type) {
	case events.RegistrationPending:
		return "You asked for an account. It waits for approval."
	case events.RegistrationDenied:
		return "The operator of this portal denied the account: " + f.Message
	case events.AccountSuspended:
		return "The operator of this portal suspended the account: " + f.Message
	case events.AccountReinstated:
		return "The operator of this portal reinstated the account."
	case events.AdminPromoted:
		return "An admin of this portal made you an admin, too."
	case events.AdminDemoted:
		return "An admin of this portal ended your promotion to admin."
	case events.AccountDeleting:
		if fact.Operation != "" && ownOperation(account, fact) == "" {
			return "The operator of this portal deletes the account."
		}
		return "You deleted the account."
	}
	return ""
}

func timeText(t time.Time) string { return t.UTC().Format("2 January 2006, 15:04 UTC") }
