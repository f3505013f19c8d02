package usage

import (
	"github.com/gatehouse-portal/gatehouse/portal"
	"github.com/gatehouse-portal/gatehouse/projections"
)

// Names are the names of an account's plans and keys, past ones included.
type Names struct {
	Plans map[portal.PlanID]string
	Keys  map[portal.KeyID]string
}

// NamesOf are an account's names.
func NamesOf(account projections.Account) Names {
	names := Names{Plans: map[portal.PlanID]string{}, Keys: map[portal.KeyID]string{}}
	for _, s := range account.Subscriptions {
		names.Plans[s.Plan] = s.Name
	}
	for _, k := range account.Keys {
		names.Keys[k.ID] = k.Name
	}
	return names
}

// Plan is a plan's name, or its id if it has none.
func (n Names) Plan(id portal.PlanID) string {
	if name := n.Plans[id]; name != "" {
		return name
	}
	return string(id)
}

// Key is a key's name, or its id if it has none.
func (n Names) Key(id portal.KeyID) string {
	if name := n.Keys[id]; name != "" {
		return name
	}
	return string(id)
}

// Check returns a portal.Error if the query is about a plan or a key that the account never had.
func (n Names) Check(q Query) error {
	if _, known := n.Plans[q.Plan]; q.Plan != "" && !known {
		return portal.Fail(portal.NotFound, "You have never been subscribed to such a plan. Choose one of your subscriptions.")
	}
	if _, known := n.Keys[q.Key]; q.Key != "" && !known {
		return portal.Fail(portal.NotFound, "You have never had such a key. Choose one of your keys.")
	}
	return nil
}
