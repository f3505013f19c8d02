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

type queueKind struct {
	name   string
	groups int
}

func (k queueKind) fifo() bool { return k.groups > 0 }

// All messages of a group have one caller; otherwise they would have no order
// to keep.
func (k queueKind) callers() int {
	const callers = 128
	if k.fifo() {
		return min(callers, k.groups)
	}
	return callers
}

// load is messages numbered from 0. Number i is in group i mod groups.
type load struct {
	kind     queueKind
	messages int
}

// padding makes a body about as large as an event's.
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

func number(msg *message.Message) (int, error) {
	text, _, _ := strings.Cut(string(msg.Payload), " ")
	n, err := strconv.Atoi(text)
	if err != nil {
		return 0, fmt.Errorf("reading a message: %w", err)
	}
	return n, nil
}

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

type orderWatch struct {
	load load

	mu     sync.Mutex
	seen   map[int]bool
	last   map[int]int
	busy   map[int]bool
	faults Order
}

// Order counts violations of the order.
type Order struct {
	// Reordered messages were handled after a later one of their group, Overlapping ones at the
	// same time as another, Repeated ones more than once.
	Reordered   int `json:"reordered"`
	Overlapping int `json:"overlapping"`
	Repeated    int `json:"repeated"`
}

func newOrderWatch(l load) *orderWatch {
	return &orderWatch{load: l, seen: map[int]bool{}, last: map[int]int{}, busy: map[int]bool{}}
}

func (o *orderWatch) begin(n int) {
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

func (o *orderWatch) end(n int) int {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.load.kind.fifo() {
		o.busy[n%o.load.kind.groups] = false
	}
	return len(o.seen)
}

func (o *orderWatch) found() Order {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.faults
}
