package library

import (
	"container/list"
	"context"
	"sync"
	"time"

	"golang.org/x/sync/singleflight"

	"github.com/gatehouse-portal/gatehouse/portal"
)

const (
	// failedFor is how long a failure is remembered.
	failedFor = 5 * time.Second
	// makingTime bounds the making of a value. It does not end with the request that began it,
	// since others wait for it.
	makingTime = 30 * time.Second
	// perValue is what a value costs besides its size.
	perValue = 512
)

// memory keeps values by name, up to a total size. The least recently used makes room; the
// newest always stays.
type memory struct {
	limit  int64
	now    func() time.Time
	making singleflight.Group

	mu     sync.Mutex
	values map[string]*list.Element // of kept
	order  list.List                // the last used one is at the front
	size   int64
}

type kept struct {
	name  string
	value any
	err   error
	at    time.Time
	size  int64
}

func newMemory(limit int64, now func() time.Time) *memory {
	return &memory{limit: limit, now: now, values: map[string]*list.Element{}}
}

// remember returns the value of that name. If there is none, make makes it, once for all who
// wait, and returns its approximate size in bytes.
func remember[T any](ctx context.Context, m *memory, name string, make func(context.Context) (T, int, error)) (T, error) {
	var none T
	if found, ok := m.find(name); ok {
		if found.err != nil {
			return none, found.err
		}
		return found.value.(T), nil
	}
	made := m.making.DoChan(name, func() (any, error) {
		if found, ok := m.find(name); ok { // made since this caller looked
			return found, nil
		}
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), makingTime)
		defer cancel()
		one := kept{name: name, at: m.now()}
		one.err = portal.Guard(func() error {
			value, size, err := make(ctx)
			one.value, one.size = value, int64(size+perValue)
			return err
		})()
		if one.err != nil {
			one.size = perValue
		}
		m.keep(one)
		return one, nil
	})
	select {
	case result := <-made:
		one := result.Val.(kept)
		if one.err != nil {
			return none, one.err
		}
		return one.value.(T), nil
	case <-ctx.Done():
		return none, stillReading(ctx.Err())
	}
}

func (m *memory) find(name string) (kept, bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	element, ok := m.values[name]
	if !ok {
		return kept{}, false
	}
	one := element.Value.(kept)
	if one.err != nil && m.now().Sub(one.at).Abs() > failedFor {
		m.forget(element)
		return kept{}, false
	}
	m.order.MoveToFront(element)
	return one, true
}

func (m *memory) keep(one kept) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if old, ok := m.values[one.name]; ok {
		m.forget(old)
	}
	m.values[one.name] = m.order.PushFront(one)
	m.size += one.size
	for m.size > m.limit && m.order.Len() > 1 {
		m.forget(m.order.Back())
	}
}

func (m *memory) forget(element *list.Element) {
	one := m.order.Remove(element).(kept)
	delete(m.values, one.name)
	m.size -= one.size
}
