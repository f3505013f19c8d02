// Package constraint checks a request's members and words all faults in one error, as AWS
// does.
package constraint

import (
	"fmt"
	"regexp"
	"slices"
	"strings"

	"github.com/gatehouse-portal/gatehouse/localaws/wire"
)

// Violations are the rules that members break. They do not repeat values, since many are
// secret.
type Violations []string

// Add notes a broken rule, which follows "Member must".
func (v *Violations) Add(member, rule string, args ...any) {
	*v = append(*v, fmt.Sprintf("Value at '%s' failed to satisfy constraint: Member must %s", member, fmt.Sprintf(rule, args...)))
}

// Text bounds a required string.
func (v *Violations) Text(member, value string, most int) {
	if value == "" {
		v.Add(member, "not be null")
	}
	v.Length(member, value, most)
}

// Length bounds an optional string.
func (v *Violations) Length(member, value string, most int) {
	if len(value) > most {
		v.Add(member, "have length less than or equal to %d", most)
	}
}

// Within bounds an optional number.
func (v *Violations) Within(member string, value *int, least, most int) {
	switch {
	case value == nil:
	case *value < least:
		v.Add(member, "have value greater than or equal to %d", least)
	case *value > most:
		v.Add(member, "have value less than or equal to %d", most)
	}
}

// Matches checks an optional string against a pattern.
func (v *Violations) Matches(member, value string, pattern *regexp.Regexp) {
	if value != "" && !pattern.MatchString(value) {
		v.Add(member, "satisfy regular expression pattern: %s", pattern)
	}
}

// OneOf checks every given value.
func (v *Violations) OneOf(member string, allowed []string, values ...string) {
	for _, value := range values {
		if value != "" && !slices.Contains(allowed, value) {
			v.Add(member, "satisfy enum value set: [%s]", strings.Join(allowed, ", "))
		}
	}
}

// Err is an error with that code, or nil if no rule is broken.
func (v Violations) Err(code string) error {
	switch len(v) {
	case 0:
		return nil
	case 1:
		return wire.Errorf(code, "1 validation error detected: %s", v[0])
	}
	return wire.Errorf(code, "%d validation errors detected: %s", len(v), strings.Join(v, "; "))
}
