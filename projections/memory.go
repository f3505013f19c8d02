package projections

import (
	"sync"
	"time"

	"github.com/gatehouse-portal/gatehouse/portal"
	"github.com/gatehouse-portal/gatehouse/schema"
)

const (
	// maxRemembered bounds the streams in memory; forgetting one costs a read.
	maxRemembered = 1 << 14
	// believed is how long a stream is held for shown without looking. Messages about
	// what is shown already mostly follow the first one closely. One that comes later
	// may be about views that were lost since.
	believed = 10 * time.Second
)

// memory is how far streams were last seen to be shown. It may be wrong, since others
// show, too, and the views may be lost. So it never stands alone: the checkpoint
// is only moved on from what is remembered if that is so in the table.
type memory struct {
	now     func() time.Time
	mu      sync.Mutex
	streams map[shownIn]remembered
}

// shownIn is a stream in one generation of the views.
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

// recall is how far the stream is shown; not known if the table has to be asked, which a
// message without a sequence always wants. Of a stream that is not remembered it is a guess:
// messages mostly come in order, so what comes before the message's fact is shown.
func (m *memory) recall(place shownIn, sequence int64) (shown int64, known, guessed bool) {
	m.mu.Lock()
	last, remembered := m.streams[place]
	m.mu.Unlock()
	switch {
	case sequence == 0:
		return 0, false, false
	case !remembered:
		return sequence - 1, true, true
	case sequence <= last.shown && m.now().Sub(last.at) > believed:
		return 0, false, false
	}
	return last.shown, true, false
}

// remember keeps what the table has acknowledged or told, also if it is less than what
// was remembered. When there is no room it forgets any other stream.
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
