package operations_test

import (
	"context"
	"errors"
	"sync/atomic"
	"testing"
	"time"

	"github.com/gatehouse-portal/gatehouse/catalog"
	"github.com/gatehouse-portal/gatehouse/events"
	"github.com/gatehouse-portal/gatehouse/operations"
	"github.com/gatehouse-portal/gatehouse/portal"
	"github.com/gatehouse-portal/gatehouse/projections"
)

// TestASuspendedAccountIsRefusedAtOnceWithTheSentenceOfARefusedReveal asks twice, because the process
// knows the catalog the second time.
func TestASuspendedAccountIsRefusedAtOnceWithTheSentenceOfARefusedReveal(t *testing.T) {
	t.Parallel()
	d := newFixture(t)
	hash, err := d.documents.Put(t.Context(), catalog.Document{Products: []catalog.Product{{ID: "p", Name: "Tides", Plans: []catalog.Plan{free, plus}}}})
	if err != nil {
		t.Fatal(err)
	}
	d.happen(portal.CatalogStream, "", events.CatalogPublished{Hash: hash, Products: 1})
	d.happen(portal.AccountStream(ann), "op", events.UserRegistered{},
		events.KeyWanted{Key: "k1", Ring: portal.AccountRing, Name: "CI"}, events.SubscriptionWanted{Plan: "free", Name: "Free", Ring: portal.AccountRing},
		events.AccountSuspended{Message: "Unpaid bills."})
	ctx, caller := t.Context(), who(ann, "")
	later := d.clock().Add(24 * time.Hour)
	_, reveal := d.Reveal(ctx, caller, "k1")
	if portal.CodeOf(reveal) != portal.Suspended {
		t.Fatalf("a reveal: %v", reveal)
	}
	for name, ask := range map[string]func() (operations.Operation, error){
		"subscribing":    func() (operations.Operation, error) { return d.Subscribe(ctx, caller, "plus") },
		"leaving":        func() (operations.Operation, error) { return d.Unsubscribe(ctx, caller, "free") },
		"changing plans": func() (operations.Operation, error) { return d.ChangePlan(ctx, caller, "plus", "free") },
		"creating a key": func() (operations.Operation, error) { return d.CreateKey(ctx, caller, operations.NewKey{Name: "New"}) },
		"renaming a key": func() (operations.Operation, error) { return d.RenameKey(ctx, caller, "k1", "New") },
		"rotating a key": func() (operations.Operation, error) { return d.RotateKey(ctx, caller, "k1", operations.Rotation{}) },
		"replacing a leaked": func() (operations.Operation, error) {
			return d.RotateKey(ctx, caller, "k1", operations.Rotation{Leaked: true})
		},
		"moving a key's end":      func() (operations.Operation, error) { return d.EndKey(ctx, caller, "k1", operations.End{At: &later}) },
		"calling a key's end off": func() (operations.Operation, error) { return d.EndKey(ctx, caller, "k1", operations.End{Keep: true}) },
	} {
		for range 2 {
			if _, err := ask(); portal.CodeOf(err) != portal.Suspended || portal.MessageOf(err) != portal.MessageOf(reveal) {
				t.Errorf("%s: %v, want %v", name, err, reveal)
			}
			for counter, n := range d.counters(ann) {
				if counter != "intent" && n != 0 {
					t.Errorf("%s counts: %s is %d", name, counter, n)
				}
			}
		}
	}
	if _, err := d.DeleteMine(ctx, caller); portal.CodeOf(err) != portal.Suspended {
		t.Errorf("deleting the account: %v", err)
	}
	if _, err := d.EndKey(ctx, caller, "k1", operations.End{}); err != nil {
		t.Errorf("ending a key: %v", err)
	}
	if _, err := d.Subscribe(ctx, who(bob, ""), "plus"); err != nil {
		t.Errorf("another account: %v", err)
	}
	d.happen(portal.AccountStream(ann), "op-admin", events.AccountReinstated{})
	if _, err := d.Subscribe(ctx, caller, "plus"); err != nil {
		t.Errorf("after reinstating: %v", err)
	}
}

// profiles counts how often the profile of an account is read.
type profiles struct {
	*projections.Views
	reads atomic.Int32
}

