package main

import (
	"fmt"
	"strconv"
	"strings"
	"sync"

	"github.com/ThreeDotsLabs/watermill"
	"github.com/ThreeDotsLabs/watermill/message"

	"github.com/gatehouse-portal/gatehouse/transport/pubsub"
)

// queueKind is one kind of queue to compare on. A standard queue has no groups.
type queueKind struct {
	name   string
	groups int
}

func (k queueKind) fifo() bool { return k.groups > 0 }

// callers is how many publish at once, each one message after the other. Of one group
// all messages are one caller's: otherwise they would have no order to keep.
func (k queueKind) callers() int {
	const callers = 128
	if k.fifo() {
		return min(callers, k.groups)
	}
	return callers
}

// load is messages numbered from 0; number i is of group i mod groups.
type load struct {
	kind     queueKind
	messages int
}

// padding makes a body about as large as an event of ours.
var padding = strings.Repeat("x", 600)

func (l load) message(i int) *message.Message {
	msg := message.NewMessage(watermill.NewUUID(), []byte(strconv.Itoa(i)+" "+padding))
	msg.Metadata.Set(pubsub.TypeKey, "gatehouse.SubscribeRequested.v1")
	if l.kind.fifo() {
		msg.Metadata.Set(pubsub.GroupID, "account/"+strconv.Itoa(i%l.kind.groups))
		msg.Metadata.Set(pubsub.DeduplicationID, msg.UUID)
	}
	return msg
}

// number is that of a message received.
func number(msg *message.Message) (int, error) {
	text, _, _ := strings.Cut(string(msg.Payload), " ")
	n, err := strconv.Atoi(text)
	if err != nil {
		return 0, fmt.Errorf("reading a message: %w", err)
	}
	return n, nil
}

// publish sends all of it, by as many callers as there are, and returns the first error.
func (l load) publish(to func(...*message.Message) error) error {
	callers := l.kind.callers()
	var publishing sync.WaitGroup
	errs := make([]error, callers)
	for c := range callers {
		publishing.Go(func() {
			for i := range l.messages {
				if l.caller(i) != c || errs[c] != nil {
					continue
				}
				errs[c] = to(l.message(i))
			}
		})
	}
	publishing.Wait()
	for _, err := range errs {
		if err != nil {
			return err
		}
	}
	return nil
}

func (l load) caller(i int) int {
	if l.kind.fifo() {
		i %= l.kind.groups
	}
	return i % l.kind.callers()
}

// order watches over the handling of a load.
type order struct {
	load load

	mu     sync.Mutex
	seen   map[int]bool
	last   map[int]int
	busy   map[int]bool
	faults Order
}

// Order is what was found of order: all zero where it was kept.
type Order struct {
	// Reordered messages were handled after a later one of their group, Overlapping
	// ones at the same time as another of it, Repeated ones more than once.
	Reordered   int `json:"reordered"`
	Overlapping int `json:"overlapping"`
	Repeated    int `json:"repeated"`
}

func newOrder(l load) *order {
	return &order{load: l, seen: map[int]bool{}, last: map[int]int{}, busy: map[int]bool{}}
}

func (o *order) begin(n int) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.seen[n] {
		o.faults.Repeated++
	}
	o.seen[n] = true
	if !o.load.kind.fifo() {
		return
	}
	group := n % o.load.kind.groups
	if o.busy[group] {
		o.faults.Overlapping++
	}
	if last, any := o.last[group]; any && n < last {
		o.faults.Reordered++
	}
	o.busy[group], o.last[group] = true, n
}

// end returns how many different messages were begun.
func (o *order) end(n int) int {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.load.kind.fifo() {
		o.busy[n%o.load.kind.groups] = false
	}
	return len(o.seen)
}

func (o *order) found() Order {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.faults
}
