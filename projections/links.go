package projections

import (
	"sync"

	"github.com/gatehouse-portal/gatehouse/portal"
)

type wishLink struct {
	stream portal.Stream
	wish   int64
}

// links remembers the wishes that operations waited for, perhaps no longer.
type links struct {
	mu sync.Mutex
	of map[portal.OperationID]wishLink
}

func (l *links) recall(op portal.OperationID) (link wishLink, known bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	link, known = l.of[op]
	return link, known
}

func (l *links) remember(op portal.OperationID, link wishLink) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.of == nil || len(l.of) >= maxRemembered {
		l.of = map[portal.OperationID]wishLink{}
	}
	l.of[op] = link
}
