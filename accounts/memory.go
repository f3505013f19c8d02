package accounts

import (
	"reflect"
	"slices"
	"sync"

	"github.com/gatehouse-portal/gatehouse/events"
	"github.com/gatehouse-portal/gatehouse/portal"
	"github.com/gatehouse-portal/gatehouse/state"
)

// maxFacts bounds the facts in memory, of all accounts together. A fact takes about 1 KB.
const maxFacts = 8_000

// read is what was last read of an account's stream.
type read struct {
	// base is the account's state before facts, and account its state after them. handled lists the
	// requests that had led to facts when base was the state.
	base    state.Account
	handled []string
	facts   []events.Event
	account state.Account
}

func nothing(id portal.AccountID) read {
	return read{base: state.NewAccount(id), account: state.NewAccount(id)}
}

func (r read) with(facts []events.Event) read {
	r.facts, r.account = append(slices.Clip(r.facts), facts...), r.account.Clone()
	for _, fact := range facts {
		r.account.Apply(fact)
	}
	return r
}

func (r read) history() History {
	return History{Account: r.account.Clone(), Facts: slices.Clip(r.facts), Base: r.base.Clone(), handled: r.handled}
}

// holds reports whether facts contains this fact. The sequence alone is not enough: a restored journal
// may have another fact with the same one.
func (r read) holds(fact events.Event) bool {
	at := fact.Sequence - r.base.Sequence - 1
	return fact.Sequence > 0 && at >= 0 && at < int64(len(r.facts)) && reflect.DeepEqual(r.facts[at], fact)
}

type memory struct {
	mu    sync.Mutex
	reads map[portal.Stream]read
	facts int // the facts in reads, plus one for each read
}

func newMemory() *memory { return &memory{reads: map[portal.Stream]read{}} }

func (m *memory) recall(stream portal.Stream) (found read, ok bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	found, ok = m.reads[stream]
	return found, ok
}

// keep replaces the stream's read, and drops other reads to make room. It keeps no read with more than maxFacts.
func (m *memory) keep(stream portal.Stream, latest read) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.drop(stream)
	if 1+len(latest.facts) > maxFacts {
		return
	}
	for other := range m.reads {
		if m.facts+1+len(latest.facts) <= maxFacts {
			break
		}
		m.drop(other)
	}
	m.reads[stream] = latest
	m.facts += 1 + len(latest.facts)
}

func (m *memory) drop(stream portal.Stream) {
	if old, ok := m.reads[stream]; ok {
		delete(m.reads, stream)
		m.facts -= 1 + len(old.facts)
	}
}
