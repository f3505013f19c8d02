package conformance

import (
	"bytes"
	"encoding/json"
	"os"
	"os/exec"
	"slices"
	"strings"
	"testing"

	"github.com/gatehouse-portal/gatehouse/localaws"
	"github.com/gatehouse-portal/gatehouse/localaws/localawstest"
)

// command is a call of the AWS CLI and its output, or the code of its error, written as in the
// tables. If want is empty, it prints nothing.
type command struct{ args, want string }

var commands = map[string][]command{
	"apigateway": {
		{`create-api-key --name $prefix --value $random --enabled`, `{"id": "$key", "value": "$random", "enabled": true}`},
		{`create-api-key --name $prefix --value $random`, `ConflictException`},
		{`create-usage-plan --name $prefix --throttle rateLimit=5,burstLimit=10`, `{"id": "$plan", "throttle": {"rateLimit": 5, "burstLimit": 10}}`},
		{`create-usage-plan-key --usage-plan-id $plan --key-id $key --key-type API_KEY`, `{"id": "$key", "type": "API_KEY"}`},
		{`get-api-keys --name-query $prefix --include-values`, `{"items": [{"id": "$key", "value": "$random"}]}`},
	},
	"cognito-idp": {
		{`create-user-pool --pool-name $prefix`, `{"UserPool": {"Id": "$pool", "Name": "$prefix"}}`},
		{`list-user-pools --max-results 10`, `{"UserPools": [{"Id": "$pool"}]}`},
	},
	"dynamodb": {
		{`create-table --table-name $prefix --billing-mode PAY_PER_REQUEST --attribute-definitions AttributeName=pk,AttributeType=S --key-schema AttributeName=pk,KeyType=HASH`,
			`{"TableDescription": {"TableName": "$prefix"}}`},
		{`put-item --table-name $prefix --item {"pk":{"S":"a"},"n":{"N":"1"}}`, ``},
		{`get-item --table-name $prefix --key {"pk":{"S":"a"}}`, `{"Item": {"n": {"N": "1"}}}`},
		{`put-item --table-name $prefix --item {"pk":{"S":"a"}} --condition-expression attribute_not_exists(pk)`, `ConditionalCheckFailedException`},
	},
	"kms": {
		{`create-key --key-spec HMAC_256 --key-usage GENERATE_VERIFY_MAC`, `{"KeyMetadata": {"KeyId": "$key", "KeyState": "Enabled"}}`},
		{`generate-mac --key-id $key --mac-algorithm HMAC_SHA_256 --message hello`, `{"MacAlgorithm": "HMAC_SHA_256"}`},
	},
	"s3api": {
		{`create-bucket --bucket $prefix`, `{"Location": "/$prefix"}`},
		{`put-object --bucket $prefix --key docs/a --content-type text/plain`, `{"ETag": "\"d41d8cd98f00b204e9800998ecf8427e\""}`},
		{`list-objects-v2 --bucket $prefix`, `{"Contents": [{"Key": "docs/a", "Size": 0}]}`},
	},
	"sns": {
		{`create-topic --name $prefix`, `{"TopicArn": "$topic"}`},
		{`publish --topic-arn $topic --message hello`, `{"MessageId": "<any>"}`},
		{`publish --topic-arn $topic-nothing --message hello`, `NotFound`},
	},
	"sqs": {
		{`create-queue --queue-name $prefix --attributes VisibilityTimeout=60`, `{"QueueUrl": "$url"}`},
		{`send-message --queue-url $url --message-body hello`, `{"MessageId": "$message"}`},
		{`receive-message --queue-url $url --attribute-names All`, `{"Messages": [{"MessageId": "$message", "Body": "hello"}]}`},
		{`get-queue-url --queue-name $prefix-nothing`, `AWS.SimpleQueueService.NonExistentQueue`},
	},
	"sts": {
		{`get-caller-identity`, `{"Account": "$account"}`},
	},
}

func TestTheAWSCLIDrivesTheLocalAWS(t *testing.T) {
	t.Parallel()
	path := needed(t, "aws", "aws")
	if err := exec.Command(path, "--version").Run(); err != nil {
		// The program in the PATH may only be a stub.
		notRun(t, "aws", "aws is not installed")
	}
	srv := localawstest.Start(t)
	for service, list := range commands {
		t.Run(service, func(t *testing.T) {
			t.Parallel()
			n := newNames(localaws.Account, localaws.Region)
			for _, c := range list {
				args, unknown := n.expand(service + " " + c.args)
				if len(unknown) > 0 {
					t.Fatalf("aws %s: no earlier command printed %v", c.args, unknown)
				}
				out, errors, err := runCLI(t, path, srv.Endpoint(), strings.Fields(args)...)
				if problem := n.printed(c.want, out, errors, err); problem != "" {
					t.Errorf("aws %s: %s", args, problem)
				}
			}
		})
	}
}

// runCLI names the Region and the endpoint as version 1 of the CLI reads them.
func runCLI(t *testing.T, path, endpoint string, args ...string) (out, errors string, err error) {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), path, append([]string{"--endpoint-url", endpoint, "--output", "json"}, args...)...)
	cmd.Env = slices.Concat(os.Environ(), []string{
		"AWS_DEFAULT_REGION=" + localaws.Region, "AWS_REGION=" + localaws.Region,
		"AWS_ACCESS_KEY_ID=local", "AWS_SECRET_ACCESS_KEY=local", "AWS_SESSION_TOKEN=", "AWS_PAGER=", "AWS_MAX_ATTEMPTS=1",
		"AWS_CONFIG_FILE=" + os.DevNull, "AWS_SHARED_CREDENTIALS_FILE=" + os.DevNull,
	})
	var stdout, stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	err = cmd.Run()
	return stdout.String(), stderr.String(), err
}

func (n names) printed(want, out, errors string, err error) (problem string) {
	if want != "" && !strings.HasPrefix(want, "{") {
		if err == nil || !strings.Contains(errors, "("+want+")") {
			return "no " + want + ": " + out + errors
		}
		return ""
	}
	if err != nil {
		return err.Error() + ": " + errors
	}
	if want == "" {
		return strings.TrimSpace(out)
	}
	var pattern, held any
	if err := json.Unmarshal([]byte(want), &pattern); err != nil {
		return err.Error()
	}
	if err := json.Unmarshal([]byte(out), &held); err != nil {
		return err.Error() + ": " + out
	}
	if shown, same := n.compare(pattern, toObjects(held)); !same {
		return n.line(shown) + " instead of " + want
	}
	return ""
}
