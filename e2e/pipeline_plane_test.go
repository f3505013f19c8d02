// The API Gateway of pipeline_test.go.

package e2e

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/gatehouse-portal/gatehouse/gateway"
	"github.com/gatehouse-portal/gatehouse/portal"
)

type attachment struct {
	plan portal.PlanID
	key  portal.GatewayKeyID
}

// fakePlane behaves like API Gateway: one key for each value (which is derived from the name
// here), and one plan for each key and stage.
type fakePlane struct {
	keys     map[string]portal.GatewayKeyID
	made     int
	attached map[attachment]bool
	// madeAs holds the names that keys were created under. Their values are derived from these.
	madeAs map[portal.GatewayKeyID]string
	// gone holds plans that were deleted by hand.
	gone map[portal.PlanID]bool
	// unlisted holds keys that exist but are not in the list of keys yet.
	unlisted map[portal.GatewayKeyID]bool
	// disabled holds when a key was disabled by hand.
	disabled map[portal.GatewayKeyID]time.Time
	// less is what the rest of a quota is less, or more if below 0, than the limit without the calls of the
	// period, by the period's first day.
	less map[attachment]map[time.Time]int64
	// forgets means that a detachment gives a key a whole quota. AWS does not document it.
	forgets bool
	// detached is called with each detachment that forgets.
	detached func(attachment)
	// customers holds the customers of keys. customerLost says that somebody took one away by hand, and no
	// worker has set it since.
	customers    map[portal.GatewayKeyID]string
	customerLost map[portal.GatewayKeyID]bool
	// joined holds the attachments that workers have made.
	joined []joined
	// enabledAgain holds keys that Gatehouse enabled although they had been disabled by hand.
	enabledAgain []portal.GatewayKeyID
}

// joined is an attachment, by the name that the key was made under. excused says that somebody had taken
// its customer away by hand.
type joined struct {
	name, customer string
	excused        bool
}

// join is attach by a worker or an import.
func (p *fakePlane) join(plan portal.PlanID, key portal.GatewayKeyID) error {
	err := p.attach(plan, key)
	if err == nil {
		p.joined = append(p.joined, joined{p.madeAs[key], p.customers[key], p.customerLost[key]})
	}
	return err
}

func newPlane() *fakePlane {
	return &fakePlane{
		customers: map[portal.GatewayKeyID]string{}, customerLost: map[portal.GatewayKeyID]bool{},
		keys: map[string]portal.GatewayKeyID{}, madeAs: map[portal.GatewayKeyID]string{}, gone: map[portal.PlanID]bool{}, attached: map[attachment]bool{},
		less: map[attachment]map[time.Time]int64{}, unlisted: map[portal.GatewayKeyID]bool{}, disabled: map[portal.GatewayKeyID]time.Time{},
	}
}

// make returns the key of that name, a new one if there is none.
func (p *fakePlane) make(name string) portal.GatewayKeyID {
	if p.keys[name] == "" {
		p.made++
		p.keys[name] = portal.GatewayKeyID(fmt.Sprintf("gw-%d", p.made))
		p.madeAs[p.keys[name]] = name
	}
	return p.keys[name]
}

func (p *fakePlane) nameOf(id portal.GatewayKeyID) string {
	for name, key := range p.keys {
		if key == id {
			return name
		}
	}
	return ""
}

func (p *fakePlane) rename(id portal.GatewayKeyID, name string) {
	if was := p.nameOf(id); was != "" {
		delete(p.keys, was)
		p.keys[name] = id
	}
}

// underAnotherName reports whether the key created under that name has another name now.
func (p *fakePlane) underAnotherName(name string) bool {
	for now, id := range p.keys {
		if p.madeAs[id] == name && now != name {
			return true
		}
	}
	return false
}

func (p *fakePlane) deletePlanByHand(plan portal.PlanID) {
	p.gone[plan] = true
	for a := range p.attached {
		if a.plan == plan {
			delete(p.attached, a)
		}
	}
}

func (p *fakePlane) findListed(name string) (id portal.GatewayKeyID, found bool) {
	id, found = p.keys[name]
	if p.unlisted[id] {
		return "", false
	}
	return id, found
}

func (p *fakePlane) listedNames() []string {
	return slices.DeleteFunc(slices.Sorted(maps.Keys(p.keys)), func(name string) bool { return p.unlisted[p.keys[name]] })
}

func (p *fakePlane) disableByHand(id portal.GatewayKeyID, now time.Time) {
	if _, already := p.disabled[id]; !already {
		p.disabled[id] = now
	}
}

// enable enables a key, as an import that began then does. The import could not know of a key
// that was disabled after it began.
func (p *fakePlane) enable(id portal.GatewayKeyID, began time.Time) {
	if since, disabled := p.disabled[id]; disabled && !since.After(began) {
		p.enabledAgain = append(p.enabledAgain, id)
	}
	delete(p.disabled, id)
}

func (p *fakePlane) attach(plan portal.PlanID, key portal.GatewayKeyID) error {
	if !slices.Contains(slices.Collect(maps.Values(p.keys)), key) {
		return &gateway.Refused{Reason: gateway.KeyGone}
	}
	if p.gone[plan] {
		return &gateway.Refused{Reason: gateway.PlanGone}
	}
	for other := range p.attached {
		if other.key == key && other.plan != plan && sameStage(other.plan, plan) {
			return &gateway.Refused{Reason: gateway.StageTaken, Rival: other.plan}
		}
	}
	p.attached[attachment{plan, key}] = true
	return nil
}

func (p *fakePlane) detach(of attachment) {
	if p.attached[of] && p.forgets {
		p.detached(of)
	}
	delete(p.attached, of)
}

func (p *fakePlane) remove(name string) {
	for a := range p.attached {
		if a.key == p.keys[name] {
			delete(p.attached, a)
		}
	}
	delete(p.keys, name)
}

func (p *fakePlane) plansOf(key portal.GatewayKeyID) []portal.PlanID {
	var found []portal.PlanID
	for a := range p.attached {
		if a.key == key {
			found = append(found, a.plan)
		}
	}
	slices.Sort(found)
	return found
}

func (p *fakePlane) UsagePlansPage(context.Context, string) ([]gateway.UsagePlan, string, error) {
	var list []gateway.UsagePlan
	for _, plan := range plans {
		if !p.gone[plan.Plan] {
			list = append(list, gateway.UsagePlan{ID: plan.Plan})
		}
	}
	return list, "", nil
}

func (p *fakePlane) KeysPage(context.Context, string, string) ([]gateway.Listed, string, error) {
	var list []gateway.Listed
	for name, id := range p.keys {
		_, disabled := p.disabled[id]
		list = append(list, gateway.Listed{ID: id, Name: name, Disabled: disabled, Customer: p.customers[id]})
	}
	return list, "", nil
}

func (p *fakePlane) PlanKeysPage(_ context.Context, plan portal.PlanID, _, _ string) ([]gateway.Listed, string, error) {
	var list []gateway.Listed
	for name, id := range p.keys {
		if p.attached[attachment{plan, id}] {
			list = append(list, gateway.Listed{ID: id, Name: name})
		}
	}
	return list, "", nil
}

func sameStage(a, b portal.PlanID) bool {
	stage := map[portal.PlanID]portal.Stage{}
	for _, p := range plans {
		stage[p.Plan] = p.Stages[0]
	}
	return stage[a] == stage[b]
}
