package keys

import (
	"errors"
	"fmt"

	"github.com/aws/aws-sdk-go-v2/service/kms/types"
	"github.com/aws/smithy-go"
	smithyhttp "github.com/aws/smithy-go/transport/http"

	"github.com/gatehouse-portal/gatehouse/portal"
)

// Cause says why KMS computed no MAC.
type Cause string

// Throttled and Unreachable pass; the others last until an operator acts.
const (
	Throttled   Cause = "throttled"
	Unreachable Cause = "unreachable" // no answer, or a fault of KMS's own
	Disabled    Cause = "disabled"
	Deleting    Cause = "pending_deletion"
	Gone        Cause = "gone"
	Denied      Cause = "denied"
	Unusable    Cause = "unfit" // it is not an HMAC_256 key, or in another state
)

// KMSError: KMS computed no MAC. It wraps a portal.Error of code Unavailable for the person who
// waits. Its own text is for operators and holds none of the value.
type KMSError struct {
	Cause Cause
	Key   string // as the caller named it
	Err   error  // what KMS answered
}

// Error says what is wrong and what to do, not in AWS's words.
func (e *KMSError) Error() string {
	return fmt.Sprintf("KMS key %s %s. %s", e.Key, problems[e.Cause], e.Advice())
}

// Unwrap returns the error for people and KMS's answer.
func (e *KMSError) Unwrap() []error {
	message := "The API key cannot be read right now, because the service that protects it (AWS KMS) does not answer. Try again in a moment."
	if !e.Passes() {
		message = "The API key cannot be read, because the service that protects it (AWS KMS) refuses. The operator of this portal has to fix that."
	}
	return []error{&portal.Error{Code: portal.Unavailable, Message: message}, e.Err}
}

// KeyMaterial marks the error for packages that do not import this one: its wish waits for KMS,
// or for an operator unless it Passes, and not for API Gateway.
func (*KMSError) KeyMaterial() {}

// Passes reports whether the cause goes away without an operator.
func (e *KMSError) Passes() bool { return e.Cause == Throttled || e.Cause == Unreachable }

var problems = map[Cause]string{
	Throttled:   "is throttled",
	Unreachable: "does not answer",
	Disabled:    "is disabled",
	Deleting:    "is scheduled for deletion",
	Gone:        "does not exist in this account and Region",
	Denied:      "may not be used with these credentials",
	Unusable:    "cannot compute API keys",
}

// Advice says what an operator must do.
func (e *KMSError) Advice() string {
	switch e.Cause {
	case Throttled:
		return "Gatehouse retries. If it lasts, have the KMS request quota raised."
	case Unreachable:
		return "Gatehouse retries. If it lasts, check the network path to KMS."
	case Disabled:
		return "Enable it: aws kms enable-key --key-id " + e.Key
	case Deleting:
		return fmt.Sprintf("Cancel the deletion before it is too late: aws kms cancel-key-deletion --key-id %[1]s && aws kms enable-key --key-id %[1]s", e.Key)
	case Gone:
		return "Check GATEHOUSE_KMS_KEY and AWS_REGION; a key that was deleted is lost. See docs/runbook.md#the-kms-key."
	case Denied:
		return "Allow kms:GenerateMac on it in the role's policy and in the key's policy."
	default:
		return "It must have the spec HMAC_256 and the usage GENERATE_VERIFY_MAC, and be enabled."
	}
}

// KMS answers throttling with a 400 and its own faults with a 5xx
// (https://docs.aws.amazon.com/kms/latest/APIReference/API_GenerateMac.html).
func classify(key string, err error) error {
	return &KMSError{Cause: causeOf(err), Key: key, Err: err}
}

func causeOf(err error) Cause {
	var (
		response *smithyhttp.ResponseError
		answer   smithy.APIError
		state    *types.KMSInvalidStateException
	)
	named := errors.As(err, &answer)
	switch {
	case named && throttles[answer.ErrorCode()]:
		return Throttled
	case !named, errors.As(err, &response) && response.HTTPStatusCode() >= 500:
		return Unreachable
	case errors.As(err, &state):
		// KMS uses one name for all states but Enabled and Disabled. Our keys are in none of them
		// for long, except when scheduled for deletion.
		return Deleting
	}
	switch answer.ErrorCode() {
	case "DisabledException":
		return Disabled
	case "NotFoundException", "InvalidArnException":
		return Gone
	case "InvalidKeyUsageException", "KeyUnavailableException", "ValidationException":
		return Unusable
	default:
		return Denied
	}
}

var throttles = map[string]bool{"ThrottlingException": true, "Throttling": true, "LimitExceededException": true, "RequestLimitExceeded": true}
