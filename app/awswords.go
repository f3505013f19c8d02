package app

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	ddbtypes "github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	kmstypes "github.com/aws/aws-sdk-go-v2/service/kms/types"
	snstypes "github.com/aws/aws-sdk-go-v2/service/sns/types"
	sqstypes "github.com/aws/aws-sdk-go-v2/service/sqs/types"
	"github.com/aws/aws-sdk-go-v2/service/sts"
	"github.com/aws/smithy-go"
	smithyhttp "github.com/aws/smithy-go/transport/http"

	"github.com/gatehouse-portal/gatehouse/keys"
)

type owner struct{ account, partition, principal string }

func (c clients) caller(ctx context.Context) (owner, error) {
	me, err := c.sts.GetCallerIdentity(ctx, &sts.GetCallerIdentityInput{})
	if err != nil {
		return owner{}, fmt.Errorf("asking AWS whose credentials these are: %w", err)
	}
	o := owner{account: aws.ToString(me.Account), partition: "aws", principal: aws.ToString(me.Arn)}
	if parts := strings.SplitN(o.principal, ":", 3); len(parts) == 3 {
		o.partition = parts[1]
	}
	return o, nil
}

var errNoCredentials = errors.New("there are no AWS credentials. Set AWS_PROFILE, or AWS_ACCESS_KEY_ID and " +
	"AWS_SECRET_ACCESS_KEY, or run where a role gives them (`aws sts get-caller-identity` tests them)")

func checkCredentials(ctx context.Context, cfg aws.Config) error {
	if cfg.Credentials == nil {
		return errNoCredentials
	}
	if _, err := cfg.Credentials.Retrieve(ctx); err != nil {
		if cause := credentialsCause(err); cause != "" {
			return fmt.Errorf("AWS credentials cannot be used: %s", cause)
		}
		return errNoCredentials
	}
	return nil
}

// credentialsCauses explain why credentials cannot be used, by a part of the SDK's error. The first that matches
// counts.
var credentialsCauses = []struct{ part, says string }{
	{"SSO", "the single sign-on session has ended; run `aws sso login`"},
	{"sso", "the single sign-on session has ended; run `aws sso login`"},
	{"ExpiredToken", "they have expired; get new ones"},
	{"AssumeRoleWithWebIdentity", "the role cannot be assumed with the web identity token; check AWS_WEB_IDENTITY_TOKEN_FILE, or web_identity_token_file of the profile"},
	{"failed to retrieve jwt", "the web identity token cannot be read; check AWS_WEB_IDENTITY_TOKEN_FILE, or web_identity_token_file of the profile"},
	{"AssumeRole", "the role cannot be assumed; `aws sts get-caller-identity` says why"},
	{"process", "the command that AWS's configuration names for them failed"},
}

func credentialsCause(err error) string {
	text := err.Error()
	for _, cause := range credentialsCauses {
		if strings.Contains(text, cause.part) {
			return cause.says
		}
	}
	return ""
}

var badCredentials = []string{
	"ExpiredToken", "ExpiredTokenException", "InvalidClientTokenId", "UnrecognizedClientException", "InvalidAccessKeyId",
	"SignatureDoesNotMatch", "InvalidSignatureException", "IncompleteSignature", "RequestExpired",
}

// nonexistent returns the kind of resource that AWS did not find, or "".
func nonexistent(err error) string {
	var (
		noTable *ddbtypes.ResourceNotFoundException
		noQueue *sqstypes.QueueDoesNotExist
		noTopic *snstypes.NotFoundException
		noKey   *kmstypes.NotFoundException
	)
	switch {
	case errors.As(err, &noTable):
		return "table"
	case errors.As(err, &noQueue):
		return "queue"
	case errors.As(err, &noTopic):
		return "topic"
	case errors.As(err, &noKey):
		return "KMS key"
	}
	return ""
}

// inWords explains an AWS error to an operator and says what to do. It quotes AWS only without an
// explanation of its own.
func inWords(err error) string {
	var (
		macs   *keys.KMSError
		named  smithy.APIError
		unsent *smithyhttp.RequestSendError
		call   *smithy.OperationError
	)
	switch {
	case err == nil:
		return ""
	case errors.Is(err, context.Canceled):
		return "It was interrupted."
	case errors.Is(err, errNoCredentials):
		return capital(errNoCredentials.Error()) + "."
	case errors.As(err, &macs) && macs.Cause != keys.Denied:
		return macs.Error()
	case nonexistent(err) != "":
		return "A " + nonexistent(err) + " does not exist. `gatehouse doctor` says which, and what to do."
	case errors.As(err, &named) && isDenied(named):
		return denied(err, named)
	case errors.As(err, &named) && slices.Contains(badCredentials, named.ErrorCode()):
		return "AWS does not accept these credentials: they are wrong or have expired. Get new ones; `aws sts get-caller-identity` tests them."
	case errors.As(err, &named) && isThrottled(named):
		return "AWS throttles these calls. Try again in a minute."
	case errors.As(err, &named) && faultOfAWS(err, named):
		return "AWS has a fault of its own (" + named.ErrorCode() + "). Try again; https://health.aws.amazon.com lists known ones."
	case errors.As(err, &unsent):
		return "AWS does not answer: " + rootCause(unsent.Err) + ". Check AWS_REGION, AWS_ENDPOINT_URL and the network."
	case errors.Is(err, context.DeadlineExceeded):
		return "AWS does not answer within " + examineTime.String() + ". Check the network."
	case errors.As(err, &named) && errors.As(err, &call):
		return fmt.Sprintf("AWS refuses %s: %s (%s).", permission(call), strings.TrimSuffix(named.ErrorMessage(), "."), named.ErrorCode())
	}
	return capital(spoken(err))
}

