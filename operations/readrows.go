package operations

import (
	"sync"

	"github.com/gatehouse-portal/gatehouse/portal"
)

const maxReadRows = 1 << 14

// readRows caches operation rows for clients that poll. Only PublishedAt of a row ever changes. It
// is safe for concurrent use.
type readRows struct {
	mu   sync.Mutex
	rows map[portal.OperationID]operationRow
}

func newReadRows() *readRows { return &readRows{rows: map[portal.OperationID]operationRow{}} }

func (r *readRows) recall(id portal.OperationID) (operationRow, bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	row, ok := r.rows[id]
	return row, ok
}

func (r *readRows) keep(row operationRow) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if len(r.rows) >= maxReadRows {
		clear(r.rows)
	}
	r.rows[row.ID] = row
}
