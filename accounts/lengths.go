package accounts

import (
	"sync"

	"github.com/gatehouse-portal/gatehouse/portal"
)

// maxLengths bounds the streams that are remembered; forgetting one costs reading it whole
// once more.
const maxLengths = 1 << 14

// lengths remembers which streams are long, so that short ones, which almost all are, cost
// no look for a snapshot.
type lengths struct {
	from    int64
	mu      sync.Mutex
	streams map[portal.Stream]struct{}
}

func newLengths(from int64) *lengths {
	return &lengths{from: from, streams: map[portal.Stream]struct{}{}}
}

func (l *lengths) long(stream portal.Stream) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	_, ok := l.streams[stream]
	return ok
}

func (l *lengths) note(stream portal.Stream, length int64) {
	if length < l.from {
		return
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if len(l.streams) >= maxLengths {
		clear(l.streams)
	}
	l.streams[stream] = struct{}{}
}
