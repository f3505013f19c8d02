package sns

import (
	"net/http"
	"strings"

	"github.com/gatehouse-portal/gatehouse/localaws/wire"
)

func invalidParameter(format string, args ...any) *wire.Error {
	return wire.Errorf("InvalidParameter", "Invalid parameter: "+format, args...)
}

func invalidValue(format string, args ...any) *wire.Error {
	return wire.Errorf("ParameterValueInvalid", format, args...)
}

func notFound(what string) *wire.Error {
	return &wire.Error{Code: "NotFound", Message: what + " does not exist", Status: http.StatusNotFound}
}

func checkARN(parameter, arn string) error {
	if arn == "" {
		return invalidParameter("%s Reason: no value for required parameter", parameter)
	}
	if n := len(strings.Split(arn, ":")); n < 6 {
		return invalidParameter("%s Reason: An ARN must have at least 6 elements, not %d", parameter, n)
	}
	return nil
}
