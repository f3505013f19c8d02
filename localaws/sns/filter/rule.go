package filter

import (
	"fmt"
	"math"
	"slices"
	"strings"
)

// rule is one element of a key's list: whether the key exists, or a match of one of its
// values. Values are string, float64, bool or nil.
type rule struct {
	exists  *bool
	matches func(value any) bool
}

func parseRules(list []any) ([]rule, error) {
	if len(list) == 0 {
		return nil, problem("Empty arrays are not allowed")
	}
	rules := make([]rule, len(list))
	for i, element := range list {
		var err error
		if rules[i], err = parseRule(element); err != nil {
			return nil, err
		}
	}
	return rules, nil
}

func parseRule(element any) (rule, error) {
	operator, ok := element.(map[string]any)
	if !ok {
		if _, isList := element.([]any); isList {
			return rule{}, problem("Match value must be String, number, true, false, or null")
		}
		return rule{matches: func(value any) bool { return value == element }}, checkNumber(element)
	}
	if len(operator) != 1 {
		return rule{}, problem("Only one key allowed in match expression")
	}
	for name, operand := range operator {
		return parseOperator(name, operand)
	}
	panic("a map of one key has none")
}

func parseOperator(name string, operand any) (rule, error) {
	switch name {
	case "exists":
		wanted, ok := operand.(bool)
		if !ok {
			return rule{}, problem("exists match pattern must be either true or false.")
		}
		return rule{exists: &wanted}, nil
	case "numeric":
		return parseNumeric(operand)
	case "anything-but":
		return parseAnythingBut(operand)
	case "wildcard", "cidr":
		return rule{}, fmt.Errorf("the operator %s is %w", name, ErrUnsupported)
	}
	match, known := stringOperators[name]
	pattern, isString := operand.(string)
	switch {
	case !known:
		return rule{}, problem("Unrecognized match type %s", name)
	case !isString:
		return rule{}, problem("%s match pattern must be a string", name)
	}
	return rule{matches: onStrings(match, pattern)}, nil
}

var stringOperators = map[string]func(value, pattern string) bool{
	"prefix":             strings.HasPrefix,
	"suffix":             strings.HasSuffix,
	"equals-ignore-case": strings.EqualFold,
}

func onStrings(match func(value, pattern string) bool, pattern string) func(any) bool {
	return func(value any) bool {
		text, ok := value.(string)
		return ok && match(text, pattern)
	}
}

// parseAnythingBut accepts a value, a list, a prefix or a suffix. The rule matches other
// strings and numbers.
func parseAnythingBut(operand any) (rule, error) {
	var excluded []rule
	switch operand := operand.(type) {
	case map[string]any:
		_, prefix := operand["prefix"]
		_, suffix := operand["suffix"]
		if !prefix && !suffix {
			return rule{}, problem("Unsupported anything-but pattern")
		}
		r, err := parseRule(operand)
		if err != nil {
			return rule{}, err
		}
		excluded = []rule{r}
	default:
		list, ok := operand.([]any)
		if !ok {
			list = []any{operand}
		}
		for _, element := range list {
			switch element.(type) {
			case string, float64:
			default:
				return rule{}, problem("Inside anything but list, start|null|boolean is not supported.")
			}
		}
		var err error
		if excluded, err = parseRules(list); err != nil {
			return rule{}, err
		}
	}
	return rule{matches: func(value any) bool {
		switch value.(type) {
		case string, float64:
			return !slices.ContainsFunc(excluded, func(r rule) bool { return r.matches(value) })
		}
		return false
	}}, nil
}

// parseNumeric parses [operator, number] or [operator, number, operator, number].
func parseNumeric(operand any) (rule, error) {
	list, ok := operand.([]any)
	if !ok || len(list) != 2 && len(list) != 4 {
		return rule{}, problem("Value of numeric match must be an array of an operator and a number, once or twice")
	}
	var bounds []func(float64) bool
	for pair := range slices.Chunk(list, 2) {
		operator, _ := pair[0].(string)
		bound, isNumber := pair[1].(float64)
		compare := comparisons[operator]
		switch {
		case compare == nil:
			return rule{}, problem("Unrecognized numeric range operator: %v", pair[0])
		case !isNumber:
			return rule{}, problem("Value of %s must be numeric", operator)
		}
		if err := checkNumber(bound); err != nil {
			return rule{}, err
		}
		bounds = append(bounds, func(n float64) bool { return compare(n, bound) })
	}
	if len(list) == 4 && (!strings.HasPrefix(list[0].(string), ">") || !strings.HasPrefix(list[2].(string), "<")) {
		return rule{}, problem("Bad numeric range operator")
	}
	return rule{matches: func(value any) bool {
		n, ok := value.(float64)
		return ok && !slices.ContainsFunc(bounds, func(holds func(float64) bool) bool { return !holds(n) })
	}}, nil
}

var comparisons = map[string]func(a, b float64) bool{
	"=":  func(a, b float64) bool { return a == b },
	"<":  func(a, b float64) bool { return a < b },
	"<=": func(a, b float64) bool { return a <= b },
	">":  func(a, b float64) bool { return a > b },
	">=": func(a, b float64) bool { return a >= b },
}

func checkNumber(value any) error {
	if n, ok := value.(float64); ok && math.Abs(n) > 1e9 {
		return problem("Value must be between -1.0E9 and 1.0E9, inclusive")
	}
	return nil
}
