package openapi

import (
	"bytes"
	"errors"
	"io"
	"slices"

	"github.com/go-json-experiment/json/jsontext"
)

// readJSON reads a JSON text. A repeated key has its last value.
func readJSON(data []byte, warn *warnings) (*node, error) {
	r := &jsonReader{
		data:      data,
		dec:       jsontext.NewDecoder(bytes.NewReader(data), jsontext.AllowDuplicateNames(true), jsontext.AllowInvalidUTF8(true)),
		allowance: newAllowance(),
		keys:      map[string]string{},
		warn:      warn,
	}
	root, err := r.value(0)
	if err != nil {
		return nil, err
	}
	if _, err := r.dec.ReadToken(); !errors.Is(err, io.EOF) {
		return nil, invalidLine(r.line(r.dec.InputOffset()), "there is more text after the end of the JSON document; remove it")
	}
	return root, nil
}

type jsonReader struct {
	data      []byte
	dec       *jsontext.Decoder
	allowance *allowance
	keys      map[string]string
	slab      []node
	warn      *warnings
}

func (r *jsonReader) value(depth int) (*node, error) {
	token, err := r.dec.ReadToken()
	if err != nil {
		return nil, r.syntax(err)
	}
	n := r.node()
	switch token.Kind() {
	case '"':
		n.kind, n.text = stringKind, token.String()
	case '0':
		n.kind, n.text = numberKind, token.String()
	case 't', 'f':
		n.kind, n.text = boolKind, token.String()
	case 'n':
		n.text = "null"
	case '[':
		n.kind = arrayKind
	case '{':
		n.kind = objectKind
	}
	if !r.allowance.take(len(n.text)) {
		return nil, tooMany(r.line(r.dec.InputOffset()))
	}
	if depth > maxDepth {
		return nil, tooDeep(r.line(r.dec.InputOffset()))
	}
	switch n.kind {
	case arrayKind:
		return n, r.elements(n, depth)
	case objectKind:
		return n, r.object(n, depth)
	}
	return n, nil
}

func (r *jsonReader) elements(n *node, depth int) error {
	for r.dec.PeekKind() != ']' {
		item, err := r.value(depth + 1)
		if err != nil {
			return err
		}
		n.items = append(n.items, item)
	}
	return r.end()
}

func (r *jsonReader) object(n *node, depth int) error {
	var seen map[string]int
	for r.dec.PeekKind() != '}' {
		token, err := r.dec.ReadToken()
		if err != nil {
			return r.syntax(err)
		}
		key := r.key(token.String())
		if !r.allowance.take(len(key)) {
			return tooMany(r.line(r.dec.InputOffset()))
		}
		item, err := r.value(depth + 1)
		if err != nil {
			return err
		}
		if seen == nil && len(n.keys) >= indexFrom {
			seen = positions(n)
		}
		if repeated := addOrReplace(n, key, item, seen); repeated && !r.warn.full() {
			r.warn.add(line(r.line(r.dec.InputOffset())), "the key %q is repeated; its last value counts", key)
		}
	}
	return r.end()
}

func positions(n *node) map[string]int {
	at := make(map[string]int, 2*len(n.keys))
	for i, key := range n.keys {
		at[key] = i
	}
	return at
}

// addOrReplace adds a member, and reports whether it replaced one. at may be nil for small
// objects.
func addOrReplace(n *node, key string, item *node, at map[string]int) bool {
	i, repeated := at[key]
	if at == nil {
		i = slices.Index(n.keys, key)
		repeated = i >= 0
	}
	if repeated {
		n.items[i] = item
		return true
	}
	if at != nil {
		at[key] = len(n.keys)
	}
	n.add(key, item)
	return false
}

func (r *jsonReader) end() error {
	if _, err := r.dec.ReadToken(); err != nil {
		return r.syntax(err)
	}
	return nil
}

func (r *jsonReader) key(s string) string {
	if known, ok := r.keys[s]; ok {
		return known
	}
	if len(r.keys) < 50_000 {
		r.keys[s] = s
	}
	return s
}

// node allocates nodes many at a time, since a document has hundreds of thousands.
func (r *jsonReader) node() *node {
	if len(r.slab) == 0 {
		r.slab = make([]node, min(512, 16+len(r.data)/64))
	}
	n := &r.slab[0]
	r.slab = r.slab[1:]
	return n
}

func (r *jsonReader) syntax(err error) error {
	at := r.dec.InputOffset()
	if syntactic, ok := errors.AsType[*jsontext.SyntacticError](err); ok {
		at = syntactic.ByteOffset
		err = syntactic.Err
	}
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		return invalidLine(r.line(at), "the JSON ends too early; close every brace, bracket and quote")
	}
	return invalidLine(r.line(at), "this is not JSON: %v", err)
}

func (r *jsonReader) line(offset int64) int {
	return 1 + bytes.Count(r.data[:min(int(offset), len(r.data))], []byte("\n"))
}
