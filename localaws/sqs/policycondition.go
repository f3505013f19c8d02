package sqs

import (
	"slices"
	"strings"
)

// conditionOperators compare a context value with a policy's. A negated one holds if no value
// matches.
var conditionOperators = map[string]struct {
	match   func(pattern, value string) bool
	negated bool
}{
	"StringEquals":              {match: equal},
	"StringNotEquals":           {match: equal, negated: true},
	"StringEqualsIgnoreCase":    {match: strings.EqualFold},
	"StringNotEqualsIgnoreCase": {match: strings.EqualFold, negated: true},
	"StringLike":                {match: like},
	"StringNotLike":             {match: like, negated: true},
	"ArnEquals":                 {match: arnLike},
	"ArnNotEquals":              {match: arnLike, negated: true},
	"ArnLike":                   {match: arnLike},
	"ArnNotLike":                {match: arnLike, negated: true},
	"Bool":                      {match: strings.EqualFold},
	"Null":                      {match: equal},
}

func equal(pattern, value string) bool { return pattern == value }

// holds decides one key. Without a value in the context only negated operators and IfExists
// hold.
func holds(operator string, context map[string]string, key string, values texts) bool {
	base, ifExists := strings.CutSuffix(operator, "IfExists")
	value, exists := context[key]
	op := conditionOperators[base]
	if base == "Null" {
		return slices.Contains(values, map[bool]string{true: "false", false: "true"}[exists])
	}
	if !exists {
		return ifExists || op.negated
	}
	matched := slices.ContainsFunc(values, func(pattern string) bool { return op.match(pattern, value) })
	return matched != op.negated
}

// arnLike compares each of the six parts of the ARNs, so that a * stays within its part.
func arnLike(pattern, value string) bool {
	patterns, values := strings.SplitN(pattern, ":", 6), strings.SplitN(value, ":", 6)
	return slices.EqualFunc(patterns, values, like)
}

// like: * is any number of characters, ? is one.
func like(pattern, value string) bool {
	// Backtrack to at and from if the text after the last * does not match.
	p, v, at, from := 0, 0, -1, 0
	for v < len(value) {
		switch {
		case p < len(pattern) && pattern[p] == '*':
			at, from = p, v
			p++
		case p < len(pattern) && (pattern[p] == '?' || pattern[p] == value[v]):
			p, v = p+1, v+1
		case at >= 0:
			from++
			p, v = at+1, from
		default:
			return false
		}
	}
	return strings.Trim(pattern[p:], "*") == ""
}