func (p *profiles) Profile(ctx context.Context, id portal.AccountID) (projections.Profile, error) {
	p.reads.Add(1)
	return p.Views.Profile(ctx, id)
}

func TestTheStandingOfAnAccountIsNotReadForItsSecondRequest(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		between func(d *fixture)
		reads   int32
		code    portal.Code
	}{
		"right after its registration": {func(*fixture) {}, 0, ""},
		"two minutes later":            {func(d *fixture) { d.pass(2 * time.Minute) }, 1, ""},
		"unless an admin has suspended it": {func(d *fixture) {
			d.happen(portal.AccountStream(ann), "op", events.UserRegistered{})
			if _, err := operations.New(d.config()).Suspend(d.t.Context(), who(bob, ""), ann, "Unpaid bills.", false); err != nil {
				d.t.Fatal(err)
			}
			d.happen(portal.AccountStream(ann), "op-admin", events.AccountSuspended{Message: "Unpaid bills."})
		}, 1, portal.Suspended},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			d := newFixture(t)
			d.publish(free)
			cfg := d.config()
			views := &profiles{Views: d.views}
			cfg.Views = views
			here := operations.New(cfg)
			if _, err := here.Register(t.Context(), who(ann, "")); err != nil {
				t.Fatal(err)
			}
			c.between(d)
			_, err := here.Subscribe(t.Context(), who(ann, ""), "free")
			if portal.CodeOf(err) != c.code && (c.code != "" || err != nil) {
				t.Errorf("the answer is %v, want %q", err, c.code)
			}
			if got := views.reads.Load(); got != c.reads {
				t.Errorf("the profile was read %d times, want %d", got, c.reads)
			}
		})
	}
}

func TestAWrongMemberOfARequestAboutAKeyIsNamed(t *testing.T) {
	t.Parallel()
	d := newFixture(t)
	d.happen(portal.AccountStream(ann), "op", events.UserRegistered{}, events.KeyWanted{Key: "k1", Ring: portal.AccountRing, Name: "CI"},
		events.SubscriptionWanted{Plan: "free", Name: "Free", Ring: "plan/free"}, events.SubscriptionWanted{Plan: "plus", Name: "Plus", Ring: "plan/plus"})
	ctx, caller := t.Context(), who(ann, "")
	past := d.clock().Add(-time.Hour)
	for _, c := range []struct {
		name, field string
		ask         func() (operations.Operation, error)
	}{
		{"no name", "name", func() (operations.Operation, error) { return d.CreateKey(ctx, caller, operations.NewKey{Plan: "free"}) }},
		{"an expiry in the past", "expires", func() (operations.Operation, error) {
			return d.CreateKey(ctx, caller, operations.NewKey{Name: "CI", Plan: "free", Ends: &past})
		}},
		{"no plan where each has keys of its own", "plan", func() (operations.Operation, error) { return d.CreateKey(ctx, caller, operations.NewKey{Name: "CI"}) }},
		{"a new name in two lines", "name", func() (operations.Operation, error) { return d.RenameKey(ctx, caller, "k1", "a\nb") }},
		{"an overlap of a year", "overlap", func() (operations.Operation, error) {
			return d.RotateKey(ctx, caller, "k1", operations.Rotation{Overlap: 365 * 24 * time.Hour})
		}},
		{"a leaked key with an overlap", "overlap", func() (operations.Operation, error) {
			return d.RotateKey(ctx, caller, "k1", operations.Rotation{Overlap: time.Hour, Leaked: true})
		}},
		{"an end in the past", "at", func() (operations.Operation, error) { return d.EndKey(ctx, caller, "k1", operations.End{At: &past}) }},
	} {
		_, err := c.ask()
		var refused *portal.Error
		if !errors.As(err, &refused) || refused.Code != portal.Invalid || refused.Field != c.field {
			t.Errorf("%s: %+v, want one about %s", c.name, err, c.field)
		}
	}
	if _, err := d.RotateKey(ctx, caller, "k1", operations.Rotation{Leaked: true}); err != nil {
		t.Errorf("a leaked key without an overlap: %v", err)
	}
}
