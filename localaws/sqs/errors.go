package sqs

import (
	"net/http"

	"github.com/gatehouse-portal/gatehouse/localaws/wire"
)

// refusal puts the service's prefix on the query code, in x-amzn-query-error.
func refusal(code, format string, args ...any) *wire.Error {
	err := wire.Errorf(code, format, args...)
	err.QueryCode = "AWS.SimpleQueueService." + code
	return err
}

// plainRefusal uses code as the query code too.
func plainRefusal(code, format string, args ...any) *wire.Error {
	err := wire.Errorf(code, format, args...)
	err.QueryCode = code
	return err
}

func withStatus(status int, err *wire.Error) *wire.Error {
	err.Status = status
	return err
}

func resourceNotFound(format string, args ...any) *wire.Error {
	return withStatus(http.StatusNotFound, plainRefusal("ResourceNotFoundException", format, args...))
}

func invalidParameter(format string, args ...any) *wire.Error {
	err := wire.Errorf("InvalidParameterValueException", format, args...)
	err.QueryCode = "InvalidParameterValue"
	return err
}

func invalidValue(value any, parameter, reason string) *wire.Error {
	return invalidParameter("Value %v for parameter %s is invalid. Reason: %s", value, parameter, reason)
}

func missingParameter(name string) *wire.Error {
	err := wire.Errorf("MissingRequiredParameterException", "The request must contain the parameter %s.", name)
	err.QueryCode = "MissingParameter"
	return err
}

func unknownAttribute(name string) *wire.Error {
	return plainRefusal("InvalidAttributeName", "Unknown Attribute %s.", name)
}

func invalidAttributeValue(name string) *wire.Error {
	return plainRefusal("InvalidAttributeValue", "Invalid value for the parameter %s.", name)
}

func queueDoesNotExist() *wire.Error {
	err := wire.Errorf("QueueDoesNotExist", "The specified queue does not exist.")
	err.QueryCode = "AWS.SimpleQueueService.NonExistentQueue"
	return err
}

const wrongQueueType = "The request include parameter that is not valid for this queue type."
