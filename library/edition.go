package library

import (
	"sync"

	"github.com/gatehouse-portal/gatehouse/catalog"
	"github.com/gatehouse-portal/gatehouse/projections"
)

// maxShelves bounds the shelves of an edition. One makes room, and is made again when needed.
const maxShelves = 64

type edition struct {
	library  *Library
	hash     string
	document catalog.Document
	public   *Shelf

	mu      sync.Mutex
	shelves map[string]*Shelf
}

func newEdition(l *Library, published projections.Catalog) *edition {
	e := &edition{library: l, hash: published.Hash, document: published.Document, shelves: map[string]*Shelf{}}
	stranger := catalog.Viewer{}
	e.public = newShelf(e, stranger)
	e.public.Public = true
	e.shelves[e.seen(stranger)] = e.public
	return e
}

func (e *edition) shelf(viewer catalog.Viewer) *Shelf {
	if !viewer.SignedIn && !viewer.Admin && len(viewer.Groups) == 0 {
		return e.public
	}
	seen := e.seen(viewer)
	e.mu.Lock()
	defer e.mu.Unlock()
	if shelf, ok := e.shelves[seen]; ok {
		return shelf
	}
	if len(e.shelves) >= maxShelves {
		for other, shelf := range e.shelves {
			if shelf != e.public {
				delete(e.shelves, other)
				break
			}
		}
	}
	shelf := newShelf(e, viewer)
	e.shelves[seen] = shelf
	return shelf
}

func (e *edition) seen(viewer catalog.Viewer) string {
	bits := make([]byte, (len(e.document.Products)+7)/8)
	for i, product := range e.document.Products {
		if viewer.Sees(product) {
			bits[i/8] |= 1 << (i % 8)
		}
	}
	return string(bits)
}
