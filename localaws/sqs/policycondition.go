package sqs

import (
	"slices"
	"strings"
)

// conditionOperators compare the value of a context key with one of a policy's
// values. The operators that negate another hold if it does for none of the values.
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

// holds reports whether one key of a condition holds. A key that the context does
// not have fails it, unless the operator is a negation or ends in IfExists.
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

// arnLike compares the six parts of two ARNs one by one, so that no * reaches
// beyond its part.
func arnLike(pattern, value string) bool {
	patterns, values := strings.SplitN(pattern, ":", 6), strings.SplitN(value, ":", 6)
	return slices.EqualFunc(patterns, values, like)
}

// like compares with a pattern in which * is any number of characters and ? is one.
func like(pattern, value string) bool {
	// at and from are where to go on when the text behind the last * does not fit.
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
