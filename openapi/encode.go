package openapi

import (
	"bytes"
	"encoding/json"
	"strings"

	"github.com/go-json-experiment/json/jsontext"
)

func (n *node) encode() []byte { return n.append(nil, "") }

func (n *node) indented() string { return string(n.append(nil, "\n")) }

// append writes JSON. newline is "" for compact JSON, else the line break with the
// value's indentation.
func (n *node) append(out []byte, newline string) []byte {
	inner := newline
	if newline != "" {
		inner += "  "
	}
	switch {
	case n == nil:
		return append(out, "null"...)
	case n.kind == stringKind:
		return appendString(out, n.text)
	case n.kind == arrayKind:
		out = append(out, '[')
		for i, item := range n.items {
			out = item.append(between(out, i, inner), inner)
		}
		return append(closing(out, len(n.items), newline), ']')
	case n.kind == objectKind:
		out = append(out, '{')
		for i, item := range n.items {
			out = appendString(between(out, i, inner), n.keys[i])
			out = append(out, ':')
			if newline != "" {
				out = append(out, ' ')
			}
			out = item.append(out, inner)
		}
		return append(closing(out, len(n.items), newline), '}')
	}
	return append(out, n.text...)
}

func between(out []byte, i int, inner string) []byte {
	if i > 0 {
		out = append(out, ',')
	}
	return append(out, inner...)
}

func closing(out []byte, items int, newline string) []byte {
	if items == 0 {
		return out
	}
	return append(out, newline...)
}

func appendString(out []byte, s string) []byte {
	quoted, err := jsontext.AppendQuote(out, s)
	if err != nil { // not UTF-8
		return append(out, quoteAnyway(s)...)
	}
	return quoted
}

func quoteAnyway(s string) []byte {
	quoted, _ := json.Marshal(strings.ToValidUTF8(s, "\uFFFD"))
	return bytes.TrimSpace(quoted)
}

func (n *node) plain() string {
	if n == nil {
		return ""
	}
	if n.kind == stringKind {
		return n.text
	}
	return string(n.encode())
}
