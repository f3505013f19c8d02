// Package migration takes over people and API keys from an earlier portal, or from usage plans that
// somebody kept by hand. It finds out what belongs to whom (Predecessor, CSV), and then carries it
// out (Runner): it opens accounts and asks workers to take over the keys. It changes nothing in API
// Gateway, and every step may be repeated.
package migration

import (
	"cmp"
	"fmt"
	"slices"
	"time"

	"github.com/gatehouse-portal/gatehouse/events"
	"github.com/gatehouse-portal/gatehouse/gateway"
	"github.com/gatehouse-portal/gatehouse/portal"
)

// Worklist is what a migration is to do.
type Worklist struct {
	People   []Person
	Feedback []Feedback
	// Products are the files of product folders that do not exist yet.
	Products []string
	// Unmatched is what it leaves as it is.
	Unmatched []Unmatched
}

// Person is a person whose account is to be opened, with the keys that it takes over.
type Person struct {
	// Subject is the identity provider's. "" finds the person by the e-mail address: the keys wait
	// for their sign-in if there is no account yet.
	Subject string
	Email   string
	// Verified: the identity provider has verified the address.
	Verified bool
	Keys     []events.KeyToAdopt
}

// Called names the person in reports.
func (p Person) Called() string { return cmp.Or(p.Email, p.Subject) }

// Feedback is what a person told the operator of the earlier portal.
type Feedback struct {
	// ID is the earlier portal's.
	ID      string
	Subject string
	At      time.Time
	Text    string
}

// Unmatched is something that the migration leaves alone, and why. Why says what an operator can do.
type Unmatched struct {
	What string
	Why  string
}

// Gateway is what API Gateway has.
type Gateway struct {
	Keys  []gateway.Listed
	Plans []gateway.UsagePlan
	// InPlan lists the plans of each key.
	InPlan map[portal.GatewayKeyID][]portal.PlanID
}

// inventory answers questions about a Gateway.
type inventory struct {
	Gateway
	keys  map[portal.GatewayKeyID]gateway.Listed
	plans map[portal.PlanID]gateway.UsagePlan
}

func newInventory(g Gateway) inventory {
	i := inventory{g, map[portal.GatewayKeyID]gateway.Listed{}, map[portal.PlanID]gateway.UsagePlan{}}
	for _, key := range g.Keys {
		i.keys[key.ID] = key
	}
	for _, plan := range g.Plans {
		i.plans[plan.ID] = plan
	}
	return i
}

// keyName is what the portal calls a key that it takes over. People can rename it.
const keyName = "Default key"

// adopt describes the key for its new account. why says why it cannot be taken over.
func (i inventory) adopt(id portal.GatewayKeyID) (key events.KeyToAdopt, why string) {
	listed := i.keys[id]
	if listed.Customer != "" {
		return key, fmt.Sprintf("It is metered for the customer %s of AWS Marketplace. Have the buyer come from AWS Marketplace again, see docs/marketplace.md. Until then the key works as before.", clip(listed.Customer))
	}
	key = events.KeyToAdopt{GatewayID: id, Name: keyName, Disabled: listed.Disabled}
	plans := slices.Clone(i.InPlan[id])
	slices.Sort(plans)
	for _, plan := range plans {
		found := i.plans[plan]
		if found.ProductCode != "" {
			return key, fmt.Sprintf("It is in %s, a plan that is sold on AWS Marketplace. Have the buyer come from AWS Marketplace again, see docs/marketplace.md. Until then the key works as before.", planCalled(found))
		}
		key.Plans = append(key.Plans, events.MigratedPlan{Plan: plan, Name: cmp.Or(found.Name, string(plan)), Stages: found.Stages})
	}
	return key, ""
}

func planCalled(plan gateway.UsagePlan) string {
	if plan.Name == "" {
		return "plan " + string(plan.ID)
	}
	return fmt.Sprintf("%s (%s)", clip(plan.Name), plan.ID)
}

// clip shortens a text of somebody else's, and shows control characters as escapes.
func clip(text string) string {
	quoted := fmt.Sprintf("%q", text)
	quoted = quoted[1 : len(quoted)-1]
	if runes := []rune(quoted); len(runes) > maxShown {
		return string(runes[:maxShown]) + "…"
	}
	return quoted
}

const maxShown = 120
