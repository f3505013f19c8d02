package sqs

// A group of a standard queue is noisy if at least noisyCount of its messages are in flight,
// and more than one in noisyShare of all in flight (SQS Developer Guide, "Amazon SQS fair
// queues").
const (
	noisyCount = 30
	noisyShare = 10
)

// standardOrder returns the oldest visible messages, those of noisy groups last, so that one
// busy tenant does not delay the others. Messages without a group are never noisy.
type standardOrder struct {
	groups   map[string]*fairGroup
	heads    index[*fairGroup]
	visible  int
	inFlight int
}

// fairGroup holds a group, or all messages without one.
type fairGroup struct {
	name     string
	visible  index[*message]
	inFlight int
	headSlot int
}

func newStandardOrder() *standardOrder {
	return &standardOrder{
		groups: map[string]*fairGroup{},
		heads: index[*fairGroup]{
			before: func(a, b *fairGroup) bool { return a.visible.items[0].seq < b.visible.items[0].seq },
			slot:   func(g *fairGroup) *int { return &g.headSlot },
		},
	}
}

func newFairGroup(name string) *fairGroup {
	return &fairGroup{name: name, visible: index[*message]{
		before: func(a, b *message) bool { return a.seq < b.seq },
		slot:   func(m *message) *int { return &m.readySlot },
	}}
}

func (o *standardOrder) add(m *message) { o.update(m) }

func (o *standardOrder) remove(m *message) { o.place(m, false, false) }

func (o *standardOrder) update(m *message) { o.place(m, m.hidden == visible, m.hidden == inFlight) }

func (o *standardOrder) ready() int { return o.visible }

func (o *standardOrder) place(m *message, ready, flying bool) {
	g := o.groups[m.Group]
	if g == nil {
		g = newFairGroup(m.Group)
		o.groups[m.Group] = g
	}
	if flying != m.flying {
		by := map[bool]int{true: 1, false: -1}[flying]
		g.inFlight, o.inFlight, m.flying = g.inFlight+by, o.inFlight+by, flying
	}
	if ready != g.visible.has(m) {
		// heads orders groups by their first message, so remove g before that changes.
		o.heads.remove(g)
		if ready {
			g.visible.put(m)
			o.visible++
		} else {
			g.visible.remove(m)
			o.visible--
		}
	}
	o.refreshHead(g)
}

func (o *standardOrder) refreshHead(g *fairGroup) {
	switch {
	case g.visible.len() > 0 && !o.heads.has(g):
		o.heads.put(g)
	case g.visible.len() == 0 && g.inFlight == 0:
		delete(o.groups, g.name)
	}
}

func (o *standardOrder) take(n int) []*message {
	var noisy []*fairGroup
	var taken []*message
	for len(taken) < n {
		g, ok := o.heads.first()
		if !ok {
			break
		}
		if o.noisy(g) {
			o.heads.remove(g)
			noisy = append(noisy, g)
			continue
		}
		taken = append(taken, o.takeFrom(g))
	}
	for _, g := range noisy {
		o.heads.put(g)
	}
	for len(taken) < n && o.heads.len() > 0 {
		g, _ := o.heads.first()
		taken = append(taken, o.takeFrom(g))
	}
	return taken
}

func (o *standardOrder) takeFrom(g *fairGroup) *message {
	m, _ := g.visible.first()
	o.place(m, false, m.flying)
	return m
}

// noisy: fewer than ten groups can be noisy at a time, so skipping them is cheap.
func (o *standardOrder) noisy(g *fairGroup) bool {
	return g.name != "" && g.inFlight >= noisyCount && g.inFlight*noisyShare > o.inFlight
}
