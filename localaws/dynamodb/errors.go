package dynamodb

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/gatehouse-portal/gatehouse/localaws/wire"
)

func invalid(format string, args ...any) error {
	return wire.Errorf("ValidationException", format, args...)
}

func invalidParameter(format string, args ...any) error {
	return invalid("One or more parameter values were invalid: "+format, args...)
}

// violated is the error for a violation of the request's model. at is the member's path in
// lower camel case; a nil value was not sent.
func violated(at string, value any, rule string) error {
	shown := "null"
	if value != nil {
		shown = fmt.Sprintf("'%v'", value)
	}
	return invalid("1 validation error detected: Value %s at '%s' failed to satisfy constraint: %s", shown, at, rule)
}

// checkEnum also accepts an empty value, which was not sent.
func checkEnum(at, value string, allowed ...string) error {
	if value == "" || slices.Contains(allowed, value) {
		return nil
	}
	return violated(at, value, "Member must satisfy enum value set: ["+strings.Join(allowed, ", ")+"]")
}

func notFound() error {
	return wire.Errorf("ResourceNotFoundException", "Requested resource not found")
}

func tableNotFound(name string) error {
	return wire.Errorf("ResourceNotFoundException", "Requested resource not found: Table: %s not found", name)
}

const conditionFailedText = "The conditional request failed"

func messageOf(err error) string {
	var e *wire.Error
	if errors.As(err, &e) {
		return e.Message
	}
	return err.Error()
}

func isInvalid(err error) bool { return wire.IsCode(err, "ValidationException") }
