package sqs

import (
	"cmp"
	"container/list"
	"slices"
)

// order decides which visible messages are handed out next: the one difference
// between a standard and a FIFO queue.
type order interface {
	// add takes a message in, behind those of smaller seq.
	add(*message)
	// remove takes it out.
	remove(*message)
	// update takes note that the message was hidden or has become visible.
	update(*message)
	// take returns up to n messages to hand out now. The caller hides or removes
	// every one of them before it calls again.
	take(n int) []*message
	// ready is how many receivers can be given something at once.
	ready() int
}

// fifoOrder keeps the messages of a group in line: a hidden message withholds those
// behind it. Among the groups whose head is visible, the group that has been so for the
// longest time is served first, with as many of its messages as the receiver takes. So a
// group whose message came back queues behind the groups that were waiting already
// (observed on AWS).
type fifoOrder struct {
	groups map[string]*group
	// open holds the groups whose head is visible, by turn; turns is the last one given.
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
	o.settle(g)
}

func (o *fifoOrder) remove(m *message) {
	g := m.group
	g.line.Remove(m.place)
	m.group, m.place = nil, nil
	o.settle(g)
}

func (o *fifoOrder) update(m *message) { o.settle(m.group) }

func (o *fifoOrder) settle(g *group) {
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

// resume gives the groups their turns by when their heads became visible, as far as the
// messages tell: the file holds no turns.
func (o *fifoOrder) resume() {
	groups := slices.Clone(o.open.items)
	slices.SortFunc(groups, func(a, b *group) int {
		return cmp.Or(a.head().shown().Compare(b.head().shown()), cmp.Compare(a.head().seq, b.head().seq))
	})
	for _, g := range groups {
		o.open.remove(g)
	}
	for _, g := range groups {
		o.settle(g)
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
