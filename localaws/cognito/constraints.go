package cognito

import (
	"github.com/gatehouse-portal/gatehouse/localaws/constraint"
	"github.com/gatehouse-portal/gatehouse/localaws/wire"
)

// constraints are what is wrong with a request's members.
type constraints struct{ constraint.Violations }

// err is nil when nothing was found wrong.
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
