package conformance

import (
	"context"
	"errors"
	"fmt"
	"reflect"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/apigateway"
	"github.com/aws/aws-sdk-go-v2/service/cognitoidentityprovider"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/kms"
	"github.com/aws/aws-sdk-go-v2/service/marketplacemetering"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/sns"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/aws-sdk-go-v2/service/sts"
	"github.com/aws/smithy-go"
	smithyhttp "github.com/aws/smithy-go/transport/http"
)

type clients map[string]reflect.Value

func newClients(cfg aws.Config) clients {
	all := map[string]any{
		"apigateway": apigateway.NewFromConfig(cfg),
		"cognito":    cognitoidentityprovider.NewFromConfig(cfg),
		"dynamodb":   dynamodb.NewFromConfig(cfg),
		"kms":        kms.NewFromConfig(cfg),
		"metering":   marketplacemetering.NewFromConfig(cfg),
		"s3":         s3.NewFromConfig(cfg, func(o *s3.Options) { o.UsePathStyle = true }),
		"sns":        sns.NewFromConfig(cfg),
		"sqs":        sqs.NewFromConfig(cfg),
		"sts":        sts.NewFromConfig(cfg),
	}
	c := clients{}
	for name, client := range all {
		c[name] = reflect.ValueOf(client)
	}
	return c
}

// call calls an operation and returns its encoded output. The error is AWS's, or a misuse if
// the SDK has no such call.
func (c clients) call(ctx context.Context, service, operation string, input any) (any, error) {
	client, ok := c[service]
	if !ok {
		return nil, misuse{fmt.Errorf("there is no client for %s", service)}
	}
	method := client.MethodByName(operation)
	if !method.IsValid() {
		return nil, misuse{fmt.Errorf("%s has no operation %s", service, operation)}
	}
	in := reflect.New(method.Type().In(1).Elem())
	if err := decode(input, in.Elem()); err != nil {
		return nil, misuse{fmt.Errorf("calling %s: %w", operation, err)}
	}
	results := method.Call([]reflect.Value{reflect.ValueOf(ctx), in})
	if err, _ := results[1].Interface().(error); err != nil {
		return nil, err
	}
	return encode(results[0]), nil
}

// misuse is a mistake in a table.
type misuse struct{ error }

type outcome struct {
	// shown is the part of the answer that the table names.
	shown string
	same  bool
}

// judge compares an answer with the wanted one. The error is a misuse.
func (n names) judge(w want, output any, err error) (outcome, error) {
	var wrong misuse
	if errors.As(err, &wrong) {
		return outcome{}, err
	}
	if err == nil && w.code != "" {
		return outcome{shown: n.line(present(output))}, nil
	}
	if err == nil {
		shown, same := n.compare(w.members, output)
		return outcome{n.line(shown), same}, nil
	}
	code, status, message, members := parseError(err)
	shown := fmt.Sprintf("%s %d", code, status)
	same := code == w.code && status == w.status
	switch {
	case w.members != nil && w.code == code:
		found, ok := n.compare(w.members, members)
		shown, same = shown+" "+n.line(found), same && ok
	case w.message != "" || !same:
		expanded, _ := n.expand(w.message)
		shown, same = shown+": "+n.hide(message), same && message == expanded
	}
	return outcome{shown, same}, nil
}

func present(v any) any {
	s, ok := v.(structure)
	if !ok {
		return v
	}
	kept := structure{}
	for name, value := range s {
		if value != nil && value != false && value != 0.0 && value != "" {
			kept[name] = present(value)
		}
	}
	return kept
}

// parseError takes an error of AWS's apart. Any other error has the code "none".
func parseError(err error) (code string, status int, message string, members any) {
	var answer *smithyhttp.ResponseError
	if errors.As(err, &answer) && answer.Response != nil {
		status = answer.HTTPStatusCode()
	}
	var refused smithy.APIError
	if !errors.As(err, &refused) {
		message = afterLast(err.Error(), "deserialization failed, ")
		if strings.Contains(message, "'<'") || strings.Contains(message, "XML syntax error") {
			message = "an HTML page"
		}
		return "none", status, message, nil
	}
	return refused.ErrorCode(), status, strings.TrimSpace(refused.ErrorMessage()), encode(reflect.ValueOf(refused))
}

func afterLast(s, separator string) string {
	if i := strings.LastIndex(s, separator); i >= 0 {
		return s[i+len(separator):]
	}
	return s
}
