// Package pattern implements EventBridge's event patterns: equality, prefix, exists
// and anything-but. It refuses other operators (EventBridge User Guide, "Creating
// Amazon EventBridge event patterns").
package pattern

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
)

// ErrUnsupported means that AWS knows an operator that this package does not.
var ErrUnsupported = errors.New("not implemented")

// maxSize is AWS's limit, in characters.
const maxSize = 4096

// Pattern is a condition on events. Use Parse.
type Pattern struct{ fields object }

type object map[string]node

// node is a list of rules, one of which must hold, or a nested object.
type node struct {
	rules  []rule
	nested object
}

// rule holds of a missing field or of one of its values: string, float64, bool or nil.
type rule struct {
	missing bool
	matches func(value any) bool
}

// Parse parses a pattern. An error is ErrUnsupported or says what is wrong.
func Parse(text string) (Pattern, error) {
	if len(text) > maxSize {
		return Pattern{}, fmt.Errorf("it has more than %d characters", maxSize)
	}
	var document map[string]any
	if err := json.Unmarshal([]byte(text), &document); err != nil || document == nil {
		return Pattern{}, errors.New("it is not a JSON object")
	}
	fields, err := parseObject(document)
	return Pattern{fields}, err
}

func parseObject(document map[string]any) (object, error) {
	if len(document) == 0 {
		return nil, errors.New("empty objects are not allowed")
	}
	fields := object{}
	for _, name := range slices.Sorted(maps.Keys(document)) {
		if name == "$or" {
			return nil, fmt.Errorf("the operator $or is %w", ErrUnsupported)
		}
		var n node
		var err error
		switch value := document[name].(type) {
		case []any:
			n.rules, err = parseRules(value)
		case map[string]any:
			n.nested, err = parseObject(value)
		default:
			err = fmt.Errorf("%q must be an object or an array", name)
		}
		if err != nil {
			return nil, err
		}
		fields[name] = n
	}
	return fields, nil
}

func parseRules(list []any) ([]rule, error) {
	if len(list) == 0 {
		return nil, errors.New("empty arrays are not allowed")
	}
	rules := make([]rule, len(list))
	for i, element := range list {
		var err error
		switch element := element.(type) {
		case map[string]any:
			rules[i], err = parseOperator(element)
		case []any:
			err = errors.New("a match value must be a string, a number, true, false or null")
		default:
			rules[i] = equals(element)
		}
		if err != nil {
			return nil, err
		}
	}
	return rules, nil
}

func equals(wanted any) rule { return rule{matches: func(value any) bool { return value == wanted }} }

func parseOperator(expression map[string]any) (rule, error) {
	if len(expression) != 1 {
		return rule{}, errors.New("a match expression must have one operator")
	}
	for name, operand := range expression {
		switch name {
		case "exists":
			wanted, ok := operand.(bool)
			if !ok {
				return rule{}, errors.New("exists must be true or false")
			}
			return rule{missing: !wanted, matches: func(any) bool { return wanted }}, nil
		case "prefix":
			return parsePrefix(operand)
		case "anything-but":
			return parseAnythingBut(operand)
		case "suffix", "equals-ignore-case", "wildcard", "numeric", "cidr":
			return rule{}, fmt.Errorf("the operator %s is %w", name, ErrUnsupported)
		default:
			return rule{}, fmt.Errorf("unrecognized match type %s", name)
		}
	}
	panic("a map of one key has none")
}

func parsePrefix(operand any) (rule, error) {
	switch operand := operand.(type) {
	case string:
		return rule{matches: func(value any) bool {
			text, ok := value.(string)
			return ok && strings.HasPrefix(text, operand)
		}}, nil
	case map[string]any:
		return rule{}, fmt.Errorf("an operator within prefix is %w", ErrUnsupported)
	}
	return rule{}, errors.New("prefix must be a string")
}

// parseAnythingBut accepts a value, a list of values or a prefix. A missing field does not
// match.
func parseAnythingBut(operand any) (rule, error) {
	var excluded []rule
	switch operand := operand.(type) {
	case map[string]any:
		prefix, ok := operand["prefix"].(string)
		if !ok || len(operand) != 1 {
			return rule{}, fmt.Errorf("an operator other than a prefix within anything-but is %w", ErrUnsupported)
		}
		r, err := parsePrefix(prefix)
		if err != nil {
			return rule{}, err
		}
		excluded = []rule{r}
	case []any:
		if len(operand) == 0 {
			return rule{}, errors.New("anything-but must not be empty")
		}
		for _, element := range operand {
			if !isValue(element) {
				return rule{}, errors.New("anything-but takes strings and numbers")
			}
			excluded = append(excluded, equals(element))
		}
	default:
		if !isValue(operand) {
			return rule{}, errors.New("anything-but takes strings and numbers")
		}
		excluded = []rule{equals(operand)}
	}
	return rule{matches: func(value any) bool {
		return !slices.ContainsFunc(excluded, func(r rule) bool { return r.matches(value) })
	}}, nil
}

func isValue(v any) bool {
	switch v.(type) {
	case string, float64:
		return true
	}
	return false
}

// Matches reports whether the pattern selects the event, a decoded JSON object.
func (p Pattern) Matches(event map[string]any) bool { return p.fields.match(event) }

func (fields object) match(document map[string]any) bool {
	for name, n := range fields {
		value, exists := document[name]
		if !n.match(value, exists) {
			return false
		}
	}
	return true
}

// match needs one element of a list to match. Rules treat an object as missing, because
// they compare only leaves.
func (n node) match(value any, exists bool) bool {
	if n.nested != nil {
		if list, ok := value.([]any); ok {
			return slices.ContainsFunc(list, func(element any) bool { return n.match(element, true) })
		}
		nested, _ := value.(map[string]any)
		return n.nested.match(nested)
	}
	values := []any{value}
	if list, ok := value.([]any); ok {
		values = list
	}
	if _, isObject := value.(map[string]any); isObject {
		exists = false
	}
	return slices.ContainsFunc(n.rules, func(r rule) bool {
		if !exists {
			return r.missing
		}
		return slices.ContainsFunc(values, r.matches)
	})
}
