package openapi

import (
	"strconv"
	"strings"
)

// place is a value's place in the document. It becomes a JSON pointer (RFC 6901) only for a
// message. A nil *place is the whole document.
type place struct {
	up  *place
	key string
}

func (p *place) to(keys ...string) *place {
	for _, key := range keys {
		p = &place{p, key}
	}
	return p
}

func (p *place) toIndex(i int) *place { return p.to(strconv.Itoa(i)) }

func (p *place) String() string {
	var keys []string
	for ; p != nil; p = p.up {
		keys = append(keys, escapeKey.Replace(shorten(p.key, 100)))
	}
	var b strings.Builder
	for i := len(keys) - 1; i >= 0; i-- {
		b.WriteString("/" + keys[i])
	}
	return b.String()
}

var (
	escapeKey   = strings.NewReplacer("~", "~0", "/", "~1")
	unescapeKey = strings.NewReplacer("~1", "/", "~0", "~")
)
