// Keys of an earlier portal in pipeline_test.go.

package e2e

import (
	"context"
	"fmt"
	"strings"

	"pgregory.net/rapid"

	"github.com/gatehouse-portal/gatehouse/adoptions"
	"github.com/gatehouse-portal/gatehouse/events"
	"github.com/gatehouse-portal/gatehouse/portal"
	"github.com/gatehouse-portal/gatehouse/provisioning"
	"github.com/gatehouse-portal/gatehouse/state"
)

// olderPrefix begins the names of the keys that API Gateway had before the portal.
const olderPrefix = "older-"

// makeOlderKeys gives API Gateway the keys of an earlier portal: in one plan, in two, in none, and disabled.
func (w *world) makeOlderKeys() {
	for name, in := range map[string][]portal.PlanID{"1": {"free"}, "2": {"plus", "next"}, "3": nil, "4": {"next"}} {
		id := w.plane.make(olderPrefix + name)
		for _, plan := range in {
			if err := w.plane.attach(plan, id); err != nil {
				w.Fatal(err)
			}
		}
	}
	w.plane.disableByHand(w.plane.keys[olderPrefix+"4"], w.clock)
}

func older(name string) bool { return strings.HasPrefix(name, olderPrefix) }

// requestMigration has an operator give a person an account, or one of the earlier portal's keys as API
// Gateway has it now.
func (w *world) requestMigration() {
	account := rapid.SampledFrom(people).Draw(w.T, "account")
	data := w.migrationOf(rapid.SampledFrom([]string{"", "1", "2", "3", "4"}).Draw(w.T, "older key"))
	w.migrations++
	w.intents[account] += 0 // the account is checked at the end
	w.queue = append(w.queue, events.Event{
		ID: portal.DeriveID("migration", fmt.Sprint(w.migrations)), Source: "/test", Subject: portal.AccountStream(account), Time: w.clock,
		Actor: portal.Operator, Data: data,
	})
}

func (w *world) migrationOf(name string) events.AccountMigrationRequested {
	id, there := w.plane.keys[olderPrefix+name]
	if !there {
		return events.AccountMigrationRequested{}
	}
	_, disabled := w.plane.disabled[id]
	key := events.KeyToAdopt{GatewayID: id, Name: "Older key", Disabled: disabled}
	for _, in := range w.plane.plansOf(id) {
		for _, plan := range plans {
			if plan.Plan == in {
				key.Plans = append(key.Plans, events.MigratedPlan{Plan: plan.Plan, Name: plan.Name, Stages: plan.Stages})
			}
		}
	}
	return events.AccountMigrationRequested{Key: &key}
}

// adopted has the keys that accounts have adopted, for the sweep.
func (w *world) adopted(ctx context.Context) (map[portal.GatewayKeyID]provisioning.Owner, error) {
	all, err := adoptions.NewStore(w.tables, w.names.Records, w.now).All(ctx)
	owners := map[portal.GatewayKeyID]provisioning.Owner{}
	for id, one := range all {
		owners[id] = provisioning.Owner{Account: one.Account, Key: one.Key}
	}
	return owners, err
}

// checkAdopted checks that a key of the earlier portal belongs to one account at most, that it does not work
// once it has ended, and that nobody has made it again or renamed it.
func (w *world) checkAdopted() {
	owner := map[portal.GatewayKeyID]portal.AccountID{}
	for account := range w.intents {
		facts, err := w.journal.Read(context.Background(), portal.AccountStream(account), 0)
		if err != nil {
			w.Fatal(err)
		}
		for _, fact := range facts {
			adopted, ok := fact.Data.(events.KeyAdopted)
			if !ok {
				continue
			}
			if other := owner[adopted.GatewayID]; other != "" {
				w.Errorf("the key %s was adopted by %s and by %s", adopted.GatewayID, other, account)
			}
			owner[adopted.GatewayID] = account
		}
		history, err := w.reader.Account(context.Background(), account)
		if err != nil {
			w.Fatal(err)
		}
		for _, key := range history.Account.Keys {
			if key.Adopted {
				w.checkAdoptedKey(history.Account, key)
			}
		}
	}
	for id, name := range w.plane.madeAs {
		if _, taken := owner[id]; older(name) && !taken && w.plane.nameOf(id) != name && w.plane.nameOf(id) != "" {
			w.Errorf("the key %s of nobody is called %s now", name, w.plane.nameOf(id))
		}
	}
}

func (w *world) checkAdoptedKey(account state.Account, key state.Key) {
	there := w.plane.nameOf(key.GatewayID) != ""
	_, disabled := w.plane.disabled[key.GatewayID]
	switch {
	case key.Live() && !there:
		w.Errorf("%s has the adopted key %s, which API Gateway does not have", account.ID, key.GatewayID)
	case !key.Live() && there && !disabled:
		w.Errorf("the adopted key %s of %s has ended, and works", key.GatewayID, account.ID)
	case key.Live() && disabled != (key.Disabled || key.Blocked):
		w.Errorf("the adopted key %s of %s is disabled: %v, and in the fold: %v", key.GatewayID, account.ID, disabled, key.Disabled)
	case key.Live():
		for _, plan := range w.plane.plansOf(key.GatewayID) {
			if phase := account.Attachments[portal.Pair{Key: key.ID, Plan: plan}].Phase; phase != state.Active {
				w.Errorf("%s has the adopted key %s in %s, which is %q in the fold", account.ID, key.GatewayID, plan, phase)
			}
		}
	}
}

// migratedPlans has the plans that the account was subscribed to because of an adopted key.
func migratedPlans(facts []events.Event) map[portal.PlanID]bool {
	found := map[portal.PlanID]bool{}
	adopting := map[string]bool{}
	for _, fact := range facts {
		switch f := fact.Data.(type) {
		case events.KeyAdopted:
			adopting[fact.Causation] = true
		case events.SubscriptionWanted:
			if adopting[fact.Causation] {
				found[f.Plan] = true
			}
		}
	}
	return found
}
