package kms

import (
	"fmt"
	"regexp"
	"slices"
	"strings"

	"github.com/gatehouse-portal/gatehouse/localaws/wire"
)

// constraints collects what is wrong with a request's members, in the words in
// which AWS reports all of it at once.
type constraints []string

func (c *constraints) add(member, rule string, args ...any) {
	*c = append(*c, fmt.Sprintf("Value at '%s' failed to satisfy constraint: Member must %s", member, fmt.Sprintf(rule, args...)))
}

// text bounds a required string.
func (c *constraints) text(member, value string, most int) {
	switch {
	case value == "":
		c.add(member, "not be null")
	case len(value) > most:
		c.add(member, "have length less than or equal to %d", most)
	}
}

// bytes bounds a required blob.
func (c *constraints) bytes(member string, value []byte, most int) {
	switch {
	case value == nil:
		c.add(member, "not be null")
	case len(value) == 0:
		c.add(member, "have length greater than or equal to 1")
	case len(value) > most:
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

func (c *constraints) oneOf(member, value string, allowed []string) {
	switch {
	case value == "":
		c.add(member, "not be null")
	case !slices.Contains(allowed, value):
		c.add(member, "satisfy enum value set: [%s]", strings.Join(allowed, ", "))
	}
}

// err is nil when nothing was found wrong.
func (c constraints) err() error {
	switch len(c) {
	case 0:
		return nil
	case 1:
		return wire.Errorf("ValidationException", "1 validation error detected: %s", c[0])
	default:
		return wire.Errorf("ValidationException", "%d validation errors detected: %s", len(c), strings.Join(c, "; "))
	}
}
