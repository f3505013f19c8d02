package conformance

import (
	"encoding/json"
	"maps"
	"slices"
	"strings"
)

// An encoded output tells apart structures of the SDK, in which absent and empty members are
// nil, maps, and objects in a JSON text.
type (
	structure map[string]any
	mapping   map[string]any
	object    map[string]any
)

// compare returns the parts of got that the pattern names, and whether they match. It binds new
// names.
func (n names) compare(pattern, got any) (shown any, ok bool) {
	switch want := pattern.(type) {
	case nil:
		return got, got == nil
	case string:
		return n.compareText(want, got)
	case []any:
		return n.compareList(want, got)
	case map[string]any:
		return n.compareMembers(want, got)
	}
	return got, pattern == got
}

func (n names) compareText(want string, got any) (any, bool) {
	if want == "<any>" {
		if got == nil {
			return nil, false
		}
		return want, true
	}
	text, isText := got.(string)
	expanded, unknown := n.expand(want)
	if len(unknown) == 1 && unknown[0] == want && isText {
		n[want[1:]] = text
		return want, true
	}
	return got, isText && text == expanded
}

func (n names) compareList(want []any, got any) (any, bool) {
	list, isList := got.([]any)
	if !isList {
		return got, len(want) == 0 && got == nil
	}
	if len(want) > 0 && want[0] == "<in any order>" {
		return n.compareSet(want[1:], list)
	}
	shown, ok := make([]any, len(list)), len(list) == len(want)
	for i := range list {
		if len(want) == 0 {
			return got, false
		}
		var same bool
		shown[i], same = n.compare(want[min(i, len(want)-1)], list[i])
		ok = ok && same
	}
	return shown, ok
}

// compareSet finds a different item for each pattern.
func (n names) compareSet(want, list []any) (any, bool) {
	left := append([]any{}, list...)
	shown, ok := []any{"<in any order>"}, len(list) == len(want)
	for _, pattern := range want {
		found := false
		for i, item := range left {
			trial := maps.Clone(n)
			if s, same := trial.compare(pattern, item); same {
				maps.Copy(n, trial)
				left = append(left[:i:i], left[i+1:]...)
				shown, found = append(shown, s), true
				break
			}
		}
		ok = ok && found
	}
	for _, item := range left {
		var s any = item
		if len(want) > 0 {
			s, _ = maps.Clone(n).compare(want[0], item)
		}
		shown = append(shown, s)
	}
	return shown, ok
}

func (n names) compareMembers(want map[string]any, got any) (any, bool) {
	if pattern, ok := want["<JSON>"]; ok {
		return n.compareJSON(pattern, got)
	}
	if item, count := times(want); count > 0 {
		list, err := n.fillAll(slices.Repeat([]any{item}, count), n)
		if err != nil {
			return err.Error(), false
		}
		return n.compareList(list, got)
	}
	switch members := got.(type) {
	case structure:
		return n.compareNamed(want, members)
	case object:
		for key := range want {
			if _, exists := members[key]; !exists {
				members[key] = nil
			}
		}
		return n.compareNamed(want, members)
	case mapping:
		shown, ok := n.compareNamed(want, members)
		if _, open := want["…"]; open {
			return shown, ok
		}
		for key, value := range members {
			if _, known := shown[key]; !known {
				shown[key], ok = value, false
			}
		}
		return shown, ok
	}
	return got, len(want) == 0 && got == nil
}

func (n names) compareNamed(want, members map[string]any) (map[string]any, bool) {
	shown, ok := map[string]any{}, true
	for key, pattern := range want {
		if key == "…" {
			shown[key] = pattern
			continue
		}
		key, _ = n.expand(key)
		member, exists := members[key]
		if !exists {
			shown[key], ok = "<no such member>", false
			continue
		}
		var same bool
		shown[key], same = n.compare(pattern, member)
		ok = ok && same
	}
	return shown, ok
}

// compareJSON compares only the members named, as in structures.
func (n names) compareJSON(pattern, got any) (any, bool) {
	text, _ := got.(string)
	var held any
	if err := json.Unmarshal([]byte(text), &held); err != nil {
		return got, false
	}
	shown, ok := n.compare(pattern, toObjects(held))
	return map[string]any{"<JSON>": shown}, ok
}

func toObjects(v any) any {
	switch v := v.(type) {
	case map[string]any:
		s := object{}
		for key, value := range v {
			s[key] = toObjects(value)
		}
		return s
	case []any:
		for i := range v {
			v[i] = toObjects(v[i])
		}
	}
	return v
}

func (n names) line(shown any) string {
	text := n.hide(compact(shown))
	if len(text) > 600 {
		text = text[:600] + "…"
	}
	return text
}

func compact(v any) string {
	var b strings.Builder
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	_ = enc.Encode(v)
	return strings.TrimSpace(b.String())
}
