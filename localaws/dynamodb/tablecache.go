package dynamodb

import (
	"encoding/json"
	"fmt"
	"sync"

	"github.com/gatehouse-portal/gatehouse/localaws/store"
)

// tableCache keeps decoded tables by the bytes they are stored as. So nothing has to
// be invalidated: every transaction looks the bytes up in its own snapshot, and what
// is found for them was decoded from the same. It is safe for concurrent use.
type tableCache struct {
	mu      sync.RWMutex
	decoded map[string]*table
}

// maxTables bounds what a tableCache keeps. Every change of a table leaves its former
// state behind in it.
const maxTables = 1024

func newTableCache() *tableCache { return &tableCache{decoded: map[string]*table{}} }

// find fails with ResourceNotFoundException in the short wording of the operations on
// items. The table is shared between requests and must not be changed; who wants to
// change it asks describedTable.
func (c *tableCache) find(tx *store.Tx, name string) (*table, error) {
	stored := tx.Bucket(bucket, tablesBucket).Get([]byte(name))
	if stored == nil {
		return nil, notFound()
	}
	c.mu.RLock()
	known := c.decoded[string(stored)]
	c.mu.RUnlock()
	if known != nil {
		return known, nil
	}
	t := new(table)
	if err := json.Unmarshal(stored, t); err != nil {
		return nil, fmt.Errorf("decoding table %s: %w", name, err)
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if len(c.decoded) >= maxTables {
		clear(c.decoded)
	}
	c.decoded[string(stored)] = t
	return t, nil
}
