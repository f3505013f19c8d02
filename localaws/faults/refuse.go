package faults

import (
	"net/http"

	"github.com/gatehouse-portal/gatehouse/localaws/wire"
)

// refusals are the errors of the services' models. Those of "" are common to all:
// https://docs.aws.amazon.com/IAM/latest/APIReference/CommonErrors.html
var refusals = map[string]map[string]wire.Error{
	"": {
		Throttling:  {Code: "ThrottlingException", Message: "Rate exceeded", Status: http.StatusBadRequest},
		Internal:    {Code: "InternalFailure", Message: "The request processing has failed because of an unknown error, exception or failure.", Status: http.StatusInternalServerError},
		Unavailable: {Code: "ServiceUnavailable", Message: "The request has failed due to a temporary failure of the server.", Status: http.StatusServiceUnavailable},
	},
	"sqs": {
		Throttling: {Code: "RequestThrottled", Message: "Request throttled.", Status: http.StatusBadRequest},
		Internal:   {Code: "InternalError", Message: "We encountered an internal error. Please try again.", Status: http.StatusInternalServerError},
	},
	"sns": {
		Throttling: {Code: "Throttling", Message: "Rate exceeded", Status: http.StatusBadRequest},
		Internal:   {Code: "InternalError", Message: "An internal error occurred.", Status: http.StatusInternalServerError},
	},
	"sts": {
		Throttling: {Code: "Throttling", Message: "Rate exceeded", Status: http.StatusBadRequest},
	},
	"cloudformation": {
		Throttling: {Code: "Throttling", Message: "Rate exceeded", Status: http.StatusBadRequest},
	},
	"iam": {
		Throttling: {Code: "Throttling", Message: "Rate exceeded", Status: http.StatusBadRequest},
		Internal:   {Code: "ServiceFailure", Message: "The request processing has failed because of an unknown error.", Status: http.StatusInternalServerError},
	},
	"dynamodb": {
		Throttling: {Code: "ProvisionedThroughputExceededException", Message: "The level of configured provisioned throughput for the table was exceeded.", Status: http.StatusBadRequest},
		Internal:   {Code: "InternalServerError", Message: "Internal server error", Status: http.StatusInternalServerError},
	},
	"kms": {
		Internal: {Code: "KMSInternalException", Message: "An internal exception occurred.", Status: http.StatusInternalServerError},
	},
	"cognito-idp": {
		Throttling: {Code: "TooManyRequestsException", Message: "Too many requests", Status: http.StatusBadRequest},
		Internal:   {Code: "InternalErrorException", Message: "Something went wrong", Status: http.StatusInternalServerError},
	},
	"apigateway": {
		Throttling:  {Code: "TooManyRequestsException", Message: "Too Many Requests", Status: http.StatusTooManyRequests},
		Unavailable: {Code: "ServiceUnavailableException", Message: "Service Unavailable", Status: http.StatusServiceUnavailable},
	},
	"execute-api": {
		Throttling:  {Code: "TooManyRequestsException", Message: "Too Many Requests", Status: http.StatusTooManyRequests},
		Internal:    {Code: "InternalServerErrorException", Message: "Internal server error", Status: http.StatusInternalServerError},
		Unavailable: {Code: "ServiceUnavailableException", Message: "Service Unavailable", Status: http.StatusServiceUnavailable},
	},
	"s3": {
		Throttling: {Code: "SlowDown", Message: "Please reduce your request rate.", Status: http.StatusServiceUnavailable},
		Internal:   {Code: "InternalError", Message: "We encountered an internal error. Please try again.", Status: http.StatusInternalServerError},
	},
	"ses": {
		Throttling: {Code: "TooManyRequestsException", Message: "Maximum sending rate exceeded.", Status: http.StatusTooManyRequests},
		Internal:   {Code: "InternalServiceErrorException", Message: "An internal error has occurred.", Status: http.StatusInternalServerError},
	},
	"agreements": {
		Internal: {Code: "InternalServerException", Message: "An internal error has occurred.", Status: http.StatusInternalServerError},
	},
	"entitlements": {
		Internal: {Code: "InternalServiceErrorException", Message: "An internal error has occurred.", Status: http.StatusInternalServerError},
	},
	"events": {
		Internal: {Code: "InternalException", Message: "This exception occurs due to unexpected causes.", Status: http.StatusInternalServerError},
	},
	"metering": {
		Internal: {Code: "InternalServiceErrorException", Message: "An internal error has occurred.", Status: http.StatusInternalServerError},
	},
}

// refuse answers Unavailable if name is empty.
func (c Call) refuse(w http.ResponseWriter, r *http.Request, name string) {
	if name == "" {
		name = Unavailable
	}
	e, ok := refusals[c.Service][name]
	if !ok {
		e = refusals[""][name]
	}
	c.Refuse(w, r, &e)
}
