package kms

import (
	"github.com/gatehouse-portal/gatehouse/localaws/constraint"
)

// constraints are what is wrong with a request's members.
type constraints struct{ constraint.Violations }

// bytes bounds a required blob.
func (c *constraints) bytes(member string, value []byte, most int) {
	switch {
	case value == nil:
		c.Add(member, "not be null")
	case len(value) == 0:
		c.Add(member, "have length greater than or equal to 1")
	case len(value) > most:
		c.Add(member, "have length less than or equal to %d", most)
	}
}

// oneOf checks a required value.
func (c *constraints) oneOf(member, value string, allowed []string) {
	if value == "" {
		c.Add(member, "not be null")
	}
	c.OneOf(member, allowed, value)
}

// err is nil when nothing was found wrong.
func (c constraints) err() error { return c.Err("ValidationException") }