// faultOfAWS also looks at the status: the SDK does not model this error for every call.
func faultOfAWS(err error, named smithy.APIError) bool {
	var answer *smithyhttp.ResponseError
	return named.ErrorFault() == smithy.FaultServer || errors.As(err, &answer) && answer.HTTPStatusCode() >= http.StatusInternalServerError
}

type worded struct {
	text string
	err  error
}

func (w *worded) Error() string { return w.text }
func (w *worded) Unwrap() error { return w.err }

func explained(about string, err error) error {
	if about != "" {
		about += ": "
	}
	return &worded{about + inWords(err), err}
}

func explainedOf(resource string, err error) error {
	if nonexistent(err) != "" {
		return &worded{resource + " does not exist. In a new installation, run `gatehouse setup`; otherwise `gatehouse doctor` says what to do.", err}
	}
	return explained(resource, err)
}

func rawAWS(err error) bool {
	var (
		already *worded
		call    *smithy.OperationError
	)
	return !errors.As(err, &already) && errors.As(err, &call)
}

// InWords explains an AWS error to an operator. Other errors, and nil, stay.
func InWords(err error) error {
	if err == nil || len(portalErrors(err)) > 0 {
		return err
	}
	return explained("", err)
}

func isDenied(named smithy.APIError) bool {
	code := named.ErrorCode()
	return strings.Contains(code, "AccessDenied") || code == "AuthorizationError" || code == "UnauthorizedOperation" ||
		code == "ForbiddenException" || code == "NotAuthorizedException"
}

func isThrottled(named smithy.APIError) bool {
	code := named.ErrorCode()
	return strings.HasPrefix(code, "Throttl") || code == "TooManyRequestsException" || code == "RequestLimitExceeded" || code == "RequestThrottled"
}

func denied(err error, named smithy.APIError) string {
	what := "a permission"
	var call *smithy.OperationError
	if errors.As(err, &call) {
		what = "the permission " + permission(call)
	}
	on := ""
	if _, rest, ok := strings.Cut(named.ErrorMessage(), "on resource: "); ok {
		on = " on " + strings.TrimSuffix(strings.Fields(rest + " ?")[0], ".")
	}
	return "These credentials lack " + what + on + ". See docs/configuration.md#permissions."
}

var servicePrefixes = map[string]string{
	"DynamoDB": "dynamodb", "SQS": "sqs", "SNS": "sns", "KMS": "kms", "STS": "sts",
	"Cognito Identity Provider": "cognito-idp", "API Gateway": "apigateway", "EventBridge": "events", "CloudFormation": "cloudformation", "S3": "s3", "IAM": "iam",
}

func permission(call *smithy.OperationError) string {
	return permissionOf(call.ServiceID, call.OperationName)
}

func permissionOf(service, operation string) string {
	prefix := servicePrefixes[service]
	switch {
	case prefix == "":
		return service + " " + operation
	case prefix == "apigateway":
		return "apigateway:" + restVerb(operation)
	}
	switch operation { // the permission for a single call covers its batch
	case "SendMessageBatch", "DeleteMessageBatch", "ChangeMessageVisibilityBatch", "PublishBatch":
		operation = strings.TrimSuffix(operation, "Batch")
	}
	return prefix + ":" + operation
}

// IAM's action for an API Gateway operation is the HTTP method.
func restVerb(operation string) string {
	for prefix, verb := range map[string]string{"Get": "GET", "Create": "POST", "Import": "POST", "Update": "PATCH", "Delete": "DELETE"} {
		if strings.HasPrefix(operation, prefix) {
			return verb
		}
	}
	return operation
}

// The outer errors of net/http repeat the URL.
func rootCause(err error) string {
	for errors.Unwrap(err) != nil {
		err = errors.Unwrap(err)
	}
	return err.Error()
}

func capital(text string) string {
	if text == "" || strings.HasPrefix(text, "http") {
		return text
	}
	return strings.ToUpper(text[:1]) + text[1:]
}
