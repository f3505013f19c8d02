package folder

import (
	"sync"

	"github.com/gatehouse-portal/gatehouse/catalog"
)

// documents checks OpenAPI documents, and remembers the results of those that the last reading
// used, since large ones take seconds. It is safe for concurrent use.
type documents struct {
	mu    sync.Mutex
	known map[string]*checked
}

type checked struct {
	definition []byte
	err        error
	used       bool
}

// normalize returns the document as the catalog stores it.
func (d *documents) normalize(data []byte) ([]byte, error) {
	hash := catalog.HashOf(data)
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.known == nil {
		d.known = map[string]*checked{}
	}
	if d.known[hash] == nil {
		definition, err := normalize(data)
		d.known[hash] = &checked{definition: definition, err: err}
	}
	result := d.known[hash]
	result.used = true
	return result.definition, result.err
}

func (d *documents) forgetUnused() {
	d.mu.Lock()
	defer d.mu.Unlock()
	for hash, result := range d.known {
		if !result.used {
			delete(d.known, hash)
		}
		result.used = false
	}
}
