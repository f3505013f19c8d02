package sns

import (
	"fmt"
	"net/url"
	"slices"
	"strings"

	"github.com/gatehouse-portal/gatehouse/localaws/wire"
)

// form reads a structure in Query encoding: "Name", nested structures as "Outer.Name", lists as
// "List.member.1", maps as "Map.entry.1.key" and "Map.entry.1.value".
type form struct {
	values url.Values
	prefix string
}

func (f form) text(name string) string { return f.values.Get(f.prefix + name) }

func (f form) optional(name string) *string {
	value, ok := f.values[f.prefix+name]
	if !ok {
		return nil
	}
	return &value[0]
}

// list returns elements as forms. kind is "member" or "entry".
func (f form) list(name, kind string) []form {
	var all []form
	for i := 1; ; i++ {
		element := form{f.values, fmt.Sprintf("%s%s.%s.%d", f.prefix, name, kind, i)}
		if !element.exists() {
			return all
		}
		all = append(all, element)
	}
}

func (f form) in(name string) form { return form{f.values, f.prefix + name + "."} }

func (f form) exists() bool {
	for key := range f.values {
		if key == f.prefix || strings.HasPrefix(key, f.prefix+".") {
			return true
		}
	}
	return false
}

func (f form) strings(name string) []string {
	var all []string
	for _, element := range f.list(name, "member") {
		all = append(all, element.text(""))
	}
	return all
}

func (f form) pairs(name string) map[string]string {
	all := map[string]string{}
	for _, entry := range f.list(name, "entry") {
		all[entry.text(".key")] = entry.text(".value")
	}
	return all
}

func (f form) only(members []string) error {
	for key := range f.values {
		rest, ok := strings.CutPrefix(key, f.prefix)
		if !ok {
			continue
		}
		if member, _, _ := strings.Cut(rest, "."); !slices.Contains(members, member) {
			return wire.NotImplemented("The request member " + member)
		}
	}
	return nil
}

type pair struct {
	Key   string `xml:"key"`
	Value string `xml:"value"`
}

func sortedPairs(m map[string]string) []pair {
	all := make([]pair, 0, len(m))
	for key, value := range m {
		all = append(all, pair{key, value})
	}
	slices.SortFunc(all, func(a, b pair) int { return strings.Compare(a.Key, b.Key) })
	return all
}

// members is a list in an answer. Its XML element is present even if empty.
type members[T any] struct {
	Items []T `xml:"member"`
}

func (m *members[T]) add(item T) { m.Items = append(m.Items, item) }
