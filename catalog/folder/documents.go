package folder

import (
	"errors"
	"fmt"
	"strings"
	"sync"

	"github.com/gatehouse-portal/gatehouse/catalog"
	"github.com/gatehouse-portal/gatehouse/openapi"
)

const maxDocumentWarnings = 10

// documents checks OpenAPI documents. It remembers the results of the last reading, since
// large documents take seconds. It is safe for concurrent use.
type documents struct {
	mu    sync.Mutex
	known map[string]*definition
}

// definition is a checked OpenAPI document. Body is nil if a fault is an error.
type definition struct {
	body   []byte
	title  string
	faults []fault
	used   bool
}

func (d *documents) check(data []byte) *definition {
	hash := catalog.HashOf(data)
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.known == nil {
		d.known = map[string]*definition{}
	}
	if d.known[hash] == nil {
		d.known[hash] = load(data)
	}
	d.known[hash].used = true
	return d.known[hash]
}

func load(data []byte) *definition {
	document, err := openapi.Load(data)
	if err != nil {
		return &definition{faults: []fault{refusal(err)}}
	}
	checked := &definition{body: document.JSON(), title: strings.TrimSpace(document.Title)}
	for i, text := range document.Warnings {
		if i == maxDocumentWarnings {
			checked.faults = append(checked.faults, warningf(0, "There are %d more warnings about this document.", len(document.Warnings)-i))
			break
		}
		checked.faults = append(checked.faults, warningf(0, "%s", sentence(text)))
	}
	return checked
}

func refusal(err error) fault {
	var invalid *openapi.Invalid
	if !errors.As(err, &invalid) {
		return faultf(0, "%s", sentence(err.Error()))
	}
	if invalid.Line == 0 && invalid.Pointer != "" {
		return faultf(0, "%s", sentence(fmt.Sprintf("at %s, %s", invalid.Pointer, invalid.Reason)))
	}
	return faultf(invalid.Line, "%s", sentence(invalid.Reason))
}

func sentence(text string) string {
	text = strings.TrimSuffix(text, ".")
	return strings.ToUpper(text[:1]) + text[1:] + "."
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
