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
	mu      sync.Mutex
	streams map[portal.Stream]struct{}
}

func newLengths() *lengths { return &lengths{streams: map[portal.Stream]struct{}{}} }

func (l *lengths) long(stream portal.Stream) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	_, ok := l.streams[stream]
	return ok
}

func (l *lengths) note(stream portal.Stream, length int64) {
	if length < snapshotFrom {
		return
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if len(l.streams) >= maxLengths {
		clear(l.streams)
	}
	l.streams[stream] = struct{}{}
}
