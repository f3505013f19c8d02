package app

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"testing"

	ddbtypes "github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	kmstypes "github.com/aws/aws-sdk-go-v2/service/kms/types"
	snstypes "github.com/aws/aws-sdk-go-v2/service/sns/types"
	sqstypes "github.com/aws/aws-sdk-go-v2/service/sqs/types"
	"github.com/aws/smithy-go"
	smithyhttp "github.com/aws/smithy-go/transport/http"
)

func TestAWSErrorsAreExplained(t *testing.T) {
	t.Parallel()
	const which = " does not exist. `gatehouse doctor` says which, and what to do."
	call := func(service, operation string, err error) error {
		return &smithy.OperationError{ServiceID: service, OperationName: operation, Err: err}
	}
	for name, c := range map[string]struct {
		err  error
		want string
	}{
		"none":     {nil, ""},
		"no table": {&ddbtypes.ResourceNotFoundException{}, "A table" + which},
		"no queue": {&sqstypes.QueueDoesNotExist{}, "A queue" + which},
		"no topic": {&snstypes.NotFoundException{}, "A topic" + which},
		"no key":   {&kmstypes.NotFoundException{}, "A KMS key" + which},
		"not permitted": {
			call("SQS", "GetQueueAttributes", &smithy.GenericAPIError{Code: "AccessDenied", Message: "User: arn:aws:iam::1:user/ann is not authorized to perform: sqs:getqueueattributes on resource: arn:aws:sqs:eu-west-1:1:q because no identity-based policy allows it"}),
			"These credentials lack the permission sqs:GetQueueAttributes on arn:aws:sqs:eu-west-1:1:q. See docs/configuration.md#permissions.",
		},
		"not permitted, by API Gateway": {
			call("API Gateway", "GetUsagePlans", &smithy.GenericAPIError{Code: "AccessDeniedException", Message: "no"}),
			"These credentials lack the permission apigateway:GET. See docs/configuration.md#permissions.",
		},
		"not permitted, in a batch": {
			call("SNS", "PublishBatch", &smithy.GenericAPIError{Code: "AuthorizationError"}),
			"These credentials lack the permission sns:Publish. See docs/configuration.md#permissions.",
		},
		"expired":   {&smithy.GenericAPIError{Code: "ExpiredTokenException", Message: "The security token included in the request is expired"}, "AWS does not accept these credentials: they are wrong or have expired. Get new ones; `aws sts get-caller-identity` tests them."},
		"throttled": {&smithy.GenericAPIError{Code: "ThrottlingException"}, "AWS throttles these calls. Try again in a minute."},
		"broken":    {&smithy.GenericAPIError{Code: "InternalError", Fault: smithy.FaultServer}, "AWS has a fault of its own (InternalError). Try again; https://health.aws.amazon.com lists known ones."},
		"down, which the SDK does not expect of the call": {
			call("API Gateway", "GetUsagePlans", &smithyhttp.ResponseError{
				Response: &smithyhttp.Response{Response: &http.Response{StatusCode: http.StatusServiceUnavailable}},
				Err:      &smithy.GenericAPIError{Code: "ServiceUnavailableException", Message: "Service Unavailable"},
			}),
			"AWS has a fault of its own (ServiceUnavailableException). Try again; https://health.aws.amazon.com lists known ones.",
		},
		"no answer":     {&smithyhttp.RequestSendError{Err: errors.New("connection refused")}, "AWS does not answer: connection refused. Check AWS_REGION, AWS_ENDPOINT_URL and the network."},
		"a slow answer": {context.DeadlineExceeded, "AWS does not answer within 10s. Check the network."},
		"another error that AWS reports": {
			call("DynamoDB", "UpdateTable", &smithy.GenericAPIError{Code: "ValidationException", Message: "One or more parameter values are not valid."}),
			"AWS refuses dynamodb:UpdateTable: One or more parameter values are not valid (ValidationException).",
		},
		"an error that does not come from AWS": {errors.New("the moon is full"), "Something else: the moon is full"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			err := c.err
			if err != nil {
				err = fmt.Errorf("something else: %w", err)
			}
			if got := inWords(err); got != c.want {
				t.Errorf("it says %q, want %q", got, c.want)
			}
		})
	}
}

func TestDoctorReportsBacklogAndChangesNothing(t *testing.T) {
	t.Parallel()
	p := testProcess(t)
	ok(t, Setup(t.Context(), p.AWS, p.Config))
	installDemo(t, p)
	before := takeInventory(t, p)
	notes := map[string]string{}
	for _, check := range Examine(t.Context(), p) {
		notes[check.What] = check.Note
		if check.Problem != "" {
			t.Errorf("%s: %s", check.What, check.Problem)
		}
	}
	if notes["queue gatehouse-commands.fifo"] != "about 1 waiting" || notes["queue gatehouse-jobs.fifo"] != "" {
		t.Errorf("the notes are %v", notes)
	}
	if notes["KMS key"] != before.Key["arn"][strings.LastIndex(before.Key["arn"], "/")+1:] {
		t.Errorf("the KMS key is noted as %q", notes["KMS key"])
	}
	after := takeInventory(t, p)
	if before.Queues[NamesFor(p.Config.Prefix).Commands]["ApproximateNumberOfMessages"] != after.Queues[NamesFor(p.Config.Prefix).Commands]["ApproximateNumberOfMessages"] {
		t.Error("what was waiting waits no longer")
	}
}
