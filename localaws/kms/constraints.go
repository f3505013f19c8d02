package kms

import (
	"github.com/gatehouse-portal/gatehouse/localaws/constraint"
)

type constraints struct{ constraint.Violations }

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

func (c *constraints) oneOf(member, value string, allowed []string) {
	if value == "" {
		c.Add(member, "not be null")
	}
	c.OneOf(member, allowed, value)
}

func (c constraints) err() error { return c.Err("ValidationException") }
