package conformance

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"
)

// removers maps calls that create something to the calls that remove it. $name is a member of
// the output, or else of the input; a list makes one call for each item.
var removers = map[string]string{
	"apigateway:CreateApiKey":      `DeleteApiKey {"ApiKey": "$Id"}`,
	"apigateway:CreateDomainName":  `DeleteDomainName {"DomainName": "$DomainName"}`,
	"apigateway:CreateRestApi":     `DeleteRestApi {"RestApiId": "$Id"}`,
	"apigateway:CreateUsagePlan":   `DeleteUsagePlan {"UsagePlanId": "$Id"}`,
	"apigateway:ImportApiKeys":     `DeleteApiKey {"ApiKey": "$Ids"}`,
	"apigateway:ImportRestApi":     `DeleteRestApi {"RestApiId": "$Id"}`,
	"cognito:CreateUserPool":       `DeleteUserPool {"UserPoolId": "$UserPool.Id"}`,
	"cognito:CreateUserPoolDomain": `DeleteUserPoolDomain {"UserPoolId": "$UserPoolId", "Domain": "$Domain"}`,
	"dynamodb:CreateTable":         `DeleteTable {"TableName": "$TableName"}`,
	"kms:CreateAlias":              `DeleteAlias {"AliasName": "$AliasName"}`,
	"kms:CreateKey":                `ScheduleKeyDeletion {"KeyId": "$KeyMetadata.KeyId", "PendingWindowInDays": 7}`,
	"s3:CreateBucket":              `DeleteBucket {"Bucket": "$Bucket"}`,
	"s3:PutObject":                 `DeleteObject {"Bucket": "$Bucket", "Key": "$Key"}`,
	"sns:CreateTopic":              `DeleteTopic {"TopicArn": "$TopicArn"}`,
	"sns:Subscribe":                `Unsubscribe {"SubscriptionArn": "$SubscriptionArn"}`,
	"sqs:CreateQueue":              `DeleteQueue {"QueueUrl": "$QueueUrl"}`,
}

// made is what a scene has created at a shared target, as the calls that remove it, oldest
// first.
type made struct {
	clients clients
	calls   []removal
	pause   time.Duration
}

type removal struct {
	service, operation string
	input              any
}

func (r removal) String() string {
	input, _ := json.Marshal(r.input)
	return fmt.Sprintf("%s:%s %s", r.service, r.operation, input)
}

func (m *made) note(service, operation string, input, output any) error {
	undo, ok := removers[service+":"+operation]
	if !ok {
		return nil
	}
	remover, text, _ := strings.Cut(undo, " ")
	var template map[string]any
	if err := json.Unmarshal([]byte(text), &template); err != nil {
		return err
	}
	inputs := []map[string]any{{}}
	for member, value := range template {
		values := []any{value}
		if path, named := strings.CutPrefix(fmt.Sprint(value), "$"); named {
			values = lookUp(path, output, input)
		}
		var next []map[string]any
		for _, have := range inputs {
			for _, value := range values {
				in := map[string]any{member: value}
				for k, v := range have {
					in[k] = v
				}
				next = append(next, in)
			}
		}
		inputs = next
	}
	if len(inputs) == 0 {
		return fmt.Errorf("the answer of %s:%s does not name what it created", service, operation)
	}
	for _, in := range inputs {
		m.calls = append(m.calls, removal{service, remover, in})
	}
	return nil
}

// lookUp finds a.b in the first value that has it. A list yields its items.
func lookUp(path string, in ...any) []any {
	for _, v := range in {
		for name := range strings.SplitSeq(path, ".") {
			switch members := v.(type) {
			case structure:
				v = members[name]
			case map[string]any:
				v = members[name]
			default:
				v = nil
			}
		}
		switch found := v.(type) {
		case nil:
			continue
		case []any:
			return found
		default:
			return []any{found}
		}
	}
	return nil
}

const removalTries = 5

// remove removes everything, the newest first. It retries what has to wait for something else
// to be gone. The error names what is left, and why.
func (m *made) remove(ctx context.Context) error {
	var errs []error
	for try := range removalTries {
		var left []removal
		errs = nil
		for _, r := range slices.Backward(m.calls) {
			if err := m.removeOne(ctx, r); err != nil && !gone(err) {
				left = append(left, r)
				errs = append(errs, fmt.Errorf("%s: %w", r, err))
			}
		}
		if len(left) == 0 {
			m.calls = nil
			return nil
		}
		slices.Reverse(left)
		m.calls = left
		if try == removalTries-1 {
			break
		}
		select {
		case <-ctx.Done():
		case <-time.After(m.pause):
		}
		if ctx.Err() != nil {
			break
		}
	}
	return fmt.Errorf("left behind, to be removed by hand:\n%w", errors.Join(errs...))
}

func (m *made) removeOne(ctx context.Context, r removal) error {
	if r.operation == "DeleteUsagePlan" {
		if err := m.emptyPlan(ctx, r.input); err != nil {
			return err
		}
	}
	_, err := m.clients.call(ctx, r.service, r.operation, r.input)
	return err
}

// emptyPlan takes the stages out of a usage plan, since a plan with stages cannot be deleted.
func (m *made) emptyPlan(ctx context.Context, plan any) error {
	out, err := m.clients.call(ctx, "apigateway", "GetUsagePlan", plan)
	if err != nil {
		return err
	}
	var patches []any
	for _, stage := range lookUp("ApiStages", out) {
		value := fmt.Sprintf("%s:%s", lookUp("ApiId", stage)[0], lookUp("Stage", stage)[0])
		patches = append(patches, map[string]any{"Op": "remove", "Path": "/apiStages", "Value": value})
	}
	if len(patches) == 0 {
		return nil
	}
	in := map[string]any{"UsagePlanId": lookUp("UsagePlanId", plan)[0], "PatchOperations": patches}
	_, err = m.clients.call(ctx, "apigateway", "UpdateUsagePlan", in)
	return err
}

func gone(err error) bool {
	code, _, _, _ := parseError(err)
	for _, part := range []string{"NotFound", "NonExistent", "NoSuch", "DoesNotExist", "KMSInvalidState"} {
		if strings.Contains(code, part) {
			return true
		}
	}
	return false
}
