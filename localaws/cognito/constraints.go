package cognito

import (
	"fmt"
	"regexp"
	"slices"
	"strings"

	"github.com/gatehouse-portal/gatehouse/localaws/wire"
)

// constraints collects what is wrong with a request's members, in the words in
// which AWS reports all of it at once. Values are not repeated: many are secret.
type constraints []string

func (c *constraints) add(member, rule string, args ...any) {
	*c = append(*c, fmt.Sprintf("Value at '%s' failed to satisfy constraint: Member must %s", member, fmt.Sprintf(rule, args...)))
}

// text bounds a required string.
func (c *constraints) text(member, value string, most int) {
	if value == "" {
		c.add(member, "not be null")
	}
	c.length(member, value, most)
}

// length bounds an optional string.
func (c *constraints) length(member, value string, most int) {
	if len(value) > most {
		c.add(member, "have length less than or equal to %d", most)
	}
}

// within bounds an optional number.
func (c *constraints) within(member string, value *int, least, most int) {
	switch {
	case value == nil:
	case *value < least:
		c.add(member, "have value greater than or equal to %d", least)
	case *value > most:
		c.add(member, "have value less than or equal to %d", most)
	}
}

func (c *constraints) matches(member, value string, pattern *regexp.Regexp) {
	if value != "" && !pattern.MatchString(value) {
		c.add(member, "satisfy regular expression pattern: %s", pattern)
	}
}

// oneOf checks every value that is given.
func (c *constraints) oneOf(member string, allowed []string, values ...string) {
	for _, v := range values {
		if v != "" && !slices.Contains(allowed, v) {
			c.add(member, "satisfy enum value set: [%s]", strings.Join(allowed, ", "))
		}
	}
}

// err is nil when nothing was found wrong.
func (c constraints) err() error {
	switch len(c) {
	case 0:
		return nil
	case 1:
		return invalid("1 validation error detected: %s", c[0])
	default:
		return invalid("%d validation errors detected: %s", len(c), strings.Join(c, "; "))
	}
}

func invalid(format string, args ...any) error {
	return wire.Errorf("InvalidParameterException", format, args...)
}

func notAuthorized(message string) error {
	return wire.Errorf("NotAuthorizedException", "%s", message)
}

func notFound(format string, args ...any) error {
	return wire.Errorf("ResourceNotFoundException", format, args...)
}

func userNotFound() error {
	return wire.Errorf("UserNotFoundException", "User does not exist.")
}
