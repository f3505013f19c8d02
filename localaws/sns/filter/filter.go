// Package filter implements the filter policies of SNS subscriptions, which select messages by
// attributes or by the JSON in the body (SNS Developer Guide, "Amazon SNS message filtering").
package filter

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
)

// AWS's limits. maxKeys does not count nested keys; maxCombinations is of values.
const (
	maxKeys         = 5
	maxCombinations = 150
	maxSize         = 256 << 10
)

// ErrUnsupported means that AWS knows an operator that this package does not.
var ErrUnsupported = errors.New("not implemented")

// Problem is what is wrong with a policy, in AWS's words.
type Problem string

func (p Problem) Error() string { return string(p) }

func problem(format string, args ...any) error { return Problem(fmt.Sprintf(format, args...)) }

// Policy is a condition on messages. All satisfy the zero Policy.
type Policy struct{ keys object }

type object map[string]node

// node is a list of rules, one of which must hold, or a nested object.
type node struct {
	rules  []rule
	nested object
}

// Parse parses a policy. Only policies for bodies may nest. The error is a Problem or
// ErrUnsupported.
func Parse(text string, forBody bool) (Policy, error) {
	var document map[string]any
	if err := json.Unmarshal([]byte(text), &document); err != nil || document == nil {
		return Policy{}, problem("failed to parse JSON")
	}
	if len(text) > maxSize || len(document) > maxKeys {
		return Policy{}, problem("Filter policy can not have more than %d keys", maxKeys)
	}
	keys, err := parseObject(document, forBody)
	if err != nil {
		return Policy{}, err
	}
	if combinations(keys, 1, forBody) > maxCombinations {
		return Policy{}, problem("Filter policy is too complex")
	}
	return Policy{keys}, nil
}

func parseObject(document map[string]any, nests bool) (object, error) {
	keys := object{}
	for _, key := range slices.Sorted(maps.Keys(document)) {
		if key == "$or" {
			return nil, fmt.Errorf("the operator $or is %w", ErrUnsupported)
		}
		var n node
		var err error
		switch value := document[key].(type) {
		case []any:
			n.rules, err = parseRules(value)
		case map[string]any:
			if !nests {
				return nil, problem("Filter policy scope MessageAttributes does not support nested filter policy")
			}
			if len(value) == 0 {
				return nil, problem("Empty objects are not allowed")
			}
			n.nested, err = parseObject(value, nests)
		default:
			err = problem("%q must be an object or an array", key)
		}
		if err != nil {
			return nil, err
		}
		keys[key] = n
	}
	return keys, nil
}

// combinations multiplies the numbers of values of all keys and, for bodies, their depth. It
// stops once there are too many.
func combinations(keys object, level int, forBody bool) int {
	n := 1
	for _, key := range keys {
		switch {
		case n > maxCombinations:
			return n
		case key.nested != nil:
			n *= combinations(key.nested, level+1, forBody)
		case forBody:
			n *= len(key.rules) * level
		default:
			n *= len(key.rules)
		}
	}
	return n
}

// Attribute is a message attribute. Binary ones are not used.
type Attribute struct{ DataType, Text string }

func (a Attribute) values() ([]any, bool) {
	base, _, _ := strings.Cut(a.DataType, ".")
	switch {
	case a.DataType == "String.Array":
		var all []any
		if err := json.Unmarshal([]byte(a.Text), &all); err != nil {
			return nil, false
		}
		return all, true
	case base == "String":
		return []any{a.Text}, true
	case base == "Number":
		var n float64
		if err := json.Unmarshal([]byte(a.Text), &n); err != nil {
			return nil, false
		}
		return []any{n}, true
	}
	return nil, false
}

// HoldsOfAttributes reports whether a message with these attributes passes.
func (p Policy) HoldsOfAttributes(attributes map[string]Attribute) bool {
	for name, n := range p.keys {
		a, exists := attributes[name]
		var values []any
		if exists {
			values, exists = a.values()
		}
		if !anyHolds(n.rules, values, exists) {
			return false
		}
	}
	return true
}

// HoldsOfBody reports whether a message with this body passes. A body that is not a JSON object
// passes only an empty policy.
func (p Policy) HoldsOfBody(body string) bool {
	if len(p.keys) == 0 {
		return true
	}
	var document map[string]any
	if err := json.Unmarshal([]byte(body), &document); err != nil || document == nil {
		return false
	}
	return p.keys.holdOf(document)
}

func (keys object) holdOf(document map[string]any) bool {
	for key, n := range keys {
		if !n.holdsAt(document, key) {
			return false
		}
	}
	return true
}

// holdsAt also takes a key with a dot, "order.id", as the path to a nested value.
func (n node) holdsAt(document map[string]any, key string) bool {
	value, exists := document[key]
	if head, rest, dotted := strings.Cut(key, "."); dotted && !exists {
		return node{nested: object{rest: n}}.holdsAt(document, head)
	}
	return n.holdsOf(value, exists)
}

// holdsOf needs one element of a list to pass. Rules treat an object as missing.
func (n node) holdsOf(value any, exists bool) bool {
	if n.nested != nil {
		nested, _ := value.(map[string]any)
		if list, ok := value.([]any); ok {
			return slices.ContainsFunc(list, func(element any) bool { return n.holdsOf(element, true) })
		}
		return n.nested.holdOf(nested)
	}
	switch value := value.(type) {
	case []any:
		return anyHolds(n.rules, value, exists)
	case map[string]any:
		return anyHolds(n.rules, nil, false)
	}
	return anyHolds(n.rules, []any{value}, exists)
}

func anyHolds(rules []rule, values []any, exists bool) bool {
	return slices.ContainsFunc(rules, func(r rule) bool {
		if r.exists != nil {
			return *r.exists == exists
		}
		return exists && slices.ContainsFunc(values, r.matches)
	})
}
