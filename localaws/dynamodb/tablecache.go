package dynamodb

import (
	"encoding/json"
	"fmt"
	"sync"

	"github.com/gatehouse-portal/gatehouse/localaws/store"
)

// tableCache caches decoded tables by their stored bytes, so nothing must be invalidated.
// It is safe for concurrent use.
type tableCache struct {
	mu      sync.RWMutex
	decoded map[string]*table
}

// maxTables limits the cache: each change of a table leaves the old version in it.
const maxTables = 1024

func newTableCache() *tableCache { return &tableCache{decoded: map[string]*table{}} }

// find returns a shared table, which must not be changed, unlike describedTable's. The
// not-found error is that of operations on items.
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
