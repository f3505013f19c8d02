package dynamodb

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"strings"
	"unicode/utf8"
)

// UnmarshalJSON decodes an item as encoding/json would by the tags of Value, but faster,
// because items are most of the data. It leaves unusual JSON, and all errors, to
// encoding/json. The text must be well-formed.
func (it *Item) UnmarshalJSON(text []byte) error {
	r := itemReader{from: text}
	if r.word("null") {
		*it = nil
		return nil
	}
	if *it == nil {
		*it = Item{}
	}
	if r.item(*it) {
		return nil
	}
	type plain map[string]Value
	dec := json.NewDecoder(bytes.NewReader(text))
	dec.DisallowUnknownFields()
	return dec.Decode((*plain)(it))
}

// itemReader reads well-formed JSON. Its methods return false for a form that they do not
// handle.
type itemReader struct {
	from []byte
	at   int
}

func (r *itemReader) item(into Item) bool {
	return r.all('{', '}', func() bool {
		name, ok := r.text()
		if !ok || !r.mark(':') {
			return false
		}
		into[name], ok = r.value()
		return ok
	})
}

func (r *itemReader) value() (v Value, ok bool) {
	if !r.mark('{') {
		return v, false
	}
	kind, ok := r.literal()
	if !ok || !r.mark(':') {
		return v, false
	}
	ok = r.content(kind, &v) && r.mark('}')
	return v, ok
}

func (r *itemReader) content(kind []byte, v *Value) (ok bool) {
	switch string(unquoted(kind)) {
	case "S":
		v.S = new(string)
		*v.S, ok = r.text()
	case "N":
		v.N = new(string)
		*v.N, ok = r.text()
	case "B":
		v.B, ok = r.binary()
	case "BOOL":
		v.BOOL = new(bool)
		*v.BOOL, ok = r.truth()
	case "NULL":
		v.NULL = new(null)
		var is bool
		is, ok = r.truth()
		*v.NULL = null(is)
	case "L":
		v.L, ok = list(r, r.value)
	case "M":
		v.M = Item{}
		ok = r.item(v.M)
	case "SS":
		v.SS, ok = list(r, r.text)
	case "NS":
		v.NS, ok = list(r, r.text)
	case "BS":
		v.BS, ok = list(r, r.binary)
	}
	return ok
}

func list[E any](r *itemReader, element func() (E, bool)) ([]E, bool) {
	all := []E{}
	ok := r.all('[', ']', func() bool {
		e, ok := element()
		all = append(all, e)
		return ok
	})
	return all, ok
}

func (r *itemReader) all(begin, end byte, element func() bool) bool {
	if !r.mark(begin) {
		return false
	}
	if r.mark(end) {
		return true
	}
	for element() {
		if r.mark(end) {
			return true
		}
		if !r.mark(',') {
			return false
		}
	}
	return false
}

func (r *itemReader) text() (string, bool) {
	quoted, ok := r.literal()
	if !ok {
		return "", false
	}
	if plain := unquoted(quoted); bytes.IndexByte(plain, '\\') < 0 && utf8.Valid(plain) {
		return string(plain), true
	}
	var text string
	err := json.Unmarshal(quoted, &text)
	return text, err == nil
}

func (r *itemReader) binary() ([]byte, bool) {
	quoted, ok := r.literal()
	if !ok {
		return nil, false
	}
	content := make([]byte, base64.StdEncoding.DecodedLen(len(quoted)-2))
	n, err := base64.StdEncoding.Decode(content, unquoted(quoted))
	return content[:n], err == nil
}

func (r *itemReader) truth() (value, ok bool) {
	if r.word("true") {
		return true, true
	}
	return false, r.word("false")
}

func (r *itemReader) literal() ([]byte, bool) {
	if !r.mark('"') {
		return nil, false
	}
	begin := r.at - 1
	for ; r.at < len(r.from); r.at++ {
		switch r.from[r.at] {
		case '\\':
			r.at++
		case '"':
			r.at++
			return r.from[begin:r.at], true
		}
	}
	return nil, false
}

func unquoted(literal []byte) []byte { return literal[1 : len(literal)-1] }

func (r *itemReader) word(w string) bool {
	r.skipSpace()
	found := bytes.HasPrefix(r.from[r.at:], []byte(w))
	if found {
		r.at += len(w)
	}
	return found
}

func (r *itemReader) mark(c byte) bool {
	r.skipSpace()
	found := r.at < len(r.from) && r.from[r.at] == c
	if found {
		r.at++
	}
	return found
}

func (r *itemReader) skipSpace() {
	for r.at < len(r.from) && strings.IndexByte(" \t\n\r", r.from[r.at]) >= 0 {
		r.at++
	}
}
