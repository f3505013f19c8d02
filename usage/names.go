package usage

import (
	"context"
	"slices"

	"github.com/gatehouse-portal/gatehouse/portal"
	"github.com/gatehouse-portal/gatehouse/projections"
)

// Names are the names of an account's plans and keys, past ones included.
type Names struct {
	Plans map[portal.PlanID]string
	Keys  map[portal.KeyID]string
	named []portal.NamedKey
}

// NamesOf are an account's names.
func NamesOf(account projections.Account) Names {
	names := Names{Plans: map[portal.PlanID]string{}, Keys: map[portal.KeyID]string{}}
	for _, s := range account.Subscriptions {
		names.Plans[s.Plan] = s.Name
	}
	names.named = account.NamedKeys()
	names.Keys = portal.KeyLabels(names.named)
	return names
}

type pastKeys interface {
	PastKeys(ctx context.Context, account portal.AccountID, keys []portal.KeyID) ([]portal.NamedKey, error)
}

// WithPast adds the names of the account's keys among those that ended long ago.
func (n Names) WithPast(ctx context.Context, views pastKeys, account portal.AccountID, keys ...portal.KeyID) (Names, error) {
	keys = slices.DeleteFunc(slices.Clone(keys), func(key portal.KeyID) bool { return key == "" || n.Keys[key] != "" })
	if len(keys) == 0 {
		return n, nil
	}
	past, err := views.PastKeys(ctx, account, keys)
	n.named = append(slices.Clip(n.named), past...)
	n.Keys = portal.KeyLabels(n.named)
	return n, err
}

// Keys are the keys of the report, sorted, without duplicates.
func (r Report) Keys() []portal.KeyID {
	var keys []portal.KeyID
	for _, s := range r.Series {
		keys = append(keys, s.Key)
	}
	slices.Sort(keys)
	return slices.Compact(keys)
}

// Plan is a plan's name, or its id without one.
func (n Names) Plan(id portal.PlanID) string {
	if name := n.Plans[id]; name != "" {
		return name
	}
	return string(id)
}

// Key is a key's name, or its id without one.
func (n Names) Key(id portal.KeyID) string {
	if name := n.Keys[id]; name != "" {
		return name
	}
	return string(id)
}

// Check returns a portal.Error if the account never had the query's plan or key.
func (n Names) Check(q Query) error {
	if _, known := n.Plans[q.Plan]; q.Plan != "" && !known {
		return portal.Fail(portal.NotFound, "You have never been subscribed to such a plan. Choose one of your subscriptions.")
	}
	if _, known := n.Keys[q.Key]; q.Key != "" && !known {
		return portal.Fail(portal.NotFound, "You have never had such a key. Choose one of your keys.")
	}
	return nil
}
