package provisioning

import (
	"context"
	"encoding/json"
	"slices"
	"strings"
	"time"

	"github.com/gatehouse-portal/gatehouse/events"
)

// noSender sends nothing, since Reconciler.Look must not wake workers.
type noSender struct{}

func (noSender) Send(context.Context, ...events.Event) error      { return nil }
func (noSender) SendAgain(context.Context, ...events.Event) error { return nil }

// memory is the scratch of Reconciler.Look: rows in memory instead of the records table.
type memory struct{ values map[string][]byte }

func newMemory() *memory { return &memory{map[string][]byte{}} }

func (m *memory) Put(_ context.Context, set, name string, value any, _ time.Duration) error {
	body, err := json.Marshal(value)
	m.values[set+"#"+name] = body
	return err
}

func (m *memory) Get(_ context.Context, set, name string, value any) (found bool, err error) {
	body, found := m.values[set+"#"+name]
	if !found {
		return false, nil
	}
	return true, json.Unmarshal(body, value)
}

func (m *memory) Each(_ context.Context, set, prefix string, visit func(name string, body []byte) error) error {
	var names []string
	for at := range m.values {
		if name, ok := strings.CutPrefix(at, set+"#"); ok && strings.HasPrefix(name, prefix) {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	for _, name := range names {
		if err := visit(name, m.values[set+"#"+name]); err != nil {
			return err
		}
	}
	return nil
}
