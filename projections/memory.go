package projections

import (
	"sync"
	"time"

	"github.com/gatehouse-portal/gatehouse/portal"
	"github.com/gatehouse-portal/gatehouse/schema"
)

const (
	maxRemembered = 1 << 14
	// trustedFor is how long a shown stream is not read again. Repeated messages mostly follow
	// soon; later ones may mean that the views were lost.
	trustedFor = 10 * time.Second
)

// memory is how far streams were last seen to be shown. Other processes show streams, and the
// views may be lost, so a write that relies on it moves the stored checkpoint only if that
// matches.
type memory struct {
	now     func() time.Time
	mu      sync.Mutex
	streams map[shownIn]remembered
}

// shownIn is a stream in one generation.
type shownIn struct {
	generation schema.Generation
	stream     portal.Stream
}

type remembered struct {
	shown int64
	at    time.Time
}

func newMemory() *memory {
	return &memory{now: time.Now, streams: map[shownIn]remembered{}}
}

// recall returns how far the stream is shown. known is false if the table must be read, as for
// any message without a sequence. For an unknown stream it guesses, since messages mostly come in
// order, that all facts before the message's are shown.
func (m *memory) recall(place shownIn, sequence int64) (shown int64, known, guessed bool) {
	m.mu.Lock()
	last, remembered := m.streams[place]
	m.mu.Unlock()
	switch {
	case sequence == 0:
		return 0, false, false
	case !remembered:
		return sequence - 1, true, true
	case sequence <= last.shown && m.now().Sub(last.at) > trustedFor:
		return 0, false, false
	}
	return last.shown, true, false
}

// remember stores what the table said, even if it is less than before.
func (m *memory) remember(stream shownIn, shown int64) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if _, known := m.streams[stream]; !known && len(m.streams) >= maxRemembered {
		for other := range m.streams {
			delete(m.streams, other)
			break
		}
	}
	m.streams[stream] = remembered{shown, m.now()}
}

func (m *memory) forget(stream shownIn) {
	m.mu.Lock()
	defer m.mu.Unlock()
	delete(m.streams, stream)
}
