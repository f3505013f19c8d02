package accounts

import (
	"testing"

	"github.com/gatehouse-portal/gatehouse/events"
	"github.com/gatehouse-portal/gatehouse/portal"
)

func TestTheMemoryIsBoundedHoweverLongStreamsAre(t *testing.T) {
	t.Parallel()
	m := newMemory()
	for _, length := range []int{10, 100_000, maxFacts - 1, maxFacts, 10, 0, maxFacts / 2, maxFacts} {
		m.keep(portal.Stream("account/"+string(rune('a'+length%26))), read{facts: make([]events.Event, length)})
		if m.facts > maxFacts {
			t.Errorf("after %d more there are %d facts in memory, want at most %d", length, m.facts, maxFacts)
		}
	}
}
