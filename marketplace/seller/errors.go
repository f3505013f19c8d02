package seller

import (
	"context"
	"errors"
	"fmt"
	"net/http"

	"github.com/aws/smithy-go"
	smithyhttp "github.com/aws/smithy-go/transport/http"

	"github.com/gatehouse-portal/gatehouse/portal"
)

// The errors of every call, for errors.Is. Each has the code portal.Unavailable.
var (
	// ErrDisabled: not offered in this Region.
	ErrDisabled  = errors.New("AWS Marketplace has disabled the call in this Region")
	ErrDenied    = errors.New("the seller's role cannot be assumed or lacks a permission")
	ErrThrottled = errors.New("AWS Marketplace throttles the calls")
	// ErrRefused: AWS does not know the agreement or refuses the call as wrong, and will do so
	// again.
	ErrRefused = errors.New("AWS Marketplace refuses the call")
	ErrDown    = errors.New("AWS Marketplace does not answer")
)

// The errors of Resolve, for errors.Is. Each has the code portal.Invalid.
var (
	ErrInvalidToken = errors.New("AWS Marketplace does not know the registration token")
	ErrExpiredToken = errors.New("the registration token has expired")
)

// failure translates an error of any call. The cause keeps AWS's code and the request's id, but no
// message, which may repeat parts of the request.
func failure(doing string, err error) error {
	if errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded) {
		return &portal.Error{
			Code: portal.Unavailable, Message: "AWS Marketplace did not answer in time. Try again in a moment.", Err: fmt.Errorf("%s: %w: %w", doing, ErrDown, contextError(err)),
		}
	}
	cause, message := ErrDown, "AWS Marketplace does not answer right now. Try again in a moment."
	switch code := codeOf(err); code {
	case "DisabledApiException", "UnrecognizedClientException", "InvalidEndpointRegionException", "InvalidRegionException":
		cause, message = ErrDisabled, "This portal cannot ask AWS Marketplace right now. Tell the operator of this portal."
	case "AccessDeniedException", "AccessDenied", "InvalidClientTokenId", "ExpiredTokenException", "ExpiredToken", "SignatureDoesNotMatch":
		cause, message = ErrDenied, "This portal may not ask AWS Marketplace right now. Tell the operator of this portal."
	case "ResourceNotFoundException", "ValidationException":
		cause, message = ErrRefused, "AWS Marketplace cannot answer this portal right now. Tell the operator of this portal."
	case "ThrottlingException", "Throttling", "TooManyRequestsException", "RequestLimitExceeded", "ServiceQuotaExceededException":
		cause, message = ErrThrottled, "AWS Marketplace is busy right now. Try again in a minute."
	}
	return &portal.Error{Code: portal.Unavailable, Message: message, Err: fmt.Errorf("%s: %w (%s)", doing, cause, said(err))}
}

func contextError(err error) error {
	if errors.Is(err, context.Canceled) {
		return context.Canceled
	}
	return context.DeadlineExceeded
}

func codeOf(err error) string {
	var answer smithy.APIError
	if errors.As(err, &answer) {
		return answer.ErrorCode()
	}
	return ""
}

// said leaves out AWS's message.
func said(err error) string {
	text := codeOf(err)
	if text == "" {
		text = "no answer"
	}
	var response *smithyhttp.ResponseError
	if errors.As(err, &response) && response.Response != nil {
		text += fmt.Sprintf(", status %d %s", response.HTTPStatusCode(), http.StatusText(response.HTTPStatusCode()))
	}
	return text
}
