package policy

import (
	"fmt"
	"slices"
	"strings"
)

// condition is one key under one operator.
type condition struct {
	// forAll is the prefix ForAllValues: every value must match, and none is enough.
	forAll bool
	match  func(pattern, value string) bool
	key    string
	values []string
}

var operators = map[string]func(pattern, value string) bool{
	"StringEquals": func(pattern, value string) bool { return pattern == value },
	"StringLike":   like,
	"ArnEquals":    like, // AWS treats it like ArnLike
	"ArnLike":      like,
}

func conditions(value any) ([]condition, error) {
	blocks, ok := value.(map[string]any)
	if !ok {
		return nil, fmt.Errorf("a condition must be a map, not %v", value)
	}
	var all []condition
	for operator, keys := range blocks {
		name, forAll := strings.CutPrefix(operator, "ForAllValues:")
		match, known := operators[name]
		if !known {
			return nil, fmt.Errorf("the condition operator %s is not known", operator)
		}
		block, ok := keys.(map[string]any)
		if !ok {
			return nil, fmt.Errorf("%s must be a map, not %v", operator, keys)
		}
		for key, v := range block {
			values, err := texts(v)
			if err != nil {
				return nil, err
			}
			all = append(all, condition{forAll: forAll, match: match, key: key, values: values})
		}
	}
	return all, nil
}

// holds treats a key that the request does not have as AWS does: only ForAllValues holds then.
func (c condition) holds(context map[string][]string) bool {
	matches := func(value string) bool {
		return slices.ContainsFunc(c.values, func(pattern string) bool { return c.match(pattern, value) })
	}
	given := context[c.key]
	if c.forAll {
		return !slices.ContainsFunc(given, func(value string) bool { return !matches(value) })
	}
	return slices.ContainsFunc(given, matches)
}
