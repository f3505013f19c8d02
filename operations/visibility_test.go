package operations_test

import (
	"context"
	"testing"

	"github.com/gatehouse-portal/gatehouse/catalog"
	"github.com/gatehouse-portal/gatehouse/events"
	"github.com/gatehouse-portal/gatehouse/operations"
	"github.com/gatehouse-portal/gatehouse/portal"
)

func TestAPlanThatTheCallerDoesNotSeeIsLikeAnUnknownOne(t *testing.T) {
	t.Parallel()
	d := newFixture(t)
	hash, err := d.documents.Put(t.Context(), catalog.Document{Products: []catalog.Product{
		{ID: "p", Name: "Tides", Plans: []catalog.Plan{free}, Visibility: catalog.VisibleGroups, Groups: []string{"partners"}},
		{ID: "q", Name: "Draft", Plans: []catalog.Plan{plus}, Visibility: catalog.VisibleHidden},
	}})
	if err != nil {
		t.Fatal(err)
	}
	d.happen(portal.CatalogStream, "", events.CatalogPublished{Hash: hash, Products: 2})
	// Ann was a partner when she subscribed.
	d.happen(portal.AccountStream(ann), "op", events.UserRegistered{},
		events.SubscriptionWanted{Plan: "free", Name: "Free", Ring: portal.AccountRing},
		events.SubscriptionActivated{Link: events.Link{Wish: 2}, Plan: "free"})
	as := func(account portal.AccountID, viewer catalog.Viewer) operations.Caller {
		caller := who(account, "")
		caller.Viewer = viewer
		return caller
	}
	member := catalog.Viewer{SignedIn: true, Groups: []string{"others"}}
	partner := catalog.Viewer{SignedIn: true, Groups: []string{"partners"}}
	admin := catalog.Viewer{SignedIn: true, Admin: true}
	subscribe, leave := d.Subscribe, d.Unsubscribe
	for _, c := range []struct {
		name   string
		do     func(caller operations.Caller, plan portal.PlanID) error
		caller operations.Caller
		plan   portal.PlanID
		want   portal.Code
	}{
		{"a member subscribes to a partners' plan", asks(t, subscribe), as(bob, member), "free", portal.NotFound},
		{"a partner does", asks(t, subscribe), as(bob, partner), "free", ""},
		{"a partner subscribes to a hidden plan", asks(t, subscribe), as(bob, partner), "plus", portal.NotFound},
		{"an admin does", asks(t, subscribe), as(bob, admin), "plus", ""},
		{"a member leaves a plan that they do not see and do not have", asks(t, leave), as(bob, member), "free", portal.NotFound},
		{"a member leaves a plan that they have and no longer see", asks(t, leave), as(ann, member), "free", ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			// Twice: the process knows the catalog the second time.
			for range 2 {
				before := d.counters(c.caller.Account)
				err := c.do(c.caller, c.plan)
				refuses(t, err, c.want)
				if c.want == "" {
					continue
				}
				if unknown := c.do(c.caller, "nonsense"); portal.MessageOf(err) != portal.MessageOf(unknown) {
					t.Errorf("it says %q, and of an unknown plan %q", portal.MessageOf(err), portal.MessageOf(unknown))
				}
				same(t, "counted", before, d.counters(c.caller.Account))
			}
		})
	}
}

type submits func(context.Context, operations.Caller, portal.PlanID) (operations.Operation, error)

func asks(t *testing.T, do submits) func(operations.Caller, portal.PlanID) error {
	return func(caller operations.Caller, plan portal.PlanID) error {
		_, err := do(t.Context(), caller, plan)
		return err
	}
}
