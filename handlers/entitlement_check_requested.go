package handlers

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/rs/zerolog"

	"github.com/gatehouse-portal/gatehouse/events"
	"github.com/gatehouse-portal/gatehouse/portal"
	"github.com/gatehouse-portal/gatehouse/state"
)

// Entitlement is AWS's answer about what the buyer of a licence is entitled to.
type Entitlement struct {
	// Dimensions are the contract dimensions that the buyer has paid for, sorted.
	Dimensions []string
	// Until is when the entitlement ends unless it is renewed, zero if AWS does not say.
	Until time.Time
	// Lapsed means that the buyer is entitled to nothing.
	Lapsed bool
	// Plan, Name and Stages are the plan that the dimensions buy, as the catalog has it; Plan is "" if no plan
	// names them.
	Plan   portal.PlanID
	Name   string
	Stages []portal.Stage
}

// Entitling decides on EntitlementCheckRequested, given AWS's answer. If the answer is not what the licence
// has recorded already, it is recorded. If the dimensions buy another plan, the claim moves to that plan,
// and an account with access gets the new plan instead of the old one. Access ends while the buyer is
// entitled to nothing. Access to a contract of an older listing begins with the answer: AWS says nothing else
// about it. Dimensions that no plan names change nothing.
//
// A second delivery that finds the same answer yields no facts.
func Entitling(licence state.Licence, is Entitlement) []events.Fact {
	entitled := events.LicenceEntitled{Dimensions: is.Dimensions, Lapsed: is.Lapsed, Plan: is.Plan}
	if !is.Until.IsZero() {
		entitled.Until = &is.Until
	}
	if !licence.Claimed() || knows(licence, is) {
		return nil
	}
	facts, claim := []events.Fact{entitled}, licence.Claim
	if is.Lapsed {
		if licence.HasAccess {
			facts = append(facts, events.LicenceAccessEnding{Account: claim.Account, Plan: claim.Plan, Reason: events.LicenceEnded})
		}
		return facts
	}
	if is.Plan != "" && is.Plan != claim.Plan {
		facts = append(facts, events.LicencePlanChanged{
			Account: claim.Account, From: claim.Plan, Plan: is.Plan, Name: is.Name, Stages: is.Stages, HasAccess: licence.HasAccess,
		})
		claim.Plan, claim.Name, claim.Stages = is.Plan, is.Name, is.Stages
	}
	licence.Entitled, licence.Lapsed = true, false
	if licence.Active() && !licence.HasAccess {
		facts = append(facts, accessFor(claim))
	}
	return facts
}

// knows reports whether the licence has recorded the answer, and its claim is for the plan of the answer.
func knows(licence state.Licence, is Entitlement) bool {
	return licence.Entitled && licence.Lapsed == is.Lapsed && licence.Buys == is.Plan && licence.Until.Equal(is.Until) &&
		slices.Equal(licence.Dimensions, is.Dimensions) && (is.Plan == "" || is.Plan == licence.Claim.Plan)
}

// checkEntitlement handles EntitlementCheckRequested. It asks AWS after it has read the licence, and the facts
// are appended only if nothing was appended in between. So of two answers, the later fact has the newer one,
// whatever the order of the messages.
func (d *Decider) checkEntitlement(ctx context.Context, msg events.Event) error {
	if !msg.Subject.IsLicence() {
		return portal.Fail(portal.Invalid, fmt.Sprintf("An EntitlementCheckRequested is about a licence, not about %q.", msg.Subject))
	}
	return d.handle(ctx, msg, func(ctx context.Context) (past, error) {
		var is Entitlement
		asked := false
		before, err := d.pastOf(ctx, msg, func(licence state.Licence) []events.Fact {
			if !asked {
				return nil
			}
			return Entitling(licence, is)
		})
		if err != nil || d.entitled == nil || !before.licence.Claimed() || before.notUnderstood != "" || len(factsOf(before.facts, msg.ID)) > 0 {
			return before, err
		}
		if is, asked, err = d.entitled(ctx, before.licence); err != nil {
			return past{}, err
		}
		if asked && !is.Lapsed && is.Plan == "" {
			zerolog.Ctx(ctx).Warn().Str("licence", string(msg.Subject)).Strs("dimensions", is.Dimensions).
				Msg("no plan of the catalog names the contract dimensions that a buyer has paid for, so the account keeps its plan")
		}
		return before, nil
	})
}
