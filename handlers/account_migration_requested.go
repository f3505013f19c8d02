package handlers

import (
	"context"
	"fmt"
	"slices"

	"github.com/gatehouse-portal/gatehouse/events"
	"github.com/gatehouse-portal/gatehouse/journal"
	"github.com/gatehouse-portal/gatehouse/portal"
	"github.com/gatehouse-portal/gatehouse/schema"
	"github.com/gatehouse-portal/gatehouse/state"
)

// Migration decides on AccountMigrationRequested. It opens the account, also where an admin has to
// approve registrations, since an operator asked. Then the account takes over the key: the fold
// wants the key in the plans that API Gateway has it in. owner is the account that took the key over
// before, "" for none.
//
// A second delivery, or the same request in another run, yields no facts. So does a key that the
// account took over before, even if it has ended since. A key that another account took over is
// rejected, and so is one that does not fit the account's plans.
func Migration(owner portal.AccountID) Decide[events.AccountMigrationRequested] {
	return func(account state.Account, req events.AccountMigrationRequested, _ string) []events.Fact {
		if account.Standing.Leaving() {
			return rejectAs(events.Decides{}, portal.AccountDeleting())
		}
		var facts []events.Fact
		if !account.Registered {
			facts = append(facts, events.UserRegistered{
				Decides: events.Decides{Scopes: []portal.Scope{portal.RegistrationScope}}, Link: events.Link{Wish: account.Standing.Asked},
			})
		}
		if req.Key == nil || owner == account.ID {
			return facts
		}
		return append(facts, adoption(account, *req.Key, owner)...)
	}
}

func adoption(account state.Account, key events.KeyToAdopt, owner portal.AccountID) []events.Fact {
	refuse := func(text string) []events.Fact { return reject(events.Decides{}, portal.Conflict, text) }
	if owner != "" {
		return refuse("Another account has taken over this key before.")
	}
	name, err := portal.KeyName(key.Name)
	if err != nil {
		return reject(events.Decides{}, portal.Invalid, portal.MessageOf(err))
	}
	if len(key.Plans) > maxAdoptedPlans {
		return refuse(fmt.Sprintf("The key is in %d plans. At most %d can be taken over.", len(key.Plans), maxAdoptedPlans))
	}
	ring, text := ringToAdopt(account, key)
	if text != "" {
		return refuse(text)
	}
	facts := []events.Fact{events.KeyAdopted{
		Key: adoptedKeyID(key.GatewayID), GatewayID: key.GatewayID, Ring: ring, Name: name, Disabled: key.Disabled,
	}}
	for _, plan := range key.Plans {
		current := account.Subscription(plan.Plan)
		if current.Desired() {
			continue
		}
		facts = append(append(facts, overturned(current)...), events.SubscriptionWanted{
			Decides: events.Decides{Scopes: []portal.Scope{portal.PlanScope(plan.Plan)}}, Plan: plan.Plan, Name: plan.Name, Ring: ring, Stages: plan.Stages,
		})
	}
	return facts
}

// maxAdoptedPlans bounds the facts of one append (journal.MaxFacts). AWS lets a key be in 10 plans
// by default.
const maxAdoptedPlans = (journal.MaxFacts - 2) / 2

func adoptedKeyID(key portal.GatewayKeyID) portal.KeyID {
	return portal.KeyID(portal.DeriveID("adopted", string(key)))
}

// ringToAdopt finds a ring in which the key, and every key that the ring has, stays in exactly the
// plans that it is in. text says why there is none.
func ringToAdopt(account state.Account, key events.KeyToAdopt) (ring portal.Ring, text string) {
	plans := make([]portal.PlanID, 0, len(key.Plans))
	for _, plan := range key.Plans {
		plans = append(plans, plan.Plan)
	}
	slices.Sort(plans)
	rings := map[portal.Ring]string{}
	for _, plan := range key.Plans {
		if current := account.Subscription(plan.Plan); current.Phase != "" && current.Phase != state.Ended && current.Phase != state.AwaitingApproval {
			rings[current.Ring] = plan.Name
		}
	}
	switch {
	case len(rings) > 1:
		return "", "The key is in plans for which the account has keys of its own. Take the key out of these plans in API Gateway, then run the migration again."
	case len(rings) == 1:
		for ring, name := range rings {
			if slices.Equal(account.Held(ring), plans) && !changesPlans(account, ring) {
				return ring, ""
			}
			return "", fmt.Sprintf("The account has another key in %s, and the two keys are not in the same plans. Put them into the same plans in API Gateway, or take this key out of %s, then run the migration again.", name, name)
		}
	case len(account.LiveKeys(portal.AccountRing)) == 0 && !inUse(account, portal.AccountRing, ""):
		return portal.AccountRing, ""
	case len(plans) == 0:
		return "", "The account has another key, and this one is in no plan. Delete it in API Gateway if nobody needs it."
	}
	return portal.AdoptedRing(key.GatewayID), ""
}

func changesPlans(account state.Account, ring portal.Ring) bool {
	for _, s := range account.Subscriptions {
		if s.Ring == ring && s.ChangesTo != "" {
			return true
		}
	}
	return false
}

// migrate handles AccountMigrationRequested.
func (d *Decider) migrate(ctx context.Context, msg events.Event) error {
	request, ok := msg.Data.(events.AccountMigrationRequested)
	if !ok || request.Key == nil {
		return forAccount(d, Migration(""))(ctx, msg)
	}
	var owner portal.AccountID
	decide := func(account state.Account, req events.AccountMigrationRequested, id string) []events.Fact {
		return Migration(owner)(account, req, id)
	}
	return forAccount(d, decide, alongside{read: func(ctx context.Context) (err error) {
		owner, err = d.adoptedBy(ctx, request.Key.GatewayID)
		return err
	}})(ctx, msg)
}

// adoptedRow is the row of a key that an account has taken over. It stays for ever, so that no other
// account takes the key over. Package adoptions reads it.
type adoptedRow struct {
	Account portal.AccountID `dynamodbav:"account"`
	Key     portal.KeyID     `dynamodbav:"key"`
}

// adoptionRows writes the row of an adopted key with the fact, and deletes the row under which the
// key waited. If another account takes the key over at the same time, only one of the two appends
// succeeds.
func adoptionRows(msg events.Event, before state.Account, facts []events.Event) []journal.Row {
	request, ok := msg.Data.(events.AccountMigrationRequested)
	if !ok || request.Key == nil {
		return nil
	}
	var rows []journal.Row
	for _, fact := range facts {
		if adopted, ok := fact.Data.(events.KeyAdopted); ok {
			rows = append(rows, journal.PutNew(schema.AdoptedKey(adopted.GatewayID), adoptedRow{Account: before.ID, Key: adopted.Key}))
		}
	}
	if request.Key.Waiting != "" {
		rows = append(rows, journal.Row{Key: schema.WaitingKey(request.Key.Waiting, request.Key.GatewayID)})
	}
	return rows
}
