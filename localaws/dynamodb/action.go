package dynamodb

import (
	"github.com/gatehouse-portal/gatehouse/localaws/store"
)

// action is one write, or one condition, on one item, checked as far as possible without
// table and item. Its steps are check against the table's keys, decide, and effect.apply.
// A transaction takes each step for all its actions before the next.
type action struct {
	verb  verb
	table string
	key   Item   // not for put
	item  Item   // for put
	next  record // for put: the item
	bound *bound
	// oldOnFailure is ReturnValuesOnConditionCheckFailure=ALL_OLD.
	oldOnFailure bool
}

type verb string

const (
	putVerb    verb = "Put"
	updateVerb verb = "Update"
	deleteVerb verb = "Delete"
	checkVerb  verb = "ConditionCheck"
)

func newPut(table string, it Item, b *bound) (*action, error) {
	if it == nil {
		return nil, violated("item", nil, "Member must not be null")
	}
	if err := it.normalize(); err != nil {
		return nil, err
	}
	if it.size() > maxItemSize {
		return nil, invalid("Item size has exceeded the maximum allowed size")
	}
	return &action{verb: putVerb, table: table, item: it, next: newRecord(it), bound: b}, nil
}

func newKeyed(v verb, table string, key Item, b *bound) (*action, error) {
	if key == nil {
		return nil, violated("key", nil, "Member must not be null")
	}
	if err := key.normalize(); err != nil {
		return nil, err
	}
	return &action{verb: v, table: table, key: key, bound: b}, nil
}

func (a *action) check(t *table) error {
	if err := a.bound.checkKeyPaths(t); err != nil {
		return err
	}
	if a.verb == putVerb {
		return t.checkItemKey(a.item)
	}
	if err := t.checkKey(a.key); err != nil {
		return err
	}
	for _, c := range a.bound.update {
		for _, k := range t.keys() {
			if c.path[0].name == k.Name && len(c.path) == 1 {
				return invalidParameter("Cannot update attribute %s. This attribute is part of the key", k.Name)
			}
		}
	}
	return nil
}

type effect struct {
	action *action
	table  *table
	place  []byte
	old    record
	// failed: the condition does not hold; next and item are not set.
	failed bool
	next   record // nil for no item
	// item is the decoded next, for updates only.
	item Item
}

// place returns the item's key in the store. check must have passed.
func (a *action) place(t *table) []byte {
	if a.verb == putVerb {
		return t.place(a.item)
	}
	return t.place(a.key)
}

// decide determines what the item becomes, without writing. An update that does not fit is
// a ValidationException.
func (a *action) decide(tx *store.Tx, t *table) (*effect, error) {
	e := &effect{action: a, table: t, place: a.place(t)}
	e.old = t.items(tx).Get(e.place)
	var old Item
	if a.bound.condition != nil || a.verb == updateVerb {
		var err error
		if old, err = e.old.item(); err != nil {
			return nil, err
		}
	}
	if !a.bound.holds(a.bound.condition, old) {
		e.failed = true
		return e, nil
	}
	switch a.verb {
	case putVerb:
		e.next = a.next
	case checkVerb:
		e.next = e.old
	case updateVerb:
		var err error
		if e.item, err = a.bound.updated(old, a.key); err != nil || e.item == nil {
			return e, err
		}
		e.next = newRecord(e.item)
	}
	return e, nil
}

func (e *effect) apply(tx *store.Tx) error {
	items := e.table.items(tx)
	switch {
	case e.action.verb == checkVerb || e.next == nil && e.old == nil:
		return nil
	case e.next == nil:
		return items.Delete(e.place)
	}
	return items.Put(e.place, e.next)
}
