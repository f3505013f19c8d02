package cognito

import (
	"github.com/gatehouse-portal/gatehouse/localaws/constraint"
	"github.com/gatehouse-portal/gatehouse/localaws/wire"
)

type constraints struct{ constraint.Violations }

func (c constraints) err() error { return c.Err("InvalidParameterException") }

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
