package dynamodb

import (
	"encoding/base64"
	"encoding/json"
	"maps"
	"slices"
	"strconv"
)

// MarshalJSON encodes the item as encoding/json would. Every value must have one member.
func (it Item) MarshalJSON() ([]byte, error) { return it.appendJSON(nil), nil }

func (it Item) appendJSON(dst []byte) []byte {
	if it == nil {
		return append(dst, "null"...)
	}
	names := slices.AppendSeq(make([]string, 0, len(it)), maps.Keys(it))
	slices.Sort(names)
	return appendAll(dst, '{', names, '}', func(dst []byte, name string) []byte {
		dst = append(appendText(dst, name), ':')
		return it[name].appendJSON(dst)
	})
}

func (v Value) appendJSON(dst []byte) []byte {
	kind := v.kind()
	dst = append(appendText(append(dst, '{'), kind), ':')
	switch kind {
	case "S":
		dst = appendText(dst, *v.S)
	case "N":
		dst = appendText(dst, *v.N)
	case "B":
		dst = appendBinary(dst, v.B)
	case "BOOL":
		dst = strconv.AppendBool(dst, *v.BOOL)
	case "NULL":
		dst = strconv.AppendBool(dst, bool(*v.NULL))
	case "L":
		dst = appendAll(dst, '[', v.L, ']', func(dst []byte, e Value) []byte { return e.appendJSON(dst) })
	case "M":
		dst = v.M.appendJSON(dst)
	case "BS":
		dst = appendAll(dst, '[', v.BS, ']', appendBinary)
	default:
		dst = appendAll(dst, '[', v.elements(), ']', appendText)
	}
	return append(dst, '}')
}

// withJSON encodes rest and one more member, which is JSON already; nil omits it.
func withJSON(name string, value json.RawMessage, rest any) ([]byte, error) {
	others, err := json.Marshal(rest)
	if err != nil || value == nil {
		return others, err
	}
	all := make([]byte, 0, len(name)+len(value)+len(others)+4)
	all = append(appendText(append(all, '{'), name), ':')
	all = append(all, value...)
	if string(others) != "{}" {
		all = append(all, ',')
	}
	return append(all, others[1:]...), nil
}

func array(elements []json.RawMessage) json.RawMessage {
	size := len("[]")
	for _, e := range elements {
		size += len(e) + len(",")
	}
	return appendAll(make([]byte, 0, size), '[', elements, ']', func(dst []byte, e json.RawMessage) []byte { return append(dst, e...) })
}

func appendAll[E any](dst []byte, begin byte, elements []E, end byte, appendOne func([]byte, E) []byte) []byte {
	dst = append(dst, begin)
	for i, e := range elements {
		if i > 0 {
			dst = append(dst, ',')
		}
		dst = appendOne(dst, e)
	}
	return append(dst, end)
}

func appendBinary(dst, content []byte) []byte {
	return append(base64.StdEncoding.AppendEncode(append(dst, '"'), content), '"')
}

// appendText leaves escaping to encoding/json.
func appendText(dst []byte, text string) []byte {
	for i := range len(text) {
		switch c := text[i]; {
		case c < ' ', c > '~', c == '"', c == '\\', c == '<', c == '>', c == '&':
			escaped, _ := json.Marshal(text) // a string can always be encoded
			return append(dst, escaped...)
		}
	}
	return append(append(append(dst, '"'), text...), '"')
}
