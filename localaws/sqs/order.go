package sqs

import (
	"cmp"
	"container/list"
	"slices"
)

// order decides which visible messages are received next. Standard and FIFO queues have
// different ones.
type order interface {
	// add requires the greatest seq.
	add(*message)
	remove(*message)
	// update must be called after a message was hidden or became visible.
	update(*message)
	// take returns up to n messages. The caller must hide or remove them all before the next
	// call.
	take(n int) []*message
	// ready returns how many receivers can get something.
	ready() int
}

// fifoOrder keeps the order within a group: a hidden message blocks those behind it. The group
// whose head has been visible longest comes first, with as many messages as the receiver takes.
// So a group whose message came back is served after waiting groups (observed on AWS).
type fifoOrder struct {
	groups map[string]*group
	// open holds the groups with a visible head, by turn. turns is the last turn.
	open  index[*group]
	turns uint64
}

type group struct {
	name     string
	line     list.List // of *message
	turn     uint64
	openSlot int
}

func (g *group) head() *message {
	if front := g.line.Front(); front != nil {
		return front.Value.(*message)
	}
	return nil
}

func newFIFOOrder() *fifoOrder {
	return &fifoOrder{
		groups: map[string]*group{},
		open: index[*group]{
			before: func(a, b *group) bool { return a.turn < b.turn },
			slot:   func(g *group) *int { return &g.openSlot },
		},
	}
}

func (o *fifoOrder) add(m *message) {
	g := o.groups[m.Group]
	if g == nil {
		g = &group{name: m.Group}
		o.groups[m.Group] = g
	}
	m.group, m.place = g, g.line.PushBack(m)
	o.refreshHead(g)
}

func (o *fifoOrder) remove(m *message) {
	g := m.group
	g.line.Remove(m.place)
	m.group, m.place = nil, nil
	o.refreshHead(g)
}

func (o *fifoOrder) update(m *message) { o.refreshHead(m.group) }

func (o *fifoOrder) refreshHead(g *group) {
	head := g.head()
	switch {
	case head == nil:
		o.open.remove(g)
		delete(o.groups, g.name)
	case head.hidden != visible:
		o.open.remove(g)
	case !o.open.has(g):
		o.turns++
		g.turn = o.turns
		o.open.put(g)
	}
}

// resume restores the turns, which the file does not hold, from the times at which heads became
// visible.
func (o *fifoOrder) resume() {
	groups := slices.Clone(o.open.items)
	slices.SortFunc(groups, func(a, b *group) int {
		return cmp.Or(a.head().shown().Compare(b.head().shown()), cmp.Compare(a.head().seq, b.head().seq))
	})
	for _, g := range groups {
		o.open.remove(g)
	}
	for _, g := range groups {
		o.refreshHead(g)
	}
}

func (o *fifoOrder) take(n int) []*message {
	g, ok := o.open.first()
	if !ok {
		return nil
	}
	var taken []*message
	for e := g.line.Front(); e != nil && len(taken) < n; e = e.Next() {
		m := e.Value.(*message)
		if m.hidden != visible {
			break
		}
		taken = append(taken, m)
	}
	return taken
}

func (o *fifoOrder) ready() int { return o.open.len() }
